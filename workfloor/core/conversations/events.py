"""Facts about messages; what a message says stands in its row, for facts cannot be deleted."""

from dataclasses import dataclass
from typing import ClassVar, Final

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class CaseClassified(Event):
    name: ClassVar[str] = "case.classified"
    kind: str


@dataclass(frozen=True)
class CaseMerged(Event):
    name: ClassVar[str] = "case.merged"
    into: int


@dataclass(frozen=True)
class CaseSplit(Event):
    name: ClassVar[str] = "case.split"
    out_of: int
    item: int


@dataclass(frozen=True)
class Received(Event):
    name: ClassVar[str] = "message.received"
    message: int
    channel: str


@dataclass(frozen=True)
class ReplyWritten(Event):
    name: ClassVar[str] = "message.reply-written"
    message: int
    channel: str
    to: list[str] | None = None  # of a mail, whom it goes to; likewise in copy, and unseen by the others
    cc: list[str] | None = None
    bcc: list[str] | None = None
    forwards: int | None = None  # the message that it hands on


@dataclass(frozen=True)
class NoteWritten(Event):
    name: ClassVar[str] = "message.note-written"
    message: int


@dataclass(frozen=True)
class PicturesAllowed(Event):
    name: ClassVar[str] = "message.pictures-allowed"
    message: int


@dataclass(frozen=True)
class SendingBegan(Event):
    name: ClassVar[str] = "message.sending-began"
    message: int


@dataclass(frozen=True)
class Delayed(Event):
    name: ClassVar[str] = "message.delayed"
    message: int
    reason: str


@dataclass(frozen=True)
class Sent(Event):
    name: ClassVar[str] = "message.sent"
    message: int


@dataclass(frozen=True)
class Read(Event):
    name: ClassVar[str] = "message.read"
    message: int


@dataclass(frozen=True)
class Undelivered(Event):
    name: ClassVar[str] = "message.undelivered"
    message: int
    reason: str


@dataclass(frozen=True)
class TriedAgain(Event):
    name: ClassVar[str] = "message.tried-again"
    message: int


@dataclass(frozen=True)
class Withdrawn(Event):
    name: ClassVar[str] = "message.withdrawn"
    message: int


# What happens to messages, and to nothing else.
MESSAGES: Final = (
    Received,
    ReplyWritten,
    NoteWritten,
    SendingBegan,
    Delayed,
    Sent,
    Read,
    Undelivered,
    TriedAgain,
    Withdrawn,
)
