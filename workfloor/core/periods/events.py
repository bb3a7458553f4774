"""What is recorded about a client's months."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class PeriodProposed(Event):
    """Somebody proposes to close a month with these figures."""

    name: ClassVar[str] = "period.proposed"
    period: str
    version: int
    digest: str


@dataclass(frozen=True)
class PeriodReopened(Event):
    """A proposal was taken back; the month is open again."""

    name: ClassVar[str] = "period.reopened"
    period: str
    reason: str


@dataclass(frozen=True)
class PeriodClosed(Event):
    """Somebody else approved: the month's figures stand as they were proposed."""

    name: ClassVar[str] = "period.closed"
    period: str
    version: int
    digest: str


@dataclass(frozen=True)
class PeriodRestated(Event):
    """A closed month's figure is corrected by a line of a later statement."""

    name: ClassVar[str] = "period.restated"
    period: str
    figure: str
    into: str
    adjustment: int
    amount: Decimal
    currency: str
    because: str
    dispute: int | None


@dataclass(frozen=True)
class DisputeRaised(Event):
    """The client, or somebody for it, holds that a figure is wrong."""

    name: ClassVar[str] = "dispute.raised"
    dispute: int
    period: str
    figure: str
    words: str


@dataclass(frozen=True)
class DisputeUpheld(Event):
    """The client was right."""

    name: ClassVar[str] = "dispute.upheld"
    dispute: int
    words: str


@dataclass(frozen=True)
class DisputeRejected(Event):
    """The figure was right."""

    name: ClassVar[str] = "dispute.rejected"
    dispute: int
    words: str
