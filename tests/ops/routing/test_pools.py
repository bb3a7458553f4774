"""Pools: who has room for what, and who sits on which bench."""

from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.people.qualification import CAPACITY
from workfloor.core.work.lifecycle import free_share
from workfloor.ops.routing import pools

AT_ONCE = (1, 2, 3, 4, 6)
QUEUES = [pools.Queue(n, 1, {}, max_concurrency=max_concurrency) for n, max_concurrency in enumerate(AT_ONCE)]
EVERYTHING = pools.profile({}, [1], QUEUES)


def ranges(mask):
    """The parts in use, one by one."""
    return [(bit, bit + 1) for bit in range(CAPACITY) if mask >> bit & 1]


@given(st.integers(0, (1 << 12) - 1), st.sampled_from(AT_ONCE))
def test_one_more_item_takes_the_part_that_the_database_gives_it(twelfths, max_concurrency):
    pool = pools.pool(QUEUES, [EVERYTHING], [7], 0)
    taken = sum(0b11111 << 5 * n for n in range(12) if twelfths >> n & 1)
    pool.firm[0], pool.parts[0] = taken, taken.bit_count()
    kind = pool.kind[AT_ONCE.index(max_concurrency)]
    share = free_share(ranges(taken), max_concurrency, CAPACITY)

    assert pools.part_for(pool, 0, kind) == (0 if share is None else (1 << share[1]) - (1 << share[0]))
    pools.take_stock(pool, 0)
    assert (pool.lack[0] >> kind & 1) == (share is None)


def test_who_holds_something_sits_behind_who_holds_nothing_and_who_is_full_or_away_nowhere():
    pool = pools.pool(QUEUES, [EVERYTHING], [7], 0)
    pools.sit(pool, 0, 0.0)
    assert pool.benches.lane == [-1]

    seen = []
    pool.until[0] = 100.0
    for sixths in range(7):
        pool.firm[0], pool.parts[0] = (1 << 10 * sixths) - 1, 10 * sixths
        pools.take_stock(pool, 0)
        pools.sit(pool, 0, 0.0)
        seen.append(pool.benches.lane[0])
    ranks = [pool.rank[bench] for bench in seen[:-1]]
    assert ranks == sorted(set(ranks))
    assert seen[-1] == -1
    assert pool.idle == [0] * pool.words


def test_who_sits_down_again_keeps_their_place():
    pool = pools.pool(QUEUES, [EVERYTHING], [7, 8], 0)
    pool.until[:] = [100.0, 100.0]
    pools.sit(pool, 0, 1.0)
    pools.sit(pool, 1, 2.0)
    pools.sit(pool, 0, 3.0)

    assert pool.benches.first[pool.benches.lane[0]] == 0


def test_a_pool_may_be_empty():
    assert pools.pool([], [], [], 0).queues == 0
    assert pools.pool(QUEUES, [()], [7], 0).profiles == 1
