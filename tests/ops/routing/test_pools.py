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


DIVISORS = [n for n in range(1, CAPACITY + 1) if CAPACITY % n == 0]
EVERY_KIND = [
    pools.Queue(number, 1, {}, max_concurrency=most, preempts=preempts)
    for number, (most, preempts) in enumerate((most, preempts) for most in DIVISORS for preempts in (False, True))
]
OF_EVERY_KIND = pools.pool(EVERY_KIND, [pools.profile({}, [1], EVERY_KIND)], [7], 0)


@given(st.lists(st.tuples(st.sampled_from(DIVISORS), st.integers(0, CAPACITY - 1), st.booleans()), max_size=8))
def test_what_anybody_can_lack_has_a_bench(held):
    pool = OF_EVERY_KIND
    pool.firm[0] = pool.soft[0] = 0
    pool.until[0] = 100.0
    for most, place, is_soft in held:
        size = CAPACITY // most
        part = ((1 << size) - 1) << place % most * size
        if not part & (pool.firm[0] | pool.soft[0]):
            taken = pool.soft if is_soft else pool.firm
            taken[0] |= part
    pool.parts[0] = (pool.firm[0] | pool.soft[0]).bit_count()
    pools.take_stock(pool, 0)
    pools.sit(pool, 0, 0.0)

    lack, bench = pool.lack[0], pool.benches.lane[0]
    assert (bench < 0) == (lack == pool.full)
    assert bench < 0 or pool.lacks[bench % len(pool.lacks)] == lack
    for number, queue in enumerate(EVERY_KIND):
        kind = pool.kind[number]
        able = pool.able[number * pool.words + bench // pool.bits] >> bench % pool.bits & 1 if bench >= 0 else 0
        assert able == (pools.part_for(pool, 0, kind) != 0), queue


def test_benches_do_not_double_with_each_kind_of_room():
    alone = [len(pools.pool(EVERY_KIND[:count], [()], [], 0).lacks) for count in (2, 4, 8, 16, 24)]

    assert alone == sorted(alone)
    assert alone[-1] < 1_000
    assert len(pools.pool(QUEUES, [()], [], 0).lacks) < 1 << len(QUEUES) - 1
