"""The mail that an agent writes on the desk: what its envelope is offered as, and all that goes into it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.conversations.models import Message
from workfloor.core.people.models import Person
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.models import Case, Item
from workfloor.kit.mail import quoting
from workfloor.ops.channels.email import envelope, replies, sorting
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Mailbox


@dataclass(frozen=True)
class Offered:
    """What the composer of a mail begins with: by mode its fields, the mails to forward, and what is added below."""

    modes: dict[str, dict[str, str]]
    mails: list[Message]  # the newest first
    last: Message | None  # that the customer wrote
    signature: str
    quotation: str
    is_new: bool  # it answers nothing, and nothing of it was sent yet

    @property
    def has_others(self) -> bool:
        """Whether the last mail named more people than an answer goes to."""
        return "reply-all" in self.modes

    @property
    def fields(self) -> str:
        """The modes as the page reads them."""
        return json.dumps(self.modes)


@dataclass(frozen=True)
class Letter:
    """A mail as somebody has written it, with all that it brings along."""

    content: Content
    recipients: tuple[Address, ...]
    files: list[File]
    forwards: Message | None


@dataclass(frozen=True)
class NewMail:
    """What a mail that answers nothing begins with: from which mailboxes, in which case, to whom."""

    mailboxes: list[Mailbox]
    case: Case | None
    to: str
    key: str


def new_mail(person: Person, case: Case | None, now: datetime) -> NewMail:
    """Read what a new mail of somebody's begins with; in a case, from one mailbox of its client's."""
    mailboxes = [
        each for each in email_queries.to_write_from(person, now) if not case or each.client_id == case.client_id
    ]
    last = Item.objects.filter(case=case).order_by("id").last() if case else None
    own = email_queries.mailbox_for(last.case_id, last.queue_id) if last and last.case_id else None
    to = answers_to(last) if last else None
    if own in mailboxes:
        mailboxes = [each for each in mailboxes if each == own]
    return NewMail(mailboxes, case, envelope.written([to]) if to else "", uuid.uuid4().hex)


def answers_to(item: Item) -> Address | None:
    """Where a mail about an item goes: to whoever wrote last, or was written to; else to the customer; else None."""
    if item.case_id is None:
        return None
    if is_new(item):
        return envelope.addresses(item.payload["to"], "to")[0]
    said = Message.objects.filter(case_id=item.case_id)
    wrote = said.filter(direction="in", channel__in=work_kinds.TWO_WAY, sender__contains="@")
    if last := wrote.order_by("said_at", "id").last():
        return last.answers_to
    written = said.filter(direction="out", channel__in=work_kinds.MAILS, forwards=None).exclude(state="withdrawn")
    mailed = written.order_by("said_at", "id").last()
    if mailed and (to := mailed.went_to.get("to")):
        return to[0]
    customer = item.case.customer if item.case else None
    return Address(customer.reference, customer.name) if customer and sorting.is_address(customer.reference) else None


def is_new(item: Item) -> bool:
    """Whether somebody began a mail that answers nothing, and has sent nothing of it yet."""
    if not item.declared.begun_by_us:
        return False
    return not Message.objects.filter(item_id=item.id, direction="out").exclude(state="withdrawn").exists()


def offered(item: Item, said: Sequence[Message]) -> Offered | None:
    """Read what a mail about an item begins with; None where nobody can be written to. `said` is all of its case."""
    to = answers_to(item)
    if to is None:
        return None
    mails = [each for each in said if each.is_mail and each.state != "withdrawn"]
    if is_new(item):
        modes = {"reply": {"to": envelope.written([to]), "subject": item.title}}
        return Offered(modes, [], None, signature(item, item.person), "", is_new=True)
    last = next((each for each in reversed(mails) if each.direction == "in"), None)
    about = (last or mails[-1]).subject if mails else item.case.subject if item.case else ""
    modes = {"reply": {"to": envelope.written([to]), "subject": replies.answered(about)}}
    if last and len(all_of := _to_all(last)) > 1:
        in_copy = envelope.written(all_of[1:])
        modes["reply-all"] = modes["reply"] | {"to": envelope.written(all_of[:1]), "cc": in_copy}
    if mails:
        modes["forward"] = {"subject": replies.forwarded((last or mails[-1]).subject or about)}
    return Offered(modes, mails[::-1], last, signature(item, item.person), quotation(item, [to]), is_new=False)


def _to_all(last: Message) -> tuple[Address, ...]:
    named = [each for several in last.went_to.values() for each in several]
    ours = email_queries.ours() if any(each.role in ("to", "cc") for each in named) else frozenset()
    return envelope.to_all(last.answers_to, named, ours.__contains__)


def written(item: Item, entered: Mapping[str, Any], by: Person) -> Letter | None:
    """Put a mail together as it was entered; None where nobody is named and nobody known. Raises envelope.Faulty."""
    forwards = _forwarded(item, entered["forwards"]) if entered["mode"] == "forward" else None
    recipients, subject = _envelope(item, entered)
    if not recipients:
        return None
    below = signature(item, by) if entered["sign"] else "", _below(item, entered, recipients, forwards)
    brings = forwards is not None and entered["with_files"]
    content = Content(entered["text"], "\n\n".join(filter(None, below)), subject=subject)
    return Letter(content, recipients, _files(forwards) if forwards and brings else [], forwards)


def _envelope(item: Item, entered: Mapping[str, Any]) -> tuple[tuple[Address, ...], str]:
    """The recipients and the subject, which is empty where it is the usual one; without a mode those of an answer."""
    if not entered["mode"]:
        to = answers_to(item)
        return (to,) if to else (), ""
    typed = envelope.read(**{name: entered[name] for name in ("to", "cc", "bcc", "subject")})
    mails = conversations_queries.of_case(item.case_id or 0).filter(channel__in=work_kinds.MAILS)
    last = mails.filter(direction="in").last() or mails.last()
    usual = replies.answered(last.subject) if last else ""
    return typed.recipients, "" if typed.subject == usual else typed.subject


def _forwarded(item: Item, message_id: int | None) -> Message:
    """The mail of an item's case that is to be forwarded: the one that is named, else the customer's last."""
    mails = conversations_queries.of_case(item.case_id or 0).filter(channel__in=work_kinds.MAILS)
    found = mails.filter(id=message_id).first() if message_id else mails.filter(direction="in").last() or mails.last()
    if found is None:
        raise envelope.Faulty("forwards", _("There is no mail here to forward."))
    return found


def _below(item: Item, entered: Mapping[str, Any], recipients: Sequence[Address], forwards: Message | None) -> str:
    """What a mail repeats below its text: the mail that it forwards, or the one that it answers."""
    if forwards is None:
        return quotation(item, recipients) if entered["quote"] else ""
    said_at = forwards.said_at.astimezone(contracts_queries.zone_of(item.client_id, forwards.said_at))
    head = {
        "From": str(Address(forwards.sender, forwards.sender_name)),
        "Date": f"{said_at:%Y-%m-%d %H:%M}",
        "Subject": forwards.subject,
        "To": envelope.written(forwards.went_to.get("to", ())),
        "Cc": envelope.written(forwards.went_to.get("cc", ())),
    }
    return replies.handed_on("\n\n".join(filter(None, [forwards.text, forwards.folded_text])), head)


def _files(forwards: Message) -> list[File]:
    files = [each for each in forwards.attachments.all() if each.file_id]
    held = conversations_queries.contents([each.id for each in files])
    return [File(each.name, each.media_type, held[each.id]) for each in files if each.id in held]


def quotation(item: Item, recipients: Sequence[Address]) -> str:
    """The last mail, as an answer to whoever wrote it quotes it by the clock of the contract; empty for others."""
    wrote = (
        conversations_queries.of_case(item.case_id).filter(direction="in", channel__in=work_kinds.MAILS)
        if item.case_id
        else None
    )
    last = wrote.last() if wrote is not None else None
    if last is None or not last.text.strip() or last.answers_to.address not in {each.address for each in recipients}:
        return ""
    zone = contracts_queries.zone_of(item.client_id, last.said_at)
    return quoting.quotation(last.text, last.sender_name or last.sender, last.said_at.astimezone(zone))


def signature(item: Item, by: Person | None) -> str:
    """What stands below what somebody writes about an item: their own within the mailbox's, where that lets them."""
    mailbox = email_queries.mailbox_for(item.case_id, item.queue_id) if item.case_id else None
    if mailbox is None or mailbox.signs == "none":
        return ""
    own = by.signature_in(mailbox.language) if by and mailbox.signs == "agent" else ""
    signed = replies.signed(own, mailbox.signature, {"agent": by.name if by else "", "client": mailbox.client.title})
    return f"-- \n{signed}" if signed else ""
