"""What a router has in mind: people and work as told, and the offers that follow."""

import itertools

from hypothesis import given
from hypothesis import strategies as some

from workfloor.ops.dispatch import rules

CALLS, MAIL = 1, 2
LINES = (
    rules.Line(CALLS, 7, {"portuguese": 3}, ((60.0, {"portuguese": 1}),), 1, 0.15, 20),
    rules.Line(MAIL, 7, {"portuguese": 2}, (), 3, 0.001, 60),
)


def worker(person_id, level=3, here=True, since=0.0, clients=(7,)):
    return rules.Worker(person_id, {"portuguese": level}, clients, here, since)


def waiting(item_id, queue_id=CALLS, since=0.0):
    return rules.Thing(item_id, queue_id, since)


def held(item_id, person_id, queue_id=CALLS, since=0.0, low=0, high=60):
    return rules.Thing(item_id, queue_id, since, rules.WITH_SOMEBODY, person_id, low, high)


def mind(*workers, things=(), at=0.0):
    found = rules.Mind()
    offers = found.hear(rules.News(at, LINES, workers, tuple(things)))
    return found, pairs(offers)


def pairs(offers):
    return [(offer.item_id, offer.person_id) for offer in offers]


def hear(of, at, **told):
    return pairs(of.hear(rules.News(at, **told)))


def test_what_waits_is_offered_at_once_the_oldest_first():
    _, offers = mind(worker(1), worker(2), things=[waiting(11, since=5.0), waiting(12, since=3.0), waiting(13)], at=9.0)

    assert [item for item, _ in offers] == [13, 12]


def test_an_offer_says_which_part_of_the_person_it_takes_and_how_long_they_have():
    of = rules.Mind()
    offers = of.hear(rules.News(1.0, LINES, (worker(1),), (waiting(11, MAIL), waiting(12, MAIL))))

    assert [tuple(offer) for offer in offers] == [(11, 1, 0, 20, 60), (12, 1, 20, 40, 60)]


def test_work_that_arrives_goes_to_whoever_sits_idle_and_work_that_ends_frees_its_person():
    of, _ = mind(worker(1))

    assert hear(of, 1.0, things=(waiting(11, since=1.0), waiting(12, since=1.0))) == [(11, 1)]
    assert hear(of, 2.0, things=(rules.Thing(11, CALLS, 1.0, rules.GONE),)) == [(12, 1)]


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

    declined = (rules.Refusal(1, CALLS, 31.0),)
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
    assert hear(of, 1.0, things=(rules.Thing(99, 55, 0.0, rules.GONE),)) == [(11, 1)]


def test_a_new_contract_and_a_new_skill_are_learnt_without_losing_anything():
    of, _ = mind(worker(1), things=[waiting(11), waiting(12), waiting(13)])

    assert hear(of, 1.0, workers=(rules.Worker(4, {"portuguese": 5, "english": 2}, (7,), True, 1.0),)) == [(12, 4)]
    stricter = (LINES[0]._replace(requires={"portuguese": 4}), LINES[1])
    assert hear(of, 2.0, lines=stricter) == []
    assert hear(of, 3.0, things=(rules.Thing(11, CALLS, 0.0, rules.GONE),)) == []
    assert hear(of, 4.0, things=(rules.Thing(12, CALLS, 0.0, rules.GONE),)) == [(13, 4)]


def test_new_slopes_change_what_is_urgent_and_nothing_else():
    of, _ = mind(worker(1), things=[held(99, 1), waiting(11, MAIL), waiting(12, CALLS, since=5.0)], at=10.0)
    urgent_mail = (LINES[0], LINES[1]._replace(slope=9.0))

    assert hear(of, 11.0, lines=urgent_mail) == []
    assert hear(of, 12.0, things=(rules.Thing(99, CALLS, 0.0, rules.GONE),)) == [(11, 1)]


def test_more_work_than_there_was_room_for_is_room_for_more():
    of, _ = mind(worker(1))
    many = tuple(waiting(100 + n, since=float(n)) for n in range(3 * rules.ROOMY))

    assert hear(of, 1000.0, things=many) == [(100, 1)]
    assert hear(of, 1001.0, things=(rules.Thing(100, CALLS, 0.0, rules.GONE),)) == [(101, 1)]


# --- any tellings ------------------------------------------------------------------------------------------------

HAPPENINGS = some.lists(
    some.tuples(some.sampled_from(["arrive", "end", "decline", "away", "back", "wait", "undo"]), some.integers(0, 40)),
    max_size=60,
)


def told(happenings):
    """Run what happens past a mind; yields each telling with its offers, and the mind after it."""
    of, now, items, last = rules.Mind(), 0.0, {}, []
    workers = {n: worker(n, level=1 + n % 4) for n in range(1, 6)}
    number = 0
    steps = [("begin", 0), *happenings]
    for what, n in steps:
        now += 1.0 + n % 7
        news = rules.News(now, LINES, tuple(workers.values())) if what == "begin" else rules.News(now)
        if what == "arrive":
            number += 1
            items[number] = waiting(number, CALLS if n % 3 else MAIL, now)
            news = news._replace(things=(items[number],))
        elif what in ("end", "decline") and (mine := [i for i, t in of.things.items() if t.state == "with"]):
            thing = of.things[mine[n % len(mine)]]
            gone = thing._replace(state=rules.GONE) if what == "end" else waiting(*thing[:3])
            refused = () if what == "end" else (rules.Refusal(thing.person_id, thing.queue_id, now + 30),)
            news = news._replace(things=(gone,), refusals=refused)
        elif what in ("away", "back"):
            workers[1 + n % 5] = worker(1 + n % 5, 1 + (1 + n % 5) % 4, what == "back", now)
            news = news._replace(workers=(workers[1 + n % 5],))
        elif what == "undo":
            news = news._replace(undone=tuple(reversed([offer.item_id for offer in last])))
        last = of.hear(news)
        yield news, last, of, workers


@given(HAPPENINGS)
def test_nobody_ever_has_more_than_they_can_or_what_they_may_not_and_nothing_waits_beside_them(happenings):
    for news, offers, of, workers in told(happenings):
        for offer in offers:
            line = of.lines[of.things[offer.item_id].queue_id]
            waited = news.at - of.things[offer.item_id].since
            enough = 1 if line.queue_id == CALLS and waited >= 60 else line.requires["portuguese"]
            assert workers[offer.person_id].here
            assert workers[offer.person_id].skills["portuguese"] >= enough
        for person_id in workers:
            parts = sorted((t.low, t.high) for t in of.things.values() if t.person_id == person_id)
            assert all(one[1] <= other[0] for one, other in itertools.pairwise(parts))
        # One who learns everything now has nothing to add: no work waits beside somebody who may have it.
        refused = tuple(rules.Refusal(*key, until) for key, until in of.refusals.items())
        everything = rules.News(news.at, LINES, tuple(workers.values()), tuple(of.things.values()), refused)
        assert rules.Mind().hear(everything) == []


@given(HAPPENINGS)
def test_nothing_overtakes_older_work_of_its_queue(happenings):
    for _, offers, of, _ in told(happenings):
        for place, offer in enumerate(offers):
            later = {each.item_id for each in offers[place + 1 :]}
            mine = of.things[offer.item_id]
            passed = [
                each for each in of.things.values()
                if each.queue_id == mine.queue_id and (each.since, each.item_id) < (mine.since, mine.item_id)
                and (each.state == rules.WAITING or each.item_id in later)
            ]  # fmt: skip
            assert passed == []
