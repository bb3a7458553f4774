"""The policy: who is offered what, and what is offered to whom. Pure; the same state gives the same offers.

The state is a `Pool`: flat sequences, so that these functions run as they are on lists and, compiled, on arrays. Times
are in seconds from the pool's origin, and never go back. -1 stands for nobody and nothing. An offer takes its part of
the person at once; accepting it changes nothing here.

Between calls no item waits beside somebody who may have it, if the caller keeps to this:
- when somebody may take more than before (`come`, `release`, `forgive`), call `free` until it gives -1;
- when the oldest of a queue reaches a ring (`ripens` says when), call `serve` until it gives -1;
- when the time for a kept item is over, or its keeper goes away or may do other things than before (`come`),
  `withdraw` it, and let it `arrive` again;
- of what happens at one instant, tell things in the order of their ids.
"""

import math
from typing import Any, Literal, NamedTuple

from workfloor.ops.routing import pools
from workfloor.ops.routing.pools import Pool

# --- what happens to items -------------------------------------------------------------------------------------------


def arrive(pool: Pool, item: int, item_id: int, queue: int, since: float, now: float, keeper: int = -1) -> int:
    """Let an item wait in a queue from `since` on: the agent to whom it is offered at once, or -1.

    Offered on, transferred, called back: the same, with the `since` that says its place. For the `keeper`, who knows
    its case, it is kept if they may have it and are here: nobody else takes it until it is withdrawn.
    """
    waiting = pool.waiting
    pool.queue[item] = queue
    waiting.name[item] = item_id
    waiting.key[item] = since
    if keeper >= 0 and may_have(pool, keeper, queue, since, now):
        return _arrive_for(pool, item, now, keeper)
    oldest = waiting.first[queue]
    # Whoever may have it may have what is older.
    if oldest < 0 or (since <= waiting.key[oldest] and pools.precedes(waiting, item, oldest)):
        agent = best_agent(pool, queue, since, now)
        if agent >= 0:
            _offer(pool, item, agent, now)
            return agent
    pools.join(waiting, queue, item, since)
    return -1


def _arrive_for(pool: Pool, item: int, now: float, keeper: int) -> int:
    if pool.lack[keeper] >> pool.kind[pool.queue[item]] & 1:
        pools.join(pool.waiting, pool.queues + keeper, item, pool.waiting.key[item])
        return -1
    _offer(pool, item, keeper, now)
    return keeper


def withdraw(pool: Pool, item: int) -> None:
    """Take away an item that waits: its customer left, it was cancelled, or it is to be kept no longer."""
    if pool.waiting.lane[item] >= 0:
        pools.leave(pool.waiting, item)


def release(pool: Pool, item: int) -> int:
    """Give back the part that an item takes of its holder, who is returned: it ended, or its offer was not taken up."""
    agent = pool.holder[item]
    queue = pool.queue[item]
    if pool.preemptible[queue]:
        pool.soft[agent] &= ~pool.part[item]
    else:
        pool.firm[agent] &= ~pool.part[item]
    pool.holder[item] = -1
    left = pool.parts[agent] - pool.size[pool.kind[queue]]
    pool.parts[agent] = left
    if left:
        pools.take_stock(pool, agent)
    else:
        pool.lack[agent] = 0
    return agent


def decline(pool: Pool, item: int) -> int:
    """Give back an offer, and shun its queue until `forgive`; the agent. The item must `arrive` again, in its place."""
    agent = release(pool, item)
    shun(pool, agent, pool.queue[item])
    return agent


def serve(pool: Pool, queue: int, now: float) -> int:
    """Offer the oldest item of a queue to an idle agent who may have it by now: the item, or -1."""
    item = pool.waiting.first[queue]
    if item < 0:
        return -1
    agent = best_agent(pool, queue, pool.waiting.key[item], now)
    if agent < 0:
        return -1
    pools.leave(pool.waiting, item)
    _offer(pool, item, agent, now)
    return item


def ripens(pool: Pool, queue: int, now: float) -> float:
    """When the oldest item of a queue reaches its next ring, and it is time to `serve`; inf for never."""
    item = pool.waiting.first[queue]
    if item >= 0:
        for ring in range(1, pool.rings):
            at = pool.waiting.key[item] + pool.after[queue * pool.rings + ring]
            if at > now:
                return at
    return math.inf


# --- what happens to agents ------------------------------------------------------------------------------------------


def come(pool: Pool, agent: int, profile: int, until: float) -> None:
    """Somebody may take work, as a profile says, before `until`: the end of the shift, or of what the profile rests on.

    The same when what they may do changes. Then call `free`.
    """
    go(pool, agent)
    pool.profile[agent] = profile
    pool.until[agent] = until


def go(pool: Pool, agent: int) -> None:
    """Somebody takes no more work; they go on holding what they hold. What is kept for them is the caller's to move."""
    pool.until[agent] = pools.AWAY
    pools.stand_up(pool, agent)


def kept(pool: Pool, agent: int) -> int:
    """Find the first item that is kept for somebody, or -1."""
    return pool.waiting.first[pool.queues + agent]


def shun(pool: Pool, agent: int, queue: int) -> None:
    """Somebody is offered nothing more of a queue, until `forgive`."""
    at = agent * pool.queues + queue
    pool.shunned[agent] += 1 - pool.shuns[at]
    pool.shuns[at] = 1


def forgive(pool: Pool, agent: int, queue: int) -> None:
    """Somebody no longer shuns a queue. Then call `free`."""
    at = agent * pool.queues + queue
    pool.shunned[agent] -= pool.shuns[at]
    pool.shuns[at] = 0


def free(pool: Pool, agent: int, now: float) -> int:
    """Offer somebody the most urgent work that they may have: the item, or -1, and they sit idle while they have room.

    Call it until it gives -1.
    """
    item = best_item(pool, agent, now)
    if item < 0:
        pools.sit(pool, agent, now)
    else:
        if pool.benches.lane[agent] >= 0:
            pools.stand_up(pool, agent)
        pools.leave(pool.waiting, item)
        _give(pool, item, agent)
    return item


# --- whom, and what --------------------------------------------------------------------------------------------------


def best_agent(pool: Pool, queue: int, since: float, now: float) -> int:
    """Find the idle agent to whom work of a queue goes, or -1.

    Inner rings go first, then who holds least, who serves the fewest queues, the best fit, the longest idle, by id.
    """
    for ring in range(pool.rings):
        if now < since + pool.after[queue * pool.rings + ring]:
            return -1
        agent = _best_of_ring(pool, queue, ring, now)
        if agent >= 0:
            return agent
    return -1


def _best_of_ring(pool: Pool, queue: int, ring: int, now: float) -> int:
    best, asked = -1, -1
    first, until = pool.benches.first, pool.until
    rank, shunned = pool.rank, pool.shunned
    at = (queue * pool.rings + ring) * pool.words
    for word in range(pool.words):
        mask = pool.able[at + word] & pool.idle[word]
        while mask:
            low = mask & -mask
            mask ^= low
            bench = word * pool.bits + low.bit_length() - 1
            if best >= 0 and rank[bench] != asked:
                return best
            agent = first[bench]
            if now >= until[agent] or shunned[agent]:
                agent = _next_on(pool, agent, queue, now)
            if agent >= 0 and (best < 0 or _goes_before(pool, agent, best, queue)):
                best, asked = agent, rank[bench]
    return best


def _next_on(pool: Pool, agent: int, queue: int, now: float) -> int:
    while agent >= 0 and (now >= pool.until[agent] or pool.shuns[agent * pool.queues + queue]):
        agent = pool.benches.after[agent]
    return agent


def _goes_before(pool: Pool, agent: int, other: int, queue: int) -> bool:
    fit = pool.grade[pool.profile[agent] * pool.queues + queue]
    others = pool.grade[pool.profile[other] * pool.queues + queue]
    return fit > others if fit != others else pools.precedes(pool.benches, agent, other)


def best_item(pool: Pool, agent: int, now: float) -> int:
    """Find the item that an agent takes, the highest score first, then the oldest, then by id; -1 for none.

    In each queue the oldest alone counts, and what is kept for them beside it.
    """
    lack, profile = pool.lack[agent], pool.profile[agent]
    if now >= pool.until[agent] or lack == pool.full:
        return -1
    best, high = -1, -math.inf
    first, since = pool.waiting.first, pool.waiting.key
    slope, serves = pool.slope, pool.serves
    for k in range(pool.start[profile], pool.start[profile + 1]):
        queue = serves[k]
        item = first[queue]
        if item < 0:
            continue
        score = slope[queue] * (now - since[item]) + pool.bonus[k]
        if (
            score < high
            or now < since[item] + pool.reach[k]
            or (lack and lack >> pool.kind[queue] & 1)
            or (pool.shunned[agent] and pool.shuns[agent * pool.queues + queue])
        ):
            continue
        if score > high or pools.precedes(pool.waiting, item, best):
            best = item
            high = score
    return best if first[pool.queues + agent] < 0 else _or_kept(pool, agent, best, now)


def _or_kept(pool: Pool, agent: int, best: int, now: float) -> int:
    """The best of an item and what is kept for somebody."""
    item = kept(pool, agent)
    while item >= 0:
        queue = pool.queue[item]
        roomy = not pool.lack[agent] >> pool.kind[queue] & 1
        if roomy and may_have(pool, agent, queue, pool.waiting.key[item], now):
            best = _more_urgent(pool, item, best, agent, now)
        item = pool.waiting.after[item]
    return best


def _more_urgent(pool: Pool, item: int, other: int, agent: int, now: float) -> int:
    if other < 0:
        return item
    score, others = score_of(pool, item, agent, now), score_of(pool, other, agent, now)
    if score == others:
        return item if pools.precedes(pool.waiting, item, other) else other
    return item if score > others else other


def may_have(pool: Pool, agent: int, queue: int, since: float, now: float) -> bool:
    """Whether somebody may be offered work that waits since then, if they have room: here, able, not shunning it."""
    k = serving(pool, agent, queue)
    if now >= pool.until[agent] or k < 0 or now < since + pool.reach[k]:
        return False
    return not pool.shuns[agent * pool.queues + queue]


def serving(pool: Pool, agent: int, queue: int) -> int:
    """Find the place in `serves` (and `reach`, `bonus`) that says how an agent serves a queue, or -1."""
    profile = pool.profile[agent]
    for k in range(pool.start[profile], pool.start[profile + 1]):
        if pool.serves[k] == queue:
            return k
    return -1


def score_of(pool: Pool, item: int, agent: int, now: float) -> float:
    """How urgent an item is to an agent who serves its queue: slope x seconds waited + bonus for the fit."""
    queue = pool.queue[item]
    return pool.slope[queue] * (now - pool.waiting.key[item]) + pool.bonus[serving(pool, agent, queue)]


def settle(pool: Pool, now: float) -> int:
    """Offer the most urgent of all that waits and can be offered: the item, or -1. For a state that was just built."""
    best, whom, high = -1, -1, -math.inf
    for queue in range(pool.queues):
        item = pool.waiting.first[queue]
        if item < 0:
            continue
        agent = best_agent(pool, queue, pool.waiting.key[item], now)
        if agent < 0:
            continue
        score = score_of(pool, item, agent, now)
        if score > high or (score == high and pools.precedes(pool.waiting, item, best)):
            best, whom, high = item, agent, score
    if best >= 0:
        pools.leave(pool.waiting, best)
        _offer(pool, best, whom, now)
    return best


def _give(pool: Pool, item: int, agent: int) -> None:
    """Give somebody who has the room for it an item that stands in no lane any more."""
    queue = pool.queue[item]
    kind = pool.kind[queue]
    part = pool.whole[kind]
    if pool.parts[agent]:
        part = pools.part_for(pool, agent, kind)
    if pool.preemptible[queue]:
        pool.soft[agent] |= part
    else:
        pool.firm[agent] |= part
    pool.part[item] = part
    pool.holder[item] = agent
    pool.parts[agent] += pool.size[kind]
    if pool.firm[agent] == pools.WHOLE:
        pool.lack[agent] = pool.full
    else:
        pools.take_stock(pool, agent)


def _offer(pool: Pool, item: int, agent: int, now: float) -> None:
    """Give an item to somebody who sits idle, and who goes on sitting if there is room for more."""
    pools.stand_up(pool, agent)
    _give(pool, item, agent)
    if pool.lack[agent] != pool.full:
        pools.sit(pool, agent, now)


# --- why -------------------------------------------------------------------------------------------------------------


class Candidate(NamedTuple):
    """What an item was to an agent: `could` or why not, the ring in which they serve it (-1: none), and its score."""

    agent: int
    verdict: Literal["could", "away", "not able", "ring not reached", "sticky agent", "declined", "no room"]
    ring: int
    score: float


def why(pool: Pool, item: int, now: float) -> list[Candidate]:
    """Say of every agent whether they could have an item now, or why not; who could come first, as they are asked.

    To explain an offer, ask before it is made, or `release` its item in a copy of the pool.
    """
    found = [_candidate(pool, item, agent, now) for agent in range(len(pool.profile))]
    return sorted(found, key=lambda each: (each.verdict != "could", _turn(pool, item, each)))


def _candidate(pool: Pool, item: int, agent: int, now: float) -> Candidate:
    queue, since = pool.queue[item], pool.waiting.key[item]
    k = serving(pool, agent, queue)
    if k < 0 or now >= pool.until[agent]:
        return Candidate(agent, "away" if now >= pool.until[agent] else "not able", -1, 0.0)
    rings = pool.after[queue * pool.rings : (queue + 1) * pool.rings]
    score = score_of(pool, item, agent, now)
    return Candidate(agent, _verdict(pool, item, agent, since + pool.reach[k], now), rings.index(pool.reach[k]), score)


def _verdict(pool: Pool, item: int, agent: int, ripe: float, now: float) -> Any:
    queue, lane = pool.queue[item], pool.waiting.lane[item]
    hindrances = {
        "ring not reached": now < ripe,
        "sticky agent": lane >= pool.queues and lane != pool.queues + agent,
        "declined": pool.shuns[agent * pool.queues + queue],
        "no room": pool.lack[agent] >> pool.kind[queue] & 1,
    }
    return next((name for name, hinders in hindrances.items() if hinders), "could")


def _turn(pool: Pool, item: int, candidate: Candidate) -> tuple[float, ...]:
    """Where a candidate stands in the order in which `best_agent` asks; among those who sit idle."""
    agent = candidate.agent
    bench = pool.benches.lane[agent]
    fit = pool.grade[pool.profile[agent] * pool.queues + pool.queue[item]]
    rank = pool.rank[bench] if bench >= 0 else math.inf
    return (candidate.ring, rank, -fit, pool.benches.key[agent], pool.benches.name[agent])
