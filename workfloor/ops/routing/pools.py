"""A pool as flat sequences: what queues demand, who may serve them and how well, who is idle, what waits in lanes."""

import math
from collections.abc import Collection, Iterable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workfloor.core.people.qualification import CAPACITY, qualifies

# --- Lanes -----------------------------------------------------------------------------------------------------------
# Things stand in order in many lanes, over flat sequences: lists, or arrays for compiled code. Each is a node, and
# stands in one lane at most, sorted by (key, name), the smallest first. They mostly join near an end of their lane, at
# the back as they arrive or at the front as they come back, so that a doubly linked list searched from both ends is
# faster than a heap, and leaving from the middle costs nothing and leaves nothing behind.


@dataclass(slots=True)
class Lanes:
    """Lanes of nodes; -1 stands for none."""

    key: MutableSequence[float]  # by node; kept after it has left
    name: MutableSequence[int]  # by node: breaks ties
    lane: MutableSequence[int]  # by node: where it stands, -1 when nowhere
    before: MutableSequence[int]  # by node
    after: MutableSequence[int]  # by node
    first: MutableSequence[int]  # by lane
    last: MutableSequence[int]  # by lane


def lanes(count: int, nodes: int, names: Sequence[int] = ()) -> Lanes:
    """Give empty lanes as lists; nodes without names have none yet."""
    none = [-1] * nodes
    return Lanes([0.0] * nodes, list(names) or none[:], none[:], none[:], none[:], [-1] * count, [-1] * count)


def precedes(some: Lanes, node: int, other: int) -> bool:
    """Whether a node goes before another."""
    if some.key[node] != some.key[other]:
        return some.key[node] < some.key[other]
    return some.name[node] < some.name[other]


def join(some: Lanes, lane: int, node: int, key: float) -> None:
    """Put a node that stands nowhere at its place in a lane; in steps of its distance from the nearer end."""
    some.key[node] = key
    some.lane[node] = lane
    before = some.last[lane]
    after = -1
    if before >= 0 and key <= some.key[before] and precedes(some, node, before):
        before = _place(some, lane, node)
        after = some.after[before] if before >= 0 else some.first[lane]
    some.before[node] = before
    some.after[node] = after
    if before >= 0:
        some.after[before] = node
    else:
        some.first[lane] = node
    if after >= 0:
        some.before[after] = node
    else:
        some.last[lane] = node


def _place(some: Lanes, lane: int, node: int) -> int:
    """Find the node behind which one comes, which is not the last; -1 for the front."""
    back = some.last[lane]
    front = some.first[lane]
    while precedes(some, node, back):
        if precedes(some, node, front):
            return some.before[front]
        back = some.before[back]
        front = some.after[front]
    return back


def leave(some: Lanes, node: int) -> None:
    """Take a node out of the lane in which it stands."""
    lane = some.lane[node]
    before = some.before[node]
    after = some.after[node]
    if before >= 0:
        some.after[before] = after
    else:
        some.first[lane] = after
    if after >= 0:
        some.before[after] = before
    else:
        some.last[lane] = before
    some.lane[node] = -1


GRADES = 6  # how well a person fits a queue: 0 (just) to 5


class Queue(NamedTuple):
    """What the work of a queue demands, and how it is to be given out; times in seconds.

    `relax`: (seconds waited, levels from then on), in order; level 0 lifts a requirement. `max_concurrency` divides 60.
    Work of a `preemptible` queue may be preempted by work of one that `preempts`, which is never preemptible itself.
    """

    queue_id: int
    client_id: int
    requires: Mapping[str, int]
    relax: Sequence[tuple[float, Mapping[str, int]]] = ()
    max_concurrency: int = 1
    preemptible: bool = False
    preempts: bool = False
    slope: float = 1.0


class Serving(NamedTuple):
    """One queue that a person may serve: its number, from which ring on, and how well they fit (0 to GRADES - 1)."""

    queue: int
    ring: int
    grade: int


Profile = tuple[Serving, ...]


def profile(skills: Mapping[str, int], clients: Collection[int], queues: Sequence[Queue]) -> Profile:
    """All that a person with these skills and clearances may serve, by number of the queue; () for nothing."""
    found = []
    for number, queue in enumerate(queues):
        ring = ring_for(skills, queue) if queue.client_id in clients else -1
        if ring >= 0:
            found.append(Serving(number, ring, grade(skills, queue.requires)))
    return tuple(found)


def rings(queue: Queue) -> list[tuple[float, dict[str, int]]]:
    """A queue's rings: (seconds waited, what is required from then on), the innermost first, none asking for more."""
    levels = dict(queue.requires)
    found = [(0.0, dict(levels))]
    for after, lowered in queue.relax:
        levels = {skill: min(level, lowered.get(skill, level)) for skill, level in levels.items()}
        found.append((float(after), dict(levels)))
    return found


def ring_for(skills: Mapping[str, int], queue: Queue) -> int:
    """The innermost ring of a queue that skills suffice for; -1 when none."""
    for number, (_, levels) in enumerate(rings(queue)):
        if qualifies(skills, levels):
            return number
    return -1


def grade(skills: Mapping[str, int], requires: Mapping[str, int]) -> int:
    """How well skills fit: the weakest one's surplus over the required level, 0 to GRADES - 1; less is none."""
    surplus = min((skills.get(skill, 0) - level for skill, level in requires.items()), default=0)
    return max(0, min(GRADES - 1, surplus))


def numbered(profiles: Iterable[Profile]) -> list[Profile]:
    """Distinct profiles in the order in which they are chosen: those that serve fewer queues first."""
    return sorted(set(profiles), key=lambda each: (len(each), each))


def missing(skills: Mapping[str, int], clients: Collection[int], queue: Queue, ring: int = 0) -> list[str]:
    """What somebody lacks to serve a queue in a ring, in words: the clearance, and skills with their levels."""
    lacking = [] if queue.client_id in clients else ["clearance"]
    levels = rings(queue)[ring][1]
    return lacking + [f"{skill} {level}" for skill, level in sorted(levels.items()) if skills.get(skill, 0) < level]


AWAY = -math.inf
WHOLE = (1 << CAPACITY) - 1


@dataclass(slots=True)
class Pool:
    """Queues, agents and items that are tied by skills, as flat sequences; -1 stands for none.

    Q queues, P profiles, A agents and I items are known by their numbers from 0; their ids break ties. R rings a queue
    at most, K kinds of room. Masks of benches are W words of `bits` bits.
    A bench is a set of idle agents who are alike: of one profile, equally laden, lacking the same kinds of room (one of
    L sets of them); its number is (laden x L + set) x P + profile (see `_bench`). Seconds count from any origin, the
    same throughout.
    """

    queues: int
    profiles: int
    kinds: int
    full: int  # every kind of room, as bits
    steps: int  # of being laden: the most that anybody may hold at once
    rings: int
    words: int
    bits: int
    # by queue
    slope: MutableSequence[float]  # score a second of waiting; may be set anew at any time
    kind: MutableSequence[int]
    preemptible: MutableSequence[int]  # 1: its work may be preempted
    after: MutableSequence[float]  # [Q x R] seconds waited at which a ring is reached; inf where there is none
    able: MutableSequence[int]  # [Q x R x W] mask of the benches that belong to a ring
    # by kind of room
    size: MutableSequence[int]  # parts of a person, of 60
    whole: MutableSequence[int]  # the first such part, as bits
    preempts: MutableSequence[int]  # 1: also takes the parts of work that may be preempted
    # by set of kinds of room
    lacks: MutableSequence[int]  # [L] what somebody may lack, as bits, ascending
    # by profile: what it serves, in one sequence from start[p] to start[p + 1]
    start: MutableSequence[int]  # [P + 1]
    serves: MutableSequence[int]  # queue
    reach: MutableSequence[float]  # seconds that its work must have waited
    bonus: MutableSequence[float]  # score for the fit
    grade: MutableSequence[int]  # [P x Q]
    # by bench
    rank: MutableSequence[int]  # ascending: first who holds least, then who serves the fewest queues
    # by agent
    profile: MutableSequence[int]
    until: MutableSequence[float]  # may be offered work before this instant; -inf while away
    firm: MutableSequence[int]  # the parts in use, as bits
    soft: MutableSequence[int]  # the parts in use by work that may be preempted
    parts: MutableSequence[int]  # how many are in use by all that they hold
    lack: MutableSequence[int]  # the kinds of room that they do not have, as bits
    handicap: MutableSequence[float]  # seconds that they count as idle less, for fairness of load
    shuns: MutableSequence[int]  # [A x Q] 1: declined work of this queue a moment ago
    shunned: MutableSequence[int]  # how many queues they shun
    # by item
    queue: MutableSequence[int]
    holder: MutableSequence[int]
    part: MutableSequence[int]  # its holder's parts, as bits
    # standing in order
    waiting: Lanes  # items by since when they wait: a lane for each queue, then one for each agent's kept items
    benches: Lanes  # idle agents by since when: a lane for each bench
    idle: MutableSequence[int]  # [W] mask of the benches on which somebody sits


def pool(
    queues: Sequence[Queue],
    profiles: Sequence[Profile],
    agents: Sequence[int],
    items: int,
    worth: Sequence[float] = (0.0,) * GRADES,
    bits: int = 60,
) -> Pool:
    """Build a pool in which everybody is away and nothing waits.

    `profiles` as `numbered` gives them; `agents` and room for `items` are places, agents with their ids (an item's id
    is told when it arrives); `worth` is the bonus for each grade. Compiled code takes 62 `bits` at most; in CPython
    fewer and longer words are faster.
    """
    kinds = sorted({_kind(queue) for queue in queues})
    depth = max((len(queue.relax) for queue in queues), default=0) + 1
    steps = max((queue.max_concurrency for queue in queues), default=1)
    lacks = _lacks(kinds)
    benches = len(profiles) * steps * len(lacks)
    words = -(-benches // bits)
    count, own = len(queues), [(p, each) for p, some in enumerate(profiles) for each in some]
    grades = bytearray(len(profiles) * count)
    for p, each in own:
        grades[p * count + each.queue] = each.grade
    after = [math.inf] * (count * depth)
    for number, queue in enumerate(queues):
        for ring, (seconds, _) in enumerate(rings(queue)):
            after[number * depth + ring] = seconds
    starts = [0]
    for some in profiles:
        starts.append(starts[-1] + len(some))
    return Pool(
        count,
        len(profiles),
        len(kinds),
        (1 << len(kinds)) - 1,
        steps,
        depth,
        words,
        bits,
        slope=[float(queue.slope) for queue in queues],
        kind=[kinds.index(_kind(queue)) for queue in queues],
        preemptible=[int(queue.preemptible and not queue.preempts) for queue in queues],
        after=after,
        able=_able(queues, profiles, kinds, lacks, (steps, depth, words, bits)),
        size=[CAPACITY // max_concurrency for _, max_concurrency in kinds],
        whole=[(1 << CAPACITY // max_concurrency) - 1 for _, max_concurrency in kinds],
        preempts=[int(not plain) for plain, _ in kinds],
        lacks=lacks,
        start=starts,
        serves=[each.queue for _, each in own] or [-1],
        reach=[after[each.queue * depth + each.ring] for _, each in own] or [0.0],
        bonus=[float(worth[each.grade]) for _, each in own] or [0.0],
        grade=grades,
        rank=[n // len(profiles) * (count + 1) + len(profiles[n % len(profiles)]) for n in range(benches)],
        profile=[0] * len(agents),
        until=[AWAY] * len(agents),
        firm=[0] * len(agents),
        soft=[0] * len(agents),
        parts=[0] * len(agents),
        lack=[0] * len(agents),
        handicap=[0.0] * len(agents),
        shuns=bytearray(len(agents) * count),
        shunned=[0] * len(agents),
        queue=[-1] * items,
        holder=[-1] * items,
        part=[0] * items,
        waiting=lanes(count + len(agents), items),
        benches=lanes(benches, len(agents), agents),
        idle=[0] * words,
    )


def _kind(queue: Queue) -> tuple[bool, int]:
    """Room of one kind is what work needs: whether only free parts will do, and how many go into a person."""
    return not queue.preempts, queue.max_concurrency


def _lacks(kinds: Sequence[tuple[bool, int]]) -> list[int]:
    """The sets of kinds of room that somebody may lack, as bits, ascending, but for all: who lacks that sits nowhere.

    Whoever lacks one kind lacks each that takes as many parts or a multiple, unless that may take more than free parts
    and the first may not. So they are few: two kinds bring three sets; the 24 that there can be, some hundred.
    """
    found = {0}
    for plain, most in kinds:
        with_it = sum(
            1 << number for number, (also, fewer) in enumerate(kinds) if most % fewer == 0 and (also or not plain)
        )
        found |= {each | with_it for each in found}
    return sorted(found - {(1 << len(kinds)) - 1})


def _able(
    queues: Sequence[Queue],
    profiles: Sequence[Profile],
    kinds: list[tuple[bool, int]],
    lacks: Sequence[int],
    shape: tuple[int, int, int, int],
) -> list[int]:
    """The mask of the benches in each ring of each queue: they have the skills at that ring, and the kind of room."""
    steps, depth, words, bits = shape
    seats = range(steps * len(lacks))
    roomy = [[n for n in seats if not lacks[n % len(lacks)] >> kind & 1] for kind in range(len(kinds))]
    masks = [0] * (len(queues) * depth * words)
    for p, some in enumerate(profiles):
        for each in some:
            for n in roomy[kinds.index(_kind(queues[each.queue]))]:
                word, bit = divmod(n * len(profiles) + p, bits)
                masks[(each.queue * depth + each.ring) * words + word] |= 1 << bit
    return masks


# --- room and benches ------------------------------------------------------------------------------------------------
def part_for(pool: Pool, agent: int, kind: int) -> int:
    """The parts that one more item takes, as bits, or 0: free ones, rather than those of work that may be preempted."""
    part = _first_free(pool.firm[agent] | pool.soft[agent], pool.whole[kind], pool.size[kind])
    if not part and pool.preempts[kind]:
        part = _first_free(pool.firm[agent], pool.whole[kind], pool.size[kind])
    return part


def take_stock(pool: Pool, agent: int) -> None:
    """Work out anew the kinds of room that somebody lacks, after what they hold has changed."""
    lack = 0
    if pool.parts[agent]:
        for kind in range(pool.kinds):
            if not part_for(pool, agent, kind):
                lack |= 1 << kind
    pool.lack[agent] = lack


def _first_free(taken: int, part: int, size: int) -> int:
    for _ in range(CAPACITY // size):
        if not taken & part:
            return part
        part <<= size
    return 0


def sit(pool: Pool, agent: int, now: float) -> None:
    """Put somebody who has room on their bench; who sits there already keeps their place."""
    bench = -1
    if now < pool.until[agent]:
        bench = _bench(pool, agent) if pool.parts[agent] else pool.profile[agent]
    seat = pool.benches.lane[agent]
    if bench == seat:
        return
    if seat >= 0:
        stand_up(pool, agent)
    if bench >= 0:
        join(pool.benches, bench, agent, now + pool.handicap[agent])
        pool.idle[bench // pool.bits] |= 1 << bench % pool.bits


def stand_up(pool: Pool, agent: int) -> None:
    """Take somebody off the bench on which they sit, if they do."""
    bench = pool.benches.lane[agent]
    if bench >= 0:
        leave(pool.benches, agent)
        if pool.benches.first[bench] < 0:
            pool.idle[bench // pool.bits] &= ~(1 << bench % pool.bits)


def _bench(pool: Pool, agent: int) -> int:
    """The bench of somebody by how laden they are, what room they lack, and their profile; -1 without any room."""
    lack = pool.lack[agent]
    if lack == pool.full:
        return -1
    laden = min(pool.steps - 1, -(-pool.parts[agent] * pool.steps // CAPACITY))
    return (laden * len(pool.lacks) + _number_of(pool, lack)) * pool.profiles + pool.profile[agent]


def _number_of(pool: Pool, lack: int) -> int:
    """The place of a set among those that somebody may lack."""
    low = 0
    high = len(pool.lacks) - 1
    while low < high:
        middle = (low + high) // 2
        if pool.lacks[middle] < lack:
            low = middle + 1
        else:
            high = middle
    return low
