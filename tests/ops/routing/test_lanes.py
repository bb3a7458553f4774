"""Lanes: things stand in order of (key, name), and leave from anywhere."""

from bisect import insort

from hypothesis import given
from hypothesis import strategies as st

from workfloor.ops.routing import pools

NODES = 12
MOVES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, NODES - 1), st.integers(0, 4)), max_size=80)


def forwards(some, lane):
    node, found = some.first[lane], []
    while node >= 0:
        found.append(node)
        node = some.after[node]
    return found


def backwards(some, lane):
    node, found = some.last[lane], []
    while node >= 0:
        found.append(node)
        node = some.before[node]
    return found


def test_the_smallest_key_stands_first_and_names_break_ties():
    some = pools.lanes(1, 4, names=[7, 5, 6, 4])
    for node, key in enumerate([1.0, 1.0, 0.5, 2.0]):
        pools.join(some, 0, node, key)

    assert forwards(some, 0) == [2, 1, 0, 3]


def test_who_comes_back_with_the_old_key_has_the_old_place():
    some = pools.lanes(1, 3, names=[1, 2, 3])
    for node in range(3):
        pools.join(some, 0, node, float(node))
    pools.leave(some, 1)
    assert some.lane[1] == -1
    pools.join(some, 0, 1, some.key[1])

    assert forwards(some, 0) == [0, 1, 2]


@given(MOVES, st.permutations(range(NODES)))
def test_any_lane_is_a_sorted_list_read_from_either_end(moves, names):
    """A move lets a node join lane 0 or 1, or leave (2) where it stands."""
    some, plain = pools.lanes(2, NODES, names), ([], [])
    for move, node, key in moves:
        if some.lane[node] >= 0:
            plain[some.lane[node]].remove((some.key[node], names[node], node))
            pools.leave(some, node)
        if move < 2:
            pools.join(some, move, node, float(key))
            insort(plain[move], (float(key), names[node], node))

        for lane in (0, 1):
            order = [node for _, _, node in plain[lane]]
            assert forwards(some, lane) == order
            assert backwards(some, lane) == order[::-1]
