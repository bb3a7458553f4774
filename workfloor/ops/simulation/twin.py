"""The twin: days of work in seconds, event by event, under the very policy that routes live work.

Pure, and one source for two ways to run: CPython runs these functions on lists; numba compiles them and the policy for
arrays. Both give the same to the last bit: chance is whole arithmetic, and events that fall together are taken by kind,
then by number. Times are seconds from the start.
"""

import heapq
import math

from workfloor.kit.figures import chance
from workfloor.ops.routing import policy
from workfloor.ops.routing.pools import Pool
from workfloor.ops.simulation import counters
from workfloor.ops.simulation.counters import Plan, World

# Kinds of event, in the order in which they are taken when they fall together.
ENDS, LEAVES, COMES, REPLAYS, ARRIVES, RETURNS, REACHES, GIVES_UP, OVER, DROWNS, BEGINS = range(11)

# What is drawn for each queue, each from a stream of its own, so that a change of one disturbs no other.
ARRIVAL, HANDLING, WRAP_UP, PATIENCE, RETRY, STREAMS = range(6)

# How a time is spread.
NONE, EXPONENTIAL, LOG_NORMAL, OBSERVED = range(4)


def run(world: World) -> bool:
    """Run from the start until everything is worked off; False where there were more items at once than numbers.

    Only the heap asks for memory, so all else compiles without the counting of references, which would cost thirty
    times what it does: the others leave what is to happen in `due`, and here it joins the heap.
    """
    heap, due = [(-math.inf, BEGINS, 0, 0)], world.due
    at, kinds, numbers, items = world.due_at, world.due_kind, world.due_number, world.due_item
    while True:
        now, kind, number, item_id = heap[0]
        again = math.inf
        if kind == ENDS:
            _end(world, number, now)
        elif kind == ARRIVES:
            again = _next_arrival(world, number, now)
            _arrive(world, number, now)
        elif kind == GIVES_UP:
            _give_up(world, number, now, item_id)
        elif not happen(world, now, kind, number, item_id):
            return kind == OVER
        k = due[0]
        due[0] = 0
        # What has happened makes room for what is due, which is half the work of taking out and putting in.
        if again < math.inf:
            heapq.heapreplace(heap, (again, ARRIVES, number, 0))
        elif k:
            k -= 1
            heapq.heapreplace(heap, (at[k], kinds[k], numbers[k], items[k]))
        else:
            heapq.heappop(heap)
        while k:
            k -= 1
            heapq.heappush(heap, (at[k], kinds[k], numbers[k], items[k]))


def happen(world: World, now: float, kind: int, number: int, item_id: int) -> bool:
    """Let an event of the rarer kinds happen; False after the last."""
    if kind == RETURNS:
        _arrive(world, number, now)
    elif kind == REPLAYS:
        _replay(world, number)
    elif kind == REACHES:
        _reach(world, number, now, item_id)
    elif kind == COMES:
        _come(world, number)
    elif kind == LEAVES:
        policy.go(world.pool, number)
    elif kind == BEGINS:
        _begin(world)
    elif kind == OVER:
        counters.close(world)
    return kind != OVER and kind != DROWNS


def _begin(world: World) -> None:
    _later(world, math.inf, OVER, 0, 0)
    for queue in range(world.pool.queues):
        at = _next_arrival(world, queue, 0.0)
        if at < math.inf:
            _later(world, at, ARRIVES, queue, 0)
    if len(world.plan.from_):
        _later(world, world.plan.from_[0], COMES, 0, 0)
    if len(world.plan.came_at):
        _later(world, world.plan.came_at[0], REPLAYS, 0, 0)


def _later(world: World, at: float, kind: int, number: int, item_id: int) -> None:
    k = world.due[0]
    world.due_at[k] = at
    world.due_kind[k] = kind
    world.due_number[k] = number
    world.due_item[k] = item_id
    world.due[0] = k + 1


def _come(world: World, session: int) -> None:
    plan = world.plan
    agent, now, until = plan.who[session], plan.from_[session], plan.until[session]
    policy.come(world.pool, agent, plan.profile[agent], until)
    if until < math.inf:
        _later(world, until, LEAVES, agent, 0)
    if session + 1 < len(plan.from_):
        _later(world, plan.from_[session + 1], COMES, session + 1, 0)
    _free(world, agent, now)


def _free(world: World, agent: int, now: float) -> None:
    item = policy.free(world.pool, agent, now)
    while item >= 0:
        _answer(world, item, now)
        item = policy.free(world.pool, agent, now)


def _next_arrival(world: World, queue: int, now: float) -> float:
    """When the next item comes into a queue; inf where none does before the horizon."""
    plan = world.plan
    left = -math.log(1.0 - chance.uniform(world.chance, queue * STREAMS + ARRIVAL))
    rate = plan.steady[queue]
    at = now + left / rate if rate > 0 else _stretched(plan, queue, now, left)
    return at if at < plan.horizon else math.inf


def _stretched(plan: Plan, queue: int, at: float, left: float) -> float:
    """When so many arrivals were expected: the rate is constant within an interval, so time is stretched."""
    first, count = plan.rates[queue], plan.rates[queue + 1] - plan.rates[queue]
    width = plan.cycle[queue]
    interval = int(at / width)
    while count and at < plan.horizon:
        end = (interval + 1) * width
        rate = plan.rate[first + interval % count]
        if rate * (end - at) >= left:
            return at + left / rate
        left -= max(rate * (end - at), 0.0)
        at = max(at, end)
        interval += 1
    return math.inf


def _replay(world: World, number: int) -> None:
    plan = world.plan
    if number + 1 < len(plan.came_at):
        _later(world, plan.came_at[number + 1], REPLAYS, number + 1, 0)
    _arrive(world, plan.came_to[number], plan.came_at[number])


def _arrive(world: World, queue: int, now: float) -> None:
    left = world.left
    height, item_id = left[0] - 1, left[1] + 1
    left[0] = height
    left[1] = item_id
    item = world.spare[height]
    if not height:
        _later(world, -1.0, DROWNS, 0, 0)  # before all else
    if policy.arrive(world.pool, item, item_id, queue, now, now) >= 0:
        _answer(world, item, now)
    else:
        _wait(world, item, queue, now)


def _wait(world: World, item: int, queue: int, now: float) -> None:
    pool = world.pool
    item_id = pool.waiting.name[item]
    if world.plan.spread[queue * STREAMS + PATIENCE] != NONE:
        _later(world, now + draw(world, queue, PATIENCE), GIVES_UP, item, item_id)
    for ring in range(1, pool.rings):
        after = pool.after[queue * pool.rings + ring]
        if after < math.inf:
            _later(world, now + after, REACHES, item, item_id)


def _waits(pool: Pool, item: int, item_id: int) -> bool:
    """Whether the item still waits that had this number then."""
    return pool.waiting.lane[item] >= 0 and pool.waiting.name[item] == item_id


def _reach(world: World, item: int, now: float, item_id: int) -> None:
    if not _waits(world.pool, item, item_id):
        return
    queue = world.pool.queue[item]
    item = policy.serve(world.pool, queue, now)
    while item >= 0:
        _answer(world, item, now)
        item = policy.serve(world.pool, queue, now)


def _answer(world: World, item: int, now: float) -> None:
    plan, pool = world.plan, world.pool
    queue, since = pool.queue[item], pool.waiting.key[item]
    group = plan.group[pool.holder[item]]
    talk = draw(world, queue, HANDLING) * plan.pace[group * pool.queues + queue]
    wrap = draw(world, queue, WRAP_UP) if plan.spread[queue * STREAMS + WRAP_UP] != NONE else 0.0
    _later(world, now + talk + wrap, ENDS, item, 0)
    if plan.preempts_work and pool.preemptible[queue]:
        _take_up(world, item, now)
    else:
        counters.count_busy(world, group, now, now + talk + wrap, plan.share[queue])
        if plan.preempts_work:
            _preempted(world, pool.holder[item], pool.part[item], now)
    if since >= plan.warm_up:
        counters.count_answered(world, queue, since, now - since, talk, wrap)


def _end(world: World, item: int, now: float) -> None:
    pool = world.pool
    if world.plan.preempts_work and pool.preemptible[pool.queue[item]] and not _has_ended(world, item, now):
        return
    agent = policy.release(pool, item)
    if world.plan.preempts_work and not pool.preemptible[pool.queue[item]]:
        _take_up_again(world, agent, pool.part[item], now)
    world.spare[world.left[0]] = item
    world.left[0] += 1
    item = policy.free(pool, agent, now)
    if item >= 0:
        _answer(world, item, now)
        # Without room of any kind they could only be told so.
        if pool.lack[agent] != pool.full:
            _free(world, agent, now)


# --- work that is preempted: it keeps its agent, and ends later by as long as it lay aside ---------------------------


def _take_up(world: World, item: int, now: float) -> None:
    """Begin preemptible work: its time is counted as it passes, for nobody knows yet when it ends."""
    agent = world.pool.holder[item]
    world.next_yielding[item] = world.yielding[agent]
    world.yielding[agent] = item
    world.began[item] = now
    world.aside_since[item] = math.inf
    world.lay_aside[item] = 0.0
    world.left_over[item] = -1.0


def _preempted(world: World, agent: int, part: int, now: float) -> None:
    """Put aside what an agent has under a part that other work has just taken."""
    item = world.yielding[agent]
    while item >= 0:
        if world.pool.part[item] & part and world.aside_since[item] == math.inf:
            world.aside_since[item] = now
            _count_worked(world, item, now)
        item = world.next_yielding[item]


def _take_up_again(world: World, agent: int, part: int, now: float) -> None:
    """Let go on what an agent has under a part that was given back, unless other work lies over it still."""
    item = world.yielding[agent]
    while item >= 0:
        own, since = world.pool.part[item], world.aside_since[item]
        if own & part and since < math.inf and not own & world.pool.firm[agent]:
            if world.left_over[item] >= 0:
                _later(world, now + world.left_over[item], ENDS, item, 0)
                world.left_over[item] = -1.0
            else:
                world.lay_aside[item] += now - since
            world.aside_since[item] = math.inf
            world.began[item] = now
        item = world.next_yielding[item]


def _has_ended(world: World, item: int, now: float) -> bool:
    """Whether preemptible work is over; else it lies aside, or is put off by as long as it did."""
    if world.aside_since[item] < math.inf:
        world.left_over[item] = world.lay_aside[item] + now - world.aside_since[item]
        world.lay_aside[item] = 0.0
        return False
    if world.lay_aside[item] > 0:
        _later(world, now + world.lay_aside[item], ENDS, item, 0)
        world.lay_aside[item] = 0.0
        return False
    _count_worked(world, item, now)
    _unchain(world, item)
    return True


def _count_worked(world: World, item: int, now: float) -> None:
    plan, pool = world.plan, world.pool
    group = plan.group[pool.holder[item]]
    counters.count_busy(world, group, world.began[item], now, plan.share[pool.queue[item]])


def _unchain(world: World, item: int) -> None:
    agent = world.pool.holder[item]
    if world.yielding[agent] == item:
        world.yielding[agent] = world.next_yielding[item]
        return
    before = world.yielding[agent]
    while world.next_yielding[before] != item:
        before = world.next_yielding[before]
    world.next_yielding[before] = world.next_yielding[item]


def _give_up(world: World, item: int, now: float, item_id: int) -> None:
    plan, pool = world.plan, world.pool
    if not _waits(pool, item, item_id):
        return
    queue, since = pool.queue[item], pool.waiting.key[item]
    policy.withdraw(pool, item)
    _put_back(world, item)
    counters.count_unanswered(world, queue, since, now - since, counters.ABANDONED)
    if chance.uniform(world.chance, queue * STREAMS + RETRY) < plan.retry_share[queue]:
        after = now + draw(world, queue, RETRY)
        if after < plan.horizon:
            _later(world, after, RETURNS, queue, 0)
        if since >= plan.warm_up:
            world.counts[(int(since / plan.every) * plan.queues + queue) * counters.FIELDS + counters.AGAIN] += 1


def _put_back(world: World, item: int) -> None:
    height = world.left[0]
    world.spare[height] = item
    world.left[0] = height + 1


def draw(world: World, queue: int, what: int) -> float:
    """Draw a time for a queue, as the plan spreads it; 0 where it has none."""
    plan, stream = world.plan, queue * STREAMS + what
    spread, first = plan.spread[stream], plan.first[stream]
    if spread == EXPONENTIAL:
        return -first * math.log(1.0 - chance.uniform(world.chance, stream))
    if spread == NONE:
        return 0.0
    chosen = chance.uniform(world.chance, stream)
    second = plan.second[stream]
    if spread == OBSERVED:
        return plan.observed[int(first) + int(chosen * second)]
    if second == 0:
        return math.exp(first)
    # Box and Muller, A Note on the Generation of Random Normal Deviates, 1958.
    turn = math.cos(2 * math.pi * chance.uniform(world.chance, stream))
    return math.exp(first + second * math.sqrt(-2.0 * math.log(1.0 - chosen)) * turn)
