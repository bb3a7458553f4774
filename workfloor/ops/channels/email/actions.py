"""Mail is stored, read and put where it belongs; replies go out, and what becomes of them is told."""

import contextlib
import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.files import actions as files
from workfloor.core.files.models import File
from workfloor.core.people.models import Person
from workfloor.core.periods import months as period_months
from workfloor.core.periods import queries as periods_queries
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Case, Item
from workfloor.kit import apart
from workfloor.kit.database import jobs, locks
from workfloor.kit.text import masks
from workfloor.ops.channels.email import events as email_events
from workfloor.ops.channels.email import gateway as email_gateway
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email import reading, replies, sorting
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.channels.email.reading import LONGEST_SUBJECT

AT_A_TIME: Final = 500
RFC822: Final = "message/rfc822"
TAKE: Final = "email.take_arrivals"
SETTLED: Final = ["state", "settled_at", "reason", "sender", "subject", "message"]
# The same for many; Django's bulk_update would take longer over it than the mails take to be read.
_TAKEN: Final = f"""
UPDATE {email_models.Arrival._meta.db_table} AS arrival
SET state = 'taken', settled_at = %s, reason = read.reason, sender = read.sender, subject = read.subject,
    message_id = read.message_id
FROM json_to_recordset(%s) AS read(id bigint, reason text, sender text, subject text, message_id bigint)
WHERE arrival.id = read.id
"""


class Refused(ValueError):
    """A mailbox or a mail cannot be treated like this; the message says what to do."""


# --- mailboxes -----------------------------------------------------------------------------------------------------
def open_mailbox(
    *,
    queue: Queue,
    address: str,
    by: Actor,
    now: datetime,
    title: str = "",
    most_per_sender: int = 30,
    source_url: str = "",
    password_file: str = "",
) -> email_models.Mailbox:
    """Let mail to an address wait in a queue. The caller has entered every client: an address is one client's alone."""
    permissions.admit(by, "channels.set-up", client_id=queue.client_id)
    address = address.strip().lower()
    if not sorting.is_address(address) or "+" in address:
        raise Refused(
            _("“{address}” is no address that mail can come to; write it as in support@example.com").format(
                address=address
            )
        )
    locks.hold("mailbox", address)
    if known := email_queries.mailbox(address):
        raise Refused(
            _("{address} is a mailbox of {client} already; close that one first").format(
                address=address, client=known.client.slug
            )
        )
    if source_url:
        _refuse_a_faulty_source(source_url, password_file)
    mailbox = email_models.Mailbox.objects.create(
        client_id=queue.client_id,
        queue=queue,
        address=address,
        title=title,
        most_per_sender=most_per_sender,
        source_url=source_url,
        password_file=password_file,
        opened_at=now,
    )
    opened = email_events.MailboxOpened(mailbox.id, address, queue.id)
    event_log.record(opened, at=now, client_id=queue.client_id, by=by)
    return mailbox


def _refuse_a_faulty_source(source_url: str, password_file: str) -> None:
    try:
        email_gateway.source(source_url)
    except ValueError as fault:
        raise Refused(_("the address that mail is fetched from {fault}").format(fault=fault)) from None
    if not password_file:
        raise Refused(_("say which file holds the password with which mail is fetched"))


def close_mailbox(*, mailbox: email_models.Mailbox, by: Actor, now: datetime) -> None:
    """Take no more mail to an address; what came stays."""
    permissions.admit(by, "channels.set-up", client_id=mailbox.client_id)
    mailbox.closed_at = now
    mailbox.save(update_fields=["closed_at"])
    closed = email_events.MailboxClosed(mailbox.id, mailbox.address)
    event_log.record(closed, at=now, client_id=mailbox.client_id, by=by)


# --- mail comes ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Incoming:
    """A mail that somebody hands over, for one mailbox."""

    mailbox: email_models.Mailbox
    raw: bytes
    envelope_sender: str  # "<>" for the null sender
    recipient: str


def store(*, mails: Sequence[Incoming], now: datetime) -> None:
    """Keep mails as they came; a job reads them. Once the transaction is committed they may be acknowledged."""
    kept = _kept([(each.mailbox.client_id, each.raw) for each in mails], now)
    email_models.Arrival.objects.bulk_create(
        email_models.Arrival(
            client_id=each.mailbox.client_id,
            mailbox=each.mailbox,
            file=kept[each.mailbox.client_id, each.raw],
            envelope_sender=each.envelope_sender,
            recipient=each.recipient,
            arrived_at=now,
        )
        for each in mails
    )
    ask_to_take()


def _kept(raws: Iterable[tuple[int, bytes]], now: datetime) -> dict[tuple[int, bytes], File]:
    """The files of mails as they came, by client and content."""
    found: dict[tuple[int, bytes], File] = {}
    for client_id, several in groupby(sorted(set(raws)), key=itemgetter(0)):
        contents = [raw for _, raw in several]
        handed = [files.Handed(raw, RFC822) for raw in contents]
        kept = files.keep(client_id=client_id, handed=handed, now=now)
        found |= {(client_id, raw): file for raw, file in zip(contents, kept, strict=True)}
    return found


def ask_to_take() -> None:
    """Let a job read what has come."""
    jobs.ask_for(TAKE, once=TAKE)


@dataclass(frozen=True)
class Fetched:
    """A mail from a mail server, under its UID there; `raw` is None where it was too large to be fetched."""

    uid: int
    raw: bytes | None
    size: int = 0


def store_fetched(*, mailbox: email_models.Mailbox, uid_validity: int, mails: Sequence[Fetched], now: datetime) -> None:
    """Keep fetched mails, and how far fetching has come, in one transaction: however often, each is kept once."""
    email_models.Place.objects.get_or_create(mailbox=mailbox, defaults={"client_id": mailbox.client_id})
    place = email_models.Place.objects.select_for_update().get(mailbox=mailbox)
    here = email_queries.fetched_before(mailbox, uid_validity, [each.uid for each in mails])
    new = [each for each in mails if each.uid not in here]
    kept = _kept([(mailbox.client_id, each.raw) for each in new if each.raw is not None], now)
    email_models.Arrival.objects.bulk_create(
        _fetched(mailbox, uid_validity, each, kept.get((mailbox.client_id, each.raw or b"")), now) for each in new
    )
    if place.uid_validity != uid_validity:  # the server numbers anew; what is here already is known by what it says
        place.uid_validity, place.uid = uid_validity, 0
    place.uid = max([place.uid, *(each.uid for each in mails)])
    place.save()
    ask_to_take()


def mark_fetching(*, mailbox: email_models.Mailbox, fault: str, now: datetime) -> None:
    """Say why a mailbox cannot be fetched just now, or with an empty fault that it can; the same again is no fact."""
    email_models.Place.objects.get_or_create(mailbox=mailbox, defaults={"client_id": mailbox.client_id})
    place = email_models.Place.objects.select_for_update().get(mailbox=mailbox)
    if place.fault == fault:
        return
    was_failing, since = bool(place.fault), (place.failing_since or now) if fault else None
    place.fault, place.failing_since = fault[:LONGEST_SUBJECT], since
    place.save(update_fields=["fault", "failing_since"])
    if was_failing and fault:  # in other words
        return
    event = email_events.FetchingFailed(mailbox.id, place.fault) if fault else email_events.FetchedAgain(mailbox.id)
    event_log.record(event, at=now, client_id=mailbox.client_id)


def _fetched(
    mailbox: email_models.Mailbox, uid_validity: int, mail: Fetched, file: File | None, now: datetime
) -> email_models.Arrival:
    too_large = {
        "state": "failed",
        "reason": gettext_noop("{size:,} bytes are too large to be fetched; it is on the server still").format(
            size=mail.size
        ),
    }
    return email_models.Arrival(
        client_id=mailbox.client_id,
        mailbox=mailbox,
        file=file if mail.raw is not None else None,
        arrived_at=now,
        uid_validity=uid_validity,
        uid=mail.uid,
        **({} if mail.raw is not None else too_large),
    )


# --- mail is read ---------------------------------------------------------------------------------------------------
# Whoever writes a mail chooses how long it takes to read it, so that it is read where it can be ended.
READERS: Final = apart.Apart("workfloor.ops.channels.email.reading:answer", 1_500_000_000)


class NotRead(Exception):
    """A mail could not be read; the message says why."""

    def __init__(self, arrival_id: int, why: str) -> None:
        super().__init__(why)
        self.arrival_id = arrival_id


@dataclass(frozen=True)
class _Read:
    """A mail that was read, and the row that it is stored in."""

    mail: reading.Read
    arrival: email_models.Arrival


def take(*, arrivals: Sequence[email_models.Arrival], now: datetime) -> None:
    """Read stored mails and put each where it belongs: a case, aside, or back until somebody has looked at it.

    The caller has locked them and entered their client, and no other. What begins a case is written together. Raises
    NotRead, or whatever a mail's defects bring; nothing may be kept then.
    """
    ours = email_queries.ours()
    raws = email_queries.raws(arrivals)
    all_read, first = [_read(arrival, raws[arrival.id], ours) for arrival in arrivals], list[_Read]()
    for read in all_read:
        if read.mail.may_be_first:
            first.append(read)
            continue
        _begin_cases(first, now)
        first = []
        _take(read, now)
    _begin_cases(first, now)
    for read in all_read:
        _cover(read, now)


def _read(arrival: email_models.Arrival, raw: bytes, ours: Collection[str]) -> _Read:
    came = reading.Came(raw, arrival.recipient, arrival.envelope_sender, arrival.anyway, ours, settings.SECRET_KEY)
    found = _asked(arrival, came, ())
    if found.has_numbers:  # seldom; only then does it matter which of them the contract masks
        found = _asked(arrival, came, contracts_queries.masked_kinds(arrival.mailbox.queue, arrival.arrived_at))
    arrival.sender, arrival.subject = found.sender.address, found.content.subject
    return _Read(found, arrival)


def _asked(arrival: email_models.Arrival, came: reading.Came, kinds: Collection[str]) -> reading.Read:
    try:
        found: reading.Read = READERS.ask("read", came, kinds, seconds=reading.seconds_for(len(came.raw)))
    except apart.NotComputed as fault:
        raise NotRead(
            arrival.id, gettext_noop("{fault}; it has {count:,} bytes").format(fault=fault, count=len(came.raw))
        ) from fault
    return found


def _cover(read: _Read, now: datetime) -> None:
    """Keep the mail that was read with its numbers masked; where that cannot be done, only what became no message."""
    arrival = read.arrival
    if not read.mail.masks:
        return
    if read.mail.anew or arrival.state == "taken":
        _replace(arrival, read.mail.anew, now)


def _replace(arrival: email_models.Arrival, raw: bytes, now: datetime) -> None:
    """Keep another mail, or none, in the place of what came; as soon as that is committed nobody can read the old."""
    before = arrival.file_id
    arrival.file = _kept([(arrival.client_id, raw)], now)[arrival.client_id, raw] if raw else None
    arrival.save(update_fields=["file"])
    if before != arrival.file_id:
        files.release(file_ids=[before], now=now)


def _take(read: _Read, now: datetime) -> None:
    arrival, mail = read.arrival, read.mail
    if mail.report and (reply := email_queries.reply_named(arrival.client_id, mail.report.names, mail.named.get("r"))):
        _tell_of(arrival, mail.report.failure, reply, now)
    elif mail.why:
        _settle(arrival, "set-aside", email_events.SetAside(arrival.id, mail.why), now)
    elif case := email_queries.case_of(arrival.client_id, mail.answers, mail.named):
        _continue_case(read, case, now)
    else:
        _begin_cases([read], now)


def _begin_cases(read: Sequence[_Read], now: datetime) -> None:
    """Let each of these customers' mails begin a case of its own; the clock runs since it arrived."""
    news = _new(read, now) if read else []
    if not news:
        return
    made: dict[int, Item] = {}
    for mailbox in {each.arrival.mailbox_id: each.arrival.mailbox for each in news}.values():
        here = [each for each in news if each.arrival.mailbox_id == mailbox.id]
        sent = [_sent(each) for each in here]
        items = work.receive_all(queue=mailbox.queue, kind="email", sent=sent, now=now)
        made |= {each.arrival.id: item for each, item in zip(here, items, strict=True)}
    _keep_messages([(each, made[each.arrival.id]) for each in news], now)


def _sent(read: _Read) -> work.Sent:
    mail, arrival = read.mail, read.arrival
    customer = work.Customer(mail.reference, mail.sender.name, is_claimed=mail.answers_elsewhere)
    return work.Sent(f"email:{mail.key}", arrival.subject, customer, arrival.arrived_at)


def _new(read: Sequence[_Read], now: datetime) -> list[_Read]:
    """Those that did not come before, from senders who do not flood the mailbox; the others are settled."""
    client_id, found = read[0].arrival.client_id, dict[str, _Read]()
    locks.hold_all([("message.key", client_id, "email", each.mail.key) for each in read])
    known = conversations_queries.by_keys(client_id, "email", [each.mail.key for each in read])
    lately = email_queries.lately([each.arrival for each in read])
    for each in read:
        arrival = each.arrival
        if each.mail.key in known or each.mail.key in found:
            arrival.message = known.get(each.mail.key)
            _settle(arrival, "taken", None, now, gettext_noop("it came before"))
        elif _is_of_a_flood(arrival, lately, found.values()):
            why = gettext_noop("{sender} sent more than {most_per_sender} mails in ten minutes").format(
                sender=arrival.sender, most_per_sender=arrival.mailbox.most_per_sender
            )
            _settle(arrival, "held", email_events.HeldBack(arrival.id, why), now)
        else:
            found[each.mail.key] = each
    return list(found.values())


def _is_of_a_flood(
    arrival: email_models.Arrival, lately: Counter[email_queries.Line], with_it: Collection[_Read]
) -> bool:
    """Whether its sender sends too much; counted exactly where it may be so. `with_it` are read and not yet settled."""
    line, most = (arrival.mailbox_id, arrival.sender), arrival.mailbox.most_per_sender
    since = arrival.arrived_at - sorting.FLOOD_WINDOW
    same = [each.arrival for each in with_it if (each.arrival.mailbox_id, each.arrival.sender) == line]
    if arrival.anyway or not sorting.is_flood(lately[line] + len(same), most):
        return False
    return sorting.is_flood(email_queries.earlier(arrival) + sum(each.arrived_at > since for each in same), most)


def _continue_case(read: _Read, case: Case, now: datetime) -> None:
    """Put a customer's answer into its case, or into a new one where that was resolved too long ago."""
    if not _new([read], now):
        return
    item = _answered_item(case, read.arrival.arrived_at)
    if item is None:
        [item] = work.receive_all(queue=read.arrival.mailbox.queue, kind="email", sent=[_sent(read)], now=now)
    _keep_messages([(read, item)], now)


def _keep_messages(begun: Sequence[tuple[_Read, Item]], now: datetime) -> None:
    incoming = [_message(read, item) for read, item in begun]
    made = conversations.receive_all(channel="email", incoming=incoming, now=now)
    for (read, _item), message in zip(begun, made, strict=True):
        missing = read.mail.missing
        read.arrival.message, read.arrival.state, read.arrival.settled_at = message, "taken", now
        read.arrival.reason = (
            gettext_noop("{missing} of its files are only in the mail as it came").format(missing=missing)
            if missing
            else ""
        )
    rows = [
        {name: getattr(read.arrival, name) for name in ("id", "reason", "sender", "subject", "message_id")}
        for read, _ in begun
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, [now, json.dumps(rows)])


def _message(read: _Read, item: Item) -> conversations.Incoming:
    mail, case = read.mail, item.case
    assert case is not None
    return conversations.Incoming(
        case=case,
        item=item,
        key=mail.key,
        at=read.arrival.arrived_at,
        sent_at=mail.sent_at,
        sender=mail.sender,
        external_id=mail.message_id,
        content=mail.content,
        is_masked=True,
        recipients=mail.recipients,
        files=mail.files,
    )


def _answered_item(case: Case, at: datetime) -> Item | None:
    """The item of a case that a customer's mail belongs to, waiting again if it was done; None if it is too late."""
    locks.hold("case", case.id)
    items = email_queries.items_of(case)
    resting = next((each for each in items if each.pending_customer_since), None)
    if resting:
        return work.customer_answered(item=resting, now=max(at, resting.pending_customer_since or at))
    unfinished = [each for each in items if each.state not in lifecycle.FINISHED]
    if unfinished:
        return unfinished[-1]
    last = items[-1] if items else None
    if last is None or last.state != "done" or last.ended_at is None:
        return None
    terms = contracts_queries.terms_of(last.queue, last.received_at)
    if at - last.ended_at > timedelta(seconds=terms.reopen_within_seconds):
        return None
    return work.reopen(
        item=last, reason=gettext_noop("the customer wrote again"), now=max(at, last.wrapped_up_at or at)
    )


def _settle(arrival: email_models.Arrival, state: str, event: Event | None, now: datetime, reason: str = "") -> None:
    arrival.state, arrival.settled_at = state, now
    arrival.reason = event.details()["reason"] if event else reason
    arrival.save(update_fields=SETTLED)
    if event:
        case = arrival.message.case_id if arrival.message else None
        event_log.record(event, at=now, client_id=arrival.client_id, case_id=case)


# --- reports of our replies -----------------------------------------------------------------------------------------
def _tell_of(arrival: email_models.Arrival, found: sorting.Failure, reply: Message, now: datetime) -> None:
    """A reply did not arrive: its case says so, and whoever worked on it has it again."""
    arrival.message = reply
    if found.is_final and reply.state in ("sending", "sent", "read"):
        conversations.mark_undelivered(message=reply, reason=found.reason, now=now)
        bring_back(reply=reply, reason=found.reason, now=now)
    why = (
        gettext_noop("a delivery report: {reason}").format(reason=found.reason)
        if found.is_final
        else gettext_noop("a report of a delay: {reason}").format(reason=found.reason)
    )
    _settle(arrival, "set-aside", email_events.SetAside(arrival.id, why), now)


def bring_back(*, reply: Message, reason: str, now: datetime) -> None:
    """Give the item of a reply that did not arrive back to whoever works on its queue.

    What a rule wrote has answered nobody; and whoever has a later reply of ours is served.
    """
    if reply.item is None or reply.person_id is None:
        return
    others = conversations_queries.answers(reply.item.id)
    work.mark_reply_undelivered(
        item=reply.item,
        reason=gettext_noop("our reply did not arrive: {reason}").format(reason=reason),
        now=now,
        replied_at=others[0].said_at if others else None,
        is_last=not any(each.id > reply.id for each in others),
    )


def take_back(*, reply: Message, by: Person, now: datetime) -> Message:
    """Take a reply back in its seconds: it has answered nobody, and its writer has it as the draft again.

    Raises messages.NotNow for one that is being sent.
    """
    reply = conversations.withdraw(message=reply, by=by, now=now)
    bring_back(reply=reply, reason=gettext_noop("it was taken back"), now=now)
    return reply


# --- what somebody looked at -----------------------------------------------------------------------------------------
def mark_unread(*, arrival: email_models.Arrival, reason: str, now: datetime) -> None:
    """A mail could not be read: it waits, as it came, until somebody has looked at it."""
    said = masks.mask(reason).text[:LONGEST_SUBJECT]
    with contextlib.suppress(apart.NotComputed):
        arrival.sender, arrival.subject = READERS.ask(
            "glanced", email_queries.raw(arrival), seconds=reading.GLANCE_SECONDS
        )
    _settle(arrival, "failed", email_events.Unread(arrival.id, said), now)


def run_again(*, arrival: email_models.Arrival, now: datetime, by: Person | None = None) -> None:
    """Read a mail once more that could not be read, or that was held back or set aside by mistake."""
    if arrival.state not in ("failed", "held", "set-aside"):
        raise Refused(_("This mail was dealt with already."))
    if arrival.file_id is None:
        raise Refused(_("What came is not here: it was too large to be fetched, or is no longer kept."))
    arrival.anyway = arrival.state != "failed"
    _look_after(arrival, "waiting", email_events.RunAgain(arrival.id), now, by)
    ask_to_take()


def discard(*, arrival: email_models.Arrival, now: datetime, by: Person | None = None) -> None:
    """Say that nothing is to be done about a mail; one that could not be read goes, for no number in it is masked."""
    if arrival.state not in ("failed", "held"):
        raise Refused(_("This mail was dealt with already."))
    if arrival.state == "failed" and contracts_queries.masked_kinds(arrival.mailbox.queue, arrival.arrived_at):
        _replace(arrival, b"", now)
    _look_after(arrival, "discarded", email_events.Discarded(arrival.id), now, by)


def _look_after(arrival: email_models.Arrival, state: str, event: Event, now: datetime, by: Person | None) -> None:
    arrival.state, arrival.settled_at = state, now
    arrival.save(update_fields=["state", "settled_at", "anyway"])
    event_log.record(event, at=now, client_id=arrival.client_id, by_id=by.id if by else None)


def delete_expired(*, client_id: int, now: datetime) -> int:
    """Delete mail as it came that was dealt with long enough ago, some of it; returns how many mails.

    What became of it stays. Nothing goes of a case that is open, or while the client disputes a figure.
    """
    days = retention_queries.days("raw-mail", client_id)
    due = kinds.before(now, days)
    if periods_queries.disputes(client_id, states=[period_months.RAISED]).exists():
        return 0
    old = email_models.Arrival.objects.select_for_update(of=("self",), skip_locked=True).filter(
        Q(message=None) | Q(message__case__resolved_at__lt=due),
        client_id=client_id,
        file__isnull=False,
        settled_at__lt=due,
        state__in=["taken", "set-aside", "discarded"],
    )
    found = list(old.order_by("id")[:AT_A_TIME])
    email_models.Arrival.objects.filter(id__in=[each.id for each in found]).update(file=None)
    files.release(file_ids=[each.file_id for each in found], now=now)
    retention.tell(kind="raw-mail", count=len(found), days=days, now=now, client_id=client_id)
    return len(found)


DELIVER: Final = "email.deliver"


def post(*, message: Message, now: datetime, mailbox: Mailbox | None = None) -> None:
    """Put a reply that somebody wrote on its way, once it can no longer be taken back.

    It goes out of the mailbox that is given, else out of one of its case.
    """
    if message.state != "waiting" or email_queries.delivery(message.id):
        return
    mailbox = mailbox or email_queries.mailbox_for(message)
    if mailbox is None:
        reason = gettext_noop("no mailbox belongs to this queue; open one with `workfloor channels mailbox add`")
        conversations.mark_undelivered(message=message, reason=reason, now=now)
        return
    name = f"{uuid.uuid4().hex}@{mailbox.address.rpartition('@')[2]}"
    title = mailbox.title or mailbox.client.title
    conversations.name(message=message, external_id=name, sender=Address(mailbox.address, title))
    due_at = message.said_at + email_queries.undo()
    email_models.Delivery.objects.create(
        message=message, client_id=message.client_id, mailbox=mailbox, due_at=due_at, changed_at=now
    )
    ask_to_deliver(message_id=message.id, at=due_at)


def ask_to_deliver(*, message_id: int, at: datetime | None) -> None:
    """Let a job deliver a reply, at the earliest at `at`: a mailbox of many replies yields to one of few."""
    once, after = f"{DELIVER}/{message_id}", email_queries.before(message_id)
    jobs.ask_for(DELIVER, once=once, at=at, after=after, lane=jobs.OUTSIDE, message_id=message_id)


def begin(*, message_id: int, now: datetime) -> email_models.Delivery | None:
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


def _locked(message_id: int) -> email_models.Delivery | None:
    email_models.Delivery.objects.select_for_update().filter(message_id=message_id).first()
    return email_queries.delivery(message_id)


def _change(delivery: email_models.Delivery, state: str, now: datetime, answer: str = "") -> None:
    delivery.state, delivery.changed_at = state, now
    delivery.answer = answer or delivery.answer
    delivery.save(update_fields=["state", "changed_at", "answer", "tries", "began_at", "in_doubt", "due_at"])


def hand_over(*, delivery: email_models.Delivery, now: datetime) -> bool:
    """All but the last line is with the server: from here until it answers nobody knows. False if another has begun."""
    mine = email_models.Delivery.objects.filter(message_id=delivery.message_id, state="sending", tries=delivery.tries)
    return bool(mine.update(state="handing-over", changed_at=now))


def mark_delivered(*, delivery: email_models.Delivery, answer: str, refused: Sequence[str], now: datetime) -> None:
    """The server has taken a reply; `refused` are those of its recipients whom it has not taken it for, and why."""
    _change(delivery, "sent", now, answer)
    fault = gettext_noop("not delivered to {refused}").format(refused="; ".join(refused)) if refused else ""
    conversations.mark_sent(message=delivery.message, now=now, fault=fault)


def mark_refused(
    *, delivery: email_models.Delivery, answer: str, is_final: bool, now: datetime, in_doubt: bool = False
) -> None:
    """The server did not take a reply: it is tried again later, until it has lasted too long or is refused for good.

    In doubt: the line broke before the server's word, so that it may have the reply, and another try doubles it.
    """
    delivery.in_doubt += in_doubt
    again = None if is_final else replies.next_try(delivery.tries, delivery.began_at or now, now)
    if again is None:
        _change(delivery, "failed", now, answer)
        conversations.mark_undelivered(message=delivery.message, reason=answer, now=now)
        bring_back(reply=delivery.message, reason=answer, now=now)
        return
    delivery.due_at = again
    _change(delivery, "waiting", now, answer)
    conversations.mark_delayed(message=delivery.message, reason=answer, now=now)
    ask_to_deliver(message_id=delivery.message_id, at=again)


def send_again(*, message: Message, now: datetime, by: Person | None = None) -> None:
    """Try once more to deliver a reply that failed for good."""
    conversations.try_again(message=message, by=by, now=now)
    email_models.Delivery.objects.filter(message=message).delete()
    post(message=conversations_queries.message(message.id) or message, now=now)
