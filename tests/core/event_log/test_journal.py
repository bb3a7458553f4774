"""The event log: append-only, walled, and followed without losing a fact."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@dataclass(frozen=True)
class Happened(event_log_events.Event):
    name: ClassVar[str] = "test.happened"
    what: str


def tell(what, at=make.NINE, by=make.ROOT, **whom):
    event_log.record(Happened(what), at=at, by=by, **whom)


@pytest.mark.parametrize("table", ["event_log_fact", "event_log_fact_2026_03"])
@pytest.mark.parametrize("change", ["UPDATE {} SET event = 'a.b'", "DELETE FROM {}", "TRUNCATE {}"])
def test_facts_are_never_changed(everyone, table, change):
    tell("first")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))


def test_a_fact_says_when_what_and_about_whom(everyone):
    ana = make.person(name="Ana")
    tell("first", client_id=7, item_id=3, person_id=5, by=ana)
    tell("second", by=make.ROUTER)

    fact, second = event_log_models.Fact.objects.filter(event="test.happened").order_by("id")
    assert (fact.at, fact.event, fact.details) == (make.NINE, "test.happened", {"what": "first"})
    assert (fact.client_id, fact.item_id, fact.person_id) == (7, 3, 5)
    assert (fact.by_id, fact.acted_as) == (ana.id, "")
    assert (second.by_id, second.acted_as) == (None, "router")


@pytest.mark.parametrize("table", ["event_log_fact", "event_log_fact_2026_03"])
def test_other_clients_facts_are_hidden_on_every_partition(everyone, table):
    tell("ours", client_id=1)
    tell("theirs", client_id=2)
    tell("the provider's own")
    rls.enter(1)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT details->>'what' FROM {table} ORDER BY id")
        assert [row[0] for row in cursor.fetchall()] == ["ours", "the provider's own"]


def test_a_month_without_a_partition_is_refused_by_name(everyone):
    for year in (1900, 2999):  # what is no moment of this installation is a mistake
        with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
            tell("never", at=make.NINE.replace(year=year))


def test_facts_of_a_month_that_nobody_made_ahead_are_written_and_make_it(everyone):
    later = clock.now().replace(day=1) + timedelta(days=32 * 40)  # the worker was down for three years
    assert f"{later:%Y-%m}" not in event_log_queries.partition_months()

    tell("after all", at=later, client_id=1)

    assert event_log_models.Fact.objects.get().at == later
    assert f"{later:%Y-%m}" in event_log_queries.partition_months()
    rls.enter(2)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM event_log_fact_{later:%Y_%m}")
        assert cursor.fetchone()[0] == 0  # walled like all others
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE event_log_fact_{later:%Y_%m}")


def test_a_month_made_by_what_was_undone_is_made_again(real_database):
    later = clock.now().replace(day=1) + timedelta(days=32 * 40)
    with suppress(ZeroDivisionError), transaction.atomic():
        tell("undone", at=later)
        tell("undone", at=later)
        1 / 0  # noqa: B018

    for what in ("first", "second"):
        with transaction.atomic():
            tell(what, at=later)

    assert event_log_models.Fact.objects.filter(at=later).count() == 2


def test_many_at_once_write_into_a_month_that_nobody_made_and_nobody_waits_for_a_reader(real_database):
    later = clock.now().replace(day=1) + timedelta(days=32 * 40)

    def write_one(number):
        try:
            with transaction.atomic():
                rls.enter_every_client()
                list(event_log_models.Fact.objects.filter(item_id=number))  # reads first, as most do
                tell("earlier in it")
                tell(f"{number}", at=later)
        finally:
            connection.close()

    with psycopg.connect(real_database) as reading:
        reading.execute("SELECT count(*) FROM event_log_fact")  # and stays in its transaction
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(write_one, range(8)))

    assert event_log_models.Fact.objects.filter(at=later).count() == 8


def test_partitions_are_made_once(everyone):
    assert event_log.make_partitions(first=make.NINE.replace(year=2031), count=3) == 3
    assert event_log.make_partitions(first=make.NINE.replace(year=2031), count=4) == 1
    assert "2031-06" in event_log_queries.partition_months()


def seen_by(events):
    seen = []
    follower = event_log_events.Follower(
        "test", frozenset(events), lambda facts, now: seen.extend(f.details["what"] for f in facts)
    )
    return seen, follower


def place(most=event_log.PLACED_AT_ONCE):
    with transaction.atomic():
        return event_log.place(most)


def advance(follower, batch=event_log.BATCH):
    place()
    with transaction.atomic():
        rls.enter_every_client()
        return event_log.advance(follower, now=make.NINE, batch=batch)


def write(session, what):
    """Write a fact as the product does, in somebody else's transaction."""
    rows = [{"at": make.NINE.isoformat(), "acted_as": "", "event": "test.happened", "details": {"what": what}}]
    session.execute(event_log._INSERT, [json.dumps(rows)])


def test_a_follower_gets_each_fact_once_and_in_order(real_database):
    seen, follower = seen_by(["test.happened"])
    for what in ("one", "two", "three"):
        with transaction.atomic():
            tell(what)

    assert advance(follower) == 3
    assert advance(follower) == 0
    assert seen == ["one", "two", "three"]


def test_a_follower_loses_nothing_when_a_writer_commits_late(real_database):
    seen, follower = seen_by(["test.happened"])
    with psycopg.connect(real_database) as late:
        write(late, "late")
        with transaction.atomic():
            tell("early")  # its number is the greater one
        advance(follower)
        late.commit()
    advance(follower)

    assert seen == ["early", "late"]
    assert advance(follower) == 0


def test_nobody_who_writes_or_only_looks_keeps_a_follower_waiting(real_database):
    seen, follower = seen_by(["test.happened"])
    elsewhere = psycopg.conninfo.make_conninfo(real_database, dbname="postgres")
    with psycopg.connect(real_database) as here, psycopg.connect(elsewhere) as there:
        write(here, "not yet")
        there.execute("SELECT pg_current_xact_id()")
        with transaction.atomic():
            tell("now")
        advance(follower)
        assert seen == ["now"]
        here.rollback()
    assert advance(follower) == 0


def test_two_processes_never_place_at_the_same_time_so_no_position_becomes_visible_late(real_database):
    with transaction.atomic():
        tell("one")
    with psycopg.connect(real_database) as other:
        other.execute(event_log._LOCK)
        assert place() == 0
        assert event_log_queries.last_position() == 0
    assert place() == 1


def test_a_follower_passes_over_what_is_not_for_it(real_database):
    _, follower = seen_by(["other.event"])
    with transaction.atomic():
        tell("one")
        tell("two")
    assert advance(follower) == 0

    assert event_log_models.Cursor.objects.get(follower="test").position == event_log_queries.last_position() > 0


def test_facts_of_long_ago_are_nobodys_business(real_database):
    seen, follower = seen_by(["test.happened"])
    before = event_log_queries.snapshot()
    with transaction.atomic():
        rls.enter_every_client()
        then = event_log_events.past(Happened("then\t\\ \n"))
        event_log.insert_past(f"{make.NINE.isoformat()}\t7\t3\t{then}".encode())
        tell("now")
        stored = event_log_models.Fact.objects.get(client_id=7)
    advance(follower)
    with transaction.atomic():
        rls.enter_every_client()
        _, hints = event_log_queries.unseen(before)

    assert seen == ["now"]
    assert [hint.item_id for hint in hints] == [None]
    assert (stored.at, stored.event, stored.item_id) == (make.NINE, "test.happened", 3)
    assert stored.details == {"what": "then\t\\ \n"}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.sampled_from(["write", "commit", "roll back", "place", "follow"]), max_size=12),
        min_size=1,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_whoever_commits_when_each_fact_is_followed_once_and_a_writers_in_their_order(real_database, lives, chance):
    seen, follower = seen_by(["test.happened"])
    advance(follower)  # what earlier examples wrote
    seen.clear()
    kept, number = [], 0
    with ExitStack() as stack:
        sessions = [stack.enter_context(psycopg.connect(real_database)) for _ in lives]
        written = [[] for _ in lives]
        steps = [(writer, step) for writer, life in enumerate(lives) for step in life]
        chance.shuffle(steps)
        for writer, step in [*steps, *((writer, "commit") for writer in range(len(lives)))]:
            if step == "write":
                number += 1
                write(sessions[writer], f"{writer}/{number}")
                written[writer].append(f"{writer}/{number}")
            elif step in ("commit", "roll back"):
                (sessions[writer].commit if step == "commit" else sessions[writer].rollback)()
                kept += written[writer] if step == "commit" else []
                written[writer] = []
            elif step == "place":
                place(most=2)
            else:
                advance(follower, batch=3)
    while place() or advance(follower):
        pass

    assert sorted(seen) == sorted(kept)
    for writer in range(len(lives)):
        own = [int(each.split("/")[1]) for each in seen if each.startswith(f"{writer}/")]
        assert own == sorted(own)


def test_a_reaction_that_fails_is_given_its_facts_again(real_database):
    seen = []

    def fail_once(facts, now):
        seen.append(len(facts))
        if len(seen) == 1:
            raise RuntimeError("the machine tripped")

    follower = event_log_events.Follower("test", frozenset(["test.happened"]), fail_once)
    with transaction.atomic():
        tell("one")
    with pytest.raises(RuntimeError):
        advance(follower)
    advance(follower)

    assert seen == [1, 1]


def test_two_processes_never_react_to_the_same_fact(real_database):
    inside, done, seen = threading.Event(), threading.Event(), []

    def slow(facts, now):
        seen.extend(fact.details["what"] for fact in facts)
        inside.set()
        done.wait(300)

    follower = event_log_events.Follower("test", frozenset(["test.happened"]), slow)
    with transaction.atomic():
        tell("one")
    event_log_models.Cursor.objects.create(follower="test")

    place()

    def first():
        advance(follower)
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(300)
    assert advance(follower) is None
    done.set()
    thread.join()

    assert seen == ["one"]


def test_a_rolled_back_fact_never_was(real_database):
    seen, follower = seen_by(["test.happened"])
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell("never")
        raise ZeroDivisionError
    advance(follower)

    assert seen == []


def test_an_engine_that_enters_every_client_says_so(everyone):
    event_log.enter_every_client(engine="router", now=make.NINE)

    fact = event_log_models.Fact.objects.get(event="engine.entered-every-client")
    assert (fact.details, fact.client_id) == ({"engine": "router"}, None)
