"""Whether what happened to work is what a contract says somebody is told of, and how far a chain has come."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

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


UNACKNOWLEDGED_SECONDS: Final = 120  # after which the last step, which has no time-out, is mailed


def chain(agreed: contracts_terms.Escalation) -> list[dict[str, Any]]:
    """Write steps as they are kept with an escalation: what was agreed when it was raised holds for it.

    Each says how many seconds after its people are told they are mailed, None for never.
    """
    return [asdict(each) | {"mail_after_seconds": _mail_after_seconds(agreed, each)} for each in agreed.steps]


def _mail_after_seconds(agreed: contracts_terms.Escalation, step: contracts_terms.Step) -> int | None:
    if agreed.mail == "never":
        return None
    at_once = agreed.mail == "at-once" or step.tell == "client"  # the client's people have no page of it
    return 0 if at_once else step.timeout_seconds or UNACKNOWLEDGED_SECONDS


def mail_due_at(step: Mapping[str, Any], address: str, now: datetime) -> datetime | None:
    """When somebody who is told a step now is mailed; None for never."""
    after = step["mail_after_seconds"]
    return now + timedelta(seconds=after) if address and after is not None else None


def due_at(steps: Sequence[Mapping[str, Any]], told: int, now: datetime) -> datetime | None:
    """When the step after `told` of them follows, told now; None where there is none."""
    if told >= len(steps):
        return None
    return now + timedelta(seconds=steps[told - 1]["timeout_seconds"]) if told else now
