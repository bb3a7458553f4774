"""The clause of a contract file that says whom its invoices go to."""

from collections.abc import Mapping
from typing import Any

from workfloor.core.parties import rules

_OPTIONAL = ("region", "vat_id", "legal_id", "endpoint", "contact", "email", "reference", "order")


def billing(terms: Mapping[str, Any]) -> rules.Billing:
    """Read it."""
    return rules.Billing(
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
