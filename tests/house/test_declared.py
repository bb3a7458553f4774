"""What is declared can be done by whom the table names, whichever way it comes, and each write says who did it."""

import importlib
import inspect
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from tests import make
from tests.house.test_rooms import HOUSE
from workfloor.core.access import permissions
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people.models import Person
from workfloor.desks.console import action_forms
from workfloor.desks.console import presenting as console_presenting
from workfloor.desks.console import queries as console_queries
from workfloor.kit import declarations
from workfloor.kit.time import clock

ACTIONS = console_queries.declared()
ROOT = Path(__file__).parents[2]


class Somebody:
    """A person as permissions see one, who leads every team and is cleared for every client."""

    name, acts_as, person_id, client_id = "Ana", "", 1, None

    def __init__(self, *roles):
        self.roles = roles

    def may_enter(self, client_id):
        return True

    def is_made_up_with(self, others):
        return False

    def leads(self, team_id):
        return True


@pytest.mark.parametrize("role", permissions.ROLES)
@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_refuses_every_role_that_the_table_does_not_name_before_it_does_anything(name, role):
    action = ACTIONS[name]
    nothing = {each.name: None for each in action.parameters}  # whoever is let in fails over it

    with pytest.raises(Exception) as raised:
        action.perform(**nothing, by=Somebody(role), now=make.NINE)

    named = role in permissions.PERMISSIONS[action.permission].roles
    assert (isinstance(raised.value, permissions.Refused) and "that takes the role" in str(raised.value)) or named


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_says_what_it_does_and_asks_for_what_can_be_read(name):
    action = ACTIONS[name]
    known = (str, int, bool, date, datetime, Decimal, declarations.File)

    assert action.permission in permissions.PERMISSIONS
    assert action.help.endswith(".") or action.help.endswith("once.")
    assert action.example.startswith("workfloor " + " ".join(action.command))
    for each in action.parameters:
        assert each.choices or each.handle or each.type in known, f"{each.name} is a {each.type}"
        assert each.field.words[0].isupper()
    said = {each.name: "x" for each in action.parameters}
    assert "{" not in action.says.replace("{client.slug}", "x").format(**said, result="x", made="x")


def test_no_two_actions_are_one_command():
    commands = [each.command for each in ACTIONS.values()]

    assert len(set(commands)) == len(commands)


def test_the_page_of_documentation_says_what_the_declarations_say():
    page = (ROOT / "docs/guide/actions.md").read_text()

    assert page == console_presenting.reference(), "workfloor admin actions --format markdown > docs/guide/actions.md"


def test_every_action_is_a_form(everyone):
    for action in ACTIONS.values():
        assert set(action_forms.form_of(action).fields) == {each.name for each in action.parameters}


# --- Who did it -------------------------------------------------------------------------------------------------------

# Packages whose writes cannot be made without saying who makes them. The others come here one by one.
SAY_WHO = (
    "core.people",
    "core.clients",
    "core.contracts",
    "core.claims",
    "core.periods",
    "core.work",
    "core.conversations",
    "ops.billing",
    "ops.channels.chat",
    "ops.channels.email",
    "ops.channels.email.delivering",
    "ops.relationship",
)
# What a person does about themselves, a visitor with the secret of their own chat, and the product itself: each of them
# says so by itself.
BY_THEMSELVES = {
    "core.people": {"note_heard", "open_account"},
    "core.clients": {"admit"},
    "ops.billing": {"ask_to_take", "begin_step", "take_step", "tell_progress", "fail_step"},
    "core.periods": {"hold"},
    "core.work": {"arrival", "claim", "hold_agent_state"},
    "core.conversations": {"take_turn", "delete_old_drafts", "delete_expired"},
    "ops.channels.chat": {
        "begin",
        "say",
        "come_back",
        "leave",
        "rate",
        "read",
        "turn",
        "send_transcript",
        "type_to_us",
        "note_seen",
        "move",
    },
    "ops.channels.email": {
        "store",
        "store_fetched",
        "mark_fetching",
        "ask_to_take",
        "take",
        "mark_unread",
        "delete_expired",
    },
    "ops.channels.email.delivering": {
        "post",
        "ask_to_deliver",
        "begin",
        "mark_delivered",
        "mark_refused",
    },
}


@pytest.mark.parametrize("package", SAY_WHO)
def test_a_write_cannot_be_made_without_saying_who_makes_it(package):
    place = "" if package.endswith(".delivering") else ".actions"
    module = importlib.import_module(f"workfloor.{package}{place}")
    silent = {
        name
        for name, found in vars(module).items()
        if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_")
        if (by := inspect.signature(found).parameters.get("by")) is None or by.default is not by.empty
    }

    assert silent == BY_THEMSELVES.get(package, set())


# --- The audit is whole -----------------------------------------------------------------------------------------------

HISTORY = """
CREATE TABLE row_history (number serial, of text, op text, before jsonb, after jsonb);
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO row_history (of, op, before, after)
    VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END $$;
"""
FOR_EACH = "FOR EACH ROW EXECUTE FUNCTION keep_row()"
SINCE = "SELECT number, of, op, before, after FROM row_history WHERE number > %s ORDER BY number"
KEPT = (
    "people_site",
    "people_team",
    "people_person",
    "people_certificate",
    "people_clearance",
    "people_account",
    "people_signinlink",
    "outgoing_mail",
)
COLUMNS = {"site_id": "site", "team_id": "team", "leader_id": "leader", "left_at": "left_at"}


@pytest.fixture
def history(everyone):
    with connection.cursor() as cursor:
        cursor.execute(HISTORY)
        for table in KEPT:
            cursor.execute(f"CREATE TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON {table} {FOR_EACH}")

    def since(number):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT number, of, op, before, after FROM row_history WHERE number > %s ORDER BY number", [number]
            )
            return [(*row[:3], *(each and json.loads(each) for each in row[3:])) for row in cursor.fetchall()]

    return since


def perform(action_name, written):
    action = ACTIONS[action_name]
    return action.perform(**action.read(written), by=Person.objects.get(name="Root's own"), now=clock.now())


WEEK = (
    ("people.open_site", {"name": "Porto", "country": "PT", "zone": "Europe/Lisbon"}),
    ("people.open_site", {"name": "Cebu", "country": "PH", "zone": "Asia/Manila"}),
    ("people.change_site", {"site": "Porto", "name": "Porto, harbour"}),
    ("people.take_on", {"name": "Rita Melo", "email": "rita@example.com", "roles": ["leader"], "site": "Cebu"}),
    ("people.form_team", {"site": "Porto, harbour", "name": "Days", "leader": "rita@example.com"}),
    ("people.take_on", {"name": "Joao Reis", "email": "joao@example.com", "roles": ["agent"], "team": "Days"}),
    ("people.change_team", {"team": "Days", "name": "Porto days"}),
    ("people.change_person", {"person": "rita@example.com", "name": "Rita Melo Reis", "team": "Porto days"}),
    ("people.assign_roles", {"person": "joao@example.com", "roles": ["agent", "planner"]}),
    ("people.certify", {"person": "joao@example.com", "skill": "portuguese", "level": "4", "proof": "test"}),
    ("people.revoke", {"person": "joao@example.com", "skill": "portuguese", "reason": "failed the yearly test"}),
    ("people.clear", {"person": "joao@example.com", "client": "lisbon-light"}),
    ("people.withdraw", {"person": "joao@example.com", "client": "lisbon-light"}),
    ("people.invite", {"person": "joao@example.com"}),
    ("people.withdraw_invitation", {"person": "joao@example.com"}),
    ("people.send_link", {"person": "joao@example.com"}),
    ("people.leave", {"person": "joao@example.com"}),
)


def test_the_week_is_of_every_action_about_people():
    by_another = {"people.vouch"}  # which takes somebody else: tests/core/people/test_vouching.py
    assert {name for name, _ in WEEK} | by_another == {name for name in ACTIONS if name.startswith("people.")}


def test_no_row_changes_in_a_week_without_a_fact_that_says_who_and_from_what_to_what(history):
    make.client()
    by = make.person("administrator", "manager", name="Root's own")
    last = max((row[0] for row in history(0)), default=0)
    told = set(event_log_queries.administrative().values_list("id", flat=True))

    for name, written in WEEK:
        perform(name, written)
        changed = history(last)
        facts = [each for each in event_log_queries.administrative() if each.id not in told]
        assert changed, name
        assert facts and all(each.by_id == by.id for each in facts), name
        for _, of, op, before, after in changed:
            if op != "UPDATE" or of not in ("people_site", "people_team", "people_person"):
                continue
            fields = {COLUMNS.get(column, column) for column in after if before[column] != after[column]}
            said = [each for each in facts if each.event == "record.changed"]
            assert fields == {"left_at"} or fields == set(said[0].details["after"]) == set(said[0].details["before"]), (
                name
            )
        last = changed[-1][0]
        told |= {each.id for each in facts}


def test_whatever_writes_rows_of_people_does_so_in_their_own_room():
    """A write that goes round the actions would be in no audit."""
    writes = ("Site.objects.create", "Team.objects.create", "Person.objects.create", "Clearance.objects.create")
    found = {
        str(path.relative_to(HOUSE))
        for path in HOUSE.rglob("*.py")
        if any(write in path.read_text() for write in writes)
    }

    assert found == {"core/people/actions.py"}


def test_an_action_that_is_added_is_a_command_a_form_a_call_and_a_page_without_more():
    """What the note of the product shows by hand, kept true: nothing of these four is written anywhere."""
    for name in ("change_site", "certify"):
        users = {
            str(path.relative_to(HOUSE))
            for path in HOUSE.rglob("*.py")
            if f"people.{name}(" in path.read_text() and "demo" not in path.parts
        }
        assert users == set()
    assert declarations.register.actions.keys() == ACTIONS.keys()
