"""What people are to work beside its owner: consult, monitor, second keying; and what each takes of them."""

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests import make
from tests.core.work.test_actions import committed, events_of, race
from tests.core.work.test_followers import follow
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import joining, lifecycle, roles
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.kit.database import rls
from workfloor.ops.routing import explain
from workfloor.ops.routing import leader as routing_leader
from workfloor.ops.routing import queries as routing_queries

KEYED = ('kind = "email"', 'kind = "data-capture"')


def now_of(item):
    return Item.objects.get(id=item.id)


def in_hand(by, item=None, at=make.NINE, most=1):
    item = work.offer(
        item=item or make.call(), person=by, max_concurrency=most, offer_seconds=20, by=make.ROUTER, now=at
    )
    return work.accept(item=item, by=by, now=at)


def consulting(ana, ben, item=None, at=make.NINE):
    item = in_hand(ana, item)
    joining.ask(item=item, to=ben, by=ana, now=at)
    return joining.accept(item=item, by=ben, now=at)


def taken(person):
    return work_queries.shares([person.id])[person.id]


def adds_up(item):
    """The row and the assignments are what the facts say."""
    facts = lifecycle.replay(event_log_queries.of_item(item.id))
    stored = {(each.person_id, each.role) for each in Assignment.objects.filter(item=item)}
    owner = {(facts.person_id, roles.OWNER)} if facts.person_id else set()
    return facts == work_queries.state_of(now_of(item)) and stored == owner | {
        (each["person"], each["role"]) for each in facts.beside or ()
    }


def test_a_consultant_of_a_call_is_taken_whole_from_being_asked_on(everyone):
    ana, ben = make.agent(), make.agent()
    item = in_hand(ana)
    joining.ask(item=item, to=ben, by=ana, now=make.later(seconds=10))

    assert taken(ben) == [(0, 60)]
    with pytest.raises(work.Refused, match="no room"):
        work.offer(item=make.call(), person=ben, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=make.NINE)
    joining.accept(item=item, by=ben, now=make.later(seconds=15))
    assert taken(ben) == [(0, 60)] and adds_up(item)
    joining.leave(item=item, by=ben, now=make.later(seconds=40))
    assert taken(ben) == [] and adds_up(item)
    assert now_of(item).person == ana
    assert events_of(item)[-3:] == ["consult-asked", "consult-joined", "consult-ended"]


def test_a_consultant_of_a_letter_has_room_for_three_more(everyone):
    ana, ben = make.agent(), make.agent()
    letters = [in_hand(ana, make.item("mail"), most=3) for _ in range(2)]
    for letter in letters:
        joining.ask(item=letter, to=ben, by=ana, now=make.NINE)

    assert taken(ben) == [(0, 15), (15, 30)]  # a quarter each, as the kind says


def test_who_is_asked_may_decline_or_not_answer_or_be_asked_no_more(everyone):
    ana, ben = make.agent(), make.agent()
    item = in_hand(ana)
    joining.ask(item=item, to=ben, by=ana, now=make.NINE)
    joining.decline(item=item, by=ben, now=make.later(seconds=2))
    assert taken(ben) == []
    joining.ask(item=item, to=ben, by=ana, now=make.later(seconds=3))
    joining.withdraw(item=item, of=ben, by=ana, now=make.later(seconds=4))
    assert taken(ben) == []
    joining.ask(item=item, to=ben, by=ana, now=make.later(seconds=5))
    assert joining.let_asks_lapse(by=make.ROUTER, now=make.later(seconds=6)) == 0
    assert joining.let_asks_lapse(by=make.ROUTER, now=make.later(minutes=2)) == 1
    assert taken(ben) == [] and adds_up(item)
    with pytest.raises(lifecycle.NotNow):
        joining.accept(item=item, by=ben, now=make.later(minutes=3))


@pytest.mark.parametrize("who", ["away", "not cleared", "the owner", "a leader only"])
def test_whoever_cannot_take_work_is_not_asked(everyone, who):
    ana = make.agent()
    item = in_hand(ana)
    to = {
        "away": lambda: make.agent(available=False),
        "not cleared": lambda: make.agent(clear_for=None),
        "the owner": lambda: ana,
        "a leader only": lambda: make.person("leader"),
    }[who]()

    with pytest.raises(work.Refused):
        joining.ask(item=item, to=to, by=ana, now=make.NINE)


def test_a_transfer_after_a_consultation_goes_on_without_a_gap(everyone):
    """By hand: 30 s with Ana, 20 s on hold while she asks Ben, 10 s the three of them, 40 s with Ben alone."""
    ana, ben = make.agent(), make.agent()
    item = in_hand(ana)
    work.hold(item=item, by=ana, now=make.later(seconds=30))
    joining.ask(item=item, to=ben, by=ana, now=make.later(seconds=32))
    joining.accept(item=item, by=ben, now=make.later(seconds=36))
    work.resume(item=item, by=ana, now=make.later(seconds=50))
    item = joining.transfer(item=item, to=ben, by=ana, now=make.later(seconds=60), note="wants the manager")

    assert (item.state, item.person, taken(ana), taken(ben)) == ("held", ben, [], [(0, 60)])
    assert adds_up(item)
    with pytest.raises(work.NotYours):
        work.end(item=item, by=ana, now=make.later(seconds=61))
    work.end(item=item, by=ben, now=make.later(seconds=100))
    item = work.wrap_up(item=item, by=ben, disposition="resolved", now=make.later(seconds=115))
    assert (item.talk_seconds, item.hold_seconds, item.wrap_seconds) == (30 + 10 + 40, 20, 15)
    assert (item.connected_at, item.done_by) == (make.NINE, ben)
    assert adds_up(item) and not Assignment.objects.exists()


def test_a_blind_transfer_ends_the_consultation(everyone):
    ana, ben = make.agent(), make.agent()
    item = consulting(ana, ben)
    work.transfer(item=item, queue=make.queue("mail"), by=ana, now=make.later(seconds=9))

    assert taken(ben) == [] and adds_up(item)
    assert events_of(item)[-2:] == ["transferred", "consult-ended"]


def test_a_letter_is_transferred_to_consultant_only_to_whom_it_fits(everyone):
    ana, ben = make.agent(), make.agent()
    letter = consulting(ana, ben, make.item("mail"))
    for _ in range(2):
        joining_room = make.item("mail")
        work.offer(item=joining_room, person=ben, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=make.NINE)

    assert taken(ben) == [(0, 15), (20, 40), (40, 60)]
    assert joining.transfer(item=letter, to=ben, by=ana, now=make.NINE).person == ben
    assert sorted(taken(ben)) == [(0, 20), (20, 40), (40, 60)]  # an owner's third now, in its place


def test_a_monitor_takes_nothing_of_a_leader_and_is_gone_with_the_contact(everyone):
    lead, ana = make.person("leader", "agent"), make.agent()
    people.clear(person=lead, client=make.client(), by=actors.ROOT, now=make.NINE)
    one, two = in_hand(ana), in_hand(make.agent())
    for item in (one, two):
        joining.monitor(item=item, by=lead, now=make.later(seconds=5))
    assert taken(lead) == [] and adds_up(one) and adds_up(two)
    with pytest.raises(work.Refused, match="takes the role leader"):
        joining.monitor(item=one, by=make.agent(), now=make.NINE)
    with pytest.raises(work.Refused, match="not cleared"):
        joining.monitor(item=one, by=make.person("leader"), now=make.NINE)

    joining.leave(item=two, by=lead, now=make.later(seconds=6))
    work.end(item=one, by=ana, now=make.later(seconds=9))
    assert events_of(one)[-2:] == ["ended", "monitor-left"]
    assert events_of(two)[-1] == "monitor-left"
    assert adds_up(one) and adds_up(two)
    assert now_of(one).talk_seconds == 9


def documents():
    make.amended(KEYED)
    return make.item("mail")


def test_a_document_keyed_twice_is_done_when_both_are(everyone):
    item = documents()
    ana, ben = make.agent(), make.agent()
    joining.ask_second_keying(item=item, by=make.in_charge("leader", item.client), now=make.NINE)
    with pytest.raises(work.Refused, match="as the first yet"):
        joining.begin_second_keying(item=item, by=ben, now=make.NINE)
    in_hand(ana, item, most=3)
    joining.begin_second_keying(item=item, by=ben, now=make.later(minutes=1))
    assert taken(ana) == taken(ben) == [(0, 20)]

    work.end(item=item, by=ana, now=make.later(minutes=4))
    item = work.wrap_up(item=item, by=ana, disposition="answered", now=make.later(minutes=5))
    assert (item.state, item.keyed_at, item.ended_at, taken(ana)) == ("waiting", make.later(minutes=5), None, [])
    assert adds_up(item)
    assert routing_leader.pulse(now=make.later(minutes=6)) == 0  # it waits for the second keying, for nobody else

    item = joining.finish_second_keying(item=item, by=ben, now=make.later(minutes=9))
    assert (item.state, item.disposition, item.done_by, item.ended_at) == (
        *("done", "answered", ana),
        make.later(minutes=9),
    )
    # by hand: the first keying is the item's own, 4 min and 1 to wrap up; it was resolved after 9 working minutes
    assert (item.talk_seconds, item.wrap_seconds, item.working_seconds) == (240, 60, 540)
    assert adds_up(item) and not Assignment.objects.exists()
    assert now_of(item).case.resolved_at == make.later(minutes=9)


def test_the_second_may_be_done_before_the_first(everyone):
    item = documents()
    ana, ben = make.agent(), make.agent()
    joining.ask_second_keying(item=item, by=make.ROOT, now=make.NINE)
    in_hand(ana, item, most=3)
    joining.begin_second_keying(item=item, by=ben, now=make.NINE)
    joining.finish_second_keying(item=item, by=ben, now=make.later(minutes=2))
    assert now_of(item).state == "held"

    work.end(item=item, by=ana, now=make.later(minutes=4))
    item = work.wrap_up(item=item, by=ana, disposition="answered", now=make.later(minutes=5))
    assert (item.state, item.second_keying) == ("done", "done") and adds_up(item)


def test_the_second_is_never_the_first(everyone):
    item = documents()
    ana, ben = make.agent(), make.agent()
    joining.ask_second_keying(item=item, by=make.ROOT, now=make.NINE)
    in_hand(ana, item, most=3)
    with pytest.raises(work.Refused, match="somebody else's"):
        joining.begin_second_keying(item=item, by=ana, now=make.NINE)
    work.transfer(item=item, queue=make.queue("calls"), by=ana, now=make.NINE)
    in_hand(ben, item)
    with pytest.raises(work.Refused, match="somebody else's"):
        joining.begin_second_keying(item=item, by=ana, now=make.NINE)  # who had it once is no second either

    eva = make.agent()
    joining.begin_second_keying(item=item, by=eva, now=make.NINE)
    joining.finish_second_keying(item=item, by=eva, now=make.NINE)
    work.transfer(item=item, queue=make.queue("mail"), by=ben, now=make.NINE)
    work.offer(item=item, person=eva, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=make.NINE)
    with pytest.raises(work.Refused, match="as the second"):
        work.accept(item=item, by=eva, now=make.NINE)


def test_a_second_keying_that_is_dropped_is_for_somebody_else(everyone):
    item = documents()
    ana, ben = make.agent(), make.agent()
    joining.ask_second_keying(item=item, by=make.ROOT, now=make.NINE)
    in_hand(ana, item, most=3)
    joining.begin_second_keying(item=item, by=ben, now=make.NINE)
    joining.leave(item=item, by=ben, now=make.NINE)

    assert (now_of(item).second_keying, taken(ben)) == ("wanted", [])
    joining.begin_second_keying(item=item, by=make.agent(), now=make.NINE)
    work.cancel(item=item, reason="sent twice", by=make.ROOT, now=make.NINE)
    assert adds_up(item) and not Assignment.objects.exists()


def test_a_document_that_nobody_keys_again_is_found_and_can_be_called_off(everyone):
    item = documents()
    ana, ben, lead = make.agent(), make.agent(), make.in_charge("leader", item.client)
    joining.ask_second_keying(item=item, by=make.ROOT, now=make.NINE)
    assert list(work_queries.to_key_again(ben)) == []  # nobody has it as the first yet
    in_hand(ana, item, most=3)
    work.end(item=item, by=ana, now=make.later(minutes=2))
    work.wrap_up(item=item, by=ana, disposition="answered", now=make.later(minutes=3))

    assert (list(work_queries.to_key_again(ben)), list(work_queries.to_key_again(ana))) == ([item], [])
    with pytest.raises(work.Refused, match="takes the role leader or manager"):
        joining.call_off_second_keying(item=item, by=ben, now=make.later(minutes=5))
    item = joining.call_off_second_keying(item=item, by=lead, now=make.later(minutes=5))
    assert (item.state, item.done_by, item.ended_at) == ("done", ana, make.later(minutes=5))
    assert adds_up(item)


def test_who_leaves_while_wrapping_up_the_first_keying_leaves_the_second_to_be_done(everyone):
    item = documents()
    ana, ben = make.agent(), make.agent()
    joining.ask_second_keying(item=item, by=make.ROOT, now=make.NINE)
    in_hand(ana, item, most=3)
    joining.begin_second_keying(item=item, by=ben, now=make.NINE)
    work.end(item=item, by=ana, now=make.later(minutes=2))
    item = work.take_back(item=now_of(item), by=make.ROUTER, now=make.later(minutes=3))

    assert (item.state, item.keyed_at, taken(ben)) == ("waiting", make.later(minutes=3), [(0, 20)])
    item = joining.finish_second_keying(item=item, by=ben, now=make.later(minutes=4))
    assert item.state == "done" and adds_up(item)


def test_calls_are_not_keyed_and_who_lacks_the_skill_does_not_key(everyone):
    with pytest.raises(lifecycle.NotNow, match="not keyed"):
        joining.ask_second_keying(item=make.call(of="north"), by=make.ROOT, now=make.NINE)
    item = documents()
    joining.ask_second_keying(item=item, by=make.ROOT, now=make.NINE)
    in_hand(make.agent(), item, most=3)
    with pytest.raises(work.Refused, match="skills"):
        joining.begin_second_keying(item=item, by=make.agent(portuguese=1), now=make.NINE)


def test_the_database_refuses_a_second_owner_and_too_much_of_a_consultant(everyone):
    ana, ben = make.agent(), make.agent()
    item = consulting(ana, ben)

    def assign(**more):
        with transaction.atomic():
            Assignment.objects.create(client_id=item.client_id, since=make.NINE, **more)

    with pytest.raises(IntegrityError, match="work_assignment_pkey"):
        assign(item=item, person=make.agent(), share=(0, 60))
    with pytest.raises(IntegrityError, match="assignment_within_capacity"):
        assign(item=make.call(), person=ben, share=(0, 10))
    with pytest.raises(IntegrityError, match="assignment_role"):
        assign(item=item, person=make.agent(), share=(0, 10), place=7, role="consult")
    with pytest.raises(IntegrityError, match="assignment_share"):
        lead = make.person("leader")
        assign(item=item, person=lead, share=(0, 10), place=lead.id, role="monitor")
    with pytest.raises(IntegrityError, match="item_is_assigned"), transaction.atomic():
        Item.objects.filter(id=item.id).update(person=ben)  # a consultant's part makes nobody the owner
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- what a router knows of it -----------------------------------------------------------------------------------


def test_a_router_offers_a_consultant_nothing_until_they_are_free(everyone):
    ana, ben = make.agent(), make.agent()
    item = consulting(ana, ben)
    mail = make.item("mail")

    assert routing_leader.pulse(now=make.NINE) == 0
    [thing] = routing_queries.things([item.id])
    assert (thing.person_id, thing.parts) == (ana.id, ((ben.id, 0, 60),))
    joining.leave(item=item, by=ben, now=make.later(seconds=5))
    assert routing_leader.pulse(now=make.later(seconds=5)) == 1
    assert now_of(mail).person == ben


def test_why_an_offer_passed_a_consultant_by_is_told_afterwards(everyone):
    ana, ben, eva = make.agent(), make.agent(), make.agent()
    consulting(ana, ben)
    call = make.call(at=make.later(seconds=5))
    assert routing_leader.pulse(now=make.later(seconds=5)) == 1

    assert now_of(call).person == eva
    said = {person.id: reason.verdict for person, reason in explain.why(call.id, now=make.later(minutes=1)).reasons}
    assert said == {ana.id: "no room", ben.id: "no room", eva.id: "could"}


# --- when things go wrong ----------------------------------------------------------------------------------------


def test_who_signs_out_is_in_nothing_any_more(real_database):
    ana, ben, item = committed(lambda: (lambda a, b: (a, b, consulting(a, b)))(make.agent(), make.agent()))
    committed(lambda: people.sign_out_of_work(person=ben, by=ben, now=make.later(seconds=9)))
    follow()

    assert committed(lambda: adds_up(item)) and committed(lambda: taken(ben)) == []
    last = committed(lambda: event_log_queries.of_item(item.id).last())
    assert (last.event, last.details) == ("work.consult-ended", {"because": work_events.GONE})
    assert committed(lambda: now_of(item).person) == ana


def test_a_consultant_whose_browser_is_gone_is_out_of_it_and_signed_out_of_work(everyone):
    ana, ben = make.agent(), make.agent()
    people.note_heard(person_ids=[ana.id, ben.id], now=make.NINE)
    item = consulting(ana, ben)
    people.note_heard(person_ids=[ana.id], now=make.later(minutes=30))

    assert joining.sign_out_the_gone(by=make.ROUTER, now=make.later(minutes=30), after=timedelta(minutes=5)) == 1
    assert adds_up(item) and taken(ben) == []
    assert (now_of(item).person, now_of(item).state) == (ana, "held")


def test_two_transfers_at_once_are_one(real_database):
    ana, ben, item = committed(lambda: (lambda a, b: (a, b, consulting(a, b)))(make.agent(), make.agent()))
    calls, mail = committed(lambda: (make.queue("calls"), make.queue("mail")))
    late = make.later(seconds=30)

    results = race(
        lambda: work.transfer(item=item, queue=mail, by=ana, now=late),
        lambda: joining.transfer(item=item, to=ben, by=ana, now=late),
        lambda: work.transfer(item=item, queue=calls, by=ana, now=late),
    )

    assert sum(isinstance(result, Item) for result in results) == 1, results
    assert committed(lambda: adds_up(item))
    assert committed(lambda: taken(ana)) == []


def test_an_end_during_a_consultation_leaves_nobody_in_it(real_database):
    ana, ben, item = committed(lambda: (lambda a, b: (a, b, in_hand(a)))(make.agent(), make.agent()))
    committed(lambda: joining.ask(item=item, to=ben, by=ana, now=make.NINE))
    late = make.later(seconds=30)

    race(
        lambda: work.end(item=item, by=ana, now=late),
        lambda: joining.accept(item=item, by=ben, now=late),
    )

    assert committed(lambda: now_of(item).state) == "wrapping"
    assert committed(lambda: adds_up(item))
    assert committed(lambda: taken(ben)) == []


def test_two_who_ask_one_colleague_at_once_get_one_answer(real_database):
    ben, items = committed(lambda: (make.agent(), [(a, in_hand(a)) for a in (make.agent(), make.agent())]))

    results = race(*[lambda a=a, i=i: joining.ask(item=i, to=ben, by=a, now=make.NINE) for a, i in items])

    assert sum(isinstance(result, Item) for result in results) == 1
    assert committed(lambda: taken(ben)) == [(0, 60)]
    assert all(committed(lambda i=i: adds_up(i)) for _, i in items)


def test_a_transfer_that_is_killed_on_its_way_never_was(real_database):
    ana, ben, item = committed(lambda: (lambda a, b: (a, b, consulting(a, b)))(make.agent(), make.agent()))

    with pytest.raises(OperationalError), transaction.atomic():
        rls.enter_every_client()
        joining.transfer(item=item, to=ben, by=ana, now=make.later(seconds=9))
        with psycopg.connect(real_database, autocommit=True) as killing:
            killing.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        now_of(item)
    connection.close()

    assert committed(lambda: now_of(item).person) == ana
    assert committed(lambda: adds_up(item)) and committed(lambda: taken(ben)) == [(0, 60)]
    committed(lambda: joining.transfer(item=item, to=ben, by=ana, now=make.later(seconds=12)))
    assert committed(lambda: now_of(item).person) == ben
    assert committed(lambda: adds_up(item)) and committed(lambda: taken(ana)) == []
