"""All that is to be known of a mail before anything is done with it, read in a process of its own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.kit.mail import bounces, html_view, masking, mime
from workfloor.kit.text import markup, masks
from workfloor.ops.channels.email import sorting

LONGEST_SUBJECT: Final = 500
LEAST_SECONDS: Final = 0.7  # of the processor
BYTES_A_SECOND: Final = 12_000_000  # beyond that
GLANCE_SECONDS: Final = 0.2
GLANCE: Final = 20_000  # bytes of the headers of a mail that could not be read


@dataclass(frozen=True)
class Came:
    """A mail as it came, and what has to be known to read it."""

    raw: bytes
    recipient: str
    envelope_sender: str
    anyway: bool  # somebody said that it is a customer's
    ours: Collection[str]
    secret: str


@dataclass(frozen=True)
class Report:
    """A mail that may say of a reply of ours that it did not arrive: the names it may have, and what is said."""

    names: tuple[str, ...]
    failure: sorting.Failure


@dataclass(frozen=True)
class Read:
    """What a mail says, with its numbers masked; `anew` is the mail itself with them masked, empty where it cannot be.

    `why` is why it is never a case; `missing` how many of its files are too large or too many for a message.
    """

    key: str
    named: Mapping[str, int]
    why: str
    sender: Address
    reference: str
    answers_elsewhere: bool  # than to the address that it says to be from
    message_id: str
    answers: tuple[str, ...]
    sent_at: datetime | None
    recipients: tuple[Address, ...]
    content: Content
    files: tuple[File, ...]
    missing: int
    report: Report | None
    has_numbers: bool  # of any kind
    masks: bool  # whether the mail itself holds some that are to be masked
    anew: bytes

    @property
    def may_be_first(self) -> bool:
        """Whether it is a customer's, and answers nothing."""
        return not (self.why or self.named or self.answers)


def seconds_for(size: int) -> float:
    """How much of the processor's time a mail of so many bytes may take to be read."""
    return LEAST_SECONDS + size / BYTES_A_SECOND


def read(came: Came, kinds: Collection[str]) -> Read:
    """Read a mail, with the numbers of these kinds masked in what is made of it. Raises kit.mime.Unreadable."""
    found = sorting.opened(
        came.raw, came.recipient, came.envelope_sender, came.ours, came.secret, bounces.names_a_failure
    )
    mail, why = found.mail, "" if came.anyway else found.why
    folded = sorting.written(mail, markup.plain)
    subject = mail.first("subject")
    said = Content(folded.text, folded.folded, markup.safe(mail.html), subject[:LONGEST_SUBJECT])
    has_numbers = found.has_numbers or conversations_messages.covered(said) != said
    content = conversations_messages.covered(said, kinds)
    masks_some = bool(kinds) and masking.numbers_in(mail, kinds)
    files = [File(each.name, each.media_type, each.content, each.content_id) for each in mail.files]
    fit = [each for each in files if len(each.content) <= conversations_messages.LARGEST_FILE]
    kept = tuple(fit[: conversations_messages.MOST_FILES])
    return Read(
        key=found.key,
        named=found.named,
        why=why,
        sender=Address(mail.sender.address, mail.sender.name, "from"),
        reference=mail.sender.address or mail.first("from")[:200] or "unknown sender",
        answers_elsewhere=mail.answers_go_to.address != mail.sender.address,
        message_id=mail.message_id,
        answers=mail.answers,
        sent_at=mail.sent_at,
        recipients=tuple(Address(*each, role) for role in ("to", "cc", "reply-to") for each in mail.addresses(role)),
        content=Content(
            content.text, content.folded_text, html_view.told(content.html, content.folded_text), content.subject
        ),
        files=kept,
        missing=len(files) - len(kept),
        report=_report(mail, came.envelope_sender, why, "r" in found.named),
        has_numbers=has_numbers,
        masks=masks_some,
        anew=masking.written_anew(came.raw, kinds) if masks_some else b"",
    )


def _report(mail: mime.Mail, envelope_sender: str, why: str, to_a_reply: bool) -> Report | None:
    if not sorting.may_report(mail, envelope_sender, why, to_a_reply):
        return None
    return Report(tuple(sorting.reported_on(mail)), sorting.failure(mail))


def glanced(raw: bytes) -> tuple[str, str]:
    """Who a mail says that it is from, and its subject, by the beginning of its headers alone."""
    head = raw[:GLANCE].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    mail = mime.read(head + b"\n\n")
    return mail.sender.address, masks.mask(mail.first("subject")).text[:LONGEST_SUBJECT]


def answer(what: str, *arguments: object) -> object:
    """What its process is asked for: "read" or "glanced"."""
    return {"read": read, "glanced": glanced}[what](*arguments)  # type: ignore[operator]
