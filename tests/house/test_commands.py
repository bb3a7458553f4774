"""Every command of the program, given by everybody: what the table of permissions does not name is refused in words."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from tests import make
from tests.house import two_clients
from tests.ops.presales.test_actions import HEADER, MAP
from workfloor.cli import admission, edge, main
from workfloor.core.access import permissions
from workfloor.core.people import own_account
from workfloor.kit.database import rls
from workfloor.kit.time import clock

ROLES = (*permissions.ROLES, "root")


# --- finding them, and what to say to each ----------------------------------------------------------------------------
def leaves(of: click.Command = main, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its words."""
    if not isinstance(of, click.Group):
        yield " ".join(words), of
        return
    context = click.Context(of)
    for name in of.list_commands(context):
        found = of.get_command(context, name)
        assert found is not None, (words, name)
        yield from leaves(found, (*words, name))


COMMANDS = dict(leaves())
DECLARED = {name for name, command in COMMANDS.items() if hasattr(command, "permission")}
ASKING = sorted(DECLARED | admission.ASKS.keys())

# What is said for a parameter of this name; anything else is a word that nothing is called by.
WORDS = {"client": "north", "slug": "north", "period": "2026-03", "month": "2026-03", "number": "1", "item": "1"}
# Commands that read files before they meet the database, and so need files that can be read.
OWN_WORDS = {
    "contracts sign": ["{contract}"],
    "presales history import": ["{calls}", "--map", "{map}"],
    "presales backtest": ["{contract}", "--client", "north"],
    "presales quote": ["{contract}", "--scenario", "{scenario}", "-n", "2"],
    "billing dispute uphold": ["1", "--amount", "10", "--reason", "x"],
    "presales simulate": ["{scenario}", "-n", "2"],
}


def said_for(each: click.Parameter, files: dict[str, str]) -> str:
    """A value of a parameter's type. Fails for a type that nobody has taught it."""
    kind = each.type
    if isinstance(kind, click.Choice):
        return str(next(iter(kind.choices)))
    if isinstance(kind, edge.Day):
        return "2026-03-02"
    if isinstance(kind, click.types.IntParamType | click.IntRange):
        return "1"
    if isinstance(kind, click.Path | click.File) or kind.name == "file":
        return files["text"]
    assert isinstance(kind, click.types.StringParamType), f"{each.name} is a {kind}: teach this test to say one"
    return WORDS.get(str(each.name), "nothing-is-called-this")


def words_of(name: str, command: click.Command, files: dict[str, str]) -> list[str]:
    """A whole command, as far as the permission: everything that must be given is."""
    said = name.split()
    if name in OWN_WORDS:
        return [*said, *(word.format(**files) for word in OWN_WORDS[name])]
    for each in command.params:
        if isinstance(each, click.Argument) and each.required:
            said.append(said_for(each, files))
        elif isinstance(each, click.Option) and each.name == "yes":
            said.append("--yes")
        elif isinstance(each, click.Option) and each.required:
            said += [each.opts[0], said_for(each, files)]
    return said


# --- everybody --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def floor(shared_database, tmp_path_factory):
    """Two clients with everything; of each role somebody who is cleared for the north, and is signed in."""
    folder = tmp_path_factory.mktemp("files")
    files = {name: str(folder / name) for name in ("text", "contract", "calls", "map", "scenario")}
    contract = make.CONTRACT.format(slug="north")
    texts = {
        "text": "nothing",
        "contract": contract,
        "calls": HEADER,
        "map": MAP.replace("lisbon-light", "north"),
        "scenario": '[scenario]\ntitle = "x"\nlasts = "1d"\nstarts_on = 2026-03-02\ncontract = "contract"\n\n'
        "[replay]\nevent_log = true\n",
    }
    for name, text in texts.items():
        Path(files[name]).write_text(text)
    with transaction.atomic():
        north, south = two_clients.both()
        everybody = north.staff | {"client": north.own, "administrator": make.person("administrator")}
        tokens = {
            role: own_account.sign_in(person=each, title="a test", now=clock.now())[1]
            for role, each in everybody.items()
        }
    yield SimpleNamespace(files=files, tokens=tokens | {"root": ""}, north=north, south=south)
    connection.close()


@pytest.fixture
def give(floor, monkeypatch, tmp_path):
    """Give a command as somebody of a role; gives its status and all that it said. What it did is undone afterwards."""
    monkeypatch.setattr(settings, "WORKFLOOR_SIGN_IN", tmp_path / "sign-in")

    def giving(role: str, *words: str) -> tuple[int, str]:
        monkeypatch.setattr(settings, "WORKFLOOR_TOKEN", floor.tokens[role])
        ran = CliRunner().invoke(main, words, prog_name="workfloor")
        if ran.exception and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran.exit_code, " ".join(ran.output.split())

    with transaction.atomic():
        yield giving
        transaction.set_rollback(True)


def rows() -> dict[str, int]:
    """How many rows each table holds, facts among them."""
    tables = sorted({model._meta.db_table for model in apps.get_models()})
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in tables)
    with transaction.atomic(), connection.cursor() as cursor:
        rls.enter_every_client()
        cursor.execute(counts)
        return dict(cursor.fetchall())


# --- each is known ----------------------------------------------------------------------------------------------------
def unaccounted(commands: dict[str, click.Command]) -> set[str]:
    """The commands that nobody has said of what they ask."""
    declared = {name for name, command in commands.items() if hasattr(command, "permission")}
    return (
        commands.keys() - declared - admission.ASKS.keys() - admission.ROOT_ALONE.keys() - admission.ASKS_NOTHING.keys()
    )


def test_every_command_asks_for_a_permission_or_stands_among_those_that_do_not_and_why():
    assert unaccounted(COMMANDS) == set()


def test_a_command_that_is_added_and_asks_for_nothing_is_found():
    assert unaccounted(COMMANDS | {"billing forgive": click.Command("forgive")}) == {"billing forgive"}


def test_nothing_stands_in_the_tables_that_is_no_command_or_asks_by_itself():
    tables = (admission.ASKS, admission.ROOT_ALONE, admission.ASKS_NOTHING)

    for table in tables:
        assert table.keys() - COMMANDS.keys() == set()
        assert table.keys() & DECLARED == set()
    assert len({name for table in tables for name in table}) == sum(map(len, tables))
    assert set(admission.ASKS.values()) <= permissions.PERMISSIONS.keys()
    assert OWN_WORDS.keys() <= COMMANDS.keys()


def test_a_command_that_stands_nowhere_is_refused_to_whoever_signed_in(give, monkeypatch):
    monkeypatch.delitem(admission.ASKS, "people list")

    code, said = give("administrator", "people", "list")

    assert (code, "Only the root of the installation does this" in said) == (1, True)
    assert give("root", "people", "list")[0] == 0


# --- the walk ---------------------------------------------------------------------------------------------------------
def permission_of(name: str) -> permissions.Permission:
    return permissions.PERMISSIONS[getattr(COMMANDS[name], "permission", "") or admission.ASKS[name]]


@pytest.mark.parametrize("name", ASKING)
def test_each_command_refuses_every_role_that_the_table_does_not_name_before_anything_is_written(name, floor, give):
    wanted, words = permission_of(name), words_of(name, COMMANDS[name], floor.files)
    before = rows()

    for role in permissions.ROLES:
        if role in wanted.roles:
            continue
        code, said = give(role, *words)
        assert (code, "that takes the role" in said) == (1, True), (role, said)
    if wanted.takes_a_person:
        assert give("root", *words)[0] != 0

    assert rows() == before


@pytest.mark.parametrize("name", ASKING)
def test_each_command_lets_those_come_to_it_whom_the_table_names(name, floor, give):
    wanted, words = permission_of(name), words_of(name, COMMANDS[name], floor.files)

    for role in ROLES:
        if role == "root" or role in wanted.roles:
            code, said = give(role, *words)
            assert "that takes the role" not in said, (role, said)
            assert code in (0, 1, 2), (role, said)


@pytest.mark.parametrize("name", admission.ROOT_ALONE)
@pytest.mark.parametrize("role", permissions.ROLES)
def test_what_is_about_all_clients_at_once_is_the_roots_alone(name, role, floor, give):
    before = rows()

    code, said = give(role, *words_of(name, COMMANDS[name], floor.files))

    assert (code, "Only the root of the installation does this" in said) == (1, True), said
    assert rows() == before


# --- the wall ---------------------------------------------------------------------------------------------------------
def reads() -> list[str]:
    """The commands that show something, written by hand."""
    return sorted(
        name
        for name, wanted in admission.ASKS.items()
        if wanted.endswith((".read", ".look-after", ".handle")) or name.endswith(" list")
    )


@pytest.mark.parametrize("name", reads())
def test_nobody_reads_of_a_client_for_whom_they_are_not_cleared(name, floor, give):
    """The south's every text holds a word that nobody else's does; whoever is cleared for the north never reads it."""
    words, south = words_of(name, COMMANDS[name], floor.files), floor.south.client.slug

    for role in permission_of(name).roles - {"administrator"}:
        for number in south_numbers(floor):
            for client in ("north", south):
                asked = [{"1": number, "north": client}.get(word, word) for word in words]
                _, said = give(role, *asked)
                assert two_clients.SECRET not in said.replace(south, "").lower(), (role, asked, said)
                if client == "north":
                    assert south not in said, (role, asked, said)


def south_numbers(floor) -> list[str]:
    """The numbers of rows of the south."""
    side = floor.south
    return sorted({str(each.id) for each in (side.waiting, side.held, side.arrival, side.endpoint)})


def test_whoever_has_mistyped_a_client_is_told_of_none_that_they_may_not_see(give):
    assert "Clients: north." in give("manager", "billing", "period", "list", "nobody")[1]
    assert f"Clients: north, {two_clients.SECRET}-south." in give("root", "billing", "period", "list", "nobody")[1]


def test_the_root_reads_of_both(give):
    """Else the tests above would hold for commands that show nothing."""
    assert two_clients.SECRET in give("root", "channels", "mailbox", "list")[1].lower()
    assert two_clients.SECRET in give("root", "admin", "webhook", "list")[1].lower()
