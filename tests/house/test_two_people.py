"""Two duties that are kept apart are never one person's: not by command, call, page, or a second browser of theirs.

The pairs come from the table of permissions, and what does each duty from the declarations, so that a new one is tried
without being named here, but for how its first duty is done.
"""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest
from click.testing import CliRunner
from django.db import connection, transaction
from django.test import Client as Browser

from tests import make, signing_in
from tests.ops.billing import test_invoicing_actions
from workfloor.cli import main
from workfloor.core.access import permissions
from workfloor.core.event_log.models import Fact
from workfloor.core.people import own_account
from workfloor.core.people.models import Person
from workfloor.desks.console import queries as console_queries
from workfloor.kit.database import rls
from workfloor.kit.declarations import Action
from workfloor.kit.time import clock
from workfloor.ops.billing import tasks as billing_tasks
from workfloor.ops.billing.models import ClosingStep

ACTIONS = console_queries.declared()
PAIRS = [each for each in permissions.PERMISSIONS.values() if each.apart_from]
SECOND = [(pair, action) for pair in PAIRS for action in ACTIONS.values() if action.permission == pair.name]
APART: Final = "did the other part of it"
MARCH: Final = {"client": "lisbon-light", "period": test_invoicing_actions.MARCH}
# How the first of two duties is done; the months that are disputed have been proposed by somebody else.
FIRST: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "claims.make": (
        "claims.claim_event",
        {"client": "lisbon-light", "kind": "maintenance", "reason": "x"}
        | {"starts_at": "2026-03-04T09:00", "ends_at": "2026-03-04T10:00"},
    ),
    "disputes.raise": ("billing.raise_dispute", MARCH | {"figure": "l1", "words": "x"}),
    "periods.propose": ("billing.propose", MARCH),
}
ELSE: Final = {"reason": "x", "words": "x", "amount": "-1.00"}  # whatever else the second asks for


@pytest.fixture
def office(real_database: str) -> Iterator[SimpleNamespace]:
    """A client's March that can be closed, and two managers who have signed in with two browsers each."""
    with transaction.atomic():
        rls.enter_every_client()
        at = test_invoicing_actions.office()
        olga = make.in_charge("manager", at.client, name="Olga")
    with clock.frozen(test_invoicing_actions.APRIL):
        yield SimpleNamespace(teresa=at.teresa, marta=at.marta, olga=olga, tabs=[tab(at.marta), tab(at.marta)])
    connection.close()


def tab(person: Person) -> Browser:
    browser = Browser()
    browser.force_login(person.account)
    return browser


def inside(read: Callable[[], Any]) -> Any:
    with transaction.atomic():
        rls.enter_every_client()
        return read()


def facts(by: Person) -> list[str]:
    """What somebody did, but for signing in."""
    told = Fact.objects.filter(by_id=by.id).exclude(event__startswith="person.").order_by("id")
    return inside(lambda: list(told.values_list("event", flat=True)))


# --- The ways to do something; each says what came of it --------------------------------------------------------------


def by_command(action: Action, written: dict[str, str], by: Person, _: Browser) -> str:
    words, options = [*action.command], []
    for each in action.parameters:
        if each.name not in written:
            continue
        if each.required and not each.field.as_option:
            words.append(written[each.name])
        else:
            options += [f"--{(each.field.flag or each.name).replace('_', '-')}", written[each.name]]
    with signing_in.by([*words, *options, "--by", by.account.email]) as said:
        return CliRunner().invoke(main, said).output


def by_call(action: Action, written: dict[str, str], by: Person, _: Browser) -> str:
    _, token = inside(lambda: own_account.sign_in(person=by, title="a script", now=clock.now()))
    shown = {"Authorization": f"Bearer {token}"}
    answer = Browser(headers=shown).post(f"/api/actions/{action.name}", json.dumps(written), "application/json")
    return answer.content.decode()


def by_form(action: Action, written: dict[str, str], _: Person, browser: Browser) -> str:
    return browser.post(f"/administration/do/{action.name}/", written, follow=True).content.decode()


WAYS: Final = (by_command, by_call, by_form)


def asked_for(action: Action, first: dict[str, str]) -> dict[str, str]:
    """What the second duty asks for, of what the first was done to: the client and month, or the row that it made."""
    written = {}
    for each in action.parameters:
        if each.name in ELSE:
            written[each.name] = ELSE[each.name]
        elif each.required and each.name in first:
            written[each.name] = first[each.name]
        elif handle := each.handle:
            written[each.name] = handle.named(next(iter(handle.listed())))
    return written


def test_there_are_pairs_and_each_is_tried():
    assert {each.apart_from for each in PAIRS} == FIRST.keys()
    assert {each.name for each in PAIRS} == {pair.name for pair, _ in SECOND}
    assert all(permissions.PERMISSIONS[each.apart_from] and each.takes_a_person for each in PAIRS)


@pytest.mark.parametrize(("pair", "second"), SECOND, ids=lambda each: each.name)
def test_who_did_the_first_is_refused_the_second_each_way(office, pair, second):
    name, written = FIRST[pair.apart_from]
    one, other = office.tabs
    if pair.apart_from == "disputes.raise":
        by_command(ACTIONS["billing.propose"], MARCH, office.teresa, one)
        by_command(ACTIONS["billing.approve"], MARCH, office.olga, one)
    assert other.get(f"/administration/do/{second.name}/").status_code == 200  # open before there is anything to decide

    by_form(ACTIONS[name], written, office.marta, one)
    for step in inside(lambda: list(ClosingStep.objects.all())):  # what the form left to a worker
        billing_tasks.take_closing_step(step.id)
    sent = inside(lambda: asked_for(second, written))
    before = facts(office.marta)

    assert before, "the first duty was not done"
    for way in WAYS:
        assert APART in way(second, sent, office.marta, one), way.__name__
    assert APART in by_form(second, sent, office.marta, other)
    assert facts(office.marta) == before
    assert not inside(lambda: ClosingStep.objects.exists())
    assert APART not in (said := by_call(second, sent, office.olga, one)) and "says" in said  # it is hers alone to do
