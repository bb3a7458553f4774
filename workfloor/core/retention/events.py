"""Facts about for how long things are kept, and that they were deleted."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class RetentionSet(Event):
    name: ClassVar[str] = "retention.set"
    kind: str
    days_before: int
    days: int | None  # none: a client's own is taken back, and the installation's holds


@dataclass(frozen=True)
class Expired(Event):
    name: ClassVar[str] = "retention.expired"
    kind: str
    count: int
    days: int
