"""What a router is told: the queues it serves, people and work as they are now, and who refused what."""

from collections.abc import Mapping
from typing import NamedTuple

WAITING, WITH_SOMEBODY, GONE = "waiting", "with", "gone"


class Line(NamedTuple):
    """A queue with its terms in force; `slope` is the score that its work gains by a second of waiting.

    Work of one that is `preemptible` is preempted by that of one that `preempts`.
    """

    queue_id: int
    client_id: int
    requires: Mapping[str, int]
    relax: tuple[tuple[float, Mapping[str, int]], ...]
    max_concurrency: int
    slope: float
    offer_seconds: int
    preemptible: bool = False
    preempts: bool = False


class Worker(NamedTuple):
    """An agent as they are now: what they can, whose work they may touch, whether and since when they take work.

    `until`: when what they can, or whether they are on shift, changes by itself; None for never. Until then they are
    as told, and from then on they take nothing before they are told of anew.
    """

    person_id: int
    skills: Mapping[str, int]
    clients: tuple[int, ...]
    here: bool
    since: float
    until: float | None = None
    on_shift: bool = True


class Thing(NamedTuple):
    """An item as it is now: it waits since an instant, takes [low, high) of somebody, or is gone.

    What waits since an instant that is to come is scheduled for then. Until `keep_until` it is kept for the `keeper`,
    who knows its case (0: nobody). What is with somebody may be `preemptible`. One with a priority of its own
    stands so many seconds `ahead`.
    """

    item_id: int
    queue_id: int
    since: float
    state: str = WAITING
    person_id: int = 0
    low: int = 0
    high: int = 0
    keeper: int = 0
    keep_until: float = 0.0
    preemptible: bool = False
    ahead: float = 0.0

    @property
    def place(self) -> float:
        """Since when it would have to wait to stand where it stands in line."""
        return self.since - self.ahead


class Refusal(NamedTuple):
    """Somebody let an offer go by: nothing of that queue for them until then."""

    person_id: int
    queue_id: int
    until: float


class News(NamedTuple):
    """What is so at an instant, as far as it is new; `undone` are offers of the telling before that do not stand.

    `handicaps`: (person, seconds that they stand further back in line than by idle time alone).
    """

    at: float
    lines: tuple[Line, ...] | None = None
    workers: tuple[Worker, ...] = ()
    things: tuple[Thing, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    undone: tuple[int, ...] = ()
    handicaps: tuple[tuple[int, float], ...] = ()


class Reason(NamedTuple):
    """What an item was to somebody: "could", or why not and what they lack; their ring (-1: none) and its score."""

    person_id: int
    verdict: str
    lacks: tuple[str, ...]
    ring: int
    score: float
