"""A clearance lets people see a client's work; what they may do to it is a matter of hands and roles, in each action.

Actions are found by themselves: whatever an `actions` module offers and is done `by` a person.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from tests import make
from tests.house.test_isolation_of_pages import BY_PUBLIC_KEY, PAGES, pointing_at, rows_of, signed_in
from tests.house.test_rooms import HOUSE
from tests.house.two_clients import Side
from workfloor.core.access import actors, permissions
from workfloor.core.claims.models import Claim
from workfloor.core.contracts.terms import CALL_FOR_HELP
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log.models import Parked
from workfloor.core.event_log.queries import Failure
from workfloor.core.people import actions as people
from workfloor.core.people.models import Certificate, Person, Shift, SignIn, Site, Skill, Team
from workfloor.core.periods.models import Dispute
from workfloor.core.work import reporting
from workfloor.kit.database import rls
from workfloor.ops.billing.models import LegalEntity
from workfloor.ops.channels.playbooks.rules import Macro
from workfloor.ops.relationship.models import ActionItem

# Modules that write and have a name of their own, which test_rooms.py knows.
ALSO = (
    "core/people/granting.py",
    "core/people/own_account.py",
    *(f"core/work/{each}.py" for each in ("joining", "connecting", "outbound", "reporting", "supervising")),
    "ops/channels/email/writing.py",
)


def actions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every action that is done by a person, by its place."""
    for path in (*sorted(HOUSE.rglob("actions.py")), *(HOUSE / each for each in ALSO)):
        name = ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts)
        module = importlib.import_module(name)
        for label, found in vars(module).items():
            is_own = inspect.isfunction(found) and found.__module__ == name and not label.startswith("_")
            if is_own and "by" in inspect.signature(found).parameters:
                yield f"{name.removeprefix('workfloor.').removesuffix('.actions')}.{label}", found


# The inner halves of billing's actions, which admit people by their roles; and how any action writes its facts.
INNER = {"core.periods"}
WRITING = {"core.event_log.record", "core.event_log.record_change"}
# What actions of work have in common, which have admitted the person by then.
HALVES = {
    *(f"core.work.{name}" for name in ("happen", "resolve", "leave", "let_go_of", "go_on_beneath")),
    *(f"core.work.{name}" for name in ("begin", "open_case", "take_up")),
    "core.outgoing.post",
}
# What a clearance alone is enough for, and why.
READING = {
    "core.conversations.allow_pictures": "how a mail is shown is a matter of whoever may read it",
    "core.team_messages.write_to_leader": "whoever takes work may write to whoever leads them",
    "core.looks.look": "that somebody looked is recorded of whoever could",
}
# What asks for no permission at first, and why.
ASKS_LATER = {
    "core.work.joining.leave": "whoever takes part may go, in whichever role",
    "core.claims.claim_delivery": "refuses first what the contract has no price for",
}
# What people do with what is theirs alone.
OWN = {
    "core.people.own_account.choose_language": "which language pages speak to somebody",
    "core.people.own_account.keep_signature": "what stands beneath somebody's own mails",
}
ACTIONS = {
    name: found
    for name, found in actions()
    if name not in {*READING, *OWN, *HALVES, *WRITING} and name.rpartition(".")[0] not in INNER
}


def somebody(side: Side, role: str) -> Person:
    """Whoever has that role alone, is cleared for the client and has nothing in hand."""
    rls.enter_every_client()
    if role == "client":
        return side.own
    found = make.person(role)
    people.clear(person=found, client=side.client, by=actors.ROOT, now=make.NINE)
    return found


def idle(side: Side) -> Person:
    """An agent who is cleared for the client, holds no certificate and has nothing in hand."""
    rls.enter_every_client()
    found = make.person("agent", name="Idle")
    people.clear(person=found, client=side.client, by=actors.ROOT, now=make.NINE)
    return found


def given(side: Side) -> dict[str, Any]:
    """What stands for each parameter."""
    parked = Parked(id=0, follower="x", event="x", client_id=side.client.id)
    failure = Failure("fact-0", "x", make.NINE, 1, "x", parked)
    return {
        "item": side.held,
        "case": side.held.case,
        "into": side.waiting.case,
        "message": side.reply,
        "arrival": side.arrival,
        "client": side.client,
        "queue": side.waiting.queue,
        "invoice": side.invoice,
        "chat": side.widget.chats.first(),
        "reply": side.reply,
        "process": side.held.process,
        "channel": "email",
        "content": Content("x"),
        "recipients": [Address("x@example.com")],
        "text": "x",
        "note": "x",
        "reason": "x",
        "state": "away",
        "words": "x",
        "subject": "x",
        "kind": "complaint",
        "disposition": "answered",
        "priority": 1,
        "name": "x",
        "title": "x",
        "body": "x",
        "period": "2026-03",
        "step": "propose",
        "figure": "m1",
        "until": make.later(hours=3),
        "since": make.NINE,
        "at": make.later(hours=3),
        "starts_at": make.later(hours=5),
        "ends_at": make.later(hours=6),
        "on": date(2026, 3, 4),
        "queues": [],
        "now": make.later(hours=1),
        "price": "x",
        "quantity": Decimal(1),
        "slug": "x",
        "who": "x",
        "what": "x",
        "claim": Claim.objects.filter(client=side.client).exclude(claimed_by=None).first(),
        "dispute": Dispute.objects.filter(client=side.client).first(),
        "legal_entity": LegalEntity.objects.first(),
        "scopes": ["work:read"],
        "token": side.client.tokens.first(),
        "widget": side.widget,
        "mailbox": side.arrival.mailbox,
        "macro": Macro("x", "x"),
        "failures": [failure],
        "failure": failure,
        "arrivals": [side.arrival],
        "person": side.held.person,
        "site": Site(id=0, name="x", country="PT", zone="Europe/Lisbon"),
        "team": Team(id=0, name="x"),
        "certificate": Certificate(id=0, person=side.held.person, skill=Skill(name="x")),
        "clearance": side.held.person.clearances.first(),
        "shift": Shift(id=0, person=side.held.person),
        "sign_in": SignIn(id=0, person=side.held.person),
        "roles": ["manager"],
        "email": "x@example.com",
        "address": "x@example.com",
        "country": "PT",
        "zone": "Europe/Lisbon",
        "skill": "portuguese",
        "level": 3,
        "proof": "test",
        "source": "x",
        "origins": ["https://x.example"],
        "pool": "night",
        "seconds": 60,
        "days": 30,
        "endpoint": side.endpoint,
        "delivery": side.delivery,
        "url": "https://crm.example/",
        "events": ["work"],
        "action_item": ActionItem.objects.filter(client=side.client, done_at=None).first(),
        "sender": Address("x@example.com"),
        "incoming": [],
        "messages": [],
        "external_id": "x",
        "key": "x" * 12,
        "max_concurrency": 3,
        "offer_seconds": 20,
        "offers": [],
        "sent": [],
        "person_id": side.held.person_id,
        "item_id": side.held.id,
        "item_ids": [side.held.id],
        "replied_at": None,
        "is_last": True,
        "ended_as": "agent",
        "up_to": 1,
        "after": timedelta(minutes=5),
        "to": side.held.person,
        "received": side.whispered,
        "of": side.held.person,
        "leg": "in",
        "party": "customer",
        "recording": "x",
        "said": reporting.Said("answered"),
        "export": None,
        "map_": None,
        "place": SimpleNamespace(client=side.client),
        "escalation": side.escalation,
        "notices": side.notices,
        "agreed": CALL_FOR_HELP,
        "because": "answered",
        "expected_rows": None,
        "make_room": None,
        "progress": None,
    }


def asked_for(name: str, side: Side) -> dict[str, Any]:
    """What an action needs, but who does it."""
    known = given(side)
    known |= {"kind": "client-outage"} if name == "core.claims.claim_event" else {}
    known |= {"to": "eva@example.com"} if name == "ops.channels.email.writing.begin" else {}
    known |= {"until": date(2099, 1, 1)} if name == "ops.relationship.agree" else {}
    return {
        label: known[label]
        for label, each in inspect.signature(ACTIONS[name]).parameters.items()
        if label not in ("by", "terms") and (each.default is each.empty or label in ("item", "now"))
    }


@pytest.mark.parametrize("name", ACTIONS)
def test_whoever_is_only_cleared_changes_nothing(name, sides):
    north, _ = sides
    by, needed = idle(north), asked_for(name, north)
    before = rows_of(north.client.id)

    with pytest.raises((ValueError, PermissionError)), transaction.atomic():
        ACTIONS[name](**needed, by=by)
    changed = {table for table, rows in rows_of(north.client.id).items() if rows != before[table]}
    assert changed == set()


@pytest.mark.parametrize("role", permissions.ROLES)
@pytest.mark.parametrize("name", sorted(ACTIONS.keys() - ASKS_LATER.keys()))
def test_every_action_asks_the_table_and_refuses_each_role_that_it_does_not_name(name, role, sides, monkeypatch):
    north, _ = sides
    by, needed, asked, admit = somebody(north, role), asked_for(name, north), [], permissions.admit

    def overheard(by, permission, **more):
        asked.append(permission)
        admit(by, permission, **more)

    monkeypatch.setattr(permissions, "admit", overheard)
    said: Exception | None = None
    with transaction.atomic():
        try:
            ACTIONS[name](**needed, by=by)
        except Exception as fault:  # whoever is let in may fail over what they were given
            said = fault
        transaction.set_rollback(True)

    assert asked, f"{name} asks for no permission"
    assert role in permissions.PERMISSIONS[asked[0]].roles or isinstance(said, permissions.Refused), asked


def test_the_inner_halves_are_called_by_those_alone_who_admit():
    callers = {
        str(path.relative_to(HOUSE))
        for path in HOUSE.rglob("*.py")
        if re.search(r"\bperiods\.(propose|approve|reopen|raise_dispute|uphold|reject|adjust)\(", path.read_text())
    }

    assert callers == {"ops/billing/actions.py"}


# What a visitor does with their own token, signing in, and what READING names.
OTHERS = (*BY_PUBLIC_KEY, "chat/my/", "conversations/messages/<int:message_id>/pictures/")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if not page.route.startswith(OTHERS)], ids=lambda page: page.route
)
def test_no_address_lets_whoever_is_only_cleared_change_a_clients_work(page, sides):
    north, _ = sides
    browser, sent = signed_in(idle(north).account), pointing_at(north) | SENT
    sent |= {"into": north.waiting.case_id, "key": "x" * 12}
    before = rows_of(north.client.id)

    for address in page.addresses(north):
        for method in ("get", "post"):
            answer = getattr(browser, method)(address, sent)
            assert answer.status_code < 500, (method, address)

    changed = {table for table, rows in rows_of(north.client.id).items() if rows != before[table]}
    assert changed <= {"looks_look"}, "that they looked is recorded"


SENT = {
    "text": "x",
    "words": "x",
    "subject": "x",
    "kind": "complaint",
    "until": "2099-01-01T10:00",
    "at": "2099-01-01T10:00",
    "name": "fact-1",
    "do": "drop",
}
