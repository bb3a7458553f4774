"""The policy: who is offered what."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.make import NINE
from workfloor.ops.router import rules

CALLS = rules.Line(1, client_id=1, requires={"portuguese": 3}, priority=2)
MAIL = rules.Line(2, client_id=1, requires={"portuguese": 2}, priority=1)


def waiting(item_id, line=CALLS, queued=0, due=20, refused_by=()):
    queued_at = NINE + timedelta(seconds=queued)
    return rules.Waiting(item_id, line, queued_at, queued_at + timedelta(seconds=due), frozenset(refused_by))


def free(person_id, idle=0, clients=(1,), room_for=(1, 2), **skills):
    idle_since = NINE - timedelta(seconds=idle)
    return rules.Free(person_id, skills or {"portuguese": 3}, frozenset(clients), idle_since, frozenset(room_for))


def match(items, people, after=0):
    return rules.match(items, people, NINE + timedelta(seconds=after))


def test_the_oldest_of_a_queue_goes_first():
    assert match([waiting(2, queued=5), waiting(1)], [free(7)]) == {1: 7}


def test_what_is_due_soonest_goes_first():
    assert match([waiting(1, MAIL, due=4 * 3600), waiting(2, CALLS, queued=60)], [free(7)]) == {2: 7}
    assert match([waiting(1, MAIL, due=70), waiting(2, CALLS, queued=60)], [free(7)]) == {1: 7}


def test_of_two_due_together_the_higher_priority_goes_first():
    assert match([waiting(1, MAIL), waiting(2, CALLS)], [free(7)]) == {2: 7}


def test_nobody_without_the_skill_the_clearance_or_room_is_offered_anything():
    people = [free(7, portuguese=2), free(8, clients=[2]), free(9, room_for=[2]), free(10, spanish=5)]

    assert match([waiting(1)], people) == {}


def test_the_versatile_are_spared_for_what_only_they_can_do():
    polyglot, plain = free(7, portuguese=5, spanish=5), free(8, portuguese=3)
    spanish = rules.Line(3, client_id=1, requires={"spanish": 1})
    people = [
        rules.Free(p.person_id, p.skills, p.clients, p.idle_since, frozenset([1, 2, 3])) for p in (polyglot, plain)
    ]

    assert match([waiting(1), waiting(2, spanish, queued=1)], people) == {1: 8, 2: 7}


def test_between_equals_whoever_is_idle_longest_goes_first():
    assert match([waiting(1)], [free(7, idle=10), free(8, idle=60)]) == {1: 8}


def test_a_requirement_relaxes_with_waiting():
    line = rules.Line(1, 1, {"portuguese": 3, "claims": 2}, relax=[(30, {"portuguese": 2}), (60, {"claims": 0})])
    learner = free(7, portuguese=2)

    assert rules.requirement(line, timedelta(seconds=29)) == {"portuguese": 3, "claims": 2}
    assert rules.requirement(line, timedelta(seconds=30)) == {"portuguese": 2, "claims": 2}
    assert match([waiting(1, line)], [learner], after=59) == {}
    assert match([waiting(1, line)], [learner], after=60) == {1: 7}


def test_younger_work_is_not_given_to_whoever_refused_the_older():
    items = [waiting(1, refused_by=[7]), waiting(2, queued=5)]

    assert match(items, [free(7)]) == {}
    assert match(items, [free(7), free(8)]) == {1: 8, 2: 7}


LINES = [rules.Line(n, client_id=n % 2, requires={"abc"[n % 3]: 1 + n % 3}, priority=n % 4) for n in range(1, 6)]
items = st.lists(
    st.tuples(st.sampled_from(LINES), st.integers(0, 100), st.integers(0, 300), st.frozensets(st.integers(100, 105))),
    max_size=15,
).map(lambda rows: [waiting(n, line, queued, due, refused) for n, (line, queued, due, refused) in enumerate(rows)])
people = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abc"), st.integers(1, 5)),
        st.frozensets(st.integers(0, 1)), st.integers(0, 100), st.frozensets(st.integers(1, 5)),
    ),
    max_size=8,
).map(
    lambda rows: [
        rules.Free(100 + n, skills, clients, NINE - timedelta(seconds=idle), room)
        for n, (skills, clients, idle, room) in enumerate(rows)
    ]
)  # fmt: skip


@given(items, people)
def test_offers_are_always_allowed_and_nobody_gets_two(items, people):
    pairs = match(items, people, after=200)
    by_id, by_person = {item.item_id: item for item in items}, {person.person_id: person for person in people}

    assert len(set(pairs.values())) == len(pairs)
    for item_id, person_id in pairs.items():
        item, person = by_id[item_id], by_person[person_id]
        assert item.line.client_id in person.clients
        assert item.line.queue_id in person.room_for
        assert person_id not in item.refused_by
        assert all(person.skills.get(skill, 0) >= level for skill, level in item.line.requires.items())


@given(items, people)
def test_older_work_of_a_queue_is_never_passed_over(items, people):
    pairs = match(items, people, after=200)

    for offered in items:
        if offered.item_id in pairs:
            older = [
                i
                for i in items
                if i.line == offered.line and (i.queued_at, i.item_id) < (offered.queued_at, offered.item_id)
            ]
            assert all(item.item_id in pairs for item in older)


@given(items, people)
def test_no_queues_oldest_waits_beside_somebody_who_may_take_it(items, people):
    now = NINE + timedelta(seconds=200)
    pairs = rules.match(items, people, now)
    left = [person for person in people if person.person_id not in pairs.values()]

    for line in LINES:
        queue = sorted(
            (i for i in items if i.line == line and i.item_id not in pairs), key=lambda i: (i.queued_at, i.item_id)
        )
        assert not any(rules.may_take(person, item, now) for item in queue[:1] for person in left)


@given(items, people, st.randoms())
def test_the_order_in_which_things_are_told_changes_nothing(items, people, random):
    before = match(items, people, after=200)
    random.shuffle(items)
    random.shuffle(people)

    assert match(items, people, after=200) == before
