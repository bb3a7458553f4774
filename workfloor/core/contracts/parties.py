"""Whom a contract's invoices go to, and from which legal entity of the provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Billing:
    """The client as its invoices name it, and how they are to be made out.

    `entity` is the legal entity of the provider that issues them; None where there is only one. `endpoint` is the
    client's electronic address as SCHEME:ADDRESS. What is not `electronic` need not be a valid EN 16931 document.
    """

    name: str
    street: str
    city: str
    postcode: str
    country: str
    due_days: int
    region: str = ""
    vat_id: str = ""
    legal_id: str = ""
    endpoint: str = ""
    contact: str = ""
    email: str = ""
    reference: str = ""
    order: str = ""
    entity: str | None = None
    electronic: bool = True


_OPTIONAL = ("region", "vat_id", "legal_id", "endpoint", "contact", "email", "reference", "order")


def billing(terms: Mapping[str, Any]) -> Billing:
    """Read it."""
    return Billing(
        name=terms["name"],
        street=terms["street"],
        city=terms["city"],
        postcode=terms["postcode"],
        country=terms["country"],
        due_days=int(terms["due_within"].split()[0]),
        entity=terms.get("entity"),
        electronic=terms.get("electronic", True),
        **{key: terms[key] for key in _OPTIONAL if key in terms},
    )
