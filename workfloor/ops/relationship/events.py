"""Facts about what was agreed in a review."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class ActionItemAgreed(Event):
    name: ClassVar[str] = "action-item.agreed"
    action_item: int
    who: str
    what: str
    until: date


@dataclass(frozen=True)
class ActionItemDone(Event):
    name: ClassVar[str] = "action-item.done"
    action_item: int
    note: str | None = None
