"""Facts about mailboxes, and about mail that became no work."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class MailboxOpened(Event):
    name: ClassVar[str] = "mail.mailbox-opened"
    mailbox: int
    address: str
    queue: int
    title: str | None = None
    most_per_sender: int | None = None
    fetched_from: str | None = None  # the host; how to get in there is no fact's
    signature: str | None = None
    signs: str | None = None
    language: str | None = None
    only_to: str | None = None


@dataclass(frozen=True)
class MailboxClosed(Event):
    name: ClassVar[str] = "mail.mailbox-closed"
    mailbox: int
    address: str


@dataclass(frozen=True)
class MailboxPasswordSet(Event):
    """Mail is fetched with another password from now on; which one is in no fact."""

    name: ClassVar[str] = "mail.mailbox-password-set"
    mailbox: int
    address: str


@dataclass(frozen=True)
class FetchingFailed(Event):
    name: ClassVar[str] = "mail.fetching-failed"
    mailbox: int
    reason: str


@dataclass(frozen=True)
class FetchedAgain(Event):
    name: ClassVar[str] = "mail.fetched-again"
    mailbox: int


@dataclass(frozen=True)
class SetAside(Event):
    name: ClassVar[str] = "mail.set-aside"
    arrival: int
    reason: str


@dataclass(frozen=True)
class HeldBack(Event):
    name: ClassVar[str] = "mail.held-back"
    arrival: int
    reason: str


@dataclass(frozen=True)
class Unread(Event):
    name: ClassVar[str] = "mail.unread"
    arrival: int
    reason: str


@dataclass(frozen=True)
class RunAgain(Event):
    name: ClassVar[str] = "mail.run-again"
    arrival: int
    before: str | None = None  # failed, held or set-aside, here and below


@dataclass(frozen=True)
class Discarded(Event):
    name: ClassVar[str] = "mail.discarded"
    arrival: int
    before: str | None = None
