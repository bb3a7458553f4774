"""What is recorded about legal entities and invoices."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class LegalEntityRegistered(Event):
    """The provider has a legal entity that issues invoices."""

    name: ClassVar[str] = "legal-entity.registered"
    entity: str
    after: dict[str, str] | None = None  # what was put on file, by field


@dataclass(frozen=True)
class LegalEntityChanged(Event):
    """What invoices say of a legal entity is different from now on."""

    name: ClassVar[str] = "legal-entity.changed"
    entity: str
    changed: list[str]
    before: dict[str, str] | None = None
    after: dict[str, str] | None = None


@dataclass(frozen=True)
class InvoiceIssued(Event):
    """A closed month was invoiced."""

    name: ClassVar[str] = "invoice.issued"
    entity: str
    invoice: str
    period: str
    gross: Decimal
    currency: str


@dataclass(frozen=True)
class InvoiceCredited(Event):
    """An invoice was taken back by a credit note."""

    name: ClassVar[str] = "invoice.credited"
    entity: str
    invoice: str
    credit_note: str
    words: str
