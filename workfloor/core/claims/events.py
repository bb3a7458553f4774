"""Facts about claims: all that the table of claims says follows from them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class ClaimMade(Event):
    name: ClassVar[str] = "claim.made"
    claim: int
    kind: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    queues: list[str] | None = None
    price: str | None = None
    quantity: Decimal | None = None
    document: str | None = None
    digest: str | None = None


@dataclass(frozen=True)
class ClaimApproved(Event):
    name: ClassVar[str] = "claim.approved"
    claim: int
    reason: str | None = None


@dataclass(frozen=True)
class ClaimRefused(Event):
    name: ClassVar[str] = "claim.refused"
    claim: int
    reason: str
