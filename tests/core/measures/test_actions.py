"""Rollups are what the facts of finished items add up to: whatever happened, whoever raced, wherever it broke."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.events import Entry
from workfloor.core.measures import actions as measures
from workfloor.core.measures import buckets
from workfloor.core.measures import models as measures_models
from workfloor.core.measures import queries as measures_queries
from workfloor.core.measures import tasks as measures_tasks
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Item
from workfloor.kit.database import rls

FIRST, PAST = make.NINE - timedelta(days=1), make.NINE + timedelta(days=30)


def kept(of="lisbon-light"):
    """What the rows of a client's buckets add up to, those of queues with nothing left out."""
    found = measures_queries.added_up(make.client(of).id, FIRST, PAST)
    return {key: sums for key, sums in found.items() if sums.received}


def from_facts(of="lisbon-light"):
    """The same from nothing but the event log."""
    numbers = {fact.item_id for fact in event_log_queries.of_client(make.client(of).id) if fact.item_id}
    standing = set(Item.objects.values_list("id", flat=True))
    return buckets.added_up(lifecycle.replay(event_log_queries.of_item(number)) for number in numbers & standing)


def finish(item, by, at, lasts=60, disposition="resolved"):
    """Bring an item from its queue to its end; returns it."""
    item = work.offer(item=item, person=by, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at)
    item = work.accept(item=item, by=by, now=at)
    work.end(item=item, by=by, now=at + timedelta(seconds=lasts))
    return work.wrap_up(item=item, by=by, disposition=disposition, now=at + timedelta(seconds=lasts + 5))


# --- whatever happens ------------------------------------------------------------------------------------------------

STEPS = (
    "receive",
    "offer",
    "accept",
    "decline",
    "hold",
    "resume",
    "set_pending_customer",
    "customer_answered",
    "transfer",
    "end",
    "wrap_up",
    "abandon",
    "cancel",
    "reopen",
    "fold",
    "import",
    "move",
    "delete",
)
LIFE = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(0, 1_200_000)), min_size=10, max_size=60
)


class Floor:
    """A floor on which things happen at random; what cannot happen now does not."""

    def __init__(self):
        self.now, self.ana, self.items = make.NINE, make.agent(), []
        self.queues = [make.queue("calls"), make.queue("mail")]

    def happen(self, step, which, milliseconds):
        self.now += timedelta(milliseconds=milliseconds)
        if step in ("receive", "fold", "import"):
            getattr(self, f"_{step}")(which)
        elif self.items:
            item = self.items[which % len(self.items)]
            item.refresh_from_db()
            with suppress(work.Refused, lifecycle.NotNow), transaction.atomic():
                getattr(self, f"_{step}")(item)

    def _receive(self, which):
        self.items.append(make.item(self.queues[which % 2].name, at=self.now))

    def _fold(self, which):
        measures.fold(client_id=make.client().id, most=which + 1)

    def _import(self, which):
        import_given_up(self.now, which)

    def _move(self, item):
        """What no action does, yet a hand in the database can."""
        Item.objects.filter(id=item.id).update(talk_seconds=item.talk_seconds)

    def _delete(self, item):
        if item.state in lifecycle.FINISHED:
            item.delete()
            self.items.remove(item)

    def _offer(self, item):
        work.offer(item=item, person=self.ana, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=self.now)

    def _wrap_up(self, item):
        answers = {"calls": "called-back", "mail": "answered"}
        work.wrap_up(item=item, by=self.ana, disposition=answers[item.queue.name], now=self.now)

    def _transfer(self, item):
        work.transfer(item=item, queue=self.queues[0], by=self.ana, now=self.now)

    def _abandon(self, item):
        work.abandon(item=item, by=make.CUSTOMER, now=self.now)

    def _cancel(self, item):
        work.cancel(item=item, reason="a test call", by=make.ROOT, now=self.now)

    def _reopen(self, item):
        work.reopen(item=item, reason="not so", by=make.CUSTOMER, now=self.now)

    def _customer_answered(self, item):
        work.customer_answered(item=item, by=make.CUSTOMER, now=self.now)

    def __getattr__(self, name):
        return lambda item: getattr(work, name[1:])(item=item, by=self.ana, now=self.now)


def import_given_up(at, count):
    """Store calls of another system that were given up, as an import does: items in one statement, then facts."""
    queue = make.queue("calls")
    lives = [
        [
            (at, work_events.Received(f"past-{next(make._numbers)}", "call", queue.process_id)),
            (at, work_events.Queued(queue.id)),
            (at + timedelta(seconds=3 * number, microseconds=number), work_events.Abandoned()),
        ]
        for number in range(count)
    ]
    left = [lifecycle.Item() for _ in lives]
    for state, life in zip(left, lives, strict=True):
        for when, event in life:
            lifecycle.follow(state, event, when, None)
    items = Item.objects.bulk_create(Item(client=queue.client, **vars(state)) for state in left)
    event_log.insert(
        Entry(event, when, queue.client_id, item.id, by=make.ROUTER)
        for item, life in zip(items, lives, strict=True)
        for when, event in life
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIFE)
def test_rollups_are_what_the_facts_add_up_to_whatever_happens(everyone, life):
    with transaction.atomic():
        floor = Floor()
        for step in life:
            floor.happen(*step)
        before = kept()

        assert before == from_facts()
        while measures.fold(client_id=make.client().id):
            pass
        assert kept() == before
        rows = measures_models.Bucket.objects.values_list("queue_id", "starts_at")
        assert len(rows) == len(set(rows)) == len(before)
        transaction.set_rollback(True)


def test_the_random_floor_reaches_every_end(everyone):
    floor = Floor()
    for step in ["receive"] * 4 + ["offer", "accept", "hold", "resume", "end", "wrap_up"]:
        floor.happen(step, 0, 1000)
    floor.happen("abandon", 1, 0)
    floor.happen("cancel", 2, 0)
    floor.happen("import", 2, 0)

    assert sorted(Item.objects.values_list("state", flat=True)) == [
        "abandoned",
        "abandoned",
        "abandoned",
        "cancelled",
        "done",
        "waiting",
    ]


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_quarters_sums_by_hand(everyone):
    """9:00: one answered after 8 s, with 60 s of talk and 5 s of wrap-up, one given up after 31 s. 9:15: a phantom."""
    ana = make.agent()
    finish(make.call(), ana, make.later(seconds=8))
    work.abandon(item=make.call(), by=make.CUSTOMER, now=make.later(seconds=31))
    work.cancel(item=make.call(at=make.later(minutes=15)), reason="twice", by=make.ROOT, now=make.later(minutes=16))
    queue = make.queue().id

    assert kept() == {
        (queue, make.NINE): buckets.Sums(
            received=2,
            answered=1,
            abandoned=1,
            done=1,
            waited=8_000_000,
            talk_seconds=60,
            wrap_seconds=5,
            done_talk_seconds=60,
            done_handled_seconds=65,
            handled_talk_seconds=60,
            handled_wrap_seconds=5,
            waits=[8_000_000],
            left_after=[31_000_000],
            resolved_in=[68],
            handled=[65],
            dispositions=["resolved"],
        ),
        (queue, make.later(minutes=15)): buckets.Sums(received=1, cancelled=1),
    }


def test_reopening_takes_an_item_out_and_counts_it_anew_when_it_is_done_again(everyone):
    ana = make.agent()
    item = finish(make.call(), ana, make.NINE)
    other = finish(make.call(), ana, make.later(minutes=2))

    item = work.reopen(item=item, reason="not so", by=make.CUSTOMER, now=make.later(hours=1))
    [alone] = kept().values()
    assert (alone.received, alone.handled) == (1, [other.talk_seconds + other.wrap_seconds])

    finish(item, ana, make.later(hours=2), lasts=100)
    [both] = kept().values()
    assert (both.received, both.done_talk_seconds, both.handled) == (2, 60 + 60 + 100, [65, 65 + 105])


def test_work_that_waits_or_is_in_hand_is_in_no_rollup(everyone):
    make.call()
    work.offer(
        item=make.call(), person=make.agent(), max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.NINE
    )

    assert not measures_models.Bucket.objects.exists()


def test_nothing_of_one_client_is_in_anothers_rollups(everyone):
    work.abandon(item=make.item(of="north"), by=make.CUSTOMER, now=make.NINE)
    work.abandon(item=make.item(of="south"), by=make.CUSTOMER, now=make.NINE)
    rls.enter(Client.objects.get(slug="north").id)

    assert [row.client_id for row in measures_models.Bucket.objects.all()] == [make.client("north").id]


# --- the housekeeping ------------------------------------------------------------------------------------------------


def test_the_job_leaves_one_row_a_quarter_of_every_client(real_database):
    def busy():
        for of in ("north", "south"):
            for minute in range(40):
                work.abandon(
                    item=make.item(of=of, at=make.later(minutes=minute)),
                    by=make.CUSTOMER,
                    now=make.later(minutes=minute),
                )

    entered(busy)
    assert entered(lambda: all(measures_queries.is_loose(make.client(of).id) for of in ("north", "south")))
    measures_tasks.fold(0)

    assert entered(measures_models.Bucket.objects.count) == 2 * 3
    assert entered(lambda: measures_queries.is_loose(make.client("north").id)) is False
    assert entered(lambda: kept("north") == from_facts("north"))


# --- two at once, and kill -9 ----------------------------------------------------------------------------------------


def in_threads(*works):
    faults = []

    def run(each):
        try:
            each()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[each]) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults


@pytest.fixture
def floor(real_database):
    """Forty calls of one 15-minute bucket, committed; their numbers."""
    with transaction.atomic():
        rls.enter_every_client()
        return [make.call(at=make.later(seconds=number)).id for number in range(40)]


def entered(act):
    with transaction.atomic():
        rls.enter_every_client()
        return act()


def assert_exact():
    def compare():
        assert kept() == from_facts()

    entered(compare)


def test_many_who_finish_and_reopen_work_of_one_quarter_at_once_lose_nothing(floor):
    def finishing(own):
        def run():
            ana = entered(make.agent)
            for number in own:
                entered(lambda number=number: finish(Item.objects.get(id=number), ana, make.later(minutes=1)))
                if number % 2:
                    entered(
                        lambda number=number: work.reopen(
                            item=Item.objects.get(id=number),
                            reason="not so",
                            by=make.CUSTOMER,
                            now=make.later(minutes=9),
                        )
                    )

        return run

    def folding():
        for _ in range(30):
            entered(lambda: measures.fold(client_id=make.client().id))

    in_threads(*(finishing(floor[start::3]) for start in range(3)), folding, folding)

    assert_exact()
    entered(lambda: measures.fold(client_id=make.client().id))
    assert_exact()


def test_a_finish_that_is_not_committed_yet_survives_a_fold_beside_it(floor):
    first, second = floor[:2]
    entered(lambda: work.abandon(item=Item.objects.get(id=first), by=make.CUSTOMER, now=make.later(minutes=1)))
    with transaction.atomic():
        rls.enter_every_client()
        work.abandon(item=Item.objects.get(id=second), by=make.CUSTOMER, now=make.later(minutes=1))
        in_threads(lambda: entered(lambda: measures.fold(client_id=make.client().id)))

    assert_exact()
    [sums] = entered(kept).values()
    assert sums.abandoned == 2


KILLED = """
import os, django
django.setup()
from django.db import transaction
from tests import make
from workfloor.core.measures import actions
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
with transaction.atomic():
    rls.enter_every_client()
    {what}
    print("there", flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    "what",
    [
        "work.abandon(item=Item.objects.filter(state='waiting').first(), by=make.CUSTOMER, now=make.later(minutes=5))",
        "work.reopen(item=Item.objects.get(state='done'), reason='no', by=make.CUSTOMER, now=make.later(minutes=9))",
        "actions.fold(client_id=make.client().id)",
    ],
)
def test_a_process_killed_in_the_middle_leaves_rollups_and_items_as_they_were(floor, real_database, what):
    entered(lambda: finish(Item.objects.get(id=floor[0]), make.agent(), make.later(minutes=1)))
    entered(lambda: work.abandon(item=Item.objects.get(id=floor[1]), by=make.CUSTOMER, now=make.later(minutes=1)))
    before = entered(kept)

    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(what=what)],
        env=os.environ | {"WORKFLOOR_DATABASE_URL": real_database},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "there\n"), killed.stderr
    assert entered(kept) == before
    assert_exact()
    entered(lambda: work.abandon(item=Item.objects.get(id=floor[2]), by=make.CUSTOMER, now=make.later(minutes=5)))
    assert_exact()
