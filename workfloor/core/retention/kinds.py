"""What is kept, for how long where nobody says otherwise, and what may not be shortened."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workfloor.kit.text.translation import gettext as _

LONGEST_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is deleted once it is so old; `least` and `most` bound what may be said, in days."""

    title: str
    days: int
    least: int = 1
    most: int = LONGEST_DAYS
    by_client: bool = False


KINDS: Final[dict[str, Kind]] = {
    "raw-mail": Kind("mail as it came, after it was dealt with", 180, least=7, by_client=True),
    "attachments": Kind("attachments, after their case was resolved", 1_095, least=7, by_client=True),
    "webhook-deliveries": Kind(
        "events for other systems, after they arrived or were tried for long enough", 30, by_client=True
    ),
    "drafts": Kind("what agents began to write and did not send", 30, by_client=True),
    "team-messages": Kind("what leaders and agents wrote to one another on the floor", 90, by_client=True),
    "looks": Kind("who looked at personal data, and when", 1_095, least=90, by_client=True),
    "sessions": Kind("sign-ins that have expired", 1, least=0),
    "logs": Kind("log files of the processes and of the embedded database", 14),
    "failed-jobs": Kind("jobs that failed and that nobody ran again or dropped", 90, least=7),
    "removed-files": Kind("files in the store after their deletion, for whoever restores an earlier moment", 35),
}
# What the law or a contract asks for, and what figures are proved by: it is never deleted.
KEPT: Final[dict[str, str]] = {
    "invoices": "invoices and credit notes are kept as the law asks, ten years and more in most countries",
    "closed-months": "closed months are what invoices are proved by",
    "documents": "documents of costs belong to the invoices that charge them",
    "event-log": "the event log is what every figure is proved by, and is never changed",
}


class Refused(ValueError):
    """It cannot be kept for so long; the message says why and what can be said."""


def vetted(kind: str, days: int | None, *, for_client: bool) -> Kind:
    """The kind, if it may be kept for so many days, or for the usual time. Raises Refused."""
    if kind in KEPT:
        raise Refused(_("{kind} cannot be shortened: {why}.").format(kind=kind, why=_(KEPT[kind])))
    known = KINDS.get(kind)
    if known is None:
        raise Refused(_("Nothing is called {kind}; kinds: {kinds}.").format(kind=kind, kinds=", ".join(KINDS)))
    if for_client and not known.by_client:
        raise Refused(_("{kind} are the installation's, not a client's: leave the client away.").format(kind=kind))
    if days is not None and not known.least <= days <= known.most:
        raise Refused(
            _("{kind} are kept for {least} to {most:,} days, not for {days:,}.").format(
                kind=kind, least=known.least, most=known.most, days=days
            )
        )
    return known


def before(now: datetime, days: int) -> datetime:
    """What is older than this is due."""
    return now - timedelta(days=days)
