"""A mail as it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as Written
from email.message import EmailMessage
from email.policy import SMTP as AS_SENT
from email.utils import format_datetime
from typing import Final

from workfloor.kit.mail.mime import Address


@dataclass(frozen=True)
class Letter:
    """Everything that a mail is made of."""

    name: str  # its Message-ID, without brackets
    sender: Address
    answers_to: str
    to: Sequence[Address]
    cc: Sequence[Address]
    subject: str
    text: str
    files: Sequence[tuple[str, str, bytes]]  # name, media type, content
    answers: str  # the name of the mail that it answers; empty for the first one
    chain: Sequence[str]  # the names of the mails before that, the oldest first
    at: datetime
    by_a_person: bool
    html: str = ""  # the same once more, for programs that show it
    bcc: Sequence[Address] = ()  # whom no header names


LONGEST_CHAIN: Final = 20


def composed(letter: Letter) -> bytes:
    """The mail as it is sent. Header values on one line whatever they hold, for they came from others."""
    mail = EmailMessage(policy=AS_SENT)
    mail["From"] = _as_header([letter.sender])
    mail["To"] = _as_header(letter.to)
    if letter.cc:
        mail["Cc"] = _as_header(letter.cc)
    mail["Reply-To"] = _as_header([Address(letter.answers_to, letter.sender.name)])
    mail["Subject"] = " ".join(letter.subject.split())
    mail["Date"] = format_datetime(letter.at)
    mail["Message-ID"] = f"<{letter.name}>"
    if letter.answers:
        mail["In-Reply-To"] = f"<{letter.answers}>"
        chain = [name for name in letter.chain if name != letter.answers][-LONGEST_CHAIN:]
        mail["References"] = " ".join(f"<{name}>" for name in [*chain, letter.answers])
    if not letter.by_a_person:
        mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text if letter.text.endswith("\n") else f"{letter.text}\n")
    if letter.html:
        mail.add_alternative(letter.html, subtype="html")
    for name, media_type, content in letter.files:
        main, _, sub = media_type.partition("/")
        mail.add_attachment(content, maintype=main or "application", subtype=sub or "octet-stream", filename=name)
    return mail.as_bytes()


def _as_header(addresses: Sequence[Address]) -> list[Written]:
    return [Written(" ".join(each.name.split()), addr_spec=each.address) for each in addresses]
