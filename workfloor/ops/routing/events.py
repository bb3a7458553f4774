"""Facts about routers."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class TookOver(Event):
    """A router leads a pool from now on; for that it enters every client."""

    name: ClassVar[str] = "router.took-over"
    pool: str
    epoch: int
    process: str


@dataclass(frozen=True)
class PutIntoPool(Event):
    """A queue is served by the router of another pool from now on."""

    name: ClassVar[str] = "queue.put-into-pool"
    queue: int
    pool: str
    pool_before: str | None = None


@dataclass(frozen=True)
class EvensOut(Event):
    """From now on, whoever did more than the others stands so much further back in line; 0 seconds: no more."""

    name: ClassVar[str] = "pool.evens-out"
    pool: str
    seconds: int
    seconds_before: int | None = None
