"""Facts about people."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class SiteOpened(Event):
    name: ClassVar[str] = "site.opened"
    site: int
    called: str
    country: str
    zone: str
    leader: str | None


@dataclass(frozen=True)
class TeamFormed(Event):
    name: ClassVar[str] = "team.formed"
    team: int
    called: str
    site: str
    leader: str | None


@dataclass(frozen=True)
class SignedInByCommand(Event):
    name: ClassVar[str] = "person.signed-in-by-command"
    sign_in: int
    title: str
    ends_at: datetime | None = None


@dataclass(frozen=True)
class SignedOutByCommand(Event):
    name: ClassVar[str] = "person.signed-out-by-command"
    sign_in: int


@dataclass(frozen=True)
class PersonJoined(Event):
    name: ClassVar[str] = "person.joined"
    full_name: str
    roles: list[str]
    site: str | None
    team: str | None = None
    email: str | None = None  # of the account to sign in with


@dataclass(frozen=True)
class PersonLeft(Event):
    name: ClassVar[str] = "person.left"


@dataclass(frozen=True)
class Invited(Event):
    name: ClassVar[str] = "person.invited"
    link: int
    to: str
    until: datetime


@dataclass(frozen=True)
class SignInLinkSent(Event):
    name: ClassVar[str] = "person.sign-in-link-sent"
    link: int
    to: str
    until: datetime


@dataclass(frozen=True)
class PasswordForgotten(Event):
    name: ClassVar[str] = "person.password-forgotten"
    link: int
    to: str
    until: datetime


@dataclass(frozen=True)
class SignInLinkPrinted(Event):
    name: ClassVar[str] = "person.sign-in-link-printed"
    link: int
    until: datetime


@dataclass(frozen=True)
class LinkWithdrawn(Event):
    name: ClassVar[str] = "person.link-withdrawn"
    link: int
    purpose: str


@dataclass(frozen=True)
class PasswordChosen(Event):
    name: ClassVar[str] = "person.password-chosen"
    by_way_of: str  # the purpose of the link, such as "invitation" or "printed-by-root"; or "own-account"
    link: int | None
    ended_sign_ins: int  # of commands; sessions end with the password


@dataclass(frozen=True)
class SecondFactorAdded(Event):
    name: ClassVar[str] = "person.second-factor-added"
    factor: str  # such as totp, here and below


@dataclass(frozen=True)
class SecondFactorRemoved(Event):
    name: ClassVar[str] = "person.second-factor-removed"
    factor: str


@dataclass(frozen=True)
class RecoveryCodesMade(Event):
    """New ones, for when the second factor is lost; those before are good for nothing any more."""

    name: ClassVar[str] = "person.recovery-codes-made"


@dataclass(frozen=True)
class Certified(Event):
    name: ClassVar[str] = "person.certified"
    skill: str
    level: int
    proof: str
    valid_from: date
    expires_on: date | None


@dataclass(frozen=True)
class CertificateRevoked(Event):
    name: ClassVar[str] = "person.certificate-revoked"
    skill: str
    reason: str


@dataclass(frozen=True)
class SkillGranted(Event):
    name: ClassVar[str] = "person.skill-granted"
    skill: str
    level: int
    proof: str
    valid_from: date
    expires_on: date
    ends_at: datetime
    queue: str  # for whose work


@dataclass(frozen=True)
class SkillGrantEnded(Event):
    name: ClassVar[str] = "person.skill-grant-ended"
    skill: str


@dataclass(frozen=True)
class Cleared(Event):
    name: ClassVar[str] = "person.cleared"


@dataclass(frozen=True)
class ClearanceWithdrawn(Event):
    name: ClassVar[str] = "person.clearance-withdrawn"


@dataclass(frozen=True)
class BecameAvailable(Event):
    name: ClassVar[str] = "person.available"


@dataclass(frozen=True)
class WentAway(Event):
    name: ClassVar[str] = "person.away"
    reason: str


@dataclass(frozen=True)
class SignedIn(Event):
    name: ClassVar[str] = "person.signed-in"


@dataclass(frozen=True)
class SignedOut(Event):
    name: ClassVar[str] = "person.signed-out"
    because: str | None = None  # where it was not said: such as people.SHIFT_OVER


@dataclass(frozen=True)
class ShiftPlanned(Event):
    name: ClassVar[str] = "person.shift-planned"
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class ShiftCancelled(Event):
    name: ClassVar[str] = "person.shift-cancelled"
    starts_at: datetime
    ends_at: datetime
