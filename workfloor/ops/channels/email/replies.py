"""A reply as a mail, and when it is tried again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address as Written
from email.message import EmailMessage
from email.policy import SMTP as AS_SENT
from email.utils import format_datetime
from typing import Final

from workfloor.kit.mail.mime import Address

STATES: Final = ("waiting", "sending", "handing-over", "sent", "failed", "withdrawn")


@dataclass(frozen=True)
class Reply:
    """Everything that a reply's mail is made of."""

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


LONGEST_CHAIN: Final = 20


def composed(reply: Reply) -> bytes:
    """The mail as it is sent. Header values on one line whatever they hold, for they came from others."""
    mail = EmailMessage(policy=AS_SENT)
    mail["From"] = _as_header([reply.sender])
    mail["To"] = _as_header(reply.to)
    if reply.cc:
        mail["Cc"] = _as_header(reply.cc)
    mail["Reply-To"] = _as_header([Address(reply.answers_to, reply.sender.name)])
    mail["Subject"] = " ".join(reply.subject.split())
    mail["Date"] = format_datetime(reply.at)
    mail["Message-ID"] = f"<{reply.name}>"
    if reply.answers:
        mail["In-Reply-To"] = f"<{reply.answers}>"
        chain = [name for name in reply.chain if name != reply.answers][-LONGEST_CHAIN:]
        mail["References"] = " ".join(f"<{name}>" for name in [*chain, reply.answers])
    if not reply.by_a_person:
        mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(reply.text if reply.text.endswith("\n") else f"{reply.text}\n")
    if reply.html:
        mail.add_alternative(reply.html, subtype="html")
    for name, media_type, content in reply.files:
        main, _, sub = media_type.partition("/")
        mail.add_attachment(content, maintype=main or "application", subtype=sub or "octet-stream", filename=name)
    return mail.as_bytes()


def _as_header(addresses: Sequence[Address]) -> list[Written]:
    return [Written(" ".join(each.name.split()), addr_spec=each.address) for each in addresses]


def answered(subject: str) -> str:
    """A subject as its answer has it."""
    bare = re.sub(
        r"^\s*((re|aw|sv|antw|odp|res|rv|vs|ynt|отв|回复|返信)\s*(\[\d+\])?\s*[:：]\s*)+", "", subject, flags=re.I
    )
    return f"Re: {bare}" if bare.strip() else "Re: your message"


def letter(text: str, terms: Mapping[str, str], filled_in: Mapping[str, str]) -> str:
    """A reply's text between the contract's opening and closing, with the names filled in."""
    opening, closing = (_filled(terms.get(part, ""), filled_in) for part in ("opening", "closing"))
    return "\n\n".join(part.strip("\n") for part in (opening, text, closing) if part.strip())


def quoted_below(text: str, quotation: str) -> str:
    """A letter with what it answers quoted below it, if it quotes."""
    return f"{text.rstrip()}\n\n{quotation}" if quotation else text


def _filled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda place: names.get(place[1], place[0]), text)


# --- trying again --------------------------------------------------------------------------------------------------

BACK_OFF_SECONDS: Final = (60, 300, 900, 1800, 3600, 7200, 14400)
GIVE_UP_AFTER: Final = timedelta(days=4)


def next_try(tries: int, first: datetime, now: datetime) -> datetime | None:
    """When to try again after so many tries since `first`: later each time; None once it has lasted too long."""
    if now - first >= GIVE_UP_AFTER:
        return None
    return now + timedelta(seconds=BACK_OFF_SECONDS[min(tries, len(BACK_OFF_SECONDS)) - 1])
