"""Clients are walls in the database: from inside one, no row of another exists, whoever asks and however."""

import json

import pytest
from django.db import DatabaseError, connection, models, transaction

from tests.house import two_clients
from workfloor.core.clients.models import Client
from workfloor.kit.database import rls

MODELS = two_clients.walled_models()
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)

# Models without a client of their own that refer to one with: what they refer to is the provider's own.
PROVIDERS_OWN = {
    "people.Site": "a site's leader is staff",
    "people.Team": "a team's leader is staff",
    "people.Certificate": "certificates are held by staff",
    "people.AgentState": "agent_state is of staff",
    "people.Heard": "browsers are looked for of staff",
    "people.Shift": "shifts are of staff",
    "people.Spell": "spells are of staff",
    "people.SignIn": "sign-ins are found by their secret, and hold nothing of a client's",
    "people.SignInLink": "links are found by their secret, and hold nothing of a client's",
}


@pytest.fixture
def inside(sides):
    """Inside the north; the south's number."""
    north, south = sides
    rls.enter(north.client.id)
    return north.client.id, south.client.id


def asked(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def outcome(statement, *values):
    """What a statement changed, or with which code the database refused it; either way it is undone."""
    try:
        with transaction.atomic():
            changed = asked(statement, *values)
            asked("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)
            return changed
    except DatabaseError as refused:
        return getattr(refused.__cause__, "sqlstate", None)


ROW_SECURITY = "42501"
APPEND_ONLY = "23001"
FOREIGN_KEY = "23503"


# --- the walls stand --------------------------------------------------------------------------------------------------


def test_every_table_with_a_client_is_walled_on_its_owner_too(sides):
    walls = {
        name: (enabled, forced, policies)
        for name, enabled, forced, policies in asked(
            "SELECT relname, relrowsecurity, relforcerowsecurity, "
            "(SELECT array_agg(polname::text || polcmd::text || polpermissive::text) "
            "FROM pg_policy WHERE polrelid = pg_class.oid) "
            "FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
    }

    tables = two_clients.walled_tables()
    assert {model._meta.db_table for model in MODELS} <= tables.keys()
    assert {name: walls[name] for name in tables} == dict.fromkeys(tables, (True, True, ["wall*true"]))


def test_a_policy_guards_writing_as_it_guards_reading(sides):
    uneven = asked(
        "SELECT polrelid::regclass::text FROM pg_policy "
        "WHERE pg_get_expr(polqual, polrelid) IS DISTINCT FROM pg_get_expr(polwithcheck, polrelid)"
    )

    assert uneven == []


def test_no_view_and_no_function_goes_round_the_walls(sides):
    views = asked(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') "
        "AND NOT 'security_invoker=true' = ANY(coalesce(reloptions, '{}'))"
    )
    definers = asked("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")

    assert views == definers == []


def test_a_model_that_refers_to_a_walled_one_has_a_client_itself():
    from django.apps import apps

    without = {
        model._meta.label
        for model in apps.get_models()
        if model not in MODELS
        for field in model._meta.concrete_fields
        if field.related_model in MODELS
    }

    assert without == PROVIDERS_OWN.keys()


# --- rows of another client do not exist ------------------------------------------------------------------------------


@each_model
def test_the_models_show_nothing_of_another_client(model, inside):
    north, south = inside
    column = two_clients.column_of(model)

    assert set(model._default_manager.values_list(column, flat=True)) - {None} == {north}
    assert not model._default_manager.filter(**{column: south}).exists()


def rows_of(client_id):
    """How many rows each table holds of a client, seen from inside every client."""
    tables = two_clients.walled_tables()
    rls.enter_every_client()
    counts = {
        name: asked(f'SELECT count(*) FROM "{name}" WHERE {column} = %s', client_id)[0][0]
        for name, column in tables.items()
    }
    return {name: count for name, count in counts.items() if count}


def test_plain_sql_shows_nothing_of_another_client_in_any_table_or_partition(inside):
    north, south = inside
    tables, filled = two_clients.walled_tables(), rows_of(south)
    rls.enter(north)

    assert {model._meta.db_table for model in MODELS} <= filled.keys()
    assert any(name.startswith("event_log_fact_2") for name in filled)
    for name, column in tables.items():
        assert asked(f'SELECT 1 FROM "{name}" WHERE {column} = %s', south) == [], name
        assert {found for (found,) in asked(f'SELECT {column} FROM "{name}"')} <= {north, None}, name


def test_without_entering_a_client_only_the_providers_own_is_there(inside):
    rls.enter()

    for name, column in two_clients.walled_tables().items():
        assert asked(f'SELECT 1 FROM "{name}" WHERE {column} IS NOT NULL') == [], name


def test_nothing_of_another_client_can_be_changed_or_deleted(inside):
    north, south = inside
    before = rows_of(south)
    rls.enter(north)

    for name, column in two_clients.walled_tables().items():
        assert outcome(f'UPDATE "{name}" SET {column} = {column} WHERE {column} = %s', south) in {0, APPEND_ONLY}, name
        assert outcome(f'DELETE FROM "{name}" WHERE {column} = %s', south) in {0, APPEND_ONLY}, name
    assert rows_of(south) == before


def test_no_row_can_be_moved_to_another_client(inside):
    north, south = inside
    filled = rows_of(north)
    rls.enter(north)

    for name, column in two_clients.walled_tables().items():
        if name in filled:
            moved = outcome(f'UPDATE "{name}" SET {column} = %s WHERE {column} = %s', south, north)
            assert moved in {ROW_SECURITY, APPEND_ONLY}, name


def test_no_row_can_be_added_for_another_client(inside):
    north, south = inside
    filled = rows_of(north)
    rls.enter(north)

    for name, column in two_clients.walled_tables().items():
        if name in filled:
            columns = given_columns(name)
            forged = (
                f'INSERT INTO "{name}" ({", ".join(columns)}) OVERRIDING SYSTEM VALUE '
                f"SELECT {', '.join(f'made.{each}' for each in columns)} "
                f'FROM "{name}" mine, jsonb_populate_record(null::"{name}", '
                f"to_jsonb(mine) || jsonb_build_object('{column}', %s::bigint)) made WHERE mine.{column} = %s LIMIT 1"
            )
            assert outcome(forged, south, north) == ROW_SECURITY, name


def given_columns(table):
    """The columns of a table that are written, and not made from others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            [table],
        )
        return [f'"{name}"' for (name,) in cursor.fetchall()]


# --- references -------------------------------------------------------------------------------------------------------

REFERENCES = [
    (model, field)
    for model in MODELS
    for field in model._meta.concrete_fields
    if isinstance(field, models.ForeignKey) and field.related_model in MODELS and field.related_model is not Client
]


@pytest.mark.parametrize(("model", "field"), REFERENCES, ids=lambda each: getattr(each, "name", "") or each.__name__)
def test_another_clients_row_cannot_be_referred_to(model, field, sides):
    north, south = sides
    target = field.related_model
    free = target._default_manager.filter(client_id=south.client.id)
    if field.unique or field in model._meta.pk_fields:  # or the unique constraint would speak first
        free = free.exclude(pk__in=model._default_manager.values(field.name))
    of_south = free.values_list("pk", flat=True)[0]
    rows = model._default_manager.filter(client_id=north.client.id)
    mine = rows.order_by(models.F(field.name).asc(nulls_last=True)).values_list("pk", flat=True)[0]
    key = " AND ".join(f'"{each.column}" = %s' for each in model._meta.pk_fields)
    point = (
        f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s WHERE {key}',
        of_south,
        *(mine if isinstance(mine, tuple) else (mine,)),
    )

    if outcome(*point) == APPEND_ONLY:  # what is never changed may still be added
        point = copied(model, field.column, of_south, mine)

    from_every_client = outcome(*point)
    rls.enter(north.client.id)
    from_inside = outcome(*point)

    assert (from_every_client, from_inside) == (FOREIGN_KEY, FOREIGN_KEY)


def copied(model, column, value, row):
    """The statement that adds a copy of a row with one column changed, and its values."""
    table, key = model._meta.db_table, model._meta.pk.column
    unique = [each for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]
    named = {name for each in unique for name in each.fields if not model._meta.get_field(name).is_relation}
    fresh = dict.fromkeys(named, 4711) | {key: -1}
    copy = f'jsonb_populate_record(null::"{table}", to_jsonb(mine) || %s::jsonb || jsonb_build_object(%s::text, %s))'
    return (
        f'INSERT INTO "{table}" OVERRIDING SYSTEM VALUE SELECT ({copy}).* FROM "{table}" mine WHERE "{key}" = %s',
        json.dumps(fresh),
        column,
        value,
        row,
    )


def test_the_references_between_clients_rows_are_found_by_themselves():
    found = {f"{model._meta.label}.{field.name}" for model, field in REFERENCES}

    assert found >= {"contracts.Queue.process", "work.Case.customer", "work.Item.queue", "work.Assignment.item"}
