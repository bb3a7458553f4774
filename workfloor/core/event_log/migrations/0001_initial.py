"""The event log: append-only, partitioned by month, walled."""

from django.db import migrations, models

from workfloor.core.event_log import models as event_log_models
from workfloor.kit.database import partitions, rls

TABLE = """
CREATE TABLE event_log_fact (
    id bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    client_id bigint,
    item_id bigint,
    case_id bigint,
    person_id bigint,
    by_id bigint,
    acted_as text NOT NULL DEFAULT '',
    event text NOT NULL CHECK (event ~ '^[a-z-]+\\.[a-z-]+$'),
    details jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX event_log_fact_unseen ON event_log_fact (xid, id) WHERE xid > '3'; -- no news is what was told as if by the first
CREATE INDEX event_log_fact_item ON event_log_fact (item_id, id) WHERE item_id IS NOT NULL;
CREATE INDEX event_log_fact_person ON event_log_fact (person_id, id) WHERE person_id IS NOT NULL;
CREATE INDEX event_log_fact_client ON event_log_fact (client_id, at);
CREATE INDEX event_log_fact_administration ON event_log_fact (at) WHERE item_id IS NULL AND case_id IS NULL;
"""


# Rows of the queue live for milliseconds: it is vacuumed by how many there were, never by their share, and not analysed.
ORDER = """
CREATE TABLE event_log_unplaced (
    fact_id bigint NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    event text NOT NULL,
    PRIMARY KEY (fact_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 2000000000, vacuum_truncate = on
);
CREATE TABLE event_log_position (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact_id bigint NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    event text NOT NULL
);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="Cursor",
            fields=[
                ("follower", models.TextField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Parked",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("follower", models.TextField()),
                ("position", models.BigIntegerField()),
                ("event", models.TextField()),
                ("client_id", models.BigIntegerField(null=True)),
                ("error", models.TextField()),
                ("tries", models.PositiveIntegerField(default=1)),
                ("parked_at", models.DateTimeField()),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=("follower", "position"), name="event_log_parked_once"),
                    rls.Wall(name="event_log_parked_wall", shared=True),
                ],
            },
        ),
        migrations.CreateModel(
            name="Unplaced",
            fields=[
                ("fact_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("event", models.TextField()),
            ],
            options={"db_table": "event_log_unplaced", "managed": False},
        ),
        migrations.CreateModel(
            name="Position",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("fact_id", models.BigIntegerField(unique=True)),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("event", models.TextField()),
            ],
            options={"db_table": "event_log_position", "managed": False},
        ),
        migrations.CreateModel(
            name="Fact",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("xid", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("client_id", models.BigIntegerField(null=True)),
                ("item_id", models.BigIntegerField(null=True)),
                ("case_id", models.BigIntegerField(null=True)),
                ("person_id", models.BigIntegerField(null=True)),
                ("by_id", models.BigIntegerField(null=True)),
                ("acted_as", models.TextField(default="")),
                ("event", models.TextField()),
                ("details", models.JSONField(default=dict)),
            ],
            options={"db_table": "event_log_fact", "managed": False},
        ),
        migrations.RunSQL(
            [
                partitions.APPEND_ONLY_SQL,
                TABLE,
                ORDER,
                *event_log_models.WALL,
                partitions.append_only_sql(event_log_models.TABLE),
            ],
            "DROP TABLE event_log_position; DROP TABLE event_log_unplaced; DROP TABLE event_log_fact; DROP FUNCTION workfloor_append_only()",
        ),
    ]
