"""A floor at work under the policy: held against a plain model of who may have what, and its compiled twin."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests import compiling
from tests.ops.routing.floors import BOTH
from workfloor.core.people.qualification import CAPACITY, qualifies
from workfloor.core.work.lifecycle import free_share
from workfloor.kit.figures import compiled
from workfloor.ops.routing import policy, pools

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
        policy.come(pool, x % len(pool.until), y % pool.profiles, now + 50.0 * (z + 1))
        keep_nothing(pool, x % len(pool.until), log, now)
        free(pool, x % len(pool.until), log, now)
    elif verb == GO:
        go(pool, x % len(pool.until), log, now)
    elif verb == FORGIVE:
        policy.forgive(pool, x % len(pool.until), y % pool.queues)
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
            policy.withdraw(pool, item)
            return
        if verb == KEEP_NO_LONGER and lane >= pool.queues:
            policy.withdraw(pool, item)
            arrive(pool, item, pool.queue[item], pool.waiting.key[item], -1, log, now)
            return
        if verb < COME and agent >= 0:
            give_back(pool, verb, item, agent, log, now)
            return


def give_back(pool, verb, item, agent, log, now):
    note(log, GIVEN_BACK, item, agent)
    if verb == DECLINE:
        policy.decline(pool, item)
    else:
        policy.release(pool, item)
    if verb == LAPSE:
        go(pool, agent, log, now)
    if verb != END:
        arrive(pool, item, pool.queue[item], pool.waiting.key[item], -1, log, now)
    free(pool, agent, log, now)


def arrive(pool, item, queue, since, keeper, log, now):
    agent = policy.arrive(pool, item, item * 7 % 101, queue, since, now, keeper)
    if agent >= 0:
        note(log, OFFERED, item, agent)


def free(pool, agent, log, now):
    item = policy.free(pool, agent, now)
    while item >= 0:
        note(log, OFFERED, item, agent)
        item = policy.free(pool, agent, now)


def go(pool, agent, log, now):
    policy.go(pool, agent)
    keep_nothing(pool, agent, log, now)


def keep_nothing(pool, agent, log, now):
    item = policy.kept(pool, agent)
    while item >= 0:
        policy.withdraw(pool, item)
        arrive(pool, item, pool.queue[item], pool.waiting.key[item], -1, log, now)
        item = policy.kept(pool, agent)


def wait(pool, until, log, clock):
    """Let time pass, ring by ring."""
    while clock[0] < until:
        soonest = until
        for queue in range(pool.queues):
            soonest = min(soonest, policy.ripens(pool, queue, clock[0]))
        clock[0] = soonest
        for queue in range(pool.queues):
            item = policy.serve(pool, queue, soonest)
            while item >= 0:
                note(log, OFFERED, item, pool.holder[item])
                item = policy.serve(pool, queue, soonest)


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
        pools.Queue,
        queue_id=st.just(0),
        client_id=st.integers(1, 2),
        requires=LEVELS,
        relax=RINGS,
        max_concurrency=st.sampled_from([1, 1, 2, 3]),
        preemptible=st.booleans(),
        preempts=st.booleans(),
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
    profiles = pools.numbered(pools.profile(skills, clients, queues) for skills, clients in people)
    agents = [(3 * n) % 7 for n in range(5)]
    return pools.pool(queues, profiles, agents, 60, (0.0, 0.5, 1.0, 1.5, 2.0, 2.5), bits)


def numbers(steps):
    return [number for at, each in enumerate(steps) for number in (*each, at)]


@pytest.fixture(scope="module")
def twin(compiled_store):
    """The play, compiled together with the policy."""
    with compiling.kept(compiled_store, policy, test=__file__):
        yield compiled_play()


def compiled_play():
    names = dict(globals()) | {"policy": compiled.compiled(policy, _nrt=False)}
    for each in (step, happen, give_back, arrive, free, go, keep_nothing, wait, note):
        names[each.__name__] = compiled.function(each, names, {"_nrt": False})
    return compiled.function(play, names, {"cache": True})


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

    queues: list[pools.Queue]
    people: list[tuple[dict[str, int], frozenset[int]]]
    pool: pools.Pool
    here: dict[int, tuple[int, float]] = field(default_factory=dict)  # agent -> person described, until
    shunned: set[tuple[int, int]] = field(default_factory=set)
    offers: int = 0

    def hear(self, verb, x, y, z, now):
        agent = x % 5
        if verb == COME:
            numbered = pools.numbered(pools.profile(*each, self.queues) for each in self.people)
            like = numbered[y % len(numbered)]
            person = next(n for n, each in enumerate(self.people) if pools.profile(*each, self.queues) == like)
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
        if self.queues[queue].preempts:
            held = [each for each in held if not self.soft(each)]
        taken = [(low, low + size) for low, size in map(self.part, held)]
        return free_share(taken, self.queues[queue].max_concurrency, CAPACITY) is not None

    def held(self, agent):
        return [item for item, holder in enumerate(self.pool.holder) if holder == agent]

    def soft(self, item):
        terms = self.queues[self.pool.queue[item]]
        return terms.preemptible and not terms.preempts

    def part(self, item):
        mask = self.pool.part[item]
        low = (mask & -mask).bit_length() - 1
        size = CAPACITY // self.queues[self.pool.queue[item]].max_concurrency
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
        interrupting = [each for each in self.held(agent) if self.queues[self.pool.queue[each]].preempts]
        firm = [each for each in self.held(agent) if not self.soft(each) and each not in interrupting]
        # Only work that may interrupt lies over what may be preempted, and nothing was preempted for anything else;
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


# Kept for somebody whose skill is then less, and whose turn for it comes only with its ring.
LESS_ABLE = (
    [pools.Queue(0, 1, {"a": 1}, [(7.5, {"a": 0})], 1)],
    [({"a": 0, "b": 0}, BOTH), ({"a": 1, "b": 0}, BOTH)],
    [(COME, 0, 0, 6), (ARRIVE, 0, 0, 2), (ARRIVE, 0, 0, 2), (COME, 0, 1, 6), (END, 0, 0, 0), (WAIT, 2, 0, 0)],
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(QUEUES, PEOPLE, STEPS)
@example(*LESS_ABLE)
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
