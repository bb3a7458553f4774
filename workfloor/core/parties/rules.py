"""Whom a contract's invoices go to, and from which legal entity of the provider."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

Wrong = tuple[str, str, tuple[str, ...]]  # place, what is wrong, the other places that it follows from

_ENDPOINT = re.compile(r"[0-9A-Z]{2,4}:\S+")


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


def check(billing: Billing, countries: Container[str]) -> Iterator[Wrong]:
    """Yield what is wrong with the clause that no single key shows."""
    if billing.country not in countries:
        yield "billing.country", f"{billing.country} is no country of ISO 3166.", ()
    if billing.endpoint and not _ENDPOINT.fullmatch(billing.endpoint):
        yield "billing.endpoint", "write SCHEME:ADDRESS, such as 0088:5790000436057 or EM:bills@example.com.", ()
    if billing.electronic and billing.vat_id and not billing.vat_id[:2].isalpha():
        message = "begins with its country in an electronic invoice, such as DE136695976."
        yield "billing.vat_id", message, ("billing.electronic",)
