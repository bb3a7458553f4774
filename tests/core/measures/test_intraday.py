"""The running day of every queue, against the same day counted as a statement counts it."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from tests import make
from tests.desks.leader.test_leader_queries import accepted, done
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.measures import actions as measures
from workfloor.core.measures import intraday_queries
from workfloor.core.measures import queries as measures_queries
from workfloor.core.measures.intraday_queries import Agreed
from workfloor.core.work import actions as work
from workfloor.kit.time.calendars import Window

pytestmark = pytest.mark.usefixtures("everyone")
MIDNIGHT = make.NINE.replace(hour=0)


def judged(now=make.NINE):
    contract = contracts_queries.all_in_force([make.client().id], now)[make.client().id]
    of = intraday_queries.agreed(contract)
    return {make.queue(name).id: of[name] for name in ("calls", "mail")}


def day(now, name="calls", queues=None):
    found = intraday_queries.days([make.client().id], queues or judged(now), MIDNIGHT, now)
    return found.get(make.queue(name).id, intraday_queries.Day())


def test_a_queue_is_judged_by_its_level_and_else_by_its_own_target():
    make.client()
    calls, mail = judged().values()

    assert calls == Agreed(20, per_answered=True, expected=Decimal(80), minimum=Decimal(75))
    assert (mail.threshold_seconds, mail.resolves, mail.expected) == (4 * 3600, True, None)


def test_a_day_says_service_level_asa_aht_and_abandon_rate():
    ana = make.agent("Ana")
    done(make.call(), ana, make.later(seconds=10), took=100)
    done(make.call(at=make.later(seconds=200)), ana, make.later(seconds=230), took=200)
    accepted(make.call(at=make.later(seconds=500)), ana, make.later(seconds=505))
    work.abandon(item=make.call(at=make.later(seconds=600)), now=make.later(seconds=620), by=make.CUSTOMER)

    found = day(make.later(seconds=700))

    assert (found.received, found.met, found.counted, found.answered) == (4, 2, 3, 3)
    assert (found.speed_of_answer, found.handled_time, found.abandon_rate) == (15, 150, 25)
    assert found.service_level == pytest.approx(200 / 3)


def test_the_running_interval_is_of_what_came_in_within_it():
    ana = make.agent("Ana")
    done(make.call(at=make.later(minutes=5)), ana, make.later(minutes=5, seconds=50))
    done(make.call(at=make.later(minutes=31)), ana, make.later(minutes=31, seconds=5))

    found = day(make.later(minutes=40))

    assert (found.service_level, found.service_level_lately) == (50, 100)
    assert day(make.later(minutes=70)).service_level_lately is None


def test_what_waits_past_its_threshold_has_missed_it_already_where_all_offered_count():
    make.client()
    make.call()
    queues = {make.queue("calls").id: Agreed(20)}

    assert day(make.later(seconds=20), queues=queues).service_level is None
    assert day(make.later(seconds=21), queues=queues).service_level == 0


def test_mail_is_late_once_it_is_due():
    make.client()
    make.item("mail")

    assert day(make.later(hours=3), "mail").service_level is None
    assert day(make.later(hours=5), "mail").service_level == 0


@pytest.mark.parametrize("per", ["answered", "offered", "offered-less-short-abandons(5s)"])
@pytest.mark.parametrize("folded", [False, True])
def test_whatever_a_day_brings_its_figures_are_those_of_a_statement(per, folded):
    made = random.Random(7)

    client = make.amended(('per = "answered"', f'per = "{per}"'))
    people = [make.agent() for _ in range(4)]
    for number in range(40):
        at = make.later(seconds=97 * number)
        call = make.call(at=at)
        match made.choice(["done", "done", "left", "open", "cancelled"]):
            case "done":
                done(call, people[number % 4], at + timedelta(seconds=made.randint(1, 40)), took=made.randint(5, 90))
            case "left":
                work.abandon(item=call, now=at + timedelta(seconds=made.randint(1, 40)), by=make.CUSTOMER)
            case "cancelled":
                work.cancel(item=call, reason="duplicate", now=at, by=make.in_charge("leader", client))
    if folded:
        measures.fold(client_id=client.id)
    now = make.later(hours=3)
    contract = contracts_queries.in_force(client.id, now).contract
    scope = measures_queries.Scope(
        client.id, contract, {name: make.queue(name).id for name in ("calls", "mail")}, now, by_items=True
    )
    [level] = contract.service_levels
    figure = measures_queries.figures(scope, level, Window("day", MIDNIGHT, now))[None]

    found = day(now)

    assert (found.counted, found.met) == (figure.counted, figure.met)


def test_arrivals_are_counted_by_when_they_came_whether_they_are_over_or_not():
    client, ana = make.client(), make.agent("Ana")
    done(make.call(), ana, make.later(seconds=10))
    make.call(at=make.later(minutes=1))
    make.call(at=make.later(minutes=16))

    found = intraday_queries.arrivals([client.id], list(judged()), MIDNIGHT)

    nine = int(make.NINE.timestamp()) // 900
    assert found == {make.queue("calls").id: {nine: 2, nine + 1: 1}}


def test_no_question_reads_the_items_of_the_day_that_are_over():
    """With many that are over and statistics to go by, they are found by nobody: what is over stands in the rollups."""
    client, ana = make.client(), make.agent("Ana")
    for number in range(60):
        done(make.call(at=make.later(seconds=70 * number)), ana, make.later(seconds=70 * number + 1), took=5)
    measures.fold(client_id=client.id)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE work_item")
    asked = []

    def explained(execute, sql, params, many, context):
        asked.append(execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params, many, context))
        [(plan,)] = context["cursor"].fetchall()
        asked[-1] = _read(plan[0]["Plan"])
        return execute(sql, params, many, context)

    queues, now = judged(), make.later(hours=2)
    with connection.execute_wrapper(explained):
        [counted] = intraday_queries.days([client.id], queues, MIDNIGHT, now).values()
        intraday_queries.arrivals([client.id], list(queues), MIDNIGHT)

    assert (counted.answered, len(asked)) == (60, 2)
    assert max(asked) <= 10


def _read(plan):
    """How many rows of items were looked at, kept or not."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if plan.get("Relation Name") == "work_item" else 0
    return own + sum(_read(each) for each in plan.get("Plans", ()))
