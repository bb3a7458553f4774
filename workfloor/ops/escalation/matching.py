"""Whether what happened to work is what a contract says somebody is told of, and how far a chain has come."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from workfloor.core.contracts import terms as contracts_terms
from workfloor.kit.text import phrases


@dataclass(frozen=True, slots=True)
class Happened:
    """What a fact says of an item; what it does not say is empty."""

    help: str = ""  # what an agent asks
    is_complaint: bool = False  # of the case
    disposition: str = ""
    customer: str = ""  # the reference of who came or wrote
    text: str = ""  # what they wrote


def why(agreed: contracts_terms.Escalation, happened: Happened) -> str | None:
    """Say what of it is told, in the words of whoever asked or wrote; None where it is nothing of that kind."""
    if agreed.event == "help":
        return happened.help or None
    if agreed.event == "complaint":
        ended = happened.disposition in agreed.dispositions
        return happened.disposition if ended else "" if happened.is_complaint else None
    if agreed.event == "word":
        return phrases.first_said(happened.text, agreed.words)
    if agreed.event == "customer":
        return happened.customer if happened.customer in agreed.customers else None
    return None  # targets are looked at by the clock


def chain(steps: Sequence[contracts_terms.Step]) -> list[dict[str, Any]]:
    """Write steps as they are kept with an escalation: what was agreed when it was raised holds for it."""
    return [asdict(each) for each in steps]


def due_at(steps: Sequence[Mapping[str, Any]], told: int, now: datetime) -> datetime | None:
    """When the step after `told` of them follows, told now; None where there is none."""
    if told >= len(steps):
        return None
    return now + timedelta(seconds=steps[told - 1]["timeout_seconds"]) if told else now
