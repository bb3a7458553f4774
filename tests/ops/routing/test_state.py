"""What a router has in mind: people and work as told, and the offers that follow."""

import itertools

from hypothesis import given
from hypothesis import strategies as some

from workfloor.ops.routing import state

CALLS, MAIL = 1, 2
LINES = (
    state.Line(CALLS, 7, {"portuguese": 3}, ((60.0, {"portuguese": 1}),), 1, 0.15, 20),
    state.Line(MAIL, 7, {"portuguese": 2}, (), 3, 0.001, 60),
)


def worker(person_id, level=3, here=True, since=0.0, clients=(7,)):
    return state.Worker(person_id, {"portuguese": level}, clients, here, since)


def waiting(item_id, queue_id=CALLS, since=0.0):
    return state.Thing(item_id, queue_id, since)


def held(item_id, person_id, queue_id=CALLS, since=0.0, low=0, high=60):
    return state.Thing(item_id, queue_id, since, state.WITH_SOMEBODY, person_id, low, high)


def mind(*workers, things=(), at=0.0):
    found = state.Mind()
    offers = found.hear(state.News(at, LINES, workers, tuple(things)))
    return found, pairs(offers)


def pairs(offers):
    return [(offer.item_id, offer.person_id) for offer in offers]


def hear(of, at, **told):
    return pairs(of.hear(state.News(at, **told)))


def test_what_waits_is_offered_at_once_the_oldest_first():
    _, offers = mind(worker(1), worker(2), things=[waiting(11, since=5.0), waiting(12, since=3.0), waiting(13)], at=9.0)

    assert [item for item, _ in offers] == [13, 12]


def test_an_offer_says_which_part_of_the_person_it_takes_and_how_long_they_have():
    of = state.Mind()
    offers = of.hear(state.News(1.0, LINES, (worker(1),), (waiting(11, MAIL), waiting(12, MAIL))))

    assert [tuple(offer) for offer in offers] == [(11, 1, 0, 20, 60, False, False), (12, 1, 20, 40, 60, False, False)]


def test_work_that_arrives_goes_to_whoever_sits_idle_and_work_that_ends_frees_its_person():
    of, _ = mind(worker(1))

    assert hear(of, 1.0, things=(waiting(11, since=1.0), waiting(12, since=1.0))) == [(11, 1)]
    assert hear(of, 2.0, things=(state.Thing(11, CALLS, 1.0, state.GONE),)) == [(12, 1)]


def test_an_own_offer_that_the_tables_confirm_is_no_news():
    of, _ = mind(worker(1), worker(2), things=[waiting(11)])

    assert hear(of, 1.0, things=(held(11, 1),)) == []
    assert hear(of, 2.0, things=(waiting(12, since=2.0),)) == [(12, 2)]


def test_somebody_who_is_away_or_not_able_is_offered_nothing():
    of, offers = mind(worker(1, here=False), worker(2, level=1), worker(3, clients=(8,)), things=[waiting(11)])

    assert offers == []
    assert hear(of, 5.0, workers=(worker(1, since=5.0),)) == [(11, 1)]


def test_a_ring_that_is_reached_lets_others_have_the_work():
    of, offers = mind(worker(2, level=1), things=[waiting(11)])

    assert offers == []
    assert of.next_change(0.0) == 60.0
    assert hear(of, 59.0) == []
    assert hear(of, 60.0) == [(11, 2)]


def test_who_declines_is_offered_nothing_of_that_queue_for_a_while():
    of, offers = mind(worker(1), things=[waiting(11)])
    assert offers == [(11, 1)]

    declined = (state.Refusal(1, CALLS, 31.0),)
    assert hear(of, 1.0, things=(waiting(11),), refusals=declined) == []
    assert of.next_change(1.0) == 31.0
    assert hear(of, 31.0) == [(11, 1)]


def test_offers_that_do_not_stand_are_decided_anew_and_nothing_overtakes():
    of, offers = mind(worker(1, since=1.0), worker(2, since=2.0), things=[waiting(11), waiting(12)], at=5.0)
    assert offers == [(11, 1), (12, 2)]

    again = hear(of, 6.0, workers=(worker(1, here=False),), undone=(12, 11))

    assert again == [(11, 2)]
    assert hear(of, 7.0, workers=(worker(1, since=7.0),)) == [(12, 1)]


def test_work_of_other_pools_takes_its_part_of_a_person_too():
    of, offers = mind(worker(1), things=[held(99, 1, queue_id=55), waiting(11)])

    assert offers == []
    assert hear(of, 1.0, things=(state.Thing(99, 55, 0.0, state.GONE),)) == [(11, 1)]


def test_who_sat_idle_until_another_pool_gave_them_something_has_no_room_for_what_arrives_with_it():
    of, _ = mind(worker(1))

    assert hear(of, 1.0, things=(held(99, 1, queue_id=55), waiting(11, since=1.0))) == []
    assert hear(of, 2.0, things=(waiting(12, since=2.0),)) == []
    assert hear(of, 3.0, things=(state.Thing(99, 55, 0.0, state.GONE),)) == [(11, 1)]


def test_a_new_contract_and_a_new_skill_are_learnt_without_losing_anything():
    of, _ = mind(worker(1), things=[waiting(11), waiting(12), waiting(13)])

    assert hear(of, 1.0, workers=(state.Worker(4, {"portuguese": 5, "english": 2}, (7,), True, 1.0),)) == [(12, 4)]
    stricter = (LINES[0]._replace(requires={"portuguese": 4}), LINES[1])
    assert hear(of, 2.0, lines=stricter) == []
    assert hear(of, 3.0, things=(state.Thing(11, CALLS, 0.0, state.GONE),)) == []
    assert hear(of, 4.0, things=(state.Thing(12, CALLS, 0.0, state.GONE),)) == [(13, 4)]


def test_new_slopes_change_what_is_urgent_and_nothing_else():
    of, _ = mind(worker(1), things=[held(99, 1), waiting(11, MAIL), waiting(12, CALLS, since=5.0)], at=10.0)
    urgent_mail = (LINES[0], LINES[1]._replace(slope=9.0))

    assert hear(of, 11.0, lines=urgent_mail) == []
    assert hear(of, 12.0, things=(state.Thing(99, CALLS, 0.0, state.GONE),)) == [(11, 1)]


def test_more_work_than_there_was_room_for_is_room_for_more():
    of, _ = mind(worker(1))
    many = tuple(waiting(100 + n, since=float(n)) for n in range(3 * state.ROOMY))

    assert hear(of, 1000.0, things=many) == [(100, 1)]
    assert hear(of, 1001.0, things=(state.Thing(100, CALLS, 0.0, state.GONE),)) == [(101, 1)]


# --- kept, scheduled, preempted, evened out --------------------------------------------------------------------------


def test_who_is_consulted_has_no_room_until_they_are_not():
    consulted = held(11, 1)._replace(parts=((2, 0, 60),))
    of, offers = mind(worker(1), worker(2), things=[consulted, waiting(12)])

    assert offers == []
    assert hear(of, 1.0, things=(held(11, 1),)) == [(12, 2)]


def test_a_transfer_after_a_consultation_frees_the_one_and_keeps_the_other():
    of, _ = mind(worker(1), worker(2), things=[held(11, 1)._replace(parts=((2, 0, 60),)), waiting(12), waiting(13)])

    assert hear(of, 1.0, things=(held(11, 2),)) == [(12, 1)]
    assert hear(of, 2.0, things=(gone(11),)) == [(13, 2)]


def test_a_second_keying_goes_on_whatever_becomes_of_the_item():
    """It waits, is kept, is kept no longer, is offered and is gone: its second keyer is never given too much."""
    keyed = waiting(11, MAIL)._replace(parts=((2, 0, 60),))
    of, offers = mind(worker(1), worker(2), things=[held(99, 1), keyed._replace(keeper=1, keep_until=50.0)])
    assert offers == []
    assert hear(of, 50.0, things=(waiting(12, since=50.0),)) == []  # kept no longer: for all, of whom nobody has room
    assert hear(of, 51.0, things=(gone(99),)) == [(12, 1)]
    assert hear(of, 52.0, things=(gone(12),)) == [(11, 1)]
    assert hear(of, 53.0, undone=(11,)) == [(11, 1)]
    assert hear(of, 54.0, things=(gone(11)._replace(parts=((2, 0, 60),)), waiting(13, since=54.0))) == [(13, 1)]
    assert hear(of, 55.0, things=(waiting(14, since=55.0),)) == []
    assert hear(of, 56.0, things=(gone(11),)) == [(14, 2)]


def kept(item_id, keeper, until, queue_id=CALLS, since=0.0):
    return waiting(item_id, queue_id, since)._replace(keeper=keeper, keep_until=until)


def gone(item_id, queue_id=CALLS):
    return state.Thing(item_id, queue_id, 0.0, state.GONE)


def test_work_of_a_case_is_kept_for_whoever_knows_it_for_a_while_and_then_offered_in_its_place():
    of, _ = mind(worker(1), worker(2), things=[held(99, 1)])

    assert hear(of, 1.0, things=(kept(11, 1, 121.0, since=1.0),)) == []
    assert of.next_change(1.0) == 121.0
    assert hear(of, 2.0, things=(waiting(12, since=2.0), waiting(13, since=3.0))) == [(12, 2)]
    assert hear(of, 121.0) == []
    assert hear(of, 122.0, things=(gone(12),)) == [(11, 2)]


def test_what_is_kept_goes_to_its_keeper_as_soon_as_they_are_free():
    of, _ = mind(worker(1), worker(2), things=[held(99, 1)])
    assert hear(of, 1.0, things=(kept(11, 1, 121.0, since=1.0),)) == []

    assert hear(of, 60.0, things=(gone(99),)) == [(11, 1)]


def test_nothing_is_kept_for_who_is_away_may_not_have_it_or_let_it_go_by():
    for unable in (worker(1, here=False), worker(1, level=2), worker(1, clients=(8,))):
        _, offers = mind(unable, worker(2), things=[kept(11, 1, 121.0)])
        assert offers == [(11, 2)]
    of, _ = mind(worker(1), worker(2), things=[held(99, 1)])
    declined = (state.Refusal(1, CALLS, 31.0),)
    assert hear(of, 1.0, things=(kept(11, 1, 121.0, since=1.0),), refusals=declined) == [(11, 2)]


def test_what_is_kept_is_offered_to_all_when_its_keeper_goes_away_loses_the_skill_or_declines():
    for change in (
        {"workers": (worker(1, here=False),)},
        {"workers": (worker(1, level=1),)},
        {"refusals": (state.Refusal(1, CALLS, 40.0),)},
    ):
        of, _ = mind(worker(1), worker(2), worker(3, level=1), things=[held(99, 1)])
        assert hear(of, 1.0, things=(kept(11, 1, 121.0, since=1.0),)) == []
        assert hear(of, 2.0, **change) == [(11, 2)]


def test_what_is_kept_is_offered_to_all_when_the_shift_of_its_keeper_ends():
    of, _ = mind(worker(1)._replace(until=50.0), worker(2), things=[held(99, 1)])
    assert hear(of, 1.0, things=(kept(11, 1, 121.0, since=1.0),)) == []
    assert of.next_change(1.0) == 50.0
    assert of.outdated(49.9) == []
    assert of.outdated(50.0) == [1]

    assert hear(of, 50.0) == [(11, 2)]


def test_a_router_that_begins_keeps_what_is_kept_and_offers_it_to_its_keeper():
    things = [held(99, 1), kept(11, 1, 121.0), kept(12, 2, 121.0, since=1.0), kept(13, 3, 121.0, since=2.0)]
    of, offers = mind(worker(1), worker(2), worker(4), things=things, at=9.0)

    assert offers == [(12, 2), (13, 4)]
    assert [each.verdict for each in of.why(11, 9.0) if each.person_id == 4] == ["sticky agent"]
    assert hear(of, 121.0) == []
    assert hear(of, 122.0, things=(gone(13),)) == [(11, 4)]


def test_scheduled_work_waits_for_nobody_until_it_is_due_and_then_takes_its_place():
    of, offers = mind(worker(1), things=[waiting(11, since=30.0)], at=5.0)
    assert offers == []
    assert of.next_change(5.0) == 30.0
    assert hear(of, 29.9) == []
    assert hear(of, 30.0) == [(11, 1)]

    # Told late, it stands before what came after the time for which it was due.
    of, _ = mind(worker(1), things=[held(99, 1), waiting(11, since=40.0)], at=5.0)
    assert hear(of, 45.0, things=(waiting(12, since=35.0), waiting(13, since=42.0))) == []
    freed = [hear(of, 50.0 + n, things=(gone(item),)) for n, item in enumerate((99, 12, 11))]
    assert freed == [[(12, 1)], [(11, 1)], [(13, 1)]]


def test_scheduled_work_that_is_cancelled_or_moved_is_not_offered_at_its_first_time():
    of, _ = mind(worker(1), things=[waiting(11, since=30.0), waiting(12, since=30.0)], at=5.0)
    assert hear(of, 6.0, things=(gone(11), waiting(12, since=60.0))) == []

    assert hear(of, 30.0) == []
    assert hear(of, 60.0) == [(12, 1)]


def test_scheduled_work_can_ask_for_somebody():
    of, _ = mind(worker(1), worker(2), things=[held(99, 1), kept(11, 1, 150.0, since=30.0)], at=5.0)

    assert hear(of, 30.0) == []
    assert hear(of, 150.0) == [(11, 2)]


def test_who_learns_something_or_gets_a_shift_keeps_their_place_in_line():
    of, _ = mind(worker(1, since=0.0), worker(2, since=5.0), at=9.0)
    assert hear(of, 10.0, workers=(worker(1, since=0.0)._replace(until=500.0),)) == []

    assert hear(of, 11.0, things=(waiting(11, since=11.0), waiting(12, since=11.0))) == [(11, 1), (12, 2)]


URGENT = 3
FLOOR = (
    LINES[0],
    LINES[1]._replace(preemptible=True),
    state.Line(URGENT, 7, {"portuguese": 2}, (), 1, 5.0, 20, False, True),
)


def test_mail_is_put_aside_for_an_urgent_call_and_stays_with_its_person():
    of = state.Mind()
    of.hear(state.News(0.0, FLOOR, (worker(1),), (waiting(11, MAIL), waiting(12, MAIL))))
    [urgent] = of.hear(state.News(1.0, things=(waiting(13, URGENT, 1.0), waiting(14, CALLS, 1.0))))

    assert (urgent.item_id, urgent.low, urgent.high, urgent.over) == (13, 0, 60, True)
    assert hear(of, 2.0, things=(gone(13, URGENT),)) == []
    assert {each.item_id for each in of.things.values() if each.person_id == 1} == {11, 12}
    # Only a call that interrupts may have what mail takes; others wait for all of it.
    assert hear(of, 3.0, things=(gone(11, MAIL),)) == []
    assert hear(of, 4.0, things=(gone(12, MAIL),)) == [(14, 1)]


def test_mail_of_another_pool_may_be_put_aside_too():
    mail = held(99, 1, queue_id=55)._replace(preemptible=True)
    of = state.Mind()
    [urgent] = of.hear(state.News(0.0, FLOOR, (worker(1),), (mail, waiting(13, URGENT), waiting(14, CALLS))))
    assert (urgent.item_id, urgent.over) == (13, True)

    assert hear(of, 1.0, things=(gone(13, URGENT),)) == []
    assert hear(of, 2.0, things=(gone(99, 55),)) == [(14, 1)]


def test_who_did_more_than_the_others_stands_back_from_the_moment_that_it_is_told():
    of, _ = mind(worker(1, since=0.0), worker(2, since=10.0), worker(3, since=20.0), at=30.0)
    assert hear(of, 31.0, handicaps=((1, 25.0), (2, -5.0), (3, -15.0))) == []

    # In line since 25, 5 and 5; the lower id first.
    assert hear(of, 32.0, things=tuple(waiting(item, since=32.0) for item in (11, 12, 13))) == [
        (11, 2),
        (12, 3),
        (13, 1),
    ]
    # A handicap holds until another is told; going back, all have been idle since 40.
    assert hear(of, 40.0, things=(gone(11), gone(12), gone(13)), handicaps=((2, 0.0),)) == []
    again = tuple(waiting(item, since=41.0) for item in (14, 15, 16))
    assert hear(of, 41.0, things=again) == [(14, 3), (15, 2), (16, 1)]


# --- any tellings ------------------------------------------------------------------------------------------------

WHAT = ["arrive", "keep", "schedule", "end", "decline", "away", "back", "shift", "even", "wait", "undo"]
HAPPENINGS = some.lists(some.tuples(some.sampled_from(WHAT), some.integers(0, 40)), max_size=60)


def told(happenings):
    """Run what happens past a mind; yields each telling with its offers, and the mind after it."""
    of, now, last = state.Mind(), 0.0, []
    workers = {n: worker(n, level=1 + n % 4) for n in range(1, 6)}
    number = 0
    steps = [("begin", 0), *happenings]
    for what, n in steps:
        now += 1.0 + n % 7
        person = 1 + n % 5
        news = state.News(now, FLOOR, tuple(workers.values())) if what == "begin" else state.News(now)
        if what in ("arrive", "keep", "schedule"):
            number += 1
            item = waiting(number, 1 + n % 3, now + n if what == "schedule" else now)
            if what == "keep":
                item = item._replace(keeper=person, keep_until=now + 5 * (n % 4))
            news = news._replace(things=(item,))
        elif what in ("end", "decline") and (mine := [i for i, t in of.things.items() if t.state == "with"]):
            thing = of.things[mine[n % len(mine)]]
            over = thing._replace(state=state.GONE) if what == "end" else waiting(*thing[:3])
            refused = () if what == "end" else (state.Refusal(thing.person_id, thing.queue_id, now + 30),)
            news = news._replace(things=(over,), refusals=refused)
        elif what in ("away", "back", "shift"):
            until = now + n if what == "shift" else None
            workers[person] = worker(person, 1 + person % 4, what != "away", now)._replace(until=until)
            news = news._replace(workers=(workers[person],))
        elif what == "even":
            news = news._replace(handicaps=((person, float(n)), (1 + (n + 1) % 5, -float(n))))
        elif what == "undo":
            news = news._replace(undone=tuple(reversed([offer.item_id for offer in last])))
        last = of.hear(news)
        yield news, last, of, workers


def may_have(worker, line, waited, now):
    enough = 1 if line.queue_id == CALLS and waited >= 60 else line.requires["portuguese"]
    return worker.here and (worker.until is None or now < worker.until) and worker.skills["portuguese"] >= enough


@given(HAPPENINGS)
def test_nobody_ever_has_more_than_they_can_or_what_they_may_not_and_nothing_waits_beside_them(happenings):
    for news, offers, of, workers in told(happenings):
        for offer in offers:
            thing = of.things[offer.item_id]
            assert thing.since <= news.at
            assert may_have(workers[offer.person_id], of.lines[thing.queue_id], news.at - thing.since, news.at)
        for person_id in workers:
            hands = [each for each in of.things.values() if each.person_id == person_id]
            for one, other in itertools.combinations(hands, 2):
                lies_over = one.preemptible != other.preemptible and URGENT in (one.queue_id, other.queue_id)
                assert lies_over or one.high <= other.low or other.high <= one.low
        # One who learns everything now has nothing to add: no work waits beside somebody who may have it.
        refused = tuple(state.Refusal(*key, until) for key, until in of.refusals.items())
        everything = state.News(news.at, FLOOR, tuple(workers.values()), tuple(of.things.values()), refused)
        assert state.Mind().hear(everything) == []


@given(HAPPENINGS)
def test_nothing_is_kept_longer_than_it_may_be_nor_for_who_may_not_have_it(happenings):
    for news, _, of, workers in told(happenings):
        for thing in of.things.values():
            if thing.state != state.WAITING or thing.item_id not in of.places:
                continue
            lane = of.pool.waiting.lane[of.places[thing.item_id]]
            if lane >= of.pool.queues:
                assert lane - of.pool.queues == of.agent_numbers[thing.keeper]
                assert news.at < thing.keep_until
                waited = news.at - thing.since
                assert may_have(workers[thing.keeper], of.lines[thing.queue_id], waited, news.at)


@given(HAPPENINGS)
def test_nothing_overtakes_older_work_of_its_queue(happenings):
    for news, offers, of, _ in told(happenings):
        for place, offer in enumerate(offers):
            later = {each.item_id for each in offers[place + 1 :]}
            mine = of.things[offer.item_id]
            passed = [
                each
                for each in of.things.values()
                if each.queue_id == mine.queue_id
                and (each.since, each.item_id) < (mine.since, mine.item_id)
                and (each.state == state.WAITING or each.item_id in later)
                and each.keep_until <= news.at
            ]
            assert passed == []
