"""A clearance lets people see a client's work; what they may do to it depends on their hands and roles, action by action.

Actions are found by themselves: whatever an `actions` module offers and is done `by` a person.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction

from tests import make
from tests.house.test_isolation_of_pages import BY_PUBLIC_KEY, PAGES, pointing_at, rows_of, signed_in
from tests.house.test_rooms import HOUSE
from tests.house.two_clients import Side
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.people import actions as people
from workfloor.core.people.models import Person
from workfloor.kit.database import rls


def actions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every action that is done by a person, by its place."""
    for path in sorted(HOUSE.rglob("actions.py")):
        name = ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts)
        module = importlib.import_module(name)
        for label, found in vars(module).items():
            is_own = inspect.isfunction(found) and found.__module__ == name and not label.startswith("_")
            if is_own and "by" in inspect.signature(found).parameters:
                yield f"{name.removeprefix('workfloor.').removesuffix('.actions')}.{label}", found


ACTIONS = dict(actions())


def idle(side: Side) -> Person:
    """An agent who is cleared for the client, holds no certificate and has nothing in hand."""
    rls.enter_every_client()
    found = make.person("agent", name="Idle")
    people.clear(person=found, client=side.client, now=make.NINE)
    return found


def given(side: Side) -> dict[str, Any]:
    """What stands for each parameter."""
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
        "words": "x",
        "subject": "x",
        "kind": "complaint",
        "disposition": "answered",
        "priority": 1,
        "name": "x",
        "title": "x",
        "body": "x",
        "period": "2026-03",
        "figure": "m1",
        "until": make.later(hours=3),
        "at": make.later(hours=3),
        "starts_at": make.later(hours=5),
        "ends_at": make.later(hours=6),
        "on": date(2026, 3, 4),
        "queues": [],
        "now": make.later(hours=1),
    }


@pytest.mark.parametrize("name", ACTIONS)
def test_whoever_is_only_cleared_changes_nothing(name, sides):
    north, _ = sides
    by, known = idle(north), given(north)
    needed = {
        label: known[label]
        for label, each in inspect.signature(ACTIONS[name]).parameters.items()
        if label != "by" and (each.default is each.empty or label in ("item", "now"))
    }
    before = rows_of(north.client.id)

    try:
        with transaction.atomic():
            ACTIONS[name](**needed, by=by)
    except Exception as refused:
        assert isinstance(refused, ValueError | PermissionError), f"{type(refused).__name__}: {refused}"
    assert rows_of(north.client.id) == before
