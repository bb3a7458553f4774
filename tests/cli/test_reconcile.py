"""A month recounted from its facts: no difference as the floor left it, each one named where somebody changed it."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import make
from workfloor.cli import main
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock

Run = Callable[..., Result]


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    """One call answered, done, reopened and done again; one given up, one that waits, one that was taken back."""
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=make.NINE)
        ana = make.agent()
        call = make.call(key="answered")
        for start in (5, 500):
            work.offer(
                item=call,
                person=ana,
                max_concurrency=1,
                offer_seconds=20,
                by=make.ROUTER,
                now=make.later(seconds=start),
            )
            work.accept(item=call, by=ana, now=make.later(seconds=start + 5))
            work.end(item=call, by=ana, now=make.later(seconds=start + 65))
            work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(seconds=start + 70))
            if start == 5:
                work.reopen(item=call, reason="called again", by=make.CUSTOMER, now=make.later(seconds=400))
        work.abandon(item=make.call(key="given-up"), by=make.CUSTOMER, now=make.later(seconds=31))
        make.call(at=make.later(minutes=1), key="waiting")
        work.cancel(
            item=make.call(at=make.later(minutes=2), key="back"),
            reason="twice",
            by=make.ROOT,
            now=make.later(minutes=3),
        )

    def ran(*arguments: str) -> Result:
        with clock.frozen(make.later(hours=1)):
            return CliRunner().invoke(main, ["billing", "reconcile", *arguments])

    yield ran
    connection.close()


def change(statement: str, *values: object) -> None:
    """What a hand in the database does behind the product's back."""
    with transaction.atomic(), connection.cursor() as cursor:
        rls.enter_every_client()
        cursor.execute(statement, values)


def number(key: str) -> int:
    with transaction.atomic():
        rls.enter_every_client()
        return Item.objects.get(key=key).id


def found(result: Result) -> set[tuple[str, str, object, object]]:
    assert result.exit_code == 1, result.output
    rows = json.loads(result.stdout)["differences"]
    return {(row["place"], row["what"], _hashable(row["facts"]), _hashable(row["stored"])) for row in rows}


def _hashable(value: object) -> object:
    return str(value) if isinstance(value, list | dict) else value


def test_what_the_floor_did_reconciles(run: Run) -> None:
    told = run("lisbon-light", "2026-03")
    plain = json.loads(run("lisbon-light", "2026-03", "--format", "json").stdout)

    # Facts: 13 of the call that was done twice, 3 of the one given up, 2 of the waiting one, 3 of the one taken back.
    assert told.exit_code == 0, told.output
    assert "4 items, 21 facts, 1 15-minute buckets. No difference" in told.stdout
    assert (plain["items"], plain["facts"], plain["count"], plain["differences"]) == (4, 21, 0, [])


def test_an_item_changed_without_a_fact_is_named_with_what_the_facts_say(run: Run) -> None:
    change("UPDATE work_item SET talk_seconds = 7 WHERE key = 'answered'")

    assert found(run("lisbon-light", "2026-03", "--format", "json")) == {
        (f"item {number('answered')}", "talk_seconds", 120, 7),
        # The rollups follow the table, so they differ from the facts as well; the statement is what the items say.
        ("bucket 2026-03-04 09:00 UTC of calls", "talk_seconds", 120, 7),
        ("bucket 2026-03-04 09:00 UTC of calls", "done_talk_seconds", 120, 7),
        ("bucket 2026-03-04 09:00 UTC of calls", "done_handled_seconds", 130, 17),
        ("bucket 2026-03-04 09:00 UTC of calls", "handled_talk_seconds", 120, 7),
        ("bucket 2026-03-04 09:00 UTC of calls", "handled", "[130]", "[17]"),
    }


def test_rollups_changed_by_hand_are_named_and_so_is_every_figure_that_they_spoil(run: Run) -> None:
    change("UPDATE measures_bucket SET answered = answered + 1 WHERE answered = 1")

    differences = found(run("lisbon-light", "2026-03", "--format", "json"))
    assert ("bucket 2026-03-04 09:00 UTC of calls", "answered", 1, 2) in differences
    assert ("statement, totals", "answered", 1, 2) in differences
    assert ("statement, lines, l1", "amount", "1.50", "3.00") in differences


def test_rollups_are_mended_from_the_items_and_items_are_not(run: Run) -> None:
    change("UPDATE measures_bucket SET answered = answered + 1 WHERE answered = 1")

    assert run("lisbon-light", "2026-03").exit_code == 1
    assert run("lisbon-light", "2026-03", "--mend").exit_code == 0
    assert run("lisbon-light", "2026-03").exit_code == 0

    change("UPDATE work_item SET talk_seconds = 7 WHERE key = 'answered'")
    mended = run("lisbon-light", "2026-03", "--mend")
    assert mended.exit_code == 1
    assert "talk_seconds: 120 by the facts, 7 as kept" in mended.stdout


def test_an_item_that_is_gone_and_one_that_came_without_a_fact_are_named(run: Run) -> None:
    gone, given_up = number("back"), number("given-up")
    change("DELETE FROM work_item WHERE key = 'back'")
    change("UPDATE work_item SET received_at = '2026-01-20 09:00Z', key = 'moved' WHERE key = 'given-up'")

    places = {(place, what) for place, what, _, _ in found(run("lisbon-light", "2026-03", "--format", "json"))}
    assert {(f"item {gone}", "state"), (f"item {given_up}", "received_at"), (f"item {given_up}", "key")} <= places


def test_many_differences_are_listed_up_to_a_limit_and_counted(run: Run) -> None:
    change("UPDATE work_item SET talk_seconds = 7")
    told = run("lisbon-light", "2026-03")

    assert told.exit_code == 1
    assert f"item {number('answered')}, talk_seconds: 120 by the facts, 7 as kept" in told.stdout
    assert "its table was changed without a fact" in told.stdout


@pytest.mark.parametrize(
    ("client", "period", "reason"),
    [
        ("nobody", "2026-03", "No client 'nobody' here. Clients: lisbon-light."),
        ("lisbon-light", "2026-3", "'2026-3' is no period; write a month, such as 1999-02."),
        ("lisbon-light", "2025-11", "starts on 2026-01-01; 2025-11 lies before it."),
    ],
)
def test_what_cannot_be_recounted_ends_with_the_reason(run: Run, client: str, period: str, reason: str) -> None:
    refused = run(client, period)

    assert refused.exit_code == 1
    assert reason in refused.stderr
