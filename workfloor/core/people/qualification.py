"""What a person may do and can, as pure decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workfloor.core.access import permissions

LEVELS = range(1, 6)

ROLES = tuple(permissions.ROLES)  # a client's own people have only "client"
PROOFS = ("training", "test", "diploma")
GRANTED = "granted"  # by a leader for some hours, in the place of a proof
LONGEST_GRANT = timedelta(hours=12)
AGENT_STATES = ("available", "away", "signed-out")
NOT_READY_REASONS = ("break", "lunch", "training", "meeting", "technical")
RONA = "RONA"  # ring on no answer: an offer was not answered in time

# The links by which people choose their password: what for, for how long each opens something, and why one ends.
LINKS_LAST = {
    "invitation": timedelta(days=7),
    "sign-in-link": timedelta(hours=24),
    "forgotten-password": timedelta(hours=1),
    "printed-by-root": timedelta(hours=24),
}
PURPOSES = tuple(LINKS_LAST)
LINK_ENDS = ("used", "replaced", "withdrawn", "left")

# A person's capacity is a range of this many parts; work of one kind takes a share of it (see work.rules.share).
CAPACITY = 60


@dataclass(frozen=True, slots=True)
class Held:
    """One certificate: a skill held at a level for a time."""

    skill: str
    level: int
    valid_from: date
    expires_on: date | None
    revoked: bool = False


def valid(certificate: Held, on: date) -> bool:
    """Whether a certificate counts on a day; it still does on the day that it expires on."""
    ends = certificate.expires_on
    return not certificate.revoked and certificate.valid_from <= on and (ends is None or on <= ends)


def skills(certificates: Iterable[Held], on: date) -> dict[str, int]:
    """The skills that a person has on a day, each at the highest level certified."""
    found: dict[str, int] = {}
    for certificate in certificates:
        if valid(certificate, on):
            found[certificate.skill] = max(certificate.level, found.get(certificate.skill, 0))
    return found


LONGEST_SHIFT = timedelta(hours=24)


def on_shift(shifts: Iterable[tuple[datetime, datetime]], planned: bool, now: datetime) -> tuple[bool, datetime | None]:
    """Whether somebody is on shift, and when that changes next, None for never.

    `shifts` are those (from, until) that are not over. For whom none was ever `planned`, no shift ends or begins.
    """
    if not planned:
        return True, None
    ahead = sorted(each for each in shifts if now < each[1])
    if not ahead:
        return False, None
    starts, ends = ahead[0]
    return (True, ends) if starts <= now else (False, starts)


def qualifies(skills: Mapping[str, int], requires: Mapping[str, int]) -> bool:
    """Whether skills meet every requirement at its level or above."""
    return all(skills.get(skill, 0) >= level for skill, level in requires.items())


def may_hear(topic: str, person_id: int, roles: Iterable[str], clients: Iterable[int]) -> bool:
    """Whether a person may listen to a topic: their own, their clients', and the floor for those who lead on it.

    What is written about the work in somebody's hands is theirs: `messages:5`, and `typing:5:7` for one item of it. How
    far the closing of a month is (`closing:1`) is the client's.
    """
    kind, _, number = topic.partition(":")
    number = number.partition(":")[0] if kind == "typing" else number
    if kind == "floor":
        return not permissions.PERMISSIONS["floor.see"].roles.isdisjoint(roles)
    own = [person_id]
    allowed = {"person": own, "messages": own, "typing": own, "client": clients, "closing": clients}.get(kind, [])
    return number in {str(each) for each in allowed}
