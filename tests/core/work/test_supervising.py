"""What a leader does about others' work: each act says who, nobody's is overwritten, and the facts add up."""

import pytest

from tests import make
from tests.core.work.test_actions import committed, race
from tests.core.work.test_roles import adds_up, in_hand, now_of, taken
from workfloor.core.access import actors, permissions
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people import granting
from workfloor.core.people import queries as people_queries
from workfloor.core.work import actions as work
from workfloor.core.work import joining, supervising
from workfloor.core.work.models import Item

AT = make.later(minutes=1)


def leader(name="Leonor", *roles):
    found = make.in_charge("leader", make.client(), name=name)
    if roles:
        found.roles = ["agent", *found.roles]
        found.save(update_fields=["roles"])
    return found


def last(item):
    fact = event_log_queries.of_item(item.id).last()
    return fact.event, fact.person_id, fact.by_id


def seen(item):
    return str(supervising.seen(now_of(item)))


def test_a_leader_ends_a_call_and_then_its_wrap_up_and_both_say_who(everyone):
    ana, lead = make.agent(), leader()
    call = in_hand(ana)

    ended = supervising.end(item=call, by=lead, now=AT, as_seen=seen(call))
    assert (ended.state, ended.person, last(call)) == ("wrapping", ana, ("work.ended", ana.id, lead.id))
    with pytest.raises(work.Refused, match="Choose a disposition"):
        supervising.wrap_up(item=call, disposition="invented", by=lead, now=AT)
    done = supervising.wrap_up(item=call, disposition="resolved", by=lead, now=make.later(minutes=2))

    assert (done.state, done.done_by, done.wrap_seconds) == ("done", ana, 60)
    assert now_of(call).case.resolved_at is not None
    assert taken(ana) == [] and adds_up(call)


def test_what_is_put_back_waits_in_its_place(everyone):
    ana, lead = make.agent(), leader()
    held, offered = in_hand(ana), make.call()
    ben = make.agent()
    work.offer(item=offered, person=ben, max_concurrency=1, offer_seconds=20, by=actors.engine("router"), now=make.NINE)

    for item in (held, offered):
        back = supervising.put_back(item=item, by=lead, now=AT, as_seen=seen(item))
        assert (back.state, back.person, back.queued_at) == ("waiting", None, make.NINE)
        assert last(item)[2] == lead.id and adds_up(item)
    assert taken(ana) == taken(ben) == []
    assert (now_of(held).talk_seconds, now_of(held).transfers) == (60, 1)
    with pytest.raises(work.Refused, match="nobody's hands"):
        supervising.put_back(item=held, by=lead, now=AT)


@pytest.mark.parametrize("where", ["waiting", "offered", "held"])
def test_an_item_is_assigned_to_one_person_wherever_it_is(everyone, where):
    ana, ben, lead = make.agent(), make.agent(), leader()
    call = make.call()
    if where != "waiting":
        work.offer(
            item=call, person=ana, max_concurrency=1, offer_seconds=20, by=actors.engine("router"), now=make.NINE
        )
    if where == "held":
        work.accept(item=call, by=ana, now=make.NINE)

    given = supervising.assign(item=call, to=ben, by=lead, now=AT, as_seen=seen(call))

    assert (given.state, given.person) == ("offered", ben)
    assert last(call) == ("work.offered", ben.id, lead.id)
    assert (taken(ana), taken(ben)) == ([], [(0, 60)]) and adds_up(call)
    assert work.accept(item=call, by=ben, now=AT).state == "held"


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("away", "does not take work"),
        ("not cleared", "not cleared"),
        ("busy", "no room"),
        ("unskilled", "skills"),
        ("theirs", "has it already"),
    ],
)
def test_nobody_is_assigned_what_they_could_not_be_offered(everyone, who, why):
    ana, lead = make.agent(), leader()
    call = in_hand(ana)
    to = {
        "away": lambda: make.agent(available=False),
        "not cleared": lambda: make.agent(clear_for=None),
        "busy": lambda: (lambda busy: (in_hand(busy), busy)[1])(make.agent()),
        "unskilled": lambda: make.agent(portuguese=2),
        "theirs": lambda: ana,
    }[who]()

    with pytest.raises(work.Refused, match=why):
        supervising.assign(item=call, to=to, by=lead, now=AT)


def test_whoever_takes_over_goes_on_with_it(everyone):
    ana, lead = make.agent(), leader("Leonor", "agent")
    make_able(lead)
    call = in_hand(ana)
    joining.monitor(item=call, by=lead, now=make.later(seconds=30))

    item = supervising.take_over(item=call, by=lead, now=AT, as_seen=seen(call))

    assert (item.state, item.person, item.beside) == ("held", lead, None)
    assert (taken(ana), taken(lead)) == ([], [(0, 60)]) and adds_up(call)
    work.end(item=call, by=lead, now=make.later(minutes=3))
    assert now_of(call).talk_seconds == 180  # a minute with Ana, two with the leader, and no gap
    assert (now_of(call).connected_at, now_of(call).transfers) == (make.NINE, 1)
    waiting = make.call()
    with pytest.raises(work.Refused, match="no room"):
        supervising.take_over(item=waiting, by=lead, now=AT)
    with pytest.raises(work.Refused, match="role agent"):
        supervising.take_over(item=waiting, by=leader("Rui"), now=AT)


def make_able(person):
    people.certify(
        person=person,
        skill="portuguese",
        level=3,
        proof="test",
        valid_from=make.NINE.date(),
        by=actors.ROOT,
        now=make.NINE,
    )


def test_a_priority_is_raised_by_whoever_leads(everyone):
    call, lead = make.call(), leader()

    assert supervising.prioritise(item=call, priority=2, by=lead, now=AT, as_seen=seen(call)).ahead_seconds == 40
    with pytest.raises(work.Refused, match="from 0 to 9"):
        supervising.prioritise(item=call, priority=10, by=lead, now=AT)


PRESSES = {
    "end": {},
    "wrap_up": {"disposition": "resolved"},
    "put_back": {},
    "assign": {"to": None},
    "take_over": {},
    "prioritise": {"priority": 1},
}


@pytest.mark.parametrize("name", PRESSES)
def test_each_press_takes_the_permission_and_the_clearance(everyone, name):
    ana = make.agent()
    call, given = in_hand(ana), PRESSES[name] | ({"to": ana} if name == "assign" else {})
    before = now_of(call)

    for by, why in ((make.agent(), "takes the role"), (make.person("leader"), "not cleared")):
        with pytest.raises(permissions.Refused, match=why):
            getattr(supervising, name)(item=call, by=by, now=AT, **given)
    assert now_of(call).__dict__ | {"_state": 0} == before.__dict__ | {"_state": 0}


@pytest.mark.parametrize("name", ["end", "put_back", "assign", "take_over", "prioritise"])
def test_who_was_slower_is_told_what_the_other_did_and_changes_nothing(everyone, name):
    ana, ben = make.agent("Ana"), make.agent("Ben")
    first, second = leader("Leonor"), leader("Rui", "agent")
    call = in_hand(ana)
    both_saw = seen(call)
    supervising.assign(item=call, to=ben, by=first, now=AT, as_seen=both_saw)
    after = [fact.id for fact in event_log_queries.of_item(call.id)]

    with pytest.raises(work.TooLate, match=r"Leonor was quicker. \d\d:01:00: Offered \(Ben\)"):
        given = PRESSES[name] | ({"to": make.agent()} if name == "assign" else {})
        getattr(supervising, name)(item=call, by=second, now=make.later(minutes=2), as_seen=both_saw, **given)

    assert [fact.id for fact in event_log_queries.of_item(call.id)] == after
    assert now_of(call).person == ben


def test_two_leaders_in_the_same_moment_are_one(real_database):
    ana, ben, eva = committed(lambda: (make.agent(), make.agent(), make.agent()))
    one, two = committed(lambda: (leader("Leonor"), leader("Rui")))
    call = committed(lambda: in_hand(ana))
    both_saw = committed(lambda: seen(call))

    results = race(
        lambda: supervising.assign(item=call, to=ben, by=one, now=AT, as_seen=both_saw),
        lambda: supervising.assign(item=call, to=eva, by=two, now=AT, as_seen=both_saw),
    )

    assert sum(isinstance(result, Item) for result in results) == 1
    assert sum(isinstance(result, work.TooLate) for result in results) == 1, results
    assert committed(lambda: adds_up(call))


# --- others' agent states --------------------------------------------------------------------------------------------


def test_an_absent_one_is_set_to_not_ready_or_signed_out_and_the_fact_says_by_whom(everyone):
    ana, lead = make.agent("Ana"), leader()

    away = people.set_state(person=ana, state="away", reason="technical", by=lead, now=AT)
    assert (away.state, away.reason) == ("away", "technical")
    people.set_state(person=ana, state="signed-out", by=lead, now=make.later(minutes=2))

    facts = list(event_log_queries.of_person(ana.id))[-2:]
    assert [(fact.event, fact.by_id) for fact in facts] == [
        ("person.away", lead.id),
        ("person.signed-out", lead.id),
    ]
    assert facts[-1].details == {"because": people.BY_A_LEADER}
    with pytest.raises(people.Refused, match="signed out of work already"):
        people.set_state(person=ana, state="away", reason="break", by=lead, now=make.later(minutes=3))


def test_a_state_is_set_by_those_who_lead_and_not_over_anothers_act(everyone):
    ana, first, second = make.agent("Ana"), leader("Leonor"), leader("Rui")
    both_saw = ana.agent_state.since.isoformat()
    with pytest.raises(people.Refused, match="takes the role"):
        people.set_state(person=ana, state="signed-out", by=make.agent(), now=AT)
    people.set_state(person=ana, state="away", reason="meeting", by=first, now=AT, as_seen=both_saw)

    with pytest.raises(people.Refused, match=r"Leonor was quicker\. Ana is away meeting now"):
        people.set_state(person=ana, state="signed-out", by=second, now=make.later(minutes=2), as_seen=both_saw)
    assert people.set_state(person=ana, state="signed-out", by=second, now=make.later(minutes=2)).state == "signed-out"


# --- cancelled, answered, and moved between queues ------------------------------------------------------------------


def test_a_leader_cancels_work_in_somebodys_hands_and_says_why(everyone):
    ana, lead = make.agent(), leader()
    call = in_hand(ana)

    with pytest.raises(work.Refused, match="why"):
        supervising.cancel(item=call, reason=" ", by=lead, now=AT)
    cancelled = supervising.cancel(item=call, reason="Twice", by=lead, now=AT, as_seen=seen(call))

    assert (cancelled.state, cancelled.cancelled_as, last(call)[2]) == ("cancelled", "Twice", lead.id)
    assert taken(ana) == [] and adds_up(call)
    with pytest.raises(work.TooLate):
        supervising.cancel(item=call, reason="Twice", by=lead, now=AT, as_seen="held:1:1:0")


def test_a_leader_says_that_the_customer_has_answered_by_another_way(everyone):
    ana, lead = make.agent(), leader()
    mail = in_hand(ana, make.item("mail"))
    work.set_pending_customer(item=mail, by=ana, now=make.NINE)

    back = supervising.customer_answered(item=mail, by=lead, now=AT, as_seen=seen(mail))

    assert (back.state, back.pending_customer_since, last(mail)[2]) == ("waiting", None, lead.id)
    assert adds_up(mail)


def test_somebody_is_moved_to_another_queue_for_a_while_and_then_is_not_any_more(everyone):
    ana, lead = make.agent(portuguese=2), leader()
    call = make.call()
    with pytest.raises(work.Refused, match="skills"):
        supervising.assign(item=call, to=ana, by=lead, now=AT)

    lacked = supervising.move(person=ana, queue=make.queue(), ends_at=make.later(hours=2), by=lead, now=AT)

    assert (lacked, people_queries.skills_at(ana, AT)) == ({"portuguese": 3}, {"portuguese": 3})
    assert supervising.assign(item=call, to=ana, by=lead, now=AT).person == ana
    assert granting.end_lapsed_grants(by=actors.CLOCK, now=make.later(minutes=119)) == 0
    assert granting.end_lapsed_grants(by=actors.CLOCK, now=make.later(hours=2)) == 1
    ana = type(ana).objects.get(id=ana.id)
    assert people_queries.skills_at(ana, make.later(hours=2)) == {"portuguese": 2}
    facts = event_log_queries.of_person(ana.id).filter(event__contains="grant").order_by("id")
    assert [(each.event, each.by_id) for each in facts] == [
        ("person.skill-granted", lead.id),
        ("person.skill-grant-ended", None),
    ]
    assert facts[0].details == {
        "skill": "portuguese",
        "level": 3,
        "proof": "granted",
        "valid_from": "2026-03-04",
        "expires_on": "2026-03-04",
        "ends_at": make.later(hours=2).isoformat(),
        "queue": "calls",
    }


def test_a_grant_gives_no_clearance_lasts_no_longer_than_a_shift_and_is_for_those_who_lead(everyone):
    make.client("porto-post")
    ana, lead, agent = make.agent(portuguese=2), leader(), make.agent()
    both = make.in_charge("leader", make.client(), make.client("porto-post"))

    for queue, by, hours, why in (
        (make.queue("calls", "porto-post"), both, 1, "cleared for this client"),
        (make.queue("calls", "porto-post"), lead, 1, "cleared for this client"),
        (make.queue(), lead, 13, "12 hours"),
        (make.queue("mail"), lead, 1, "already"),
        (make.queue(), agent, 1, "role"),
    ):
        with pytest.raises(permissions.Refused, match=why):
            supervising.move(person=ana, queue=queue, ends_at=make.later(hours=hours), by=by, now=make.NINE)
    assert people_queries.skills_at(ana, make.NINE) == {"portuguese": 2}


def test_a_grant_is_ended_before_its_time(everyone):
    ana, lead = make.agent(portuguese=2), leader()
    supervising.move(person=ana, queue=make.queue(), ends_at=make.later(hours=2), by=lead, now=make.NINE)

    assert [each.skill.name for each in people_queries.grants(ana, AT)] == ["portuguese"]
    assert (granting.end_grants(person=ana, by=lead, now=AT), granting.end_grants(person=ana, by=lead, now=AT)) == (
        1,
        0,
    )
    assert people_queries.grants(ana, AT) == []
