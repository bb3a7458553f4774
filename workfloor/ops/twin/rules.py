"""The twin: days of work in seconds, event by event, under the very policy that routes live work.

Pure, and one source for two ways to run: CPython runs these functions on lists; numba compiles them and the policy for
arrays. Both give the same to the last bit: chance is whole arithmetic, and events that fall together are taken by kind,
then by number. Times are seconds from the start.
"""

import heapq
import math
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass

from workfloor.core.pools.rules import Pool
from workfloor.kit import chance
from workfloor.ops.router import rules as router

# Kinds of event, in the order in which they are taken when they fall together.
ENDS, LEAVES, COMES, REPLAYS, ARRIVES, RETURNS, REACHES, GIVES_UP, OVER, DROWNS = range(10)
NUMBER = 32  # bits for the number below the kind

# What is drawn for each queue, each from a stream of its own, so that a change of one disturbs no other.
ARRIVAL, HANDLING, WRAP_UP, PATIENCE, RETRY, STREAMS = range(6)

# How a time is spread.
NONE, EXPONENTIAL, LOG_NORMAL, OBSERVED = range(4)

# What is counted by interval (of arrival) and queue.
OFFERED, ANSWERED, ABANDONED, DELAYED, WITHIN, WAIT, WAIT_IN_VAIN, TALK, WRAP, AGAIN, FIELDS = range(11)

# How a service level counts, and what is added up for it.
ANSWERED_WITHIN, GIVEN_UP, SPEED, HANDLED, VOLUME = range(5)
COUNTED, MET, TOTAL, SUMS = range(4)


@dataclass(slots=True)
class Plan:
    """What is given. Q queues, G groups of agents, A agents, L service levels."""

    horizon: float  # nothing arrives afterwards; what has arrived is still worked off
    warm_up: float  # what arrives before counts nowhere
    every: float  # length of an interval
    groups: int
    # by queue
    target: Sequence[float]  # the wait that WITHIN counts
    share: Sequence[float]  # of a person that an item takes
    cycle: Sequence[float]  # length of an interval of `rate`
    rates: Sequence[int]  # [Q + 1] where its rates begin
    rate: Sequence[float]  # arrivals a second, interval by interval, over and over
    retry_share: Sequence[float]
    # by queue and what is drawn [Q x STREAMS]
    spread: Sequence[int]
    first: Sequence[float]  # mean, or mu, or where its observed times begin
    second: Sequence[float]  # nothing, or sigma, or how many they are
    observed: Sequence[float]
    # recorded arrivals, in order
    came_at: Sequence[float]
    came_to: Sequence[int]
    # by agent, by group
    group: Sequence[int]
    profile: Sequence[int]
    pace: Sequence[float]  # [G x Q] factor on handling
    # sessions, in order of their start
    from_: Sequence[float]
    until: Sequence[float]
    who: Sequence[int]  # agent
    # by service level; from levels[q] to levels[q + 1] in `level` those of a queue
    levels: Sequence[int]
    level: Sequence[int]
    measure: Sequence[int]
    threshold: Sequence[float]
    per_answered: Sequence[int]  # 1: only answered contacts count
    short: Sequence[float]  # who gives up within stands apart; below 0: nobody


@dataclass(slots=True)
class Tally:
    """What it came to: counts by interval, queue and field; busy agent-seconds by interval and group; levels."""

    counts: MutableSequence[float]  # [I x Q x FIELDS]
    busy: MutableSequence[float]  # [I x G]
    levels: MutableSequence[float]  # [L x SUMS]


@dataclass(slots=True)
class World:
    """All that a run reads and changes; N numbers for items."""

    plan: Plan
    pool: Pool
    chance: MutableSequence[int]  # [Q x STREAMS] states
    # by number of an item
    since: MutableSequence[float]
    wait: MutableSequence[int]  # how many waits it has seen, so that what was meant for others is known
    spare: MutableSequence[int]  # stack of free numbers
    left: MutableSequence[int]  # [0] height of the stack, [1] items so far
    # what is to join the heap: when, kind and number, for which wait; and how many they are
    due_at: MutableSequence[float]
    due_code: MutableSequence[int]
    due_wait: MutableSequence[int]
    due: MutableSequence[int]  # [1]
    # what it came to, as in a Tally
    counts: MutableSequence[float]
    busy: MutableSequence[float]
    levels: MutableSequence[float]


def run(world: World) -> bool:
    """Run from the start until everything is worked off; False where there were more items at once than numbers.

    Only the heap asks for memory, so all else compiles without the counting of references, which would cost thirty
    times what it does: the others leave what is to happen in `due`, and here it joins the heap.
    """
    heap, due = [(math.inf, OVER << NUMBER, 0)], world.due
    _begin(world)
    while True:
        while due[0]:
            due[0] -= 1
            number = due[0]
            heapq.heappush(heap, (world.due_at[number], world.due_code[number], world.due_wait[number]))
        now, code, wait = heapq.heappop(heap)
        kind, number = code >> NUMBER, code & 0xFFFFFFFF
        if kind == ENDS:
            _end(world, number, now)
        elif kind == ARRIVES:
            _expect(world, number, now)
            _arrive(world, number, now)
        elif kind == GIVES_UP:
            _give_up(world, number, now, wait)
        elif not happen(world, now, kind, number, wait):
            return kind == OVER


def _begin(world: World) -> None:
    for queue in range(world.pool.queues):
        _expect(world, queue, 0.0)
    if len(world.plan.from_):
        _later(world, world.plan.from_[0], COMES, 0, 0)
    if len(world.plan.came_at):
        _later(world, world.plan.came_at[0], REPLAYS, 0, 0)


def happen(world: World, now: float, kind: int, number: int, wait: int) -> bool:
    """Let an event of the rarer kinds happen; False after the last."""
    if kind == RETURNS:
        _arrive(world, number, now)
    elif kind == REPLAYS:
        _replay(world, number)
    elif kind == REACHES:
        _reach(world, number, now, wait)
    elif kind == COMES:
        _come(world, number)
    elif kind == LEAVES:
        router.go(world.pool, number)
    elif kind == OVER:
        _leave_waiting(world)
    return kind < OVER


def _later(world: World, at: float, kind: int, number: int, wait: int) -> None:
    k = world.due[0]
    world.due_at[k] = at
    world.due_code[k] = kind << NUMBER | number
    world.due_wait[k] = wait
    world.due[0] = k + 1


def _come(world: World, session: int) -> None:
    plan = world.plan
    agent, now, until = plan.who[session], plan.from_[session], plan.until[session]
    router.come(world.pool, agent, plan.profile[agent], until)
    if until < math.inf:
        _later(world, until, LEAVES, agent, 0)
    if session + 1 < len(plan.from_):
        _later(world, plan.from_[session + 1], COMES, session + 1, 0)
    _free(world, agent, now)


def _free(world: World, agent: int, now: float) -> None:
    item = router.free(world.pool, agent, now)
    while item >= 0:
        _answer(world, item, now)
        item = router.free(world.pool, agent, now)


def _expect(world: World, queue: int, now: float) -> None:
    """Put the next arrival in a queue on the heap: the rate is constant within an interval, so time is stretched."""
    plan = world.plan
    first, count = plan.rates[queue], plan.rates[queue + 1] - plan.rates[queue]
    if not count:
        return
    left = -math.log(1.0 - chance.uniform(world.chance, queue * STREAMS + ARRIVAL))
    if count == 1 and plan.rate[first] > 0:
        if now + left / plan.rate[first] < plan.horizon:
            _later(world, now + left / plan.rate[first], ARRIVES, queue, 0)
        return
    width = plan.cycle[queue]
    interval, at = int(now / width), now
    while at < plan.horizon:
        end = (interval + 1) * width
        rate = plan.rate[first + interval % count]
        if rate * (end - at) >= left:
            if at + left / rate < plan.horizon:
                _later(world, at + left / rate, ARRIVES, queue, 0)
            return
        left -= max(rate * (end - at), 0.0)
        at = max(at, end)
        interval += 1


def _replay(world: World, number: int) -> None:
    plan = world.plan
    if number + 1 < len(plan.came_at):
        _later(world, plan.came_at[number + 1], REPLAYS, number + 1, 0)
    _arrive(world, plan.came_to[number], plan.came_at[number])


def _arrive(world: World, queue: int, now: float) -> None:
    world.left[0] -= 1
    world.left[1] += 1
    item = world.spare[world.left[0]]
    world.since[item] = now
    if not world.left[0]:
        _later(world, -1.0, DROWNS, 0, 0)  # before all else
    if router.arrive(world.pool, item, world.left[1], queue, now, now) >= 0:
        _answer(world, item, now)
    else:
        _wait(world, item, queue, now)


def _wait(world: World, item: int, queue: int, now: float) -> None:
    pool, wait = world.pool, world.wait[item]
    if world.plan.spread[queue * STREAMS + PATIENCE] != NONE:
        _later(world, now + draw(world, queue, PATIENCE), GIVES_UP, item, wait)
    for ring in range(1, pool.rings):
        after = pool.after[queue * pool.rings + ring]
        if after < math.inf:
            _later(world, now + after, REACHES, item, wait)


def _reach(world: World, item: int, now: float, wait: int) -> None:
    if world.wait[item] != wait:
        return
    queue = world.pool.queue[item]
    item = router.serve(world.pool, queue, now)
    while item >= 0:
        _answer(world, item, now)
        item = router.serve(world.pool, queue, now)


def _answer(world: World, item: int, now: float) -> None:
    plan, pool, since = world.plan, world.pool, world.since[item]
    queue = pool.queue[item]
    group = plan.group[pool.holder[item]]
    talk = draw(world, queue, HANDLING) * plan.pace[group * pool.queues + queue]
    wrap = draw(world, queue, WRAP_UP) if plan.spread[queue * STREAMS + WRAP_UP] != NONE else 0.0
    world.wait[item] += 1
    _later(world, now + talk + wrap, ENDS, item, 0)
    _count_busy(world, group, now, now + talk + wrap, plan.share[queue])
    if since >= plan.warm_up:
        _count_answered(world, queue, since, now - since, talk, wrap)


def _end(world: World, item: int, now: float) -> None:
    pool = world.pool
    agent = router.release(pool, item)
    _put_back(world, item)
    item = router.free(pool, agent, now)
    if item >= 0:
        _answer(world, item, now)
        # Without room of any kind they could only be told so.
        if pool.lack[agent] + 1 < 1 << pool.kinds:
            _free(world, agent, now)


def _give_up(world: World, item: int, now: float, wait: int) -> None:
    plan = world.plan
    if world.wait[item] != wait:
        return
    queue, since = world.pool.queue[item], world.since[item]
    router.withdraw(world.pool, item)
    _put_back(world, item)
    _count_unanswered(world, queue, since, now - since, ABANDONED)
    if chance.uniform(world.chance, queue * STREAMS + RETRY) < plan.retry_share[queue]:
        after = now + draw(world, queue, RETRY)
        if after < plan.horizon:
            _later(world, after, RETURNS, queue, 0)
        if since >= plan.warm_up:
            world.counts[_row(world, queue, since) + AGAIN] += 1


def _put_back(world: World, item: int) -> None:
    world.wait[item] += 1
    world.spare[world.left[0]] = item
    world.left[0] += 1


def _leave_waiting(world: World) -> None:
    """What nobody could take stays: offered, neither answered nor abandoned, and late for every promise."""
    for queue in range(world.pool.queues):
        item = world.pool.waiting.first[queue]
        while item >= 0:
            _count_unanswered(world, queue, world.since[item], math.inf, OFFERED)
            item = world.pool.waiting.after[item]


def _row(world: World, queue: int, since: float) -> int:
    return (int(since / world.plan.every) * world.pool.queues + queue) * FIELDS


def _count_answered(world: World, queue: int, since: float, waited: float, talk: float, wrap: float) -> None:
    counts, at = world.counts, _row(world, queue, since)
    counts[at + OFFERED] += 1
    counts[at + ANSWERED] += 1
    counts[at + TALK] += talk
    counts[at + WRAP] += wrap
    if waited > 0:
        counts[at + DELAYED] += 1
        counts[at + WAIT] += waited
    if waited <= world.plan.target[queue]:
        counts[at + WITHIN] += 1
    if len(world.plan.level):
        _judge(world, queue, ANSWERED, waited, talk + wrap)


def _count_unanswered(world: World, queue: int, since: float, waited: float, fate: int) -> None:
    if since < world.plan.warm_up:
        return
    at = _row(world, queue, since)
    world.counts[at + OFFERED] += 1
    world.counts[at + DELAYED] += 1
    if fate == ABANDONED:
        world.counts[at + ABANDONED] += 1
        world.counts[at + WAIT_IN_VAIN] += waited
    _judge(world, queue, fate, waited, 0.0)


def _count_busy(world: World, group: int, start: float, end: float, share: float) -> None:
    plan = world.plan
    if start < plan.warm_up:
        start = plan.warm_up
    if end > plan.horizon:
        end = plan.horizon
    interval = int(start / plan.every)
    while start < end:
        border = (interval + 1) * plan.every
        stop = end if end < border else border
        world.busy[interval * plan.groups + group] += (stop - start) * share
        start = stop
        interval += 1


def _judge(world: World, queue: int, fate: int, waited: float, handled: float) -> None:
    """Count an item in every service level of its queue, as billing counts it."""
    plan = world.plan
    for k in range(plan.levels[queue], plan.levels[queue + 1]):
        level = plan.level[k]
        value = _value(plan, level, fate, waited, handled)
        if value >= 0:
            world.levels[level * SUMS + COUNTED] += 1
            world.levels[level * SUMS + MET] += value > 0
            world.levels[level * SUMS + TOTAL] += value


def _value(plan: Plan, level: int, fate: int, waited: float, handled: float) -> float:
    """1 for met, 0 for not met, seconds for a mean; -1 where the level does not count it."""
    measure = plan.measure[level]
    if fate == ABANDONED and waited <= plan.short[level]:
        return -1.0
    if measure == ANSWERED_WITHIN:
        if fate == ANSWERED:
            return 1.0 if waited <= plan.threshold[level] else 0.0
        return -1.0 if plan.per_answered[level] else 0.0
    if measure == GIVEN_UP:
        return -1.0 if fate == OFFERED else (1.0 if fate == ABANDONED else 0.0)
    if measure == VOLUME:
        return 1.0
    if fate != ANSWERED:
        return -1.0
    return waited if measure == SPEED else handled


def draw(world: World, queue: int, what: int) -> float:
    """Draw a time for a queue, as the plan spreads it; 0 where it has none."""
    plan, stream = world.plan, queue * STREAMS + what
    spread = plan.spread[stream]
    if spread == NONE:
        return 0.0
    chosen = chance.uniform(world.chance, stream)
    first = plan.first[stream]
    if spread == EXPONENTIAL:
        return -first * math.log(1.0 - chosen)
    second = plan.second[stream]
    if spread == OBSERVED:
        return plan.observed[int(first) + int(chosen * second)]
    if second == 0:
        return math.exp(first)
    # Box and Muller, A Note on the Generation of Random Normal Deviates, 1958.
    turn = math.cos(2 * math.pi * chance.uniform(world.chance, stream))
    return math.exp(first + second * math.sqrt(-2.0 * math.log(1.0 - chosen)) * turn)
