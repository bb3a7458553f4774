"""Facts about contracts."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class ContractSigned(Event):
    name: ClassVar[str] = "contract.signed"
    version: int
    effective_on: date
    digest: str


@dataclass(frozen=True)
class ContractAmended(Event):
    name: ClassVar[str] = "contract.amended"
    version: int
    effective_on: date
    digest: str
    changes: list[str]
