"""Mail is stored, read and put where it belongs; replies go out, and what becomes of them is told."""

import contextlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.core.access import permissions
from workfloor.core.access.actors import CUSTOMER, Actor
from workfloor.core.access.declaring import action
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Changed, Event
from workfloor.core.files import actions as files
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import sealing
from workfloor.core.files.models import File
from workfloor.core.people import own_account
from workfloor.core.periods import months as period_months
from workfloor.core.periods import queries as periods_queries
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.core.work import actions as work
from workfloor.core.work import intake, lifecycle
from workfloor.core.work.models import Case, Item
from workfloor.kit import apart
from workfloor.kit.database import jobs, locks
from workfloor.kit.declarations import field
from workfloor.kit.text import masks
from workfloor.ops.channels.email import delivering, envelope, reading, sorting, writing
from workfloor.ops.channels.email import events as email_events
from workfloor.ops.channels.email import gateway as email_gateway
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.delivering import MAIL
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


Refused = permissions.Refused


# --- mailboxes -----------------------------------------------------------------------------------------------------
_ADDRESS: Final = field("Address", "What customers write to, such as support@example.com.", most=254)
_TITLE: Final = field("Name on replies", "Beside the address; without it the client's.", most=100)
_SIGNATURE: Final = field(
    "Signature", "Below mails; {agent} and {client} stand for names, {signature} for the agent's own.", most=2_000
)
_SIGNS: Final = field(
    "Signature of", "The agent's own where they keep one, always the mailbox's, or none.", choices=email_models.SIGNS
)
_LANGUAGE: Final = field("Language", "That its mails are written in: agents sign in it.", choices=own_account.LANGUAGES)
_ONLY_TO: Final = field(
    "Write only to", "Domains, with blanks between; customers who wrote can be answered always. Empty: any.", most=2_000
)
_MOST: Final = field("Most per sender", "Mails in ten minutes; more are held back; 0: no limit.", least=0, most=100_000)
_SOURCE: Final = field(
    "Fetched from", "An IMAP server, as imaps://user%40example.com@mail.example.com/INBOX.", most=500, flag="fetch"
)
_PASSWORD: Final = field("Password there", "With which mail is fetched. It is sealed, and shown nowhere.", secret=True)


@action(
    "Open a mailbox",
    permission="channels.set-up",
    command="channels mailbox add",
    says="Mail to {address} waits in {queue}.",
    example="workfloor channels mailbox add help@first-bank.example first-bank/letters --title 'First Bank'",
)
def open_mailbox(
    *,
    address: Annotated[str, _ADDRESS],
    queue: Queue,
    title: Annotated[str, _TITLE] = "",
    signature: Annotated[str, _SIGNATURE] = "",
    signs: Annotated[str, _SIGNS] = "agent",
    language: Annotated[str, _LANGUAGE] = "any",
    only_to: Annotated[str, _ONLY_TO] = "",
    most_per_sender: Annotated[int, _MOST] = 30,
    source_url: Annotated[str, _SOURCE] = "",
    password: Annotated[str, _PASSWORD] = "",
    by: Actor,
    now: datetime,
) -> email_models.Mailbox:
    """Let mail to an address wait in a queue.

    What is sent to the address with a plus and more before the @ comes there too: answers to our replies do.
    """
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
        _refuse_a_faulty_source(source_url, password)
    made = email_models.Mailbox(
        client_id=queue.client_id,
        queue=queue,
        address=address,
        title=title,
        signature=signature,
        signs=signs,
        language=language,
        only_to=_domains(only_to),
        most_per_sender=most_per_sender,
        source_url=source_url,
        password=_sealed(password, queue.client_id),
        opened_at=now,
    )
    email_models.Mailbox.objects.bulk_create([made], ignore_conflicts=True)
    opened = email_queries.mailbox(address)
    if opened is None:
        raise Refused(
            _("{address} is a mailbox already, of a client whom you may not see; close that one first").format(
                address=address
            )
        )
    host, said = _host(source_url), (signature or None, signs, language, opened.only_to or None)
    fact = email_events.MailboxOpened(opened.id, address, queue.id, title or None, most_per_sender, host, *said)
    event_log.record(fact, at=now, client_id=queue.client_id, by=by)
    return opened


def _domains(typed: str) -> str:
    try:
        return " ".join(envelope.domains(typed))
    except ValueError as wrong:
        raise Refused(_("“{wrong}” is no domain; write it as in example.com.").format(wrong=wrong)) from None


def _host(source_url: str) -> str | None:
    return urlsplit(source_url).hostname if source_url else None


def _refuse_a_faulty_source(source_url: str, password: str | bytes) -> None:
    try:
        email_gateway.source(source_url)
    except ValueError as fault:
        raise Refused(_("The address that mail is fetched from {fault}.").format(fault=fault)) from None
    if not password:
        raise Refused(_("Give the password with which mail is fetched too."))


def _sealed(password: str, client_id: int) -> bytes:
    if not password:
        return b""
    try:
        return sealing.wrapped(password.encode(), files_gateway.key_for("mailboxes", make=True), client_id)
    except files_gateway.NoKey as fault:
        raise Refused(str(fault)) from None


@action(
    "Change a mailbox",
    permission="channels.set-up",
    command="channels mailbox change",
    says="{mailbox} is changed.",
    example="workfloor channels mailbox change help@first-bank.example --most-per-sender 60",
)
def change_mailbox(
    *,
    mailbox: Mailbox,
    queue: Annotated[Queue | None, field("Queue", "In which its mail waits from now on.")] = None,
    title: Annotated[str | None, _TITLE] = None,
    signature: Annotated[str | None, _SIGNATURE] = None,
    signs: Annotated[str | None, _SIGNS] = None,
    language: Annotated[str | None, _LANGUAGE] = None,
    only_to: Annotated[str | None, _ONLY_TO] = None,
    most_per_sender: Annotated[int | None, _MOST] = None,
    source_url: Annotated[str | None, _SOURCE] = None,
    password: Annotated[str | None, _PASSWORD] = None,
    by: Actor,
    now: datetime,
) -> email_models.Mailbox:
    """Let mail to an address wait elsewhere, or be fetched from elsewhere or with another password.

    What is not given stays. That the password changed is a fact; the password itself is in none.
    """
    found = email_models.Mailbox.objects.select_for_update(of=("self",)).select_related("queue").get(id=mailbox.id)
    if queue and queue.client_id != found.client_id:
        raise Refused(
            _("{name} is {client}'s; choose a queue of theirs.").format(name=found.address, client=found.client.slug)
        )
    if source_url:
        _refuse_a_faulty_source(source_url, password or bytes(found.password))
    changes = {"queue": queue, "title": title, "signature": signature, "most_per_sender": most_per_sender}
    changes |= {"only_to": None if only_to is None else _domains(only_to), "signs": signs, "language": language}
    given = {name: value for name, value in changes.items() if value is not None}
    event_log.record_change("mailbox", found, given, at=now, by=by, client_id=found.client_id)
    if source_url and source_url != found.source_url:  # of which facts tell no more than the host
        before, after = {"fetched_from": _host(found.source_url)}, {"fetched_from": _host(source_url)}
        found.source_url = source_url
        found.save(update_fields=["source_url"])
        moved = Changed("mailbox", found.id, str(found), before, after)
        event_log.record(moved, at=now, client_id=found.client_id, by=by)
    if password:
        found.password = _sealed(password, found.client_id)
        found.save(update_fields=["password"])
        fact = email_events.MailboxPasswordSet(found.id, found.address)
        event_log.record(fact, at=now, client_id=found.client_id, by=by)
    return found


@action(
    "Close a mailbox",
    permission="channels.set-up",
    command="channels mailbox remove",
    says="{mailbox} takes no more mail.",
    example="workfloor channels mailbox remove help@first-bank.example",
)
def close_mailbox(*, mailbox: Mailbox, by: Actor, now: datetime) -> None:
    """Take no more mail to an address; what came stays."""
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
    event_log.record(event, at=now, client_id=mailbox.client_id, by=MAIL)


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
        items = intake.receive_all(queue=mailbox.queue, kind="email", sent=sent, by=CUSTOMER, now=now)
        made |= {each.arrival.id: item for each, item in zip(here, items, strict=True)}
    _keep_messages([(each, made[each.arrival.id]) for each in news], now)


def _sent(read: _Read) -> intake.Sent:
    mail, arrival = read.mail, read.arrival
    customer = work.Customer(mail.reference, mail.sender.name, is_claimed=mail.answers_elsewhere)
    return intake.Sent(f"email:{mail.key}", arrival.subject, customer, arrival.arrived_at)


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
    item = item or writing.receive_answer(case=case, arrival=read.arrival, key=f"email:{read.mail.key}")
    if item is None:
        queue = read.arrival.mailbox.queue
        [item] = intake.receive_all(queue=queue, kind="email", sent=[_sent(read)], by=CUSTOMER, now=now)
    _keep_messages([(read, item)], now)


def _keep_messages(begun: Sequence[tuple[_Read, Item]], now: datetime) -> None:
    incoming = [_message(read, item) for read, item in begun]
    made = conversations.receive_all(channel="email", incoming=incoming, by=CUSTOMER, now=now)
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
    every = email_queries.items_of(case)
    items = [each for each in every if not each.declared.begun_by_us]
    resting = next((each for each in items if each.pending_customer_since), None)
    if resting:
        answered_at = max(at, resting.pending_customer_since or at)
        return work.customer_answered(item=resting, by=CUSTOMER, now=answered_at)
    unfinished = [each for each in items if each.state not in lifecycle.FINISHED]
    if unfinished:
        return unfinished[-1]
    last = items[-1] if items else None
    if every and every[-1].declared.begun_by_us:
        return None
    if last is None or last.state != "done" or last.ended_at is None:
        return None
    terms = contracts_queries.terms_of(last.queue, last.received_at)
    if at - last.ended_at > timedelta(seconds=terms.reopen_within_seconds):
        return None
    since = max(at, last.wrapped_up_at or at)
    return work.reopen(item=last, reason="the customer wrote again", by=CUSTOMER, now=since)


def _settle(arrival: email_models.Arrival, state: str, event: Event | None, now: datetime, reason: str = "") -> None:
    arrival.state, arrival.settled_at = state, now
    arrival.reason = event.details()["reason"] if event else reason
    arrival.save(update_fields=SETTLED)
    if event:
        case = arrival.message.case_id if arrival.message else None
        event_log.record(event, at=now, client_id=arrival.client_id, case_id=case, by=MAIL)


# --- reports of our replies -----------------------------------------------------------------------------------------
def _tell_of(arrival: email_models.Arrival, found: sorting.Failure, reply: Message, now: datetime) -> None:
    """A reply did not arrive: its case says so, and whoever worked on it has it again."""
    arrival.message = reply
    if found.is_final and reply.state in ("sending", "sent", "read"):
        conversations.mark_undelivered(message=reply, reason=found.reason, by=MAIL, now=now)
        delivering.bring_back(reply=reply, reason=found.reason, by=MAIL, now=now)
    why = f"a delivery report: {found.reason}" if found.is_final else f"a report of a delay: {found.reason}"
    _settle(arrival, "set-aside", email_events.SetAside(arrival.id, why), now)


# --- what somebody looked at -----------------------------------------------------------------------------------------
def mark_unread(*, arrival: email_models.Arrival, reason: str, now: datetime) -> None:
    """A mail could not be read: it waits, as it came, until somebody has looked at it."""
    said = masks.mask(reason).text[:LONGEST_SUBJECT]
    with contextlib.suppress(apart.NotComputed):
        arrival.sender, arrival.subject = READERS.ask(
            "glanced", email_queries.raw(arrival), seconds=reading.GLANCE_SECONDS
        )
    _settle(arrival, "failed", email_events.Unread(arrival.id, said), now)


_MAILS: Final = field("Mails", "By their numbers.")


@action(
    "Read mail again",
    permission="mail.look-after",
    command="channels mail retry",
    says="Read again in a moment.",
    example="workfloor channels mail retry 17 18",
)
def run_again(*, arrivals: Annotated[Sequence[email_models.Arrival], _MAILS], by: Actor, now: datetime) -> None:
    """Read mails once more that could not be read; take those in that were held back or set aside by mistake."""
    for arrival in arrivals:
        if arrival.state not in ("failed", "held", "set-aside"):
            raise Refused(_("Mail {arrival} was dealt with already.").format(arrival=arrival.id))
        if arrival.file_id is None:
            raise Refused(
                _(
                    "What came as mail {arrival} is not here: it was too large to be fetched, or is no longer kept."
                ).format(arrival=arrival.id)
            )
        arrival.anyway = arrival.state != "failed"
        _look_after(arrival, "waiting", email_events.RunAgain(arrival.id, arrival.state), by, now)
    ask_to_take()


@action(
    "Discard mail",
    permission="mail.look-after",
    command="channels mail discard",
    says="Dealt with.",
    example="workfloor channels mail discard 17",
)
def discard(*, arrivals: Annotated[Sequence[email_models.Arrival], _MAILS], by: Actor, now: datetime) -> None:
    """Say that nothing is to be done about mails; those that could not be read are emptied, numbers and all."""
    for arrival in arrivals:
        if arrival.state not in ("failed", "held"):
            raise Refused(_("Mail {arrival} was dealt with already.").format(arrival=arrival.id))
        if arrival.state == "failed" and contracts_queries.masked_kinds(arrival.mailbox.queue, arrival.arrived_at):
            _replace(arrival, b"", now)
        _look_after(arrival, "discarded", email_events.Discarded(arrival.id, arrival.state), by, now)


def _look_after(arrival: email_models.Arrival, state: str, event: Event, by: Actor, now: datetime) -> None:
    arrival.state, arrival.settled_at = state, now
    arrival.save(update_fields=["state", "settled_at", "anyway"])
    event_log.record(event, at=now, client_id=arrival.client_id, by=by)


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


@action(
    "Send a reply again",
    permission="mail.look-after",
    command="channels mail send-again",
    says="The reply is sent again in a moment.",
    example="workfloor channels mail send-again 4711",
)
def send_again(*, message: Message, by: Actor, now: datetime) -> None:
    """Try once more to deliver a reply that failed for good."""
    conversations.try_again(message=message, by=by, now=now)
    email_models.Delivery.objects.filter(message=message).delete()
    delivering.post(message=conversations_queries.message(message.id) or message, now=now)
