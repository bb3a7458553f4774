"""The event log: append-only, walled, and followed without losing a fact."""

import threading
from dataclasses import dataclass
from typing import ClassVar

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from tests import make
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import models as event_log_models
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import rls


@dataclass(frozen=True)
class Happened(event_log_events.Event):
    name: ClassVar[str] = "test.happened"
    what: str


def tell(what, **whom):
    event_log.record(Happened(what), at=make.NINE, **whom)


@pytest.mark.parametrize("table", ["event_log_fact", "event_log_fact_2026_03"])
@pytest.mark.parametrize("change", ["UPDATE {} SET event = 'a.b'", "DELETE FROM {}", "TRUNCATE {}"])
def test_facts_are_never_changed(everyone, table, change):
    tell("first")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))


def test_a_fact_says_when_what_and_about_whom(everyone):
    tell("first", client_id=7, item_id=3, person_id=5, by_id=6)

    fact = event_log_models.Fact.objects.get()
    assert (fact.at, fact.event, fact.details) == (make.NINE, "test.happened", {"what": "first"})
    assert (fact.client_id, fact.item_id, fact.person_id, fact.by_id) == (7, 3, 5, 6)


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
    with pytest.raises(IntegrityError, match="no partition"), transaction.atomic():
        event_log.record(Happened("too early"), at=make.NINE.replace(year=1900))


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


def advance(follower):
    with transaction.atomic():
        rls.enter_every_client()
        return event_log.advance(follower, now=make.NINE)


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
        late.execute(
            "INSERT INTO event_log_fact (at, event, details) VALUES (%s, 'test.happened', '{\"what\": \"late\"}')",
            [make.NINE],
        )
        with transaction.atomic():
            tell("early")
        advance(follower)
        assert seen == []  # the early one has the greater number: to pass it on now would step over the late one
        late.commit()
    advance(follower)

    assert seen == ["late", "early"]


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
    advance(event_log_events.Follower("test", frozenset(["other.event"]), slow))  # the cursor's row exists

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
