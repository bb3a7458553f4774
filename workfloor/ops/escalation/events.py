"""Facts about escalations."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class Raised(Event):
    name: ClassVar[str] = "escalation.raised"
    escalation: int
    title: str
    of: str  # what happened, as contracts call it


@dataclass(frozen=True)
class StepTold(Event):
    """It was told to the people of a step; to nobody where there are none."""

    name: ClassVar[str] = "escalation.step-told"
    escalation: int
    step: int  # from 1
    tell: str
    people: list[int]


@dataclass(frozen=True)
class Acknowledged(Event):
    name: ClassVar[str] = "escalation.acknowledged"
    escalation: int


@dataclass(frozen=True)
class Answered(Event):
    name: ClassVar[str] = "escalation.answered"
    escalation: int
    note: str


@dataclass(frozen=True)
class Closed(Event):
    """Nobody needs to see to it any more."""

    name: ClassVar[str] = "escalation.closed"
    escalation: int
    reason: str
