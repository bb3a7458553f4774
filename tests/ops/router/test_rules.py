"""The policy: who is offered what, held against a plain model of who may have what, and against its compiled twin."""

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from workfloor.core.people.rules import CAPACITY, qualifies
from workfloor.core.pools import rules as pools
from workfloor.core.queueing import rules as queueing
from workfloor.core.work.rules import free_share
from workfloor.kit import compiled
from workfloor.ops.router import rules

CALLS = queueing.Queue(1, client_id=1, requires={"portuguese": 3}, relax=[(30, {"portuguese": 2})])
CHATS = queueing.Queue(2, client_id=1, requires={"portuguese": 2}, at_once=3)
CARDS = queueing.Queue(3, client_id=2, requires={"cards": 1}, slope=0.5)
MAIL = queueing.Queue(4, client_id=1, requires={}, yields=True, slope=0.01)
URGENT = queueing.Queue(5, client_id=1, requires={"portuguese": 3}, interrupts=True, slope=5)
BOTH = frozenset([1, 2])


@dataclass
class Floor:
    """A small floor: agents are named by their number, items by the order of their arrival; ids are those plus 100."""

    queues: list[queueing.Queue]
    people: list[tuple[dict[str, int], frozenset[int]]]  # skills and clearances
    until: float = 1e9
    worth: tuple[float, ...] = (0.0,) * queueing.GRADES
    items: int = 0
    pool: pools.Pool = field(init=False)

    def __post_init__(self):
        profiles = [queueing.profile(skills, clients, self.queues) for skills, clients in self.people]
        numbered = queueing.numbered(profiles)
        self.pool = pools.pool(self.queues, numbered, [100 + n for n in range(len(profiles))], 50, self.worth)
        self.profiles = [numbered.index(each) for each in profiles]

    def come(self, *agents, now=0.0):
        """Let people begin, one after the other; what each is offered."""
        for agent in agents:
            rules.come(self.pool, agent, self.profiles[agent], self.until)
        return [self.free(agent, now=now) for agent in agents]

    def free(self, agent, now=0.0):
        found = []
        while (item := rules.free(self.pool, agent, now)) >= 0:
            found.append(item)
        return found

    def arrive(self, queue, now=0.0, since=None, item=None, keeper=-1):
        """To whom an item is offered as it arrives."""
        if item is None:
            item, self.items = self.items, self.items + 1
        return rules.arrive(
            self.pool, item, 100 + item, self.queues.index(queue), now if since is None else since, now, keeper
        )


def speaker(level=3, clients=(1,), **skills):
    return {"portuguese": level, **skills}, frozenset(clients)


# --- whom ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unable",
    [speaker(1), ({}, frozenset([1])), speaker(clients=[]), speaker(clients=[2])],
    ids=["less skilled", "without the skill", "not cleared", "cleared elsewhere"],
)
def test_nobody_without_the_skill_or_the_clearance_is_offered_anything(unable):
    floor = Floor([CALLS], [unable])
    floor.come(0)

    assert floor.arrive(CALLS) == -1
    assert rules.serve(floor.pool, 0, 1e6) == -1


def test_who_has_not_come_or_has_gone_is_offered_nothing():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    rules.go(floor.pool, 0)

    assert floor.arrive(CALLS) == -1
    assert floor.free(0) == floor.free(1) == []


def test_from_the_end_of_a_shift_or_certificate_on_nothing_is_offered_though_nobody_said_so():
    floor = Floor([CALLS], [speaker(), speaker()], until=600.0)
    floor.come(0, 1)

    assert floor.arrive(CALLS, now=599.9) == 0
    assert floor.arrive(CALLS, now=600.0) == -1
    assert floor.free(1, now=600.0) == []


def test_a_clearance_withdrawn_ends_the_offers():
    floor = Floor([CALLS], [speaker(), speaker(clients=[])])
    floor.come(0)
    rules.come(floor.pool, 0, floor.profiles[1], math.inf)
    floor.free(0)

    assert floor.arrive(CALLS) == -1


def test_the_versatile_are_spared():
    floor = Floor([CALLS, CARDS], [speaker(5, BOTH, cards=1), speaker()])
    floor.come(0, 1)

    assert [floor.arrive(CALLS), floor.arrive(CARDS)] == [1, 0]


def test_among_the_equally_versatile_the_best_fit_then_the_longest_idle_then_the_lower_id():
    floor = Floor([CALLS], [speaker(3), speaker(4), speaker(3), speaker(3)])
    floor.come(3, now=0.0)
    floor.come(2, 0, 1, now=5.0)

    assert [floor.arrive(CALLS, now=9.0) for _ in range(4)] == [1, 3, 0, 2]


def test_who_did_more_than_the_others_stands_back():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.pool.handicap[0] = queueing.handicap(3000, 3600, occupancy=0.5, fairness_seconds=60)
    floor.come(0, now=0.0)
    floor.come(1, now=19.0)

    assert floor.arrive(CALLS, now=20.0) == 1


def test_who_holds_less_goes_first():
    floor = Floor([CHATS], [speaker(), speaker()])
    floor.come(0, 1)

    assert [floor.arrive(CHATS, now=float(n)) for n in range(7)] == [0, 1, 0, 1, 0, 1, -1]


# --- what ------------------------------------------------------------------------------------------------------------


def test_the_oldest_of_a_queue_goes_first_and_of_two_as_old_the_lower_id():
    floor = Floor([CALLS], [speaker()])
    floor.arrive(CALLS, now=1.0, item=2)
    floor.arrive(CALLS, now=1.0, item=1)
    floor.arrive(CALLS, now=1.0, since=0.5, item=3)

    assert floor.come(0, now=2.0) == [[3]]


def test_of_two_queues_the_steeper_the_longer_the_better_fit():
    floor = Floor([CALLS, CARDS], [speaker(5, BOTH, cards=2)], worth=(0, 1, 6, 0, 0, 0))
    cards = floor.arrive(CARDS, now=0.0), floor.arrive(CALLS, now=5.0)

    assert cards == (-1, -1)
    # Slopes 0.5 and 1; bonuses 1 and 6: at 10 s it is 6 for the cards and 11 for the call, at 30 s the order holds.
    assert floor.come(0, now=10.0) == [[1]]


def test_a_new_table_of_slopes_turns_the_order_of_queues_and_not_that_within():
    floor = Floor([CALLS, CARDS], [speaker(3, BOTH, cards=1)])
    for queue in (CARDS, CALLS, CARDS):
        floor.arrive(queue)
    floor.pool.slope[1] = 9.0

    assert floor.come(0, now=1.0) == [[0]]


def test_scheduled_work_blends_in_from_the_time_when_it_is_due():
    floor = Floor([CALLS], [speaker()])
    floor.arrive(CALLS, now=50.0)
    floor.arrive(CALLS, now=60.0, since=40.0)

    assert floor.come(0, now=61.0) == [[1]]


# --- rings -----------------------------------------------------------------------------------------------------------


def test_a_requirement_relaxes_with_waiting_and_the_time_for_it_can_be_asked():
    floor = Floor([CALLS], [speaker(2)])
    floor.come(0)
    floor.arrive(CALLS, now=0.1)

    assert rules.ripens(floor.pool, 0, 0.1) == 30.1
    assert rules.serve(floor.pool, 0, 30.0) == -1
    assert rules.serve(floor.pool, 0, 30.1) == 0
    assert rules.ripens(floor.pool, 0, 30.1) == math.inf


def test_who_is_freed_before_the_ring_is_reached_sits_until_then():
    floor = Floor([CALLS, CHATS], [speaker(2)])
    floor.arrive(CALLS, now=0.0)

    assert floor.come(0, now=29.9) == [[]]
    assert rules.serve(floor.pool, 0, 29.9) == -1
    assert floor.free(0, now=30.0) == [0]


def test_the_inner_ring_goes_first_though_longer_at_work_and_more_versatile():
    floor = Floor([CALLS, CARDS], [speaker(2), speaker(3, BOTH, cards=1)])
    floor.come(0, now=0.0)
    floor.come(1, now=50.0)

    assert floor.arrive(CALLS, now=60.0, since=0.0) == 1


# --- room ------------------------------------------------------------------------------------------------------------


def test_a_call_takes_a_person_whole_and_chats_a_third_each():
    floor = Floor([CALLS, CHATS], [speaker()])
    floor.come(0)

    assert [floor.arrive(CHATS), floor.arrive(CALLS), floor.arrive(CHATS), floor.arrive(CHATS)] == [0, -1, 0, 0]
    assert floor.arrive(CHATS) == -1
    for item in (0, 2, 3):
        rules.release(floor.pool, item)
    assert floor.free(0, now=9.0) == [1]


def test_mail_is_put_aside_for_an_urgent_call_by_who_has_no_better_and_goes_on_afterwards():
    floor = Floor([CALLS, MAIL, URGENT], [speaker(), speaker()])
    floor.come(0, 1)
    assert floor.arrive(MAIL) == 0

    assert [floor.arrive(URGENT), floor.arrive(CALLS), floor.arrive(URGENT), floor.arrive(URGENT)] == [1, -1, 0, -1]
    assert rules.release(floor.pool, 3) == 0
    assert floor.free(0, now=5.0) == [4]
    rules.release(floor.pool, 4)
    assert floor.free(0, now=6.0) == []
    rules.release(floor.pool, 0)
    assert floor.free(0, now=7.0) == [2]


def test_nothing_is_put_aside_while_there_is_room_beside_it():
    mail, chat = MAIL._replace(at_once=3), URGENT._replace(at_once=3)
    floor = Floor([mail, chat], [speaker()])
    floor.come(0)

    assert [floor.arrive(queue) for queue in (mail, mail, chat, chat, chat, chat)] == [0, 0, 0, 0, 0, -1]
    parts = floor.pool.part
    assert parts[2] & (parts[0] | parts[1]) == 0
    assert parts[3] | parts[4] == parts[0] | parts[1]


# --- offers ----------------------------------------------------------------------------------------------------------


def test_a_declined_item_goes_on_in_its_place_and_its_queue_is_shunned_until_forgiven():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    floor.arrive(CALLS, now=0.0)
    floor.arrive(CALLS, now=1.0)
    rules.decline(floor.pool, 0)
    assert floor.arrive(CALLS, now=2.0, since=0.0, item=0) == -1
    assert floor.free(0, now=2.0) == []

    assert floor.come(1, now=3.0) == [[0]]
    rules.forgive(floor.pool, 0, 0)
    assert floor.free(0, now=4.0) == [1]


def test_who_shuns_a_queue_twice_is_forgiven_at_once():
    floor = Floor([CALLS], [speaker()])
    floor.come(0)
    rules.shun(floor.pool, 0, 0)
    rules.shun(floor.pool, 0, 0)

    assert floor.arrive(CALLS) == -1

    rules.forgive(floor.pool, 0, 0)
    assert floor.free(0) == [0]


def test_work_of_a_known_case_is_kept_for_its_agent_and_only_as_long_as_that_is_wanted():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    floor.arrive(CALLS)
    floor.come(1)

    assert floor.arrive(CALLS, now=1.0, keeper=0) == -1
    assert rules.kept(floor.pool, 0) == 1
    assert floor.arrive(CALLS, now=2.0, keeper=1) == 1
    rules.release(floor.pool, 2)
    assert floor.free(1, now=3.0) == []
    rules.withdraw(floor.pool, 1)
    assert floor.arrive(CALLS, now=4.0, since=1.0, item=1) == 1


def test_what_is_kept_takes_its_turn():
    floor = Floor([CALLS], [speaker()])
    floor.come(0)
    for queued in (0.0, 1.0, 2.0):
        floor.arrive(CALLS, now=queued)
    floor.arrive(CALLS, now=3.0, since=1.5, keeper=0)

    taken = []
    for _ in range(3):
        taken += [floor.pool.holder.index(0)]
        rules.release(floor.pool, taken[-1])
        floor.free(0, now=9.0)
    assert [*taken, floor.pool.holder.index(0)] == [0, 1, 3, 2]


def test_nothing_is_kept_for_who_may_not_have_it():
    floor = Floor([CALLS], [speaker(2), speaker()])
    floor.come(0, 1)

    assert floor.arrive(CALLS, keeper=0) == 1
    assert rules.kept(floor.pool, 0) == -1


@given(st.permutations(range(8)), st.permutations(range(3)))
def test_what_is_there_at_once_is_settled_by_urgency_in_whatever_order_it_was_told(items, agents):
    floor = Floor([CALLS, CARDS], [speaker(3, BOTH, cards=1), speaker(), speaker(1, BOTH, cards=1)])
    for item in items:
        floor.arrive([CALLS, CARDS][item % 2], now=float(item // 2), item=item)
    for agent in agents:
        rules.come(floor.pool, agent, floor.profiles[agent], math.inf)
        pools.sit(floor.pool, agent, 0.0)
    settled = []
    while (item := rules.settle(floor.pool, 10.0)) >= 0:
        settled.append((item, floor.pool.holder[item]))

    # Calls score a point a second and cards half of it: 10, 9 and 8 for calls, 5 for the oldest card.
    assert settled == [(0, 1), (2, 0), (1, 2)]


def test_where_slopes_are_flat_the_older_goes_first_even_before_what_is_kept():
    flat = CALLS._replace(slope=0.0)
    floor = Floor([flat], [speaker()])
    floor.come(0)
    floor.arrive(flat)
    floor.arrive(flat, now=2.0, keeper=0)
    floor.arrive(flat, now=3.0, since=1.0)
    rules.release(floor.pool, 0)

    assert floor.free(0, now=4.0) == [2]


def test_of_every_agent_it_is_said_whether_they_could_and_if_not_why():
    qualified, unskilled, learner, busy, decliner, absent, best = range(7)
    people = [speaker(), ({}, BOTH), speaker(2), speaker(), speaker(), speaker(), speaker(4)]
    floor = Floor([CALLS, CARDS], people, worth=(1, 2, 0, 0, 0, 0))
    floor.come(busy)
    floor.arrive(CALLS)
    floor.come(decliner)
    floor.arrive(CALLS)
    rules.decline(floor.pool, 1)
    floor.free(decliner)
    floor.arrive(CALLS, item=1)
    reasons = rules.why(floor.pool, 1, 10.0)
    for agent in (learner, qualified, unskilled, best):
        rules.come(floor.pool, agent, floor.profiles[agent], math.inf)
        pools.sit(floor.pool, agent, 0.0)

    assert {each.verdict for each in reasons if each.agent > decliner} == {"away"}
    reasons = rules.why(floor.pool, 1, 10.0)
    assert [(each.agent, each.ring, each.score) for each in reasons[:2]] == [(best, 0, 12.0), (qualified, 0, 11.0)]
    assert {each.agent: each.verdict for each in reasons} == {
        best: "could", qualified: "could", learner: "ring not reached", busy: "no room", decliner: "declined",
        absent: "away", unskilled: "not able",
    }  # fmt: skip
    assert rules.why(floor.pool, 1, 30.0)[2] == (learner, "could", 1, 31.0)
    assert rules.settle(floor.pool, 30.0) == 1
    assert floor.pool.holder[1] == best


def test_an_item_that_is_kept_is_for_one_alone():
    floor = Floor([CALLS], [speaker(), speaker()])
    floor.come(0)
    floor.arrive(CALLS)
    floor.come(1)
    floor.arrive(CALLS, keeper=0)
    reasons = rules.why(floor.pool, 1, 0.0)

    assert {each.agent: each.verdict for each in reasons} == {0: "no room", 1: "kept for another"}


# --- a floor at work -------------------------------------------------------------------------------------------------

ARRIVE, END, DECLINE, LAPSE, COME, GO, FORGIVE, ABANDON, KEEP_NO_LONGER, RESLOPE, WAIT = range(11)
OFFERED, GIVEN_BACK = 1, 0
STEP, FACT = 5, 3


def play(pool, steps, log, clock):
    """Do what steps say (verb and four numbers each), as a caller must; log offers and what is given back."""
    for at in range(0, len(steps), STEP):
        step(pool, steps[at], steps[at + 1], steps[at + 2], steps[at + 3], steps[at + 4], log, clock)


def step(pool, verb, x, y, z, item, log, clock):
    now = clock[0]
    if verb == ARRIVE:
        arrive(pool, item, x % pool.queues, now - y % 3, z - 2, log, now)
    elif verb == COME:
        rules.come(pool, x % len(pool.until), y % pool.profiles, now + 50.0 * (z + 1))
        free(pool, x % len(pool.until), log, now)
    elif verb == GO:
        go(pool, x % len(pool.until), log, now)
    elif verb == FORGIVE:
        rules.forgive(pool, x % len(pool.until), y % pool.queues)
        free(pool, x % len(pool.until), log, now)
    elif verb == RESLOPE:
        pool.slope[x % pool.queues] = float(y)
    elif verb == WAIT:
        wait(pool, now + 5.0 * x, log, clock)
    else:
        happen(pool, verb, x, log, now)


def happen(pool, verb, x, log, now):
    """What happens to one of the items that somebody holds, or that wait."""
    for n in range(len(pool.holder)):
        item = (x + n) % len(pool.holder)
        lane, agent = pool.waiting.lane[item], pool.holder[item]
        if verb == ABANDON and lane >= 0:
            rules.withdraw(pool, item)
            return
        if verb == KEEP_NO_LONGER and lane >= pool.queues:
            rules.withdraw(pool, item)
            arrive(pool, item, pool.queue[item], pool.waiting.key[item], -1, log, now)
            return
        if verb < COME and agent >= 0:
            give_back(pool, verb, item, agent, log, now)
            return


def give_back(pool, verb, item, agent, log, now):
    note(log, GIVEN_BACK, item, agent)
    if verb == DECLINE:
        rules.decline(pool, item)
    else:
        rules.release(pool, item)
    if verb == LAPSE:
        go(pool, agent, log, now)
    if verb != END:
        arrive(pool, item, pool.queue[item], pool.waiting.key[item], -1, log, now)
    free(pool, agent, log, now)


def arrive(pool, item, queue, since, keeper, log, now):
    agent = rules.arrive(pool, item, item * 7 % 101, queue, since, now, keeper)
    if agent >= 0:
        note(log, OFFERED, item, agent)


def free(pool, agent, log, now):
    item = rules.free(pool, agent, now)
    while item >= 0:
        note(log, OFFERED, item, agent)
        item = rules.free(pool, agent, now)


def go(pool, agent, log, now):
    rules.go(pool, agent)
    item = rules.kept(pool, agent)
    while item >= 0:
        rules.withdraw(pool, item)
        arrive(pool, item, pool.queue[item], pool.waiting.key[item], -1, log, now)
        item = rules.kept(pool, agent)


def wait(pool, until, log, clock):
    """Let time pass, ring by ring."""
    while clock[0] < until:
        soonest = until
        for queue in range(pool.queues):
            soonest = min(soonest, rules.ripens(pool, queue, clock[0]))
        clock[0] = soonest
        for queue in range(pool.queues):
            item = rules.serve(pool, queue, soonest)
            while item >= 0:
                note(log, OFFERED, item, pool.holder[item])
                item = rules.serve(pool, queue, soonest)


def note(log, what, item, agent):
    at = 1 + FACT * log[0]
    log[at] = what
    log[at + 1] = item
    log[at + 2] = agent
    log[0] += 1


LEVELS = st.dictionaries(st.sampled_from("ab"), st.integers(1, 2), max_size=1)
LOWERED = st.sampled_from([{}, {"a": 0}, {"b": 0}, {"a": 1}, {"b": 1}])
RINGS = st.lists(LOWERED, max_size=2).map(lambda some: [(10.0 * n + 7.5, each) for n, each in enumerate(some)])
QUEUES = st.lists(
    st.builds(
        queueing.Queue,
        queue_id=st.just(0),
        client_id=st.integers(1, 2),
        requires=LEVELS,
        relax=RINGS,
        at_once=st.sampled_from([1, 1, 2, 3]),
        yields=st.booleans(),
        interrupts=st.booleans(),
        slope=st.sampled_from([0.1, 1.0, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=4,
)
SKILLS = st.fixed_dictionaries({"a": st.integers(0, 3), "b": st.integers(0, 3)})
PEOPLE = st.lists(st.tuples(SKILLS, st.sampled_from([BOTH, BOTH, frozenset([1])])), min_size=2, max_size=5)
VERBS = st.sampled_from([ARRIVE] * 8 + [END] * 4 + [COME] * 5 + [WAIT] * 2 + list(range(11)))
STEPS = st.lists(st.tuples(VERBS, st.integers(0, 30), st.integers(0, 5), st.integers(0, 6)), min_size=10, max_size=50)
STEPS = STEPS.map(lambda steps: [(COME, agent, agent, 6) for agent in range(4)] + steps)


def floor_of(queues, people, bits=60):
    profiles = queueing.numbered(queueing.profile(skills, clients, queues) for skills, clients in people)
    agents = [(3 * n) % 7 for n in range(5)]
    return pools.pool(queues, profiles, agents, 60, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5), bits)


def numbers(steps):
    return [number for at, each in enumerate(steps) for number in (*each, at)]


@pytest.fixture(scope="module")
def twin():
    """The play, compiled together with the policy."""
    names = dict(globals()) | {"rules": compiled.compiled(rules, _nrt=False)}
    for each in (step, happen, give_back, arrive, free, go, wait, note):
        names[each.__name__] = compiled.function(each, names, {"_nrt": False})
    return compiled.function(play, names, {})


def test_compiled_it_decides_the_same_tie_by_tie(twin):
    import numpy

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(QUEUES, PEOPLE, STEPS)
    def same(queues, people, steps):
        plain, arrays = floor_of(queues, people, bits=1000), compiled.arrays(floor_of(queues, people, bits=7))
        log, logged = [0] * 2000, numpy.zeros(2000, dtype=numpy.int64)
        play(plain, numbers(steps), log, [0.0])
        twin(arrays, numpy.array(numbers(steps)), logged, numpy.zeros(1))

        assert logged.tolist() == log
        assert arrays.waiting.lane.tolist() == plain.waiting.lane
        assert arrays.benches.lane.tolist() == plain.benches.lane

    same()


# --- what must hold, judged without the policy's own tables ----------------------------------------------------------


@dataclass
class Judge:
    """Knows people and queues as they were described, and hears who comes, goes and shuns what."""

    queues: list[queueing.Queue]
    people: list[tuple[dict[str, int], frozenset[int]]]
    pool: pools.Pool
    here: dict[int, tuple[int, float]] = field(default_factory=dict)  # agent -> person described, until
    shunned: set[tuple[int, int]] = field(default_factory=set)
    offers: int = 0

    def hear(self, verb, x, y, z, now):
        agent = x % 5
        if verb == COME:
            numbered = queueing.numbered(queueing.profile(*each, self.queues) for each in self.people)
            like = numbered[y % len(numbered)]
            person = next(n for n, each in enumerate(self.people) if queueing.profile(*each, self.queues) == like)
            self.here[agent] = person, now + 50.0 * (z + 1)
        elif verb == GO:
            self.here.pop(agent, None)
        elif verb == FORGIVE:
            self.shunned.discard((agent, y % len(self.queues)))

    def able(self, agent, queue, since, now):
        """Whether somebody may have work of a queue now: here, cleared, skilled for its wait, not shunning it."""
        if agent not in self.here or now >= self.here[agent][1] or (agent, queue) in self.shunned:
            return False
        skills, clients = self.people[self.here[agent][0]]
        terms = self.queues[queue]
        needed = dict(terms.requires)
        for after, levels in terms.relax:
            if now >= since + after:
                needed |= {skill: level for skill, level in levels.items() if level < needed.get(skill, 0)}
        return terms.client_id in clients and qualifies(skills, needed)

    def room(self, agent, queue):
        held = self.held(agent)
        if self.queues[queue].interrupts:
            held = [each for each in held if not self.soft(each)]
        taken = [(low, low + size) for low, size in map(self.part, held)]
        return free_share(taken, self.queues[queue].at_once, CAPACITY) is not None

    def held(self, agent):
        return [item for item, holder in enumerate(self.pool.holder) if holder == agent]

    def soft(self, item):
        terms = self.queues[self.pool.queue[item]]
        return terms.yields and not terms.interrupts

    def part(self, item):
        mask = self.pool.part[item]
        low = (mask & -mask).bit_length() - 1
        size = CAPACITY // self.queues[self.pool.queue[item]].at_once
        assert mask == ((1 << size) - 1) << low and low % size == 0 and low + size <= CAPACITY
        return low, size

    def judge_offer(self, item, agent, now):
        pool, queue, since = self.pool, self.pool.queue[item], self.pool.waiting.key[item]
        self.offers += 1
        assert self.able(agent, queue, since, now), "offered to somebody who may not have it"
        older = [
            other
            for other in self.lane(queue)
            if (pool.waiting.key[other], pool.waiting.name[other]) < (since, pool.waiting.name[item])
        ]
        assert not any(self.able(agent, queue, pool.waiting.key[other], now) for other in older), (
            "older was passed over"
        )
        self.judge_capacity(agent)

    def judge_capacity(self, agent):
        for soft in (True, False):
            parts = [self.pool.part[item] for item in self.held(agent) if self.soft(item) == soft]
            assert sum(part.bit_count() for part in parts) <= CAPACITY and sum(parts) < 1 << CAPACITY
            union = 0
            for part in parts:
                assert not union & part, "two items in one part of a person"
                union |= part
        interrupting = [each for each in self.held(agent) if self.queues[self.pool.queue[each]].interrupts]
        firm = [each for each in self.held(agent) if not self.soft(each) and each not in interrupting]
        # Only work that may interrupt lies over what may be put aside, and nothing was put aside for anything else;
        # what was resumed meanwhile keeps its part.
        for each in firm:
            assert not any(self.pool.part[each] & self.pool.part[mail] for mail in self.held(agent) if self.soft(mail))

    def lane(self, lane):
        return [item for item, stands in enumerate(self.pool.waiting.lane) if stands == lane]

    def judge_rest(self, now):
        """Nothing waits beside somebody who could take it."""
        for queue in range(len(self.queues)):
            for item in self.lane(queue):
                for agent in self.here:
                    could = self.able(agent, queue, self.pool.waiting.key[item], now) and self.room(agent, queue)
                    assert not could, f"item {item} waits beside agent {agent}"
        for agent in self.here:
            for item in self.lane(len(self.queues) + agent):
                queue = self.pool.queue[item]
                could = self.able(agent, queue, self.pool.waiting.key[item], now) and self.room(agent, queue)
                assert not could, f"kept item {item} waits beside agent {agent}"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUEUES, PEOPLE, STEPS)
def test_nobody_gets_what_they_may_not_have_nothing_older_is_passed_over_and_nothing_waits_beside_who_could(
    queues, people, steps
):
    pool, clock = floor_of(queues, people), [0.0]
    judge = Judge(queues, people, pool)

    def judged(log, what, item, agent):
        if what == OFFERED:
            judge.judge_offer(item, agent, clock[0])
        elif log[0] == DECLINE:
            judge.shunned.add((agent, pool.queue[item]))
        elif log[0] == LAPSE:
            judge.here.pop(agent, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "note", judged)
        for at, (verb, x, y, z) in enumerate(steps):
            judge.hear(verb, x, y, z, clock[0])
            step(pool, verb, x, y, z, at, [verb], clock)
            judge.judge_rest(clock[0])
    event(f"{min(judge.offers, 10)} offers")


@given(QUEUES, PEOPLE, STEPS)
@settings(max_examples=50, deadline=None)
def test_the_same_steps_give_the_same_offers_whatever_the_length_of_words(queues, people, steps):
    logs = [[0] * 2000, [0] * 2000]
    for log, bits in zip(logs, (1, 5000), strict=True):
        play(floor_of(queues, people, bits), numbers(steps), log, [0.0])

    assert logs[0] == logs[1]
