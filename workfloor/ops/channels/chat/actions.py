"""Widgets are added; chats begin, go on and end, each as work like any other; visitors get copies by mail."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import CUSTOMER, Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.work import actions as work
from workfloor.core.work import hands
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.models import Item
from workfloor.kit.database import locks, prepared
from workfloor.kit.declarations import field
from workfloor.kit.text import masks
from workfloor.kit.web import live as web_live
from workfloor.ops.channels.chat import events as chat_events
from workfloor.ops.channels.chat import models as chat_models
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import transcripts, visitors, widget_file
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.channels.email import delivering
from workfloor.ops.channels.email.models import Mailbox

CHANNEL = chat_queries.CHANNEL


class Refused(permissions.Refused):
    """What somebody of ours asked for cannot be done with this widget or chat. A visitor is told visitors.Refused."""


# --- widgets ------------------------------------------------------------------------------------------------------
_ADDRESS: Final = settings.WORKFLOOR_URL or f"http://{settings.WORKFLOOR_BIND}"
_ORIGINS: Final = field(
    "Sites", "Those that may use it, as https://www.example.com.", most=300, as_option=True, flag="origin"
)
_SETTINGS: Final = field(
    "Settings",
    "Its words, questions and times, as TOML; see docs/guide/chat.md.",
    most=100_000,
    from_file=True,
    flag="settings",
)


@action(
    "Add a chat widget",
    permission="channels.set-up",
    command="channels widget add",
    says=f'Put this on its pages: <script src="{_ADDRESS}/chat/widget.js" data-widget="{{result}}" async></script>',
    example="workfloor channels widget add first-bank/chats --origin https://www.first-bank.example",
)
def add_widget(
    *,
    queue: Queue,
    origins: Annotated[Sequence[str], _ORIGINS],
    source: Annotated[str, _SETTINGS] = widget_file.USUAL,
    by: Actor,
    now: datetime,
) -> chat_models.Widget:
    """Let a client's site chat into a queue. Signed in, it can be tried at /chat/demo/KEY/."""
    _check(queue.client, origins, source)
    widget = chat_models.Widget.objects.create(
        client=queue.client,
        queue=queue,
        key=secrets.token_urlsafe(12),
        origins=list(origins),
        source=source,
        added_at=now,
    )
    added = chat_events.WidgetAdded(widget.id, queue.id, list(origins), widget.key, source or None)
    event_log.record(added, at=now, client_id=queue.client_id, by=by)
    return widget


@action(
    "Change a chat widget",
    permission="channels.set-up",
    command="channels widget change",
    says="{widget} is changed.",
    example="workfloor channels widget change Zm9vYmFyYmF6cXV4 --queue first-bank/chats",
)
def change_widget(
    *,
    widget: chat_models.Widget,
    queue: Annotated[Queue | None, field("Queue", "In which its chats wait from now on.")] = None,
    origins: Annotated[Sequence[str], _ORIGINS] = (),
    source: Annotated[str | None, _SETTINGS] = None,
    by: Actor,
    now: datetime,
) -> chat_models.Widget:
    """Give a widget another queue, other sites or other settings; what is not given stays, and so does its key."""
    queue, origins, source = queue or widget.queue, list(origins) or widget.origins, source or widget.source
    if queue.client_id != widget.client_id:
        raise Refused(
            _("{name} is {client}'s; choose a queue of theirs.").format(name=widget, client=widget.client.slug)
        )
    _check(widget.client, origins, source)
    before = _told(widget)
    widget.queue, widget.origins, widget.source = queue, origins, source
    widget.save(update_fields=["queue", "origins", "source"])
    after = {name: each for name, each in _told(widget).items() if each != before[name]}
    before = {name: before[name] for name in after}
    changed = chat_events.WidgetChanged(widget.id, queue.id, origins, before, after)
    event_log.record(changed, at=now, client_id=widget.client_id, by=by)
    return widget


def _told(widget: chat_models.Widget) -> dict[str, Any]:
    return {"queue": widget.queue.name, "origins": widget.origins, "settings": widget.source}


def _check(client: Client, origins: Sequence[str], source: str) -> None:
    if not origins:
        raise Refused(_("Say from which sites the widget may be used, such as https://www.example.com."))
    if wrong := [each for each in origins if not visitors.is_origin(each)]:
        raise Refused(
            _("No origin: {wrong}. Write scheme and host alone, such as https://www.example.com.").format(
                wrong=", ".join(wrong)
            )
        )
    widget_file.read(source, list(Queue.objects.filter(client=client).values_list("name", flat=True)))


@action(
    "Withdraw a chat widget",
    permission="channels.set-up",
    command="channels widget withdraw",
    says="{widget} is withdrawn.",
    example="workfloor channels widget withdraw Zm9vYmFyYmF6cXV4",
)
def withdraw_widget(*, widget: chat_models.Widget, by: Actor, now: datetime) -> None:
    """End a widget at once; its page shows nothing from then on."""
    widget.withdrawn_at = now
    widget.save(update_fields=["withdrawn_at"])
    event_log.record(chat_events.WidgetWithdrawn(widget.id), at=now, client_id=widget.client_id, by=by)


# --- the visitor's side -------------------------------------------------------------------------------------------
def begin(
    *,
    widget: chat_models.Widget,
    secret: str,
    key: str,
    message: str,
    answers: Mapping[str, Any],
    address: str,
    now: datetime,
    page: str = "",
    language: str = "",
) -> chat_models.Chat:
    """Begin a chat with its first message; the same secret again is the same chat. It waits as any work does."""
    locks.hold("chat.secret", widget.client_id, visitors.digest(secret))
    if known := chat_queries.by_secret(widget.client_id, secret):
        say(chat=known, key=key, text=message, now=now)
        return known
    if not chat_queries.is_open(widget.queue, now):
        raise visitors.Refused(visitors.Fault("closed"))
    given = _answers(chat_queries.settings(widget), answers)
    text = visitors.text(message)
    if visitors.too_many(chat_queries.begun_lately(widget.client_id, visitors.digest(address), now), visitors.CHATS_IN):
        raise visitors.TooMany(visitors.Fault("too-many-chats"))
    item = _receive(widget, visitors.item_key(visitors.digest(secret)), text, given, now)
    assert item.case is not None
    chat = chat_models.Chat.objects.create(
        client_id=widget.client_id,
        widget=widget,
        case=item.case,
        item=item,
        digest=visitors.digest(secret),
        address_digest=visitors.digest(address),
        page=page[:500],
        language=language[:12],
        answers=given,
        opened_at=now,
        seen_at=now,
        said_at=now,
    )
    _take(chat, key, text, [], now)
    return chat


def _receive(
    widget: chat_models.Widget, key: str, text: str, given: Mapping[str, str], now: datetime, **more: Any
) -> Item:
    questions = chat_queries.settings(widget).questions
    reference = visitors.answer_of("email", questions, given).lower() or visitors.answer_of("phone", questions, given)
    name = visitors.answer_of("name", questions, given)
    customer = work.Customer(reference, name, is_claimed=True) if reference else None  # whoever types it
    item, _ = work.receive(
        queue=widget.queue,
        key=key,
        now=now,
        title=_title(text),
        payload=dict(given),
        kind="chat",
        customer=None if "case" in more else customer,
        case_kind="question",
        by=CUSTOMER,
        **more,
    )
    return item


def _answers(settings: visitors.Settings, sent: Mapping[str, Any]) -> dict[str, str]:
    """A visitor's answers, numbers masked but where to reach them: a telephone's may pass for a card's."""
    kinds = {each.name: each.kind for each in settings.questions}
    given = visitors.answers(settings.questions, sent)
    return {
        name: answer if kinds[name] in ("email", "phone") else masks.mask(answer).text for name, answer in given.items()
    }


def _title(text: str) -> str:
    return visitors.title(masks.mask(text).text)


def say(
    *, chat: chat_models.Chat, key: str, text: str, now: datetime, files: Sequence[File] = ()
) -> tuple[Message, bool]:
    """Take a visitor's message; the same key again is the same message. A chat that was over goes on as new work.

    Raises rules.TooMany when the visitor sends faster than people write.
    """
    chat = chat_queries.held(chat)
    known, lately, is_known = chat_queries.said(chat, _named(chat, key), now)
    if is_known and (same := conversations_queries.by_key(chat.client_id, CHANNEL, _named(chat, key))):
        return same, False
    text = visitors.text(text) if text or not files else ""
    if visitors.too_many(lately, visitors.MESSAGES_IN):
        raise visitors.TooMany(visitors.Fault("too-quick"))
    if files and visitors.too_many(chat_queries.files_lately(chat, now), visitors.FILES_IN):
        raise visitors.TooMany(visitors.Fault("too-many-files"))
    if known >= visitors.MOST_MESSAGES:
        raise visitors.Refused(visitors.Fault("full"))
    _go_on(chat, text, now)
    return _take(chat, key, text, files, now), True


def _named(chat: chat_models.Chat, key: str) -> str:
    # A key is unique within its chat, so no visitor can find out or take another's.
    return f"{chat.id}/{key}"


def _take(chat: chat_models.Chat, key: str, text: str, files: Sequence[File], now: datetime) -> Message:
    conversations.take_turn(case_id=chat.case_id)
    said = conversations.Incoming(
        chat.case, _named(chat, key), _sender(chat), Content(text), now, item=chat.item, files=files
    )
    [message] = conversations.receive_all(channel=CHANNEL, incoming=[said], by=CUSTOMER, now=now)
    chat.said_at = now
    prepared.update(chat, "said_at")
    return message


def _sender(chat: chat_models.Chat) -> Address:
    questions = chat_queries.settings(chat.widget).questions
    email, name = (visitors.answer_of(kind, questions, chat.answers) for kind in ("email", "name"))
    return Address(email, name)


def _go_on(chat: chat_models.Chat, text: str, now: datetime) -> None:
    """Make the chat open again where it was over: its item was ended, so a new one of the same case waits."""
    if chat.closed_at is None and chat.item.state not in ("done", "abandoned", "cancelled", "wrapping"):
        return
    if chat.item.state in ("done", "abandoned", "cancelled", "wrapping"):
        if not chat_queries.is_open(chat.widget.queue, now):
            raise visitors.Refused(visitors.Fault("closed"))
        count = Item.objects.filter(case_id=chat.case_id).count()
        key = f"{visitors.item_key(chat.digest)}-{count}"
        left = chat.item if chat_queries.keeps_place(chat, now) else None
        chat.item = _receive(chat.widget, key, text or "A file", chat.answers, now, case=chat.case)
        if left is not None and chat.item.state == "waiting":
            chat.item = work.stand_since(item=chat.item, since=left.place_at, by=CUSTOMER, now=now)
    chat.closed_at, chat.closed_as = None, ""
    chat.save(update_fields=["item", "closed_at", "closed_as"])
    _tell(chat, chat_events.GoneOn(), CUSTOMER, now)


def come_back(*, chat: chat_models.Chat, now: datetime) -> None:
    """The visitor waits again whose page was closed for too long, at the place they had; who waits already does so."""
    chat = chat_queries.held(chat)
    if chat_queries.keeps_place(chat, now):
        _go_on(chat, chat.item.title, now)


def leave(*, chat: chat_models.Chat, now: datetime) -> None:
    """The visitor ends the chat; one who was still waiting has left before being answered."""
    close(chat=chat, ended_as="visitor", by=CUSTOMER, now=now)


def close(*, chat: chat_models.Chat, ended_as: str, by: Actor, now: datetime) -> None:
    """The chat is over; its item goes with it if nobody has it yet, else whoever has it ends it."""
    permissions.admit(by, "work.send-in", client_id=chat.client_id, own=False)
    chat = chat_queries.locked(chat.id)
    if chat.closed_at is not None:
        return
    if chat.item.state in ("waiting", "offered"):
        work.abandon(item=chat.item, by=by, now=now)
    chat.closed_at, chat.closed_as = now, ended_as
    chat.save(update_fields=["closed_at", "closed_as"])
    _tell(chat, chat_events.Closed(ended_as), by, now)


def rate(*, chat: chat_models.Chat, score: int, comment: str, now: datetime) -> None:
    """The visitor says how satisfied they are, 1 to 5; the last answer counts."""
    if score not in visitors.SCORES:
        raise visitors.Refused(visitors.Fault("no-score"))
    chat = chat_queries.locked(chat.id)
    if not chat_queries.was_taken(chat):
        raise visitors.Refused(visitors.Fault("not-answered"))
    chat.score, chat.comment = score, masks.mask(visitors.text(comment)).text if comment.strip() else ""
    chat.save(update_fields=["score", "comment"])
    _tell(chat, chat_events.Rated(score), CUSTOMER, now)


def read(*, chat: chat_models.Chat, up_to: int, now: datetime) -> None:
    """The visitor has seen our messages up to one."""
    conversations.mark_read(messages=chat_queries.unread(chat, up_to), by=CUSTOMER, now=now)


def turn(
    *,
    widget: chat_models.Widget,
    into: str,
    contact: str,
    text: str,
    key: str,
    address: str,
    now: datetime,
    chat: chat_models.Chat | None = None,
) -> Item:
    """Leave word instead of chatting: an email to answer or a call to make. A chat that was waiting ends with it.

    A call is made in the hours of its queue. The same key again is the same word.
    """
    locks.hold("chat.word", widget.client_id, key)
    contact, text = contact.strip(), visitors.text(text)
    payload = {"contact": contact, "message": masks.mask(text).text}
    if known := chat_queries.word(widget.client_id, key, now):
        if known.payload != payload:
            raise visitors.Refused(visitors.Fault("sent-already"))
        return known
    _refuse_word(widget, into, contact, address, now, chat)
    settings = chat_queries.settings(widget)
    queue = Queue.objects.get(client_id=widget.client_id, name=settings.instead[into])
    name = visitors.answer_of("name", settings.questions, chat.answers if chat else {})
    customer = work.Customer(contact.lower(), name, is_claimed=True)
    item, _ = work.receive(
        queue=queue,
        key=f"{visitors.word_key(visitors.digest(address))}{key}",
        now=now,
        title=_title(text),
        kind=into,
        payload=payload,
        customer=None if chat else customer,
        case=chat.case if chat else None,
        case_kind="question",
        not_before=chat_queries.next_open(queue, now) if work_kinds.KINDS[into].holdable else None,
        by=CUSTOMER,
    )
    _word(item, into, contact, text, now)
    if chat:
        close(chat=chat, ended_as="turned", by=CUSTOMER, now=now)
        _tell(chat, chat_events.Turned(into), CUSTOMER, now)
    return item


def _refuse_word(
    widget: chat_models.Widget, into: str, contact: str, address: str, now: datetime, chat: chat_models.Chat | None
) -> None:
    if chat and (chat.closed_at is not None or chat.item.state not in ("waiting", "offered")):
        raise visitors.Refused(visitors.Fault("somebody-is-there"))
    if into not in chat_queries.settings(widget).instead:
        raise visitors.Refused(visitors.Fault("not-offered"))
    if fault := visitors.contact_fault(into, contact):
        raise visitors.Refused(fault)
    if visitors.too_many(chat_queries.words_lately(widget.client_id, visitors.digest(address), now), visitors.WORDS_IN):
        raise visitors.TooMany(visitors.Fault("too-many-words"))


def _word(item: Item, into: str, contact: str, text: str, now: datetime) -> None:
    assert item.case is not None
    channel, sender = (
        (work_kinds.KINDS[into].channel, Address(contact))
        if work_kinds.KINDS[into].is_mail
        else (CHANNEL, Address("", contact))
    )
    conversations.receive(
        case=item.case,
        item=item,
        channel=channel,
        key=f"word-{item.id}",
        sender=sender,
        content=Content(text),
        by=CUSTOMER,
        now=now,
    )


# --- our side -----------------------------------------------------------------------------------------------------
def reply(
    *, chat: chat_models.Chat, by: Actor, text: str, now: datetime, key: str = "", files: Sequence[File] = ()
) -> Message:
    """Write to the visitor, whose page shows it at once; the same key again is the same reply."""
    chat = chat_queries.held(chat)
    if chat.closed_at is not None and chat.closed_as != "silence":
        raise Refused(_("The visitor has gone; nobody would read this. Write a note, or an email."))
    named = _named(chat, f"reply/{key}") if key else ""
    message = conversations.reply(
        item=chat.item,
        channel=CHANNEL,
        content=Content(text),
        recipients=[_sender(chat)],
        now=now,
        by=by,
        files=files,
        key=named,
        at_once=True,
    )
    chat.replied_at = message.said_at
    prepared.update(chat, "replied_at")
    return message


_SEE = f"""
WITH seen AS (
    UPDATE {chat_models.Chat._meta.db_table} SET read_by_us = %s WHERE id = %s AND read_by_us < %s RETURNING id
)
SELECT pg_notify(%s, %s) FROM seen
"""


def see(*, chat: chat_models.Chat, up_to: int, by: Actor) -> None:
    """An agent has seen the visitor's messages up to one; the visitor's page says so."""
    hands.admit(by, "work.handle", chat.item)
    with connection.cursor() as cursor:
        notice = web_live.payload({f"case:{chat.case_id}"})
        cursor.execute(_SEE, [up_to, chat.id, up_to, web_live.CHANNEL, notice])


def type_to_visitor(*, chat: chat_models.Chat, by: Actor) -> None:
    """Let the visitor's page show that somebody is writing; nothing is kept of it."""
    hands.admit(by, "work.handle", chat.item)
    web_live.publish({f"typing:chat:{chat.id}"})


def type_to_us(*, chat: chat_models.Chat) -> None:
    """Let the agent's desk show that the visitor is writing; nothing is kept of it."""
    if chat.item.person_id:
        web_live.publish({f"typing:{chat.item.person_id}:{chat.item_id}"})


# --- what time brings ---------------------------------------------------------------------------------------------
_NOTE_SEEN = f"""
UPDATE {chat_models.Chat._meta.db_table} SET seen_at = %s WHERE id IN (
    SELECT id FROM {chat_models.Chat._meta.db_table} WHERE id = ANY (%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
"""


def note_seen(*, chat_ids: Sequence[int], now: datetime) -> None:
    """The pages of these chats are open. One that is just written to is left for the next time: nobody waits for it."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_SEEN, [now, list(chat_ids)])


def sweep(*, by: Actor, now: datetime) -> int:
    """End the chats whose visitors have left or fallen silent; returns how many."""
    permissions.admit(by, "work.send-in", own=False)
    ended = 0
    for chat_id in chat_queries.suspects(now):
        chat = chat_queries.locked(chat_id)  # who has come back meanwhile stays
        if ended_as := _gone(chat, now):
            close(chat=chat, ended_as=ended_as, by=by, now=now)
            ended += 1
    return ended


def _gone(chat: chat_models.Chat, now: datetime) -> str:
    if chat.closed_at is not None:
        return ""
    watched = visitors.Watched(chat.item.state, chat.seen_at, chat.said_at, chat.replied_at)
    return visitors.gone(watched, chat_queries.settings(chat.widget), now)


def close_with(*, item_ids: Sequence[int], by: Actor, now: datetime) -> None:
    """Their items have ended: so have these chats, and their visitors are told and asked how it was."""
    permissions.admit(by, "work.send-in", own=False)
    for chat in chat_queries.chats().filter(item_id__in=item_ids, closed_at=None).order_by("id"):
        close(chat=chat, ended_as="agent", by=by, now=now)


def move(*, item_ids: Sequence[int], now: datetime) -> None:
    """The items of these chats belong to other cases now, and the chats with them."""
    for chat in chat_queries.chats().filter(item_id__in=item_ids).order_by("id"):
        locked = chat_queries.locked(chat.id)
        locked.case = locked.item.case  # type: ignore[assignment]
        locked.save(update_fields=["case"])
        web_live.publish({f"case:{chat.case_id}", f"case:{locked.case_id}"})


def _tell(chat: chat_models.Chat, event: Event, by: Actor, now: datetime) -> None:
    event_log.record(event, at=now, client_id=chat.client_id, item_id=chat.item_id, case_id=chat.case_id, by=by)


def send_transcript(
    *, chat: Chat, to: str, key: str, address: str, zone: object, now: datetime
) -> chat_models.Transcript:
    """Put a copy of a chat, as it is now, on its way to `to`; the same key again is the same copy.

    `address` is the visitor's network, `zone` what their browser said of its time zone. Raises chat.rules.Refused
    where the client has no mailbox, nobody has answered yet or `to` is no address, and TooMany.
    """
    locks.hold("chat.transcript", chat.client_id)  # counted one after the other
    if known := chat_queries.asked(chat, key):
        return known
    mailbox, recipient = _mailbox(chat), transcripts.address(to)
    digests = visitors.digest(address), visitors.digest(recipient.lower())
    _refuse_too_many(chat, *digests, now)
    written = chat_queries.transcript_written(chat, transcripts.zone(zone, chat_queries.zone_of(chat, now)), now)
    content = Content(
        written.say("intro"), transcripts.as_text(written), transcripts.as_html(written), written.say("subject")
    )
    message = conversations.inform(
        case=chat.case, channel="email", content=content, recipients=[Address(recipient)], by=CUSTOMER, now=now
    )
    delivering.post(message=message, mailbox=mailbox, now=now)
    _tell(chat, chat_events.TranscriptAsked(message.id), CUSTOMER, now)
    return chat_models.Transcript.objects.create(
        client_id=chat.client_id,
        chat=chat,
        message=message,
        key=key,
        address_digest=digests[0],
        recipient_digest=digests[1],
        asked_at=now,
    )


def _mailbox(chat: Chat) -> Mailbox:
    found = chat_queries.mailbox(chat)
    if found is None:
        raise visitors.Refused(visitors.Fault("no-copy"))
    if not chat_queries.is_answered(chat):
        raise visitors.Refused(visitors.Fault("nothing-to-copy"))
    return found


def _refuse_too_many(chat: Chat, network: str, recipient: str, now: datetime) -> None:
    counts = (
        (chat_queries.count_of(chat), transcripts.COPIES_OF_CHAT),
        (chat_queries.count_from(chat.client_id, network, now), transcripts.COPIES_FROM),
        (chat_queries.count_to(chat.client_id, recipient, now), transcripts.COPIES_TO),
    )
    if any(count >= most for count, most in counts):
        raise visitors.TooMany(visitors.Fault("too-many-copies"))
