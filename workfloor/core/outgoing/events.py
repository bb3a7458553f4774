"""Facts about the installation's own mail."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class OwnMailSent(Event):
    name: ClassVar[str] = "own-mail.sent"
    mail: int
    kind: str


@dataclass(frozen=True)
class OwnMailUndelivered(Event):
    name: ClassVar[str] = "own-mail.undelivered"
    mail: int
    kind: str
    reason: str
