"""What one person says and another confirms before it counts: exclusions, outages, attendance, costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from workfloor.kit.text.translation import gettext as _

Span = Literal["client-outage", "force-majeure", "maintenance", "outage"]
Kind = Literal[Span, "attendance", "cost"]
Side = Literal["client", "provider"]
State = Literal["claimed", "approved", "refused"]

EXCLUSIONS: tuple[Kind, ...] = ("client-outage", "force-majeure", "maintenance")
SPANS: tuple[Kind, ...] = (*EXCLUSIONS, "outage")  # something that lasted from an instant until another
DELIVERIES: tuple[Kind, ...] = ("attendance", "cost")  # something that is charged by a price
KINDS = (*SPANS, *DELIVERIES)
STATES = ("claimed", "approved", "refused")

LONGEST = timedelta(days=366)
MOST_HOURS = Decimal(100_000)
MOST_COST = Decimal(10) ** 12


class NotNow(ValueError):
    """The claim is not in a state in which that can be decided."""


def counting_states(kind: Kind) -> tuple[State, ...]:
    """Return the states in which a claim counts: what spares the provider waits for approval.

    An outage speaks against the provider, so it counts at once, until somebody refuses it.
    """
    return ("claimed", "approved") if kind == "outage" else ("approved",)


def decided(state: str, decision: State) -> State:
    """Return the state after a decision; what was approved can be taken back by refusing it. Raises NotNow."""
    if state == "claimed" or (state == "approved" and decision == "refused"):
        return decision
    raise NotNow(_("It was {state} already; claim it again if that is wrong.").format(state=_(state)))


def side_that_decides(kind: Kind, decision: State, claimed_by: Side, approvals: Mapping[str, str]) -> Side | None:
    """Return whose people alone may decide so, None where either side's may. `approvals`: the contract's section.

    What would cost the client is meant: that an outage is refused, and that everything else is approved.
    """
    named = approvals.get(kind, "other-side" if kind == "attendance" else "either")
    if named == "either" or decision != ("refused" if kind == "outage" else "approved"):
        return None
    if named == "other-side":
        return "client" if claimed_by == "provider" else "provider"
    return "client" if named == "client" else "provider"


def faults_of_span(starts_at: datetime, ends_at: datetime) -> Sequence[str]:
    """Return what is wrong with the time of an event."""
    if ends_at <= starts_at:
        return [_("It ends before it begins: give a later --until.")]
    return [_("It lasts more than a year; claim it year by year.")] if ends_at - starts_at > LONGEST else []


def faults_of_quantity(kind: Kind, quantity: Decimal, decimals: int) -> Iterable[str]:
    """Return what is wrong with hours (to the hundredth) or with a cost in whole minor units."""
    most, digits, unit = (MOST_HOURS, 2, _("hours")) if kind == "attendance" else (MOST_COST, decimals, _("the amount"))
    if not 0 < quantity <= most:
        yield _("Give {unit} above 0 and at most {most:,}.").format(unit=unit, most=most)
    elif quantity != round(quantity, digits):
        yield _("Give {unit} with at most {digits} decimals.").format(unit=unit, digits=digits)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that lasted: of these queues, or where there are none of all; from one instant until before another."""

    claim_id: int
    kind: Kind
    starts_at: datetime
    ends_at: datetime
    queues: tuple[str, ...] = ()

    def covers(self, queue: str, at: datetime) -> bool:
        """Return whether the event was going on for a queue at an instant."""
        return self.starts_at <= at < self.ends_at and (not self.queues or queue in self.queues)
