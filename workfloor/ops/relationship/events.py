"""Facts about what was agreed in a review."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class UndertakingAgreed(Event):
    name: ClassVar[str] = "undertaking.agreed"
    undertaking: int
    who: str
    what: str
    until: date


@dataclass(frozen=True)
class UndertakingDone(Event):
    name: ClassVar[str] = "undertaking.done"
    undertaking: int
    note: str | None = None
