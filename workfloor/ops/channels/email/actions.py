"""Mail is stored, read, put where it belongs; replies go out and their fate is told."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from workfloor.core.contracts import queries as contracts
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_read
from workfloor.core.conversations.models import Message
from workfloor.core.conversations.rules import LARGEST_FILE, MOST_FILES, Address, Content, File
from workfloor.core.journal import actions as journal
from workfloor.core.journal.rules import Event
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import rules as work_rules
from workfloor.core.work.models import Case, Item
from workfloor.kit import jobs, locks, markup, mime
from workfloor.ops.channels.email import events, gateway, models, queries, rules

TAKE: Final = "email.take_arrivals"
DELIVER: Final = "email.deliver"
LONGEST_SUBJECT: Final = 500


class Refused(ValueError):
    """A mailbox or a mail cannot be treated like this; the message says what to do."""


# --- mailboxes -----------------------------------------------------------------------------------------------------


def open_mailbox(
    *,
    queue: Queue,
    address: str,
    now: datetime,
    title: str = "",
    most_per_sender: int = 30,
    source_url: str = "",
    password_file: str = "",
    by_id: int | None = None,
) -> models.Mailbox:
    """Let mail to an address wait in a queue. The caller has entered every client: an address is one client's alone."""
    address = address.strip().lower()
    if not rules.is_address(address) or "+" in address:
        raise Refused(f"“{address}” is no address that mail can come to; write it as in support@example.com")
    locks.hold("mailbox", address)
    if known := queries.mailbox(address):
        raise Refused(f"{address} is a mailbox of {known.client.slug} already; close that one first")
    if source_url:
        _refuse_a_faulty_source(source_url, password_file)
    mailbox = models.Mailbox.objects.create(
        client_id=queue.client_id, queue=queue, address=address, title=title, most_per_sender=most_per_sender,
        source_url=source_url, password_file=password_file, opened_at=now,
    )  # fmt: skip
    opened = events.MailboxOpened(mailbox.id, address, queue.id)
    journal.record(opened, at=now, client_id=queue.client_id, by_id=by_id)
    return mailbox


def _refuse_a_faulty_source(source_url: str, password_file: str) -> None:
    try:
        gateway.source(source_url)
    except ValueError as fault:
        raise Refused(f"the address that mail is fetched from {fault}") from None
    if not password_file:
        raise Refused("say which file holds the password with which mail is fetched")


def close_mailbox(*, mailbox: models.Mailbox, now: datetime, by_id: int | None = None) -> None:
    """Take no more mail to an address; what came stays."""
    mailbox.closed_at = now
    mailbox.save(update_fields=["closed_at"])
    closed = events.MailboxClosed(mailbox.id, mailbox.address)
    journal.record(closed, at=now, client_id=mailbox.client_id, by_id=by_id)


# --- mail comes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Incoming:
    """A mail that somebody hands over, for one mailbox."""

    mailbox: models.Mailbox
    raw: bytes
    envelope_sender: str  # "<>" for the null sender
    recipient: str


def store(*, mails: Sequence[Incoming], now: datetime) -> None:
    """Keep mails as they came; a job reads them. Once the transaction is committed they may be acknowledged."""
    models.Arrival.objects.bulk_create(
        models.Arrival(
            client_id=each.mailbox.client_id, mailbox=each.mailbox, raw=each.raw,
            envelope_sender=each.envelope_sender, recipient=each.recipient, arrived_at=now,
        )
        for each in mails
    )  # fmt: skip
    ask_to_take()


def ask_to_take() -> None:
    """Let a job read what has come."""
    jobs.ask_for(TAKE, once=TAKE)


@dataclass(frozen=True)
class Fetched:
    """A mail from a mail server, under its UID there; `raw` is None where it was too large to be fetched."""

    uid: int
    raw: bytes | None
    size: int = 0


def store_fetched(*, mailbox: models.Mailbox, uid_validity: int, mails: Sequence[Fetched], now: datetime) -> None:
    """Keep fetched mails, and how far fetching has come, in one transaction: however often, each is kept once."""
    models.Arrival.objects.bulk_create(
        (_fetched(mailbox, uid_validity, each, now) for each in mails), ignore_conflicts=True
    )
    models.Place.objects.get_or_create(mailbox=mailbox, defaults={"client_id": mailbox.client_id})
    place = models.Place.objects.select_for_update().get(mailbox=mailbox)
    if place.uid_validity != uid_validity:  # the server numbers anew; what is here already is known by what it says
        place.uid_validity, place.uid = uid_validity, 0
    place.uid = max([place.uid, *(each.uid for each in mails)])
    place.save()
    ask_to_take()


def _fetched(mailbox: models.Mailbox, uid_validity: int, mail: Fetched, now: datetime) -> models.Arrival:
    too_large = {
        "state": "failed", "reason": f"{mail.size:,} bytes are too large to be fetched; it is on the server still",
    }  # fmt: skip
    return models.Arrival(
        client_id=mailbox.client_id, mailbox=mailbox, raw=mail.raw or b"", arrived_at=now,
        uid_validity=uid_validity, uid=mail.uid, **({} if mail.raw is not None else too_large),
    )  # fmt: skip


# --- mail is read ---------------------------------------------------------------------------------------------------


def take(*, arrival: models.Arrival, now: datetime) -> None:
    """Read a stored mail and put it where it belongs: a case, aside, or back until somebody has looked at it.

    The caller has entered its client, and no other. Raises whatever its defects bring; nothing is changed then.
    """
    raw = bytes(arrival.raw)
    mail = mime.read(raw)
    arrival.sender, arrival.subject = mail.sender.address, mail.first("subject")[:LONGEST_SUBJECT]
    named = _named(arrival, mail)
    why = rules.never_a_case(mail, arrival.envelope_sender, lambda address: bool(queries.ours([address])))
    may_report = rules.may_report(mail, arrival.envelope_sender, why, "r" in named)
    if may_report and (reply := queries.reply_named(arrival.client_id, rules.reported_on(mail), named.get("r"))):
        return _tell_of(arrival, mail, reply, now)
    if why and not arrival.anyway:
        return _settle(arrival, "set-aside", events.SetAside(arrival.id, why), now)
    if not arrival.anyway and rules.is_flood(queries.earlier(arrival), arrival.mailbox.most_per_sender):
        why = f"{arrival.sender} sent more than {arrival.mailbox.most_per_sender} mails in ten minutes"
        return _settle(arrival, "held", events.HeldBack(arrival.id, why), now)
    return _accept(arrival, mail, raw, named, now)


def _named(arrival: models.Arrival, mail: mime.Mail) -> dict[str, int]:
    """What the signed addresses name that it was sent to: a case ("c"), a reply ("r")."""
    headers = mail.addresses("to", "cc", "delivered-to", "x-original-to", "envelope-to")
    sent_to = [*(each.address for each in headers), arrival.recipient]
    return dict(found for each in sent_to if (found := rules.named_by(each, settings.SECRET_KEY)))


def _accept(arrival: models.Arrival, mail: mime.Mail, raw: bytes, named: dict[str, int], now: datetime) -> None:
    """Put a customer's mail into its case, or into one of its own; the clock runs since it arrived."""
    key, client_id = rules.key(mail, raw), arrival.client_id
    locks.hold("message.key", client_id, "email", key)
    arrival.message = conversations_read.by_key(client_id, "email", key)
    if arrival.message:
        _settle(arrival, "taken", None, now, "it came before")
        return
    case = queries.case_of(client_id, mail.answers, named)
    item = (_answered_item(case, arrival.arrived_at) if case else None) or _new_item(arrival, mail, key)
    assert item.case is not None
    files = [File(each.name, each.media_type, each.content, each.content_id) for each in mail.files]
    kept = [each for each in files if len(each.content) <= LARGEST_FILE][:MOST_FILES]
    folded = rules.written(mail, markup.plain)
    content = Content(folded.text, folded.folded, markup.safe(mail.html), arrival.subject)
    arrival.message, _ = conversations.receive(
        case=item.case, item=item, channel="email", key=key, sender=_address(mail.sender, "from"), content=content,
        recipients=[_address(each, role) for role in ("to", "cc", "reply-to") for each in mail.addresses(role)],
        files=kept, external_id=mail.message_id, sent_at=mail.sent_at, now=arrival.arrived_at,
    )  # fmt: skip
    missing = len(files) - len(kept)
    _settle(arrival, "taken", None, now, f"{missing} of its files are only in the mail as it came" if missing else "")


def _address(found: mime.Address, role: str) -> Address:
    return Address(found.address, found.name, role)


def _new_item(arrival: models.Arrival, mail: mime.Mail, key: str) -> Item:
    reference = mail.sender.address or mail.first("from")[:200] or "unknown sender"
    item, _ = work.receive(
        queue=arrival.mailbox.queue, key=f"email:{key}", kind="email", title=arrival.subject,
        customer=work.Customer(reference, mail.sender.name), now=arrival.arrived_at,
    )  # fmt: skip
    return item


def _answered_item(case: Case, at: datetime) -> Item | None:
    """The item of a case that a customer's mail belongs to, waiting again if it was done; None if it is too late."""
    locks.hold("case", case.id)
    items = queries.items_of(case)
    resting = next((each for each in items if each.awaiting_customer_since), None)
    if resting:
        return work.customer_answered(item=resting, now=max(at, resting.awaiting_customer_since or at))
    unfinished = [each for each in items if each.state not in work_rules.FINISHED]
    if unfinished:
        return unfinished[-1]
    last = items[-1] if items else None
    if last is None or last.state != "done" or last.ended_at is None:
        return None
    terms = contracts.terms_of(last.queue, last.received_at)
    if at - last.ended_at > timedelta(seconds=terms.reopen_within_seconds):
        return None
    return work.reopen(item=last, reason="the customer wrote again", now=max(at, last.wrapped_up_at or at))


def _settle(arrival: models.Arrival, state: str, event: Event | None, now: datetime, reason: str = "") -> None:
    arrival.state, arrival.settled_at = state, now
    arrival.reason = event.details()["reason"] if event else reason
    arrival.save(update_fields=["state", "settled_at", "reason", "sender", "subject", "message"])
    if event:
        case = arrival.message.case_id if arrival.message else None
        journal.record(event, at=now, client_id=arrival.client_id, case_id=case)


# --- reports of our replies -----------------------------------------------------------------------------------------


def _tell_of(arrival: models.Arrival, mail: mime.Mail, reply: Message, now: datetime) -> None:
    """A reply did not arrive: its case says so, and whoever worked on it has it again."""
    arrival.message, found = reply, rules.failure(mail)
    if found.is_final and reply.state in ("sending", "sent", "read"):
        conversations.mark_undelivered(message=reply, reason=found.reason, now=now)
        _bring_back(reply, found.reason, now)
    why = f"a delivery report: {found.reason}" if found.is_final else f"a report of a delay: {found.reason}"
    _settle(arrival, "set-aside", events.SetAside(arrival.id, why), now)


def _bring_back(reply: Message, reason: str, now: datetime) -> None:
    item = reply.item
    if item is None:
        return
    if item.awaiting_customer_since:  # who owes no answer, for the question never came
        work.customer_answered(item=item, now=now)
    elif item.state == "done":
        work.reopen(item=item, reason=f"our reply did not arrive: {reason}", now=now)


# --- what somebody looked at -----------------------------------------------------------------------------------------


def mark_unread(*, arrival: models.Arrival, reason: str, now: datetime) -> None:
    """A mail could not be read: it waits, as it came, until somebody has looked at it."""
    _settle(arrival, "failed", events.Unread(arrival.id, reason[:LONGEST_SUBJECT]), now)


def run_again(*, arrival: models.Arrival, now: datetime, by: Person | None = None) -> None:
    """Read a mail once more that could not be read, or that was held back or set aside by mistake."""
    if arrival.state not in ("failed", "held", "set-aside"):
        raise Refused("This mail was dealt with already.")
    if not arrival.raw:
        raise Refused("This mail was never fetched. Make it smaller on the server, or raise the limit.")
    arrival.anyway = arrival.state != "failed"
    _look_after(arrival, "waiting", events.RunAgain(arrival.id), now, by)
    ask_to_take()


def discard(*, arrival: models.Arrival, now: datetime, by: Person | None = None) -> None:
    """Say that nothing is to be done about a mail; it stays as it came."""
    if arrival.state not in ("failed", "held"):
        raise Refused("This mail was dealt with already.")
    _look_after(arrival, "discarded", events.Discarded(arrival.id), now, by)


def _look_after(arrival: models.Arrival, state: str, event: Event, now: datetime, by: Person | None) -> None:
    arrival.state, arrival.settled_at = state, now
    arrival.save(update_fields=["state", "settled_at", "anyway"])
    journal.record(event, at=now, client_id=arrival.client_id, by_id=by.id if by else None)


# --- replies go out ---------------------------------------------------------------------------------------------------


def post(*, message: Message, now: datetime) -> None:
    """Put a reply that somebody wrote on its way: out of a mailbox of its case, once it can no longer be taken back."""
    if message.state != "waiting" or queries.delivery(message.id):
        return
    mailbox = queries.mailbox_for(message)
    if mailbox is None:
        reason = "no mailbox belongs to this queue; open one with `workfloor mailbox add`"
        conversations.mark_undelivered(message=message, reason=reason, now=now)
        return
    name = f"{uuid.uuid4().hex}@{mailbox.address.rpartition('@')[2]}"
    title = mailbox.title or mailbox.client.title
    conversations.name(message=message, external_id=name, sender=Address(mailbox.address, title))
    due_at = message.said_at + timedelta(seconds=settings.WORKFLOOR_MAIL_UNDO_SECONDS)
    models.Delivery.objects.create(
        message=message, client_id=message.client_id, mailbox=mailbox, due_at=due_at, changed_at=now
    )
    ask_to_deliver(message_id=message.id, at=due_at)


def ask_to_deliver(*, message_id: int, at: datetime | None) -> None:
    """Let a job deliver a reply, at the earliest at `at`."""
    jobs.ask_for(DELIVER, once=f"{DELIVER}/{message_id}", at=at, message_id=message_id)


def begin(*, message_id: int, now: datetime) -> models.Delivery | None:
    """Begin a try to deliver a reply; None where there is nothing to be done now. The caller keeps others from it.

    One that was left by a process that died is begun again; if the server had all but its last line by then, it may
    have it already, and that is counted.
    """
    delivery = _locked(message_id)
    if delivery is None or delivery.state in ("sent", "failed", "withdrawn") or delivery.due_at > now:
        return None
    if delivery.message.state == "withdrawn":
        _change(delivery, "withdrawn", now)
        return None
    if delivery.message.state == "waiting":
        conversations.start_sending(message=delivery.message, now=now)
    delivery.in_doubt += delivery.state == "handing-over"
    delivery.tries, delivery.began_at = delivery.tries + 1, delivery.began_at or now
    _change(delivery, "sending", now)
    return delivery


def _locked(message_id: int) -> models.Delivery | None:
    models.Delivery.objects.select_for_update().filter(message_id=message_id).first()
    return queries.delivery(message_id)


def _change(delivery: models.Delivery, state: str, now: datetime, answer: str = "") -> None:
    delivery.state, delivery.changed_at = state, now
    delivery.answer = answer or delivery.answer
    delivery.save(update_fields=["state", "changed_at", "answer", "tries", "began_at", "in_doubt", "due_at"])


def hand_over(*, delivery: models.Delivery, now: datetime) -> bool:
    """All but the last line is with the server: from here until it answers nobody knows. False if another has begun."""
    mine = models.Delivery.objects.filter(message_id=delivery.message_id, state="sending", tries=delivery.tries)
    return bool(mine.update(state="handing-over", changed_at=now))


def mark_delivered(*, delivery: models.Delivery, answer: str, refused: Sequence[str], now: datetime) -> None:
    """The server has taken a reply; `refused` are those of its recipients whom it has not taken it for, and why."""
    _change(delivery, "sent", now, answer)
    fault = f"not delivered to {'; '.join(refused)}" if refused else ""
    conversations.mark_sent(message=delivery.message, now=now, fault=fault)


def mark_refused(*, delivery: models.Delivery, answer: str, is_final: bool, now: datetime) -> None:
    """The server did not take a reply: it is tried again later, until it has lasted too long or is refused for good."""
    again = None if is_final else rules.next_try(delivery.tries, delivery.began_at or now, now)
    if again is None:
        _change(delivery, "failed", now, answer)
        conversations.mark_undelivered(message=delivery.message, reason=answer, now=now)
        _bring_back(delivery.message, answer, now)
        return
    delivery.due_at = again
    _change(delivery, "waiting", now, answer)
    conversations.mark_delayed(message=delivery.message, reason=answer, now=now)
    ask_to_deliver(message_id=delivery.message_id, at=again)


def send_again(*, message: Message, now: datetime, by: Person | None = None) -> None:
    """Try once more to deliver a reply that failed for good."""
    conversations.try_again(message=message, by=by, now=now)
    models.Delivery.objects.filter(message=message).delete()
    post(message=conversations_read.message(message.id) or message, now=now)
