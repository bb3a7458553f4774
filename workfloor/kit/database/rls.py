"""The walls between clients: PostgreSQL hides every row of a client that the transaction has not entered."""

from typing import Any

from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement

CLIENTS = "workfloor.clients"
EVERY_CLIENT = "workfloor.every_client"

# `nullif`: after a commit PostgreSQL leaves a setting that was local at '', not at null.
_ENTERED = f"nullif(current_setting('{CLIENTS}', true), '')::bigint[]"
_EVERY = f"(SELECT current_setting('{EVERY_CLIENT}', true) = 'on')"


class NotInTransaction(RuntimeError):
    """A client was entered outside a transaction, where the setting would be lost at once."""


def enter(*client_ids: int) -> None:
    """Make exactly these clients' rows visible until the transaction ends; none hides all of them."""
    _set("{" + ",".join(str(int(client_id)) for client_id in client_ids) + "}", every="off")


def enter_every_client() -> None:
    """Make all clients' rows visible until the transaction ends, for engines that work across clients."""
    _set("{}", every="on")


def _set(clients: str, every: str) -> None:
    if not connection.in_atomic_block:
        raise NotInTransaction("enter clients inside transaction.atomic(): the wall is a setting of the transaction")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, true), set_config(%s, %s, true)", [CLIENTS, clients, EVERY_CLIENT, every]
        )


def policy_sql(table: str, column: str = "client_id", shared: bool = False, narrowed: str = "") -> list[str]:
    """The statements that wall a table (or one partition of it): a policy, enabled and forced on its owner too."""
    visible = f"{_EVERY} OR {column} = ANY ({_ENTERED})"
    if shared:
        visible += f" OR {column} IS NULL"
    if narrowed:
        visible = f"({visible}) AND {narrowed}"
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY wall ON "{table}" USING ({visible}) WITH CHECK ({visible})',
    ]


class _TableStatement(models.constraints.BaseConstraint):
    """A constraint that Django itself does not know: the statements that make it, and those that take it away."""

    options: tuple[str, ...] = ()

    def made_by(self, model: type[models.Model]) -> list[str]:
        raise NotImplementedError

    def unmade_by(self, model: type[models.Model]) -> list[str]:
        raise NotImplementedError

    def constraint_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None and schema_editor is not None
        schema_editor.deferred_sql.extend(Statement(sql) for sql in self.made_by(model))

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return Statement(";\n".join(self.made_by(model)))

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert model is not None
        return Statement(";\n".join(self.unmade_by(model)))

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to validate in Python: the database holds it."""

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        kwargs = {"name": self.name} | {option: getattr(self, option) for option in self.options}
        return f"workfloor.kit.database.rls.{type(self).__name__}", (), kwargs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TableStatement) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


class Wall(_TableStatement):
    """Hides the table's rows of clients that were not entered.

    `column` holds the client's id; with `shared`, rows without a client are the provider's own and always visible.
    `narrowed` is a further condition, in SQL: PostgreSQL looks a condition of its own policy up in an index, but none
    of a query unless its operator is leakproof, which those of texts are not. It must hold where nothing is looked for.
    """

    options = ("column", "shared", "narrowed")

    def __init__(self, *, name: str, column: str = "client_id", shared: bool = False, narrowed: str = "") -> None:
        super().__init__(name=name)
        self.column = column
        self.shared = shared
        self.narrowed = narrowed

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, args, {option: value for option, value in kwargs.items() if option != "narrowed" or value}

    def made_by(self, model: type[models.Model]) -> list[str]:
        return policy_sql(model._meta.db_table, self.column, self.shared, self.narrowed)

    def unmade_by(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        return [
            f'DROP POLICY wall ON "{table}"',
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
        ]


class SameClient(_TableStatement):
    """Refuses a reference to another client's row, which a plain foreign key would accept.

    PostgreSQL checks foreign keys past the wall, so the key takes the client along: the target needs a unique
    constraint on (client, id). Where the target's wall is shared, a trigger also lets the provider's own rows be named;
    with `at_once` it looks at all the new rows of a statement together, for tables that are written by the hundred.
    """

    options = ("field", "at_once")

    def __init__(self, *, name: str, field: str, at_once: bool = False) -> None:
        super().__init__(name=name)
        self.field = field
        self.at_once = at_once

    def made_by(self, model: type[models.Model]) -> list[str]:
        table, column, target = self._ends(model)
        if _is_shared(target):
            return _guard(self.name, table, column, target._meta.db_table, self.at_once)
        return [
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{self.name}" '
            f'FOREIGN KEY (client_id, "{column}") REFERENCES "{target._meta.db_table}" (client_id, id) '
            "DEFERRABLE INITIALLY DEFERRED"
        ]

    def unmade_by(self, model: type[models.Model]) -> list[str]:
        table, _, target = self._ends(model)
        if _is_shared(target):
            dropped = [f'DROP TRIGGER "{self.name}" ON "{table}"']
            return dropped + ([f'DROP TRIGGER "{self.name}_new" ON "{table}"'] if self.at_once else [])
        return [f'ALTER TABLE "{table}" DROP CONSTRAINT "{self.name}"']

    def _ends(self, model: type[models.Model]) -> tuple[str, str, type[models.Model]]:
        field: Any = model._meta.get_field(self.field)
        return model._meta.db_table, field.column, field.related_model


def _is_shared(model: type[models.Model]) -> bool:
    return any(isinstance(each, Wall) and each.shared for each in model._meta.constraints)


def _guard(name: str, table: str, column: str, target: str, at_once: bool) -> list[str]:
    """The trigger and its function, which looks through the wall of whoever writes: a hidden row is not there.

    Each trigger has a function of its own, whose one query PostgreSQL plans once: a tenth of the time of a general one.
    """
    is_there = f'FROM "{target}" WHERE id = {{row}}."{column}" AND (client_id IS NULL OR client_id = {{row}}.client_id)'
    function = f"""
CREATE OR REPLACE FUNCTION "workfloor_{name}{{of}}"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {{look}}
        RAISE foreign_key_violation
            USING MESSAGE = '{table}.{column} names no row of this client or of the provider';
    END IF;
    RETURN NULL;
END $$
"""
    of_each = f"PERFORM {is_there.format(row='NEW')};\n    IF NOT FOUND THEN"
    of_all = (
        f'PERFORM FROM written WHERE "{column}" IS NOT NULL AND NOT EXISTS (SELECT {is_there.format(row="written")});'
        "\n    IF FOUND THEN"
    )
    when = f'UPDATE OF client_id, "{column}" ON "{table}"'
    each = (
        f'CREATE TRIGGER "{name}" AFTER {"" if at_once else "INSERT OR "}{when} '
        f'FOR EACH ROW WHEN (NEW."{column}" IS NOT NULL) EXECUTE FUNCTION "workfloor_{name}"()'
    )
    if not at_once:
        return [function.format(of="", look=of_each), each]
    new = (
        f'CREATE TRIGGER "{name}_new" AFTER INSERT ON "{table}" REFERENCING NEW TABLE AS written '
        f'FOR EACH STATEMENT EXECUTE FUNCTION "workfloor_{name}_new"()'
    )
    return [function.format(of="", look=of_each), each, function.format(of="_new", look=of_all), new]
