"""The kinds of work and the channels of messages, each declared once: what is asked of a kind, its declaration says."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Channel:
    """A way by which messages come and go."""

    name: str
    two_way: bool = False  # whoever wrote by it can be written back by it, and may have left an address
    is_mail: bool = False  # with a subject, to addresses, quoting what it answers
    at_once: bool = False  # what is said arrives while somebody looks; nothing said by it is taken back


CHANNELS: Final = {
    each.name: each
    for each in (
        Channel("email", two_way=True, is_mail=True),
        Channel("chat", two_way=True, at_once=True),
        Channel("voice"),
        Channel("message"),
        Channel("fax"),
        Channel("document"),
        Channel("api"),
    )
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of work.

    `processes`: the kinds of process in a contract whose work it is, where nothing else is said of an item. `channel`:
    over which channel of ours it comes; empty where its sender's system sends it in.
    """

    name: str
    processes: tuple[str, ...] = ()
    channel: str = ""
    shelf: Literal["calls", "chats", "work"] = "work"  # where a customer's history keeps it
    live: bool = False  # the customer is there from its arrival on: it cannot be snoozed
    on_the_line: bool = False  # while it is in hand the customer is there: it is not preempted, and its end is theirs
    holdable: bool = False  # the customer can be asked to hold
    written: bool = False  # it is answered in writing
    answered: Literal["connect", "reply"] = "reply"  # what stops the clock of the first response
    agreed_as: str = ""  # what it is called where somebody agrees to come back to a customer by it
    consults: int = 1  # of how many at once somebody can be the consultant: each takes that part of them
    keyed: bool = False  # two people can key it independently
    begun_by_us: bool = False  # no contact of a customer's: measures and prices leave it out, what it takes is work

    @property
    def is_mail(self) -> bool:
        return bool(self.channel) and CHANNELS[self.channel].is_mail


KINDS: Final = {
    each.name: each
    for each in (
        Kind(
            "call",
            ("inbound-voice", "technical-support"),
            shelf="calls",
            live=True,
            on_the_line=True,
            holdable=True,
            answered="connect",
        ),
        Kind(
            "callback",
            ("outbound-voice",),
            shelf="calls",
            on_the_line=True,
            holdable=True,
            answered="connect",
            agreed_as="Callback",
        ),
        Kind(
            "chat",
            ("chat",),
            channel="chat",
            shelf="chats",
            live=True,
            on_the_line=True,
            written=True,
            answered="connect",
            consults=4,
        ),
        Kind("email", ("email",), channel="email", written=True, agreed_as="Follow-up by email", consults=4),
        Kind("outbound-email", channel="email", written=True, consults=4, begun_by_us=True),
        Kind("message", ("semi-voice",), written=True, consults=4),
        Kind("fax", consults=4, keyed=True),
        Kind("document", ("data-capture",), consults=4, keyed=True),
        Kind("invoice", ("payables",), consults=4, keyed=True),
        Kind("payment", ("receivables",), consults=4, keyed=True),
        Kind("booking", ("bookkeeping",), consults=4, keyed=True),
        Kind("payslip-run", ("payroll",), consults=4),
        Kind("cv", ("recruitment",), consults=4, keyed=True),
        Kind("research", ("research",), consults=4),
        Kind("task", agreed_as="Task", consults=4),
    )
}

NAMES: Final = tuple(KINDS)
OF_PROCESS: Final = {process: kind.name for kind in KINDS.values() for process in kind.processes}
CONVERSATIONS: Final = tuple(name for name, kind in KINDS.items() if kind.answered == "connect")
MAILS: Final = tuple(name for name, channel in CHANNELS.items() if channel.is_mail)
TWO_WAY: Final = tuple(name for name, channel in CHANNELS.items() if channel.two_way)
BY_MAIL: Final = tuple(name for name, kind in KINDS.items() if kind.is_mail)
BEGUN_BY_US: Final = tuple(name for name, kind in KINDS.items() if kind.begun_by_us)
AGREED: Final = {name: kind.agreed_as for name, kind in KINDS.items() if kind.agreed_as}


def over(channel: str) -> tuple[str, ...]:
    """The kinds of work that come over a channel."""
    return tuple(name for name, kind in KINDS.items() if kind.channel == channel)
