"""What a message can be, and what may become of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workfloor.core.work import kinds as work_kinds
from workfloor.kit.text import masks
from workfloor.kit.text.translation import gettext as _
from workfloor.kit.text.translation import gettext_noop

DIRECTIONS = ("in", "out", "note")
CHANNELS = tuple(work_kinds.CHANNELS)

LARGEST_FILE = 25_000_000  # bytes
LARGEST_SENT = 5_000_000  # bytes of a file that somebody sends from a page of ours
MOST_FILES = 50  # on one message
MOST_WITHIN = 10_000_000  # bytes of the pictures that a message's own HTML shows
LONGEST_NAME = 200  # characters of a file's name

# What has become of a message: of one from us, what its channel said of it last.
STATES = ("received", "noted", "waiting", "sending", "sent", "read", "failed", "withdrawn")
FINAL = ("received", "noted", "read", "withdrawn")
_FROM = {
    "message.withdrawn": ("waiting",),
    "message.sending-began": ("waiting",),
    "message.delayed": ("sending",),
    "message.sent": ("waiting", "sending"),
    "message.read": ("sent",),
    "message.undelivered": ("waiting", "sending", "sent", "read"),
    "message.tried-again": ("failed",),
}


class NotNow(ValueError):
    """The message is not in a state in which that can happen."""


def allow(state: str, event: str) -> None:
    """Raise NotNow if an event cannot happen to a message in its state."""
    if state not in _FROM[event]:
        raise NotNow(_("{done}; “{event}” cannot follow.").format(done=_(_DONE[state]), event=event.partition(".")[2]))


_DONE = {
    "received": gettext_noop("The message came in"),
    "noted": gettext_noop("The message is a note"),
    "waiting": gettext_noop("The message waits to be sent"),
    "sending": gettext_noop("The message is being sent"),
    "sent": gettext_noop("The message was sent"),
    "read": gettext_noop("The message was read"),
    "failed": gettext_noop("The message could not be delivered"),
    "withdrawn": gettext_noop("The message was withdrawn"),
}


@dataclass(frozen=True)
class Address:
    """Somebody on the other side of a channel: an address as the channel writes it, and a name."""

    address: str
    name: str = ""
    role: str = "to"  # to, cc, bcc, reply-to

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True)
class Content:
    """What a message says.

    `text` is what its writer wrote; `folded_text` what they quoted and signed with, shown when asked for. `html` is
    safe to show, or empty; of what came in, as `html_view.told` makes it.
    """

    text: str
    folded_text: str = ""
    html: str = ""
    subject: str = ""


@dataclass(frozen=True)
class File:
    """A file on a message; `content_id` is the name under which the message's own HTML shows it."""

    name: str
    media_type: str
    content: bytes
    content_id: str = ""


def covered(content: Content, kinds: Collection[str] = masks.KINDS) -> Content:
    """The same with card and account numbers masked, but for their last four."""
    subject, text, folded = (
        masks.mask(each, kinds).text for each in (content.subject, content.text, content.folded_text)
    )
    return Content(text, folded, masks.mask_html(content.html, kinds).text, subject)


def faults(files: "list[File] | tuple[File, ...]") -> list[str]:
    """Why these files cannot be put on one message, a sentence each; empty if they can."""
    found = [
        _("“{name}” has {count:,} bytes; the most is {most:,}.").format(
            name=each.name, count=len(each.content), most=LARGEST_FILE
        )
        for each in files
        if len(each.content) > LARGEST_FILE
    ]
    if len(files) > MOST_FILES:
        found.append(
            _("{count} files are too many for one message; the most is {most}.").format(
                count=len(files), most=MOST_FILES
            )
        )
    return found


# --- a customer's history --------------------------------------------------------------------------------------------

# What it holds, each on a shelf of its own: by the name that an address has for it, and as it is called.
SHELVES = (
    ("mails", gettext_noop("Mails")),
    ("chats", gettext_noop("Chats")),
    ("calls", gettext_noop("Calls")),
    ("work", gettext_noop("Other work")),
    ("cases", gettext_noop("Cases")),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Where an entry stands in a history: later ones are greater; no two entries have the same."""

    at: datetime
    rank: int  # of entries of one instant: messages, then work, then cases
    number: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.rank}-{self.number}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """A place as `str` writes it."""
        at, rank, number = text.split("-")
        return cls(_EPOCH + timedelta(microseconds=int(at)), int(rank), int(number))


@dataclass(frozen=True)
class Asked:
    """What of a history is looked for: entries with all these words, on one shelf or all, earlier than a place."""

    words: tuple[str, ...] = ()
    kind: str = ""
    after: Place | None = None

    def wants(self, *shelves: str) -> bool:
        """Whether entries of any of these shelves are looked for."""
        return not self.kind or self.kind in shelves
