"""The router at work beside people: one leads, it follows the event log, and a race or a stall breaks nothing."""

import io
import threading
import time

import psycopg
import pytest
from django.db import connection, connections, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import models as event_log_models
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.routing import actions as routing
from workfloor.ops.routing import decision_log, explain
from workfloor.ops.routing import leader as routing_leader
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import queries as routing_queries
from workfloor.runtime import router as runtime_router


def inside(do, *args, **named):
    """Do something as a request would: in a transaction of its own."""
    with transaction.atomic():
        rls.enter_every_client()
        return do(*args, **named)


def elsewhere(do, *args, **named):
    """Do something as another process would: over a connection of its own."""
    found = []

    def run():
        try:
            found.append(inside(do, *args, **named))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(300)
    return found[0]


@pytest.fixture
def floor(real_database):
    inside(make.client)
    return real_database


def leading(pool=routing_models.MAIN, log=None):
    epoch = inside(routing_leader.take_over, pool=pool, process="test", now=clock.now())
    router = runtime_router.Router(pool, epoch, log)
    router.begin()
    return router


def state(item):
    return inside(lambda: Item.objects.get(id=item.id).state)


def offered():
    return inside(lambda: dict(Item.objects.filter(state="offered").values_list("id", "person_id")))


def call(**more):
    return inside(make.call, at=clock.now(), **more)


def run(router):
    while router.step():
        pass


def test_what_it_finds_and_what_comes_later_is_offered_with_its_fact_and_state_follows_from_the_facts(floor):
    ana, early = inside(make.agent), call()
    router = leading()
    assert offered() == {early.id: ana.id}

    late = call()
    run(router)
    assert state(late) == "waiting"
    ben = inside(make.agent)
    run(router)
    assert offered() == {early.id: ana.id, late.id: ben.id}

    for item in (early, late):
        inside(lambda item=item: _agrees(item))


def _agrees(item):
    assert work_queries.rebuilt(item.id) == work_queries.state_of(Item.objects.get(id=item.id))


def test_accepting_ending_and_declining_are_learnt_from_the_journal(floor):
    ana, first, second = inside(make.agent), call(), call()
    router = leading()
    inside(work.accept, item=first, by=ana, now=clock.now())
    inside(work.end, item=first, by=ana, now=clock.now())
    run(router)
    assert state(second) == "waiting"
    inside(work.wrap_up, item=first, by=ana, disposition="resolved", now=clock.now())
    run(router)
    assert offered() == {second.id: ana.id}

    inside(work.decline, item=second, by=ana, now=clock.now())
    run(router)
    assert state(second) == "waiting"  # not to her again for a while
    ben = inside(make.agent)
    run(router)
    assert offered() == {second.id: ben.id}


def test_a_fact_that_commits_late_is_not_lost(floor):
    ana = inside(make.agent)
    router = leading()
    first_written, may_commit = threading.Event(), threading.Event()

    def write_slowly():
        with transaction.atomic():
            rls.enter_every_client()
            make.call(at=clock.now(), key="late")
            first_written.set()
            may_commit.wait(300)
        connections.close_all()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert first_written.wait(300)
    quick = call()
    run(router)
    assert offered() == {quick.id: ana.id}
    may_commit.set()
    slow.join(300)
    ben = inside(make.agent)
    run(router)

    assert offered()[inside(Item.objects.get, key="late").id] == ben.id


def test_somebody_who_goes_away_in_the_same_moment_is_offered_nothing_and_nothing_is_passed_over(floor, monkeypatch):
    ana, ben = inside(make.agent), inside(make.agent)
    router = leading()
    older, newer = call(), call()
    true_fence = routing_leader.fence

    def fence(**named):  # between the decision and its writing
        monkeypatch.setattr(routing_leader, "fence", true_fence)
        elsewhere(people.go_away, person=ana, by=ana, reason="lunch", now=clock.now())
        return true_fence(**named)

    monkeypatch.setattr(routing_leader, "fence", fence)
    run(router)

    assert offered() == {older.id: ben.id}
    assert state(newer) == "waiting"


def test_an_offer_that_nobody_answers_is_offered_on_and_its_person_goes_away(floor):
    ana, item = inside(make.agent), call()
    router = leading()
    inside(Item.objects.filter(id=item.id).update, offer_expires_at=clock.now())
    time.sleep(runtime_router.TICK_SECONDS)
    ben = inside(make.agent)
    run(router)

    assert offered() == {item.id: ben.id}
    assert inside(lambda: AgentState.objects.get(person=ana).reason) == "RONA"


@pytest.mark.parametrize(
    "lose",
    [
        lambda ana: people.withdraw_clearance(clearance=ana.clearances.get(), by=actors.ROOT, now=clock.now()),
        lambda ana: people.revoke_certificate(
            certificate=ana.certificates.get(), reason="fraud", by=actors.ROOT, now=clock.now()
        ),
        lambda ana: people.sign_out_of_work(person=ana, by=ana, now=clock.now()),
        lambda ana: people.leave(person=ana, by=actors.ROOT, now=clock.now()),
    ],
    ids=["clearance", "certificate", "agent_state", "employment"],
)
def test_whoever_loses_the_right_is_offered_nothing_more(floor, lose):
    ana = inside(make.agent)
    router = leading()
    inside(lose, ana)
    item = call()
    run(router)

    assert state(item) == "waiting"


def test_an_amended_contract_counts_from_the_day_on_which_it_is_in_force(floor):
    inside(make.agent)
    router = leading()
    stricter = make.CONTRACT.format(slug="lisbon-light").replace("portuguese = 3", "portuguese = 4")
    inside(contracts.sign, source=stricter, effective_on=clock.now().date(), by=actors.ROOT, now=clock.now())
    item = call()
    run(router)

    assert state(item) == "waiting"


# --- who leads ---------------------------------------------------------------------------------------------------


def test_one_leads_and_a_second_one_stands_by(floor):
    leading()

    assert elsewhere(routing_leader.take_over, pool=routing_models.MAIN, process="other", now=clock.now()) is None
    assert elsewhere(routing_leader.take_over, pool="night", process="other", now=clock.now()) == 1
    assert elsewhere(routing_leader.pulse, now=clock.now()) == 0


def test_a_leader_that_hung_can_write_nothing_once_another_leads(floor):
    inside(make.agent)
    router = leading()
    inside(lambda: routing_models.Leader.objects.update(epoch=router.epoch + 1))  # as another's taking over does
    item = call()

    with pytest.raises(routing_leader.Deposed):
        run(router)
    assert state(item) == "waiting"


def test_a_leader_that_hangs_is_cut_off_and_the_lead_is_free(floor, monkeypatch):
    monkeypatch.setattr(routing_leader, "SILENT_SECONDS", 600)
    with psycopg.connect(floor, autocommit=True) as hung:
        hung.execute("SELECT pg_advisory_lock(hashtextextended('router/main', 0))")
        assert inside(routing_leader.cut_off_a_silent_leader, pool=routing_models.MAIN) == 0
        monkeypatch.setattr(routing_leader, "SILENT_SECONDS", 0.3)
        time.sleep(0.4)
        assert inside(routing_leader.take_over, pool=routing_models.MAIN, process="next", now=clock.now()) is None
        assert inside(routing_leader.cut_off_a_silent_leader, pool="night") == 0
        assert inside(routing_leader.cut_off_a_silent_leader, pool=routing_models.MAIN) == 1
        ends = time.monotonic() + 300
        while (
            epoch := inside(routing_leader.take_over, pool=routing_models.MAIN, process="next", now=clock.now())
        ) is None:
            assert time.monotonic() < ends
            time.sleep(0.05)
        assert epoch == 1
        with pytest.raises(psycopg.OperationalError):
            hung.execute("SELECT 1")


def test_a_leader_that_takes_a_large_floor_in_is_given_the_time(floor, monkeypatch):
    monkeypatch.setattr(routing_leader, "SILENT_SECONDS", 0.1)
    with psycopg.connect(floor, autocommit=True) as slow:
        slow.execute("SELECT pg_advisory_lock(hashtextextended('router/main', 0))")
        slow.execute("SELECT set_config('application_name', %s, false)", [routing_queries.BEGINS])
        time.sleep(0.3)
        assert inside(routing_leader.cut_off_a_silent_leader, pool=routing_models.MAIN) == 0
        slow.execute("SELECT set_config('application_name', %s, false)", [routing_queries.LEADS])
        time.sleep(0.3)
        assert inside(routing_leader.cut_off_a_silent_leader, pool=routing_models.MAIN) == 1


def test_taking_over_is_a_fact(floor):
    leading()
    [fact] = inside(lambda: list(event_log_models.Fact.objects.filter(event="router.took-over")))

    assert fact.details == {"pool": "main", "epoch": 1, "process": "test"}


# --- pools -------------------------------------------------------------------------------------------------------


def test_each_router_serves_the_queues_of_its_pool_and_a_person_of_both_never_has_too_much(floor):
    ana = inside(make.agent)
    mail = inside(make.queue, "mail")
    inside(lambda: routing_models.Pooled.objects.create(queue=mail, client_id=mail.client_id, pool="night"))
    main, night = leading(), leading("night")
    assert [each.name for each in inside(routing_queries.queues, "main")] == ["calls"]
    letter = inside(make.item, "mail", at=clock.now())
    run(main)
    assert offered() == {}
    run(night)
    assert offered() == {letter.id: ana.id}

    item = call()
    run(main)
    assert state(item) == "waiting"  # a third of her is taken, and a call takes her whole
    assert inside(Assignment.objects.count) == 1


def test_a_queue_put_into_a_pool_goes_from_one_router_to_the_other_with_all_that_waits(floor):
    main, night = leading(), leading("night")
    letter = inside(make.item, "mail", at=clock.now())
    mail = inside(make.queue, "mail")
    inside(routing.put_into_pool, queue=mail, pool="night", by=actors.ROOT, now=clock.now())
    run(main)
    run(night)
    ana = inside(make.agent)
    run(main)
    assert offered() == {}
    run(night)
    assert offered() == {letter.id: ana.id}


# --- the decision log --------------------------------------------------------------------------------------------


def test_what_was_written_down_replays_to_the_same_bytes(floor):
    written = io.StringIO()
    ana = inside(make.agent)
    router = leading(log=runtime_router.Log(written))
    for _ in range(3):
        call()
    inside(make.agent)
    run(router)
    inside(people.go_away, person=ana, by=ana, reason="lunch", now=clock.now())
    run(router)

    lines = written.getvalue().splitlines()
    assert len(lines) >= 4
    assert list(decision_log.replayed(lines)) == lines
    connection.close()


# --- why ---------------------------------------------------------------------------------------------------------


def said_of(item):
    found = inside(lambda: explain.worded(explain.why(item.id, clock.now())))
    return {row["person"]: row["said"] for row in found}


def at_work(name, **more):
    person = inside(make.agent, name, available=False, **more)
    inside(people.go_available, person=person, by=person, now=clock.now())
    return person


def test_an_offer_is_explained_as_it_was_also_afterwards(floor):
    ana, ben = at_work("Ana"), at_work("Ben", portuguese=2)
    at_work("Cleo", clear_for=None)
    inside(people.go_away, person=at_work("Dan"), by=make.ROOT, reason="lunch", now=clock.now())
    eva = at_work("Eva")
    first = call()
    router = leading()
    second = call()
    run(router)
    assert offered() == {first.id: ana.id, second.id: eva.id}
    for person in (ana, ben):
        inside(people.sign_out_of_work, person=person, by=person, now=clock.now())
    run(router)

    everybody = {"Ana": "could", "Ben": "lacks portuguese 3", "Cleo": "lacks clearance", "Dan": "was not ready"}
    assert said_of(first) == everybody | {"Eva": "could"}
    assert said_of(second) == everybody | {"Ana": "was at max concurrency", "Eva": "could"}
    assert inside(lambda: explain.why(first.id, clock.now())).offered_to == ana


def test_work_that_waits_is_explained_as_it_stands(floor):
    ana = inside(make.agent, "Ana")
    router = leading()
    item = call()
    run(router)
    inside(work.decline, item=item, by=ana, now=clock.now())

    assert said_of(item) == {"Ana": "declined this queue a moment before"}


def test_what_was_never_offered_and_does_not_wait_has_no_reason(floor):
    item = call()
    inside(work.abandon, item=item, by=make.CUSTOMER, now=clock.now())

    with pytest.raises(explain.NoReason):
        inside(explain.why, item.id, clock.now())
    with pytest.raises(explain.NoReason):
        inside(explain.why, 0, clock.now())


def test_terms_that_could_not_be_read_are_read_again_soon_and_not_with_the_next_minute(floor, monkeypatch):
    left, reads = iter([psycopg.OperationalError("the connection was lost")]), runtime_router.read

    def read(pool, now):
        for fault in left:
            raise fault
        return reads(pool, now)

    monkeypatch.setattr(runtime_router, "read", read)
    with runtime_router.Reader(routing_models.MAIN).reading() as reader:
        until = time.monotonic() + runtime_router.LINES_SECONDS / 2
        while (found := reader.take()) is None and time.monotonic() < until:
            time.sleep(0.1)

    assert found is not None
