"""Facts about what leaders and agents write to one another."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class TeamMessageSent(Event):
    name: ClassVar[str] = "team-message.sent"
    message: int
    to: list[int]
    answers: int | None = None


@dataclass(frozen=True)
class Whispered(Event):
    name: ClassVar[str] = "team-message.whispered"
    message: int


@dataclass(frozen=True)
class TeamMessageRead(Event):
    name: ClassVar[str] = "team-message.read"
    message: int
