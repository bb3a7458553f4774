"""Messages in, replies and notes, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.conversations import events as conversations_events
from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.conversations import models as conversations_models
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Entry, Event
from workfloor.core.files import actions as files
from workfloor.core.people.models import Person
from workfloor.core.periods import months as period_months
from workfloor.core.periods import queries as periods_queries
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.core.work import actions as work
from workfloor.core.work import hands, lifecycle, roles
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Case, Item
from workfloor.kit.database import locks, prepared
from workfloor.kit.text import masks
from workfloor.kit.web import live as web_live

AT_A_TIME: Final = 500


class Refused(ValueError):
    """The message cannot be taken or sent like this; the reason says what to do."""


@dataclass(frozen=True)
class Incoming:
    """A message that came in for a case; `key` is its sender's own name for it."""

    case: Case
    key: str
    sender: conversations_messages.Address
    content: conversations_messages.Content
    at: datetime
    is_masked: bool = False  # whether the numbers that the contract masks are masked in the content already
    item: Item | None = None
    recipients: Sequence[conversations_messages.Address] = ()
    files: Sequence[conversations_messages.File] = ()
    external_id: str = ""
    sent_at: datetime | None = None


def receive(
    *,
    case: Case,
    channel: str,
    key: str,
    sender: conversations_messages.Address,
    content: conversations_messages.Content,
    by: Actor,
    now: datetime,
    item: Item | None = None,
    files: Sequence[conversations_messages.File] = (),
) -> tuple[conversations_models.Message, bool]:
    """Take a customer's message in; the same key again is the same message. Returns it and whether it is new."""
    take_turn(case_id=case.id)
    if known := conversations_queries.by_key(case.client_id, channel, key):
        return known, False
    incoming = Incoming(case, key, sender, content, now, item=item, files=files)
    return receive_all(channel=channel, incoming=[incoming], by=by, now=now)[0], True


def take_turn(*, case_id: int) -> None:
    """Wait for the right to add to a case's messages, and hold it until the transaction ends.

    One after the other, so that the numbers of a case's messages grow in the order in which they become visible:
    whoever asks for what follows the last one they have misses none.
    """
    locks.hold("case.messages", case_id)


def receive_all(
    *, channel: str, incoming: Sequence[Incoming], by: Actor, now: datetime
) -> list[conversations_models.Message]:
    """Take messages of one client in, in their order. The caller holds the keys, and knows that they are new."""
    permissions.admit(by, "work.send-in", client_id=incoming[0].case.client_id if incoming else None, own=False)
    made = [
        conversations_models.Message(
            client_id=each.case.client_id,
            case=each.case,
            item=each.item,
            direction="in",
            channel=channel,
            key=each.key,
            external_id=each.external_id,
            sender=each.sender.address,
            sender_name=each.sender.name,
            recipients=[asdict(one) for one in each.recipients],
            said_at=each.at,
            sent_at=each.sent_at,
            state="received",
            **asdict(each.content if each.is_masked else _fit_to_keep(each.content, each.item, each.at)),
        )
        for each in incoming
    ]
    prepared.insert_all(made)
    _attach({message: each.files for message, each in zip(made, incoming, strict=True)}, now)
    entries = [
        Entry(
            conversations_events.Received(each.id, channel),
            each.said_at,
            each.client_id,
            each.item_id,
            each.case_id,
            by=by,
        )
        for each in made
    ]
    event_log.record_under(set().union(*(entry.topics() for entry in entries), *map(_desks, made)), entries)
    event_log.decide(entries, now=now)
    return made


def _fit_to_keep(
    content: conversations_messages.Content, item: Item | None, at: datetime
) -> conversations_messages.Content:
    """What may be stored of a message: card and account numbers are masked, unless the contract keeps them."""
    covered = conversations_messages.covered(content)
    if covered == content or item is None:
        return covered
    return conversations_messages.covered(content, contracts_queries.masked_kinds(item.queue, at))


def reply(
    *,
    item: Item,
    channel: str,
    content: conversations_messages.Content,
    recipients: Sequence[conversations_messages.Address],
    by: Actor,
    now: datetime,
    files: Sequence[conversations_messages.File] = (),
    key: str = "",
    external_id: str = "",
    sender: conversations_messages.Address | None = None,
    at_once: bool = False,
    forwards: conversations_models.Message | None = None,
) -> conversations_models.Message:
    """Write to the customer; the channel delivers it. `by` is whoever has the item in hand, or the playbooks.

    With `at_once` it is sent by being written, as where the other side reads what is stored. What `forwards` a message
    of the case hands it on to somebody else, and answers nobody.

    The same key again is the same reply. Raises Refused for an item without a case, in other hands, or where nothing is
    said.
    """
    if key:
        locks.hold("message.key", item.client_id, channel, key)
        if known := conversations_queries.by_key(item.client_id, channel, key):
            return known
    if item.case_id is not None:
        take_turn(case_id=item.case_id)  # before the item: whoever takes messages in does it in this order
    work_queries.lock(item)
    _refuse_unfit(item, content, files, by, forwards)
    assert item.case is not None
    message = _make(
        item.case,
        item,
        content,
        files,
        now,
        direction="out",
        channel=channel,
        key=key,
        person_id=by.person_id,
        state="sent" if at_once else "waiting",
        sent_at=now if at_once else None,
        external_id=external_id,
        sender=sender.address if sender else "",
        sender_name=sender.name if sender else "",
        recipients=[asdict(each) for each in recipients],
        forwards=forwards,
    )
    sent = [conversations_events.Sent(message.id)] if at_once else []
    _tell(message, now, by, _written(message), *sent)
    # A rule that writes has answered nobody, nor has a mail that answers nothing.
    answers = by.person_id is not None and forwards is None and not item.declared.begun_by_us
    if answers and item.state == "held" and item.reply_seconds is None:
        work.send_reply(item=item, by=by, now=now)
    return message


def _written(message: conversations_models.Message) -> conversations_events.ReplyWritten:
    """That a message was written: of a mail to whom, for an audit asks where a customer's words went."""
    to, cc, bcc = ([each.address for each in message.went_to.get(role, ())] or None for role in ("to", "cc", "bcc"))
    return conversations_events.ReplyWritten(message.id, message.channel, to, cc, bcc, message.forwards_id)


def _refuse_unfit(
    item: Item,
    content: conversations_messages.Content,
    files: Sequence[conversations_messages.File],
    by: Actor,
    forwards: conversations_models.Message | None,
) -> None:
    if item.case_id is None:
        raise Refused(_("This item belongs to no case, so there is nobody to write to."))
    _refuse_other_hands(item, by)
    if not content.text.strip() and not content.html.strip() and not files and forwards is None:
        raise Refused(_("Write something first."))
    if faults := conversations_messages.faults(list(files)):
        raise Refused(" ".join(faults))


def note(
    *,
    case: Case,
    text: str,
    by: Actor,
    now: datetime,
    item: Item | None = None,
    files: Sequence[conversations_messages.File] = (),
    key: str = "",
) -> conversations_models.Message:
    """Note something about a case for whoever works on it; the customer never sees it.

    The same key again is the same note.
    """
    if not (item and item.case_id == case.id and by.person_id and roles.consults(item.beside, by.person_id)):
        hands.admit_to_cases(by, "conversations.note", [case])
    if key:
        locks.hold("message.key", case.client_id, "", key)
        if known := conversations_queries.by_key(case.client_id, "", key):
            return known
    if not text.strip():
        raise Refused(_("Write something first."))
    if faults := conversations_messages.faults(list(files)):
        raise Refused(" ".join(faults))
    content = conversations_messages.Content(text)
    take_turn(case_id=case.id)
    message = _make(case, item, content, files, now, direction="note", state="noted", person_id=by.person_id, key=key)
    _tell(message, now, by, conversations_events.NoteWritten(message.id))
    return message


def keep_draft(*, item: Item, text: str, by: Person, now: datetime, envelope: Mapping[str, str] | None = None) -> None:
    """Keep what somebody has written so far about an item in their hands; nothing written, nothing kept any more.

    It is no fact: nothing has been said yet. Numbers are masked as in what is sent. Raises Refused in other hands.
    """
    if (text.strip() or envelope) and not roles.consults(item.beside, by.id):
        _refuse_other_hands(item, by)
    _keep_draft(item, text, envelope or {}, by.id, now)
    if readers := roles.people(item.beside):
        web_live.publish({f"messages:{each}" for each in readers})


def _keep_draft(item: Item, text: str, envelope: Mapping[str, str], person_id: int, now: datetime) -> None:
    if not text.strip() and not envelope:
        conversations_models.Draft.objects.filter(item=item, person=person_id).delete()
        return
    kept = _fit_to_keep(conversations_messages.Content(text), item, now)
    draft = conversations_models.Draft(
        client_id=item.client_id,
        item=item,
        person_id=person_id,
        text=kept.text,
        envelope={name: masks.mask(typed).text for name, typed in envelope.items()},
        kept_at=now,
    )
    conversations_models.Draft.objects.bulk_create(
        [draft], update_conflicts=True, unique_fields=["item", "person"], update_fields=["text", "envelope", "kept_at"]
    )


def delete_old_drafts(*, client_id: int, now: datetime) -> int:
    """Delete drafts that nobody has touched for long enough, some of them; returns how many."""
    days = retention_queries.days("drafts", client_id)
    old = conversations_models.Draft.objects.filter(client_id=client_id, kept_at__lt=kinds.before(now, days))
    found = list(old.order_by("id").values_list("id", flat=True)[:AT_A_TIME])
    conversations_models.Draft.objects.filter(id__in=found).delete()
    retention.tell(kind="drafts", count=len(found), days=days, now=now, client_id=client_id)
    return len(found)


def _refuse_other_hands(item: Item, by: Actor) -> None:
    """What is written to a customer is refused at its place, where it can still be copied, when the item has gone."""
    try:
        hands.admit(by, "conversations.reply", item)
    except hands.NotYours as gone:
        raise Refused(_("This item is not with you any more.")) from gone


def allow_pictures(*, message: conversations_models.Message, by: Actor, now: datetime) -> conversations_models.Message:
    """Let a message's HTML show pictures from elsewhere from now on; whoever keeps them learns that it is looked at."""
    permissions.admit(by, "conversations.read", client_id=message.client_id)
    if message.pictures_allowed_at is None:
        message.pictures_allowed_at = now
        message.save(update_fields=["pictures_allowed_at"])
        _tell(message, now, by, conversations_events.PicturesAllowed(message.id))
    return message


def inform(
    *,
    case: Case,
    channel: str,
    content: conversations_messages.Content,
    recipients: Sequence[conversations_messages.Address],
    by: Actor,
    now: datetime,
) -> conversations_models.Message:
    """Write to the customer about a case in nobody's name, such as a copy that they asked for.

    It answers nothing and belongs to no item: if it does not arrive, nobody has work with it.
    """
    permissions.admit(by, "work.send-in", client_id=case.client_id, own=False)
    take_turn(case_id=case.id)
    message = _make(
        case,
        None,
        content,
        (),
        now,
        direction="out",
        state="waiting",
        channel=channel,
        recipients=[asdict(each) for each in recipients],
    )
    _tell(message, now, by, _written(message))
    return message


def _make(
    case: Case,
    item: Item | None,
    content: conversations_messages.Content,
    files: Sequence[conversations_messages.File],
    now: datetime,
    **more: Any,
) -> conversations_models.Message:
    """Store a message; the caller has the turn of its case."""
    kept = asdict(_fit_to_keep(content, item, now))
    message = conversations_models.Message(client_id=case.client_id, case=case, item=item, said_at=now, **kept, **more)
    prepared.insert(message)
    _attach({message: files}, now)
    return message


def _attach(
    enclosed: Mapping[conversations_models.Message, Sequence[conversations_messages.File]], now: datetime
) -> None:
    """Keep the files of messages of one client."""
    pairs = [(message, each) for message, several in enclosed.items() for each in several]
    if not pairs:
        return
    handed = [files.Handed(each.content, each.media_type) for _, each in pairs]
    kept = files.keep(client_id=pairs[0][0].client_id, handed=handed, now=now)
    conversations_models.Attachment.objects.bulk_create(
        conversations_models.Attachment(
            client_id=message.client_id,
            message=message,
            name=each.name,
            media_type=each.media_type,
            content_id=each.content_id,
            size=len(each.content),
            file=file,
        )
        for (message, each), file in zip(pairs, kept, strict=True)
    )


def _tell(message: conversations_models.Message, now: datetime, by: Actor, *happened: Event) -> None:
    """Record facts about a message, and name it to the desks of those who are on its item."""
    about = (message.client_id, message.item_id, message.case_id)
    entries = [Entry(event, now, *about, by=by) for event in happened]
    event_log.record_under(entries[0].topics() | _desks(message), entries)


def _desks(message: conversations_models.Message) -> set[str]:
    if message.item is None:
        return set()
    return {f"messages:{each}" for each in roles.on_it(message.item)}


def delete_expired(*, client_id: int, now: datetime) -> int:
    """Delete what attachments held whose case was resolved long enough ago, some of them; returns how many.

    Their names stay. Nothing goes while a case is open, or while the client disputes a figure.
    """
    days = retention_queries.days("attachments", client_id)
    due = kinds.before(now, days)
    if periods_queries.disputes(client_id, states=[period_months.RAISED]).exists():
        return 0
    old = conversations_models.Attachment.objects.select_for_update(of=("self",), skip_locked=True).filter(
        client_id=client_id, file__isnull=False, message__case__resolved_at__lt=due, message__said_at__lt=due
    )
    found = list(old.order_by("id")[:AT_A_TIME])
    conversations_models.Attachment.objects.filter(id__in=[each.id for each in found]).update(file=None)
    files.release(file_ids=[each.file_id for each in found], now=now)
    retention.tell(kind="attachments", count=len(found), days=days, now=now, client_id=client_id)
    return len(found)


# --- what becomes of a reply --------------------------------------------------------------------------------------


def name(
    *, message: conversations_models.Message, external_id: str, sender: conversations_messages.Address, by: Actor
) -> conversations_models.Message:
    """Give a reply the name by which its channel knows it, and the address that it comes from."""
    permissions.admit(by, "messages.deliver")
    message.external_id, message.sender, message.sender_name = external_id, sender.address, sender.name
    message.save(update_fields=["external_id", "sender", "sender_name"])
    return message


def start_sending(*, message: conversations_models.Message, by: Actor, now: datetime) -> conversations_models.Message:
    """The channel takes a reply in hand: from now on nobody can withdraw it."""
    permissions.admit(by, "messages.deliver")
    return _become(message, "sending", conversations_events.SendingBegan(message.id), by, now)


def mark_delayed(
    *, message: conversations_models.Message, reason: str, by: Actor, now: datetime
) -> conversations_models.Message:
    """The channel could not deliver a reply yet and tries again; meanwhile it can be withdrawn."""
    permissions.admit(by, "messages.deliver")
    said = masks.mask(reason).text
    return _become(message, "waiting", conversations_events.Delayed(message.id, said), by, now, fault=said)


def mark_sent(
    *, message: conversations_models.Message, by: Actor, now: datetime, fault: str = ""
) -> conversations_models.Message:
    """The channel has taken a reply over; `fault` says for whom it did not."""
    permissions.admit(by, "messages.deliver")
    return _become(message, "sent", conversations_events.Sent(message.id), by, now, sent_at=now, fault=fault)


def mark_read(*, messages: Sequence[conversations_models.Message], by: Actor, now: datetime) -> None:
    """The customer has seen these replies, which are sent and were not seen before, and are locked with their items."""
    permissions.admit(by, "work.send-in", own=False)
    if not messages:
        return
    for each in messages:
        each.state, each.read_at = "read", now
        prepared.update(each, "state", "read_at")
    entries = [
        Entry(conversations_events.Read(each.id), now, each.client_id, each.item_id, each.case_id, by=by)
        for each in messages
    ]
    named = set().union(*(entry.topics() for entry in entries), *map(_desks, messages))
    # Not the case: who listens to it is the customer's own page, which is where they were read.
    named -= {f"case:{each.case_id}" for each in messages}
    event_log.record_under(named, entries)


def mark_undelivered(
    *, message: conversations_models.Message, reason: str, by: Actor, now: datetime
) -> conversations_models.Message:
    """A reply did not arrive, as the channel says now or said only after it had taken it over."""
    permissions.admit(by, "messages.deliver")
    said = masks.mask(reason).text  # servers quote what they refuse
    return _become(message, "failed", conversations_events.Undelivered(message.id, said), by, now, fault=said)


def try_again(*, message: conversations_models.Message, by: Actor, now: datetime) -> conversations_models.Message:
    """Let the channel try once more to deliver a reply that failed."""
    permissions.admit(by, "mail.look-after", client_id=message.client_id)
    return _become(message, "waiting", conversations_events.TriedAgain(message.id), by, now, fault="")


def withdraw(
    *, message: conversations_models.Message, by: Actor, now: datetime, envelope: Mapping[str, str] | None = None
) -> conversations_models.Message:
    """Take a reply back that the channel has not yet taken over; its writer has it as the draft again.

    `envelope` is the draft's, as it is typed: where nobody touched it, there is none.
    """
    if by.person_id is not None and message.person_id == by.person_id:
        permissions.admit(by, "conversations.note")
    else:
        hands.admit_to_cases(by, "conversations.note", [message.case])
    message = _become(message, "withdrawn", conversations_events.Withdrawn(message.id), by, now)
    if message.item is not None and message.person_id is not None:
        begun = conversations_queries.draft(message.item.id, message.person_id)
        written = "\n".join(filter(None, [message.text, begun.text]))
        _keep_draft(message.item, written, envelope or begun.envelope, message.person_id, now)
    return message


def _become(
    message: conversations_models.Message,
    state: str,
    event: Event,
    by: Actor,
    now: datetime,
    **columns: Any,
) -> conversations_models.Message:
    message = conversations_models.Message.objects.select_for_update().get(id=message.id)
    conversations_messages.allow(message.state, event.name)
    for column, value in (columns | {"state": state}).items():
        setattr(message, column, value)
    message.save(update_fields=["state", *columns])
    _tell(message, now, by, event)
    return message


# --- cases that were one, or two -----------------------------------------------------------------------------------


def classify(*, case: Case, kind: str, by: Actor, now: datetime) -> Case:
    """Say what a case is after all: a complaint, a request, a question or a lead."""
    hands.admit_to_cases(by, "conversations.note", [case])
    if kind not in lifecycle.CASE_KINDS:
        raise Refused(_("Choose what it is: {kinds}.").format(kinds=", ".join(map(_, lifecycle.CASE_KINDS))))
    if case.kind != kind:
        case.kind = kind
        case.save(update_fields=["kind"])
        said = conversations_events.CaseClassified(kind)
        event_log.record(said, at=now, client_id=case.client_id, case_id=case.id, by=by)
    return case


def merge(*, case: Case, into: Case, by: Actor, now: datetime) -> Case:
    """Two cases are one: all work and all messages of `case` belong to `into`, and `case` is closed.

    Raises Refused for another client's or another customer's case.
    """
    hands.admit_to_cases(by, "conversations.note", [case, into])
    if case.id == into.id or case.client_id != into.client_id:
        raise Refused(_("Choose another case of the same client."))
    if len({each for each in (_whose(case), _whose(into)) if each}) > 1 and (
        case.claimed_reference or into.claimed_reference
    ):
        raise Refused(_("Nobody has confirmed yet who wrote in one of these cases. Do that first."))
    if case.customer_id and into.customer_id and case.customer_id != into.customer_id:
        raise Refused(_("These cases are of two customers; what one wrote is not for the other."))
    ordered = Case.objects.select_for_update().filter(id__in=[case.id, into.id]).order_by("id")
    list(ordered)  # two merges that cross happen one after the other
    Item.objects.filter(case=case).update(case=into)
    conversations_models.Message.objects.filter(case=case).update(case=into)
    Case.objects.filter(id=case.id, resolved_at=None).update(resolved_at=now)
    Case.objects.filter(id=into.id).update(
        resolved_at=None,
        customer=into.customer_id or case.customer_id,
        claimed_reference=into.claimed_reference or case.claimed_reference,
        claimed_name=into.claimed_name or case.claimed_name,
    )
    merged = conversations_events.CaseMerged(into.id)
    event_log.record(merged, at=now, client_id=case.client_id, case_id=case.id, by=by)
    into.refresh_from_db()
    return into


def _whose(case: Case) -> tuple[str, object] | None:
    """Whose a case is: a customer's, or that of whoever says to be one."""
    if case.claimed_reference:
        return ("claimed", case.claimed_reference)
    return ("known", case.customer_id) if case.customer_id else None


def split(*, item: Item, subject: str, by: Actor, now: datetime) -> Case:
    """An item is about something else: it gets a case of its own, with its messages, of the same customer."""
    _refuse_other_hands(item, by)
    if item.case is None:
        raise Refused(_("This item belongs to no case."))
    if not Item.objects.filter(case=item.case).exclude(id=item.id).exists():
        raise Refused(_("There is nothing else in this case to be split from."))
    old, named = item.case, masks.mask(subject.strip()).text or item.title
    new = Case.objects.create(
        client_id=item.client_id,
        customer_id=old.customer_id,
        claimed_reference=old.claimed_reference,
        claimed_name=old.claimed_name,
        kind=old.kind,
        subject=named,
        opened_at=now,
    )
    Item.objects.filter(id=item.id).update(case=new)
    conversations_models.Message.objects.filter(item=item).update(case=new)
    split_off = conversations_events.CaseSplit(old.id, item.id)
    event_log.record(split_off, at=now, client_id=item.client_id, item_id=item.id, case_id=new.id, by=by)
    return new
