"""What a simulated floor is given, and what it counts, as flat sequences. Times are seconds from the start."""

import math
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass

from workfloor.core.catalogue import fates
from workfloor.ops.routing.pools import Pool

# What is counted by interval (of arrival) and queue. The first three are a contact's fates.
OFFERED, ANSWERED, ABANDONED, DELAYED, WITHIN, WAIT, WAIT_IN_VAIN, TALK, WRAP, AGAIN, FIELDS = range(11)

# What is added up for a service level.
COUNTED, MET, TOTAL, LONGEST, SUMS = range(5)
# How a level counts is what its measure declares of each fate, in this order.
FATES = 3


@dataclass(slots=True)
class Plan:
    """What is given. Q queues, G groups of agents, A agents, L service levels."""

    horizon: float  # nothing arrives afterwards; what has arrived is still worked off
    warm_up: float  # what arrives before counts nowhere
    every: float  # length of an interval
    queues: int
    groups: int
    preempts_work: int  # 1: some work is preemptible and some preempts
    # by queue
    target: Sequence[float]  # the wait that WITHIN counts
    share: Sequence[float]  # of a person that an item takes
    cycle: Sequence[float]  # length of an interval of `rate`
    steady: Sequence[float]  # arrivals a second where that is always the same, else 0
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
    counts: Sequence[int]  # [L x FATES] what is counted of a contact: a word of core.catalogue.fates
    threshold: Sequence[float]
    short: Sequence[float]  # who gives up within stands apart; below 0: nobody


@dataclass(slots=True)
class Tally:
    """What it came to: counts by interval, queue and field; busy agent-seconds by interval and group; levels."""

    counts: MutableSequence[float]  # [I x Q x FIELDS]
    busy: MutableSequence[float]  # [I x G]
    levels: MutableSequence[float]  # by interval of arrival [I x L x SUMS]


@dataclass(slots=True)
class World:
    """All that a run reads and changes; N numbers for items."""

    plan: Plan
    pool: Pool
    chance: MutableSequence[int]  # [Q x STREAMS] states
    spare: MutableSequence[int]  # [N] stack of free numbers
    left: MutableSequence[int]  # [0] height of the stack, [1] items so far
    # what is to join the heap: when, kind, number, and the id of the item that it is meant for; how many they are
    due_at: MutableSequence[float]
    due_kind: MutableSequence[int]
    due_number: MutableSequence[int]
    due_item: MutableSequence[int]
    due: MutableSequence[int]  # [1]
    # preemptible work, where any is preempted: each agent's, chained; by number of an item since when it is worked on,
    # since when it lies aside (inf: not), how long it lay so since its end was last put off, and how much of it is left
    # where its end fell into that time (below 0: it did not)
    yielding: MutableSequence[int]  # [A] the first item
    next_yielding: MutableSequence[int]  # [N]
    began: MutableSequence[float]
    aside_since: MutableSequence[float]
    lay_aside: MutableSequence[float]
    left_over: MutableSequence[float]
    # what it came to, as in a Tally
    counts: MutableSequence[float]
    busy: MutableSequence[float]
    levels: MutableSequence[float]


def close(world: World) -> None:
    """What nobody could take stays: offered, neither answered nor abandoned, and late for every target."""
    for queue in range(world.pool.queues):
        item = world.pool.waiting.first[queue]
        while item >= 0:
            count_unanswered(world, queue, world.pool.waiting.key[item], math.inf, OFFERED)
            item = world.pool.waiting.after[item]
    counts = world.counts
    for at in range(0, len(counts), FIELDS):
        counts[at + OFFERED] += counts[at + ANSWERED] + counts[at + ABANDONED]


def count_answered(world: World, queue: int, since: float, waited: float, talk: float, wrap: float) -> None:
    """Count an item that somebody has taken, for the interval in which it came."""
    plan, counts = world.plan, world.counts
    interval = int(since / plan.every)
    at = (interval * plan.queues + queue) * FIELDS
    counts[at + ANSWERED] += 1
    counts[at + TALK] += talk
    if wrap > 0:
        counts[at + WRAP] += wrap
    if waited > 0:
        counts[at + DELAYED] += 1
        counts[at + WAIT] += waited
    if waited <= plan.target[queue]:
        counts[at + WITHIN] += 1
    if plan.levels[queue] < plan.levels[queue + 1]:
        _judge(world, interval, queue, ANSWERED, waited, talk, wrap)


def count_unanswered(world: World, queue: int, since: float, waited: float, fate: int) -> None:
    """Count an item whose customer gave up (ABANDONED), or that nobody could take (OFFERED)."""
    if since < world.plan.warm_up:
        return
    plan = world.plan
    interval = int(since / plan.every)
    at = (interval * plan.queues + queue) * FIELDS
    world.counts[at + DELAYED] += 1
    world.counts[at + fate] += 1
    if fate == ABANDONED:
        world.counts[at + WAIT_IN_VAIN] += waited
    _judge(world, interval, queue, fate, waited, 0.0, 0.0)


def count_busy(world: World, group: int, start: float, end: float, share: float) -> None:
    """Count the seconds in which somebody has work in hand, times its share of a person, by interval."""
    plan = world.plan
    if start < plan.warm_up:
        start = plan.warm_up
    if end > plan.horizon:
        end = plan.horizon
    interval = int(start / plan.every)
    border = (interval + 1) * plan.every
    while end > border:
        world.busy[interval * plan.groups + group] += (border - start) * share
        start = border
        interval += 1
        border = (interval + 1) * plan.every
    if start < end:
        world.busy[interval * plan.groups + group] += (end - start) * share


def _judge(world: World, interval: int, queue: int, fate: int, waited: float, talk: float, wrap: float) -> None:
    """Count an item in every service level of its queue, as billing counts it, for the interval in which it came."""
    plan, levels = world.plan, world.levels
    for k in range(plan.levels[queue], plan.levels[queue + 1]):
        level = plan.level[k]
        value = _value(plan, level, fate, waited, talk, wrap)
        if value >= 0:
            at = (interval * len(plan.threshold) + level) * SUMS
            levels[at + COUNTED] += 1
            levels[at + MET] += value > 0
            levels[at + TOTAL] += value
            if value > levels[at + LONGEST]:
                levels[at + LONGEST] = value


def _value(plan: Plan, level: int, fate: int, waited: float, talk: float, wrap: float) -> float:
    """1 for met, 0 for not met, seconds for a time; -1 where the level does not count it."""
    if fate == ABANDONED and waited <= plan.short[level]:
        return -1.0
    what = plan.counts[level * FATES + fate]
    if what == fates.SKIPPED:
        return -1.0
    if what == fates.IS_WITHIN:
        return 1.0 if waited <= plan.threshold[level] else 0.0
    if what <= fates.MET:
        return 1.0 if what == fates.MET else 0.0
    if what == fates.WAIT:
        return waited
    return wrap if what == fates.WRAP_UP else talk + wrap
