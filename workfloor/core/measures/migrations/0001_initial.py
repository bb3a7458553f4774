"""15-minute buckets, and the triggers on work items that keep them, whoever writes."""

import django.contrib.postgres.fields
import django.db.models.deletion
import workfloor.kit.database.rls
from django.db import migrations, models


_OVER = "('done', 'abandoned', 'cancelled')"
# The 15-minute buckets of UTC are those of every zone: offsets are whole quarters of an hour.
_QUARTER = "date_bin('15 minutes', {}, '0001-01-01 00:00+00')"

_COLUMNS = """
client_id, queue_id, starts_at, loose, received, cancelled, answered, abandoned, done, waited, talk_seconds,
hold_seconds, wrap_seconds, done_talk_seconds, done_handled_seconds, transferred, handled_talk_seconds,
handled_hold_seconds, handled_wrap_seconds, waits, left_after, resolved_in, handled, dispositions
"""

# The one definition of what finished items add up to; its twin in Python is buckets.Sums.
_ADDED_UP = """
SELECT client_id, queue_id, starts_at, {loose}, count(*), count(*) FILTER (WHERE cancelled), count(*) FILTER (WHERE answered),
    count(*) FILTER (WHERE abandoned), count(*) FILTER (WHERE done),
    coalesce(sum(wait) FILTER (WHERE answered), 0),
    coalesce(sum(talk_seconds) FILTER (WHERE answered), 0), coalesce(sum(hold_seconds) FILTER (WHERE answered), 0),
    coalesce(sum(wrap_seconds) FILTER (WHERE answered), 0), coalesce(sum(talk_seconds) FILTER (WHERE done), 0),
    coalesce(sum(spent) FILTER (WHERE done), 0), count(*) FILTER (WHERE answered AND transfers > 0),
    coalesce(sum(talk_seconds) FILTER (WHERE done AND answered), 0),
    coalesce(sum(hold_seconds) FILTER (WHERE done AND answered), 0),
    coalesce(sum(wrap_seconds) FILTER (WHERE done AND answered), 0), array_agg(wait{by_wait}) FILTER (WHERE answered),
    array_agg(patience{by_patience}) FILTER (WHERE abandoned),
    array_agg(working_seconds{by_working_seconds}) FILTER (WHERE done AND working_seconds IS NOT NULL),
    array_agg(spent{by_spent}) FILTER (WHERE done AND answered),
    array_agg(disposition) FILTER (WHERE done)
FROM (
    SELECT client_id, queue_id, {quarter} AS starts_at, talk_seconds, hold_seconds, wrap_seconds, working_seconds,
        disposition, transfers, state = 'done' AS done, state = 'cancelled' AS cancelled,
        state <> 'cancelled' AND connected_at IS NOT NULL AS answered,
        state = 'abandoned' AND connected_at IS NULL AS abandoned,
        (extract(epoch FROM connected_at - queued_at) * 1000000)::bigint AS wait,
        (extract(epoch FROM abandoned_at - queued_at) * 1000000)::bigint AS patience,
        talk_seconds + hold_seconds + wrap_seconds AS spent
    FROM {source} AS item WHERE state IN {over} AND kind <> 'outbound-email' {chosen}) AS each
GROUP BY client_id, queue_id, starts_at
"""
_SORTED = ("wait", "patience", "working_seconds", "spent")


def _added_up(source, chosen="", loose="true"):
    # What is appended is not sorted, so that PostgreSQL adds up by hashing.
    by = {f"by_{name}": f" ORDER BY {name}" if loose == "false" else "" for name in _SORTED}
    select = _ADDED_UP.format(
        source=source, chosen=chosen, loose=loose, over=_OVER, quarter=_QUARTER.format("received_at"), **by
    )
    return f"INSERT INTO measures_bucket ({_COLUMNS}) {select}"


# Counting anew puts the sum of the items in the place of the rows, both as one and the same snapshot shows them: a row
# that somebody appends meanwhile belongs to an item that this does not see yet. The lock is asked for before, so that
# of two who count the same quarters anew the second sees what the first has written.
_RECOUNT = f"""
CREATE FUNCTION measures_recount(whose bigint, earliest timestamptz, latest timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz := {_QUARTER.format("earliest")};
    past timestamptz := {_QUARTER.format("latest")} + interval '15 minutes';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('measures/' || whose, 0));
    WITH gone AS (
        DELETE FROM measures_bucket WHERE client_id = whose AND starts_at >= first AND starts_at < past
    )
    {_added_up("work_item", "AND client_id = whose AND received_at >= first AND received_at < past", "false")};
END $$
"""

_STORED = f"""
CREATE FUNCTION measures_item_stored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM stored WHERE state IN {_OVER}) THEN
        {_added_up("stored")};
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER measures_stored AFTER INSERT ON work_item REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION measures_item_stored()
"""

_CHANGED = f"""
CREATE FUNCTION measures_item_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN {_OVER} THEN
        PERFORM measures_recount(OLD.client_id, OLD.received_at, OLD.received_at);
        IF NEW.received_at <> OLD.received_at THEN
            PERFORM measures_recount(NEW.client_id, NEW.received_at, NEW.received_at);
        END IF;
    ELSE
        {_added_up("(SELECT NEW.*)")};
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER measures_changed AFTER UPDATE ON work_item FOR EACH ROW
    WHEN (OLD.state IN {_OVER} OR NEW.state IN {_OVER}) EXECUTE FUNCTION measures_item_changed()
"""

_REMOVED = f"""
CREATE FUNCTION measures_item_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM measures_recount(client_id, starts_at, starts_at) FROM (
        SELECT DISTINCT client_id, {_QUARTER.format("received_at")} AS starts_at FROM removed
        WHERE state IN {_OVER} ORDER BY client_id, starts_at) AS each;
    RETURN NULL;
END $$;
CREATE TRIGGER measures_removed AFTER DELETE ON work_item REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION measures_item_removed()
"""

_UNDO = "".join(
    f"DROP TRIGGER measures_{name} ON work_item; DROP FUNCTION measures_item_{name}();"
    for name in ("stored", "changed", "removed")
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('clients', '0001_initial'),
        ('contracts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Bucket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('loose', models.BooleanField(default=True)),
                ('received', models.IntegerField(default=0)),
                ('cancelled', models.IntegerField(default=0)),
                ('answered', models.IntegerField(default=0)),
                ('abandoned', models.IntegerField(default=0)),
                ('done', models.IntegerField(default=0)),
                ('waited', models.BigIntegerField(default=0)),
                ('talk_seconds', models.BigIntegerField(default=0)),
                ('hold_seconds', models.BigIntegerField(default=0)),
                ('wrap_seconds', models.BigIntegerField(default=0)),
                ('done_talk_seconds', models.BigIntegerField(default=0)),
                ('done_handled_seconds', models.BigIntegerField(default=0)),
                ('transferred', models.IntegerField(default=0)),
                ('handled_talk_seconds', models.BigIntegerField(default=0)),
                ('handled_hold_seconds', models.BigIntegerField(default=0)),
                ('handled_wrap_seconds', models.BigIntegerField(default=0)),
                ('waits', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True, size=None)),
                ('left_after', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True, size=None)),
                ('resolved_in', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None)),
                ('handled', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), null=True, size=None)),
                ('dispositions', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None)),
                ('client', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clients.client')),
                ('queue', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contracts.queue')),
            ],
            options={
                'indexes': [models.Index(fields=['client', 'starts_at'], name='bucket_period'), models.Index(condition=models.Q(('loose', True)), fields=['client', 'starts_at'], name='bucket_loose')],
                'constraints': [
                    workfloor.kit.database.rls.Wall(column='client_id', name='bucket_wall', shared=False),
                    workfloor.kit.database.rls.SameClient(field='queue', name='bucket_queue'),
                ],
            },
        ),
        migrations.RunSQL(
            [_RECOUNT, _STORED, _CHANGED, _REMOVED],
            _UNDO + "DROP FUNCTION measures_recount(bigint, timestamptz, timestamptz)",
        ),
    ]
