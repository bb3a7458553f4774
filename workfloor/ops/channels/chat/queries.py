"""Reading widgets and chats, and what a copy of a chat says."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core import signing
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import formats, translation

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations.models import Attachment, Message
from workfloor.core.work.models import Item
from workfloor.kit import declarations
from workfloor.kit.database.prepared import PreparedQuery
from workfloor.kit.text import masks
from workfloor.kit.time import calendars
from workfloor.ops.channels.chat import models as chat_models
from workfloor.ops.channels.chat import transcripts, visitors, widget_file
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Mailbox

CHANNEL = "chat"
_SIGNED_FOR = "workfloor.chat"
_MESSAGES = Message._meta.db_table


def widget(key: str) -> chat_models.Widget | None:
    """A widget that is in use, by its public key, if it is inside the wall."""
    return widgets().filter(key=key, withdrawn_at=None).first()


def widgets() -> QuerySet[chat_models.Widget]:
    """The widgets inside the wall, newest first."""
    return chat_models.Widget.objects.select_related("client", "queue").order_by("-id")


def settings(widget: chat_models.Widget) -> visitors.Settings:
    """How a widget behaves."""
    return widget_file.stored(widget.source)


def chats() -> QuerySet[chat_models.Chat]:
    """The chats inside the wall, with what every use of them needs."""
    return chat_models.Chat.objects.select_related("widget", "case", "item")


_OF_ITEM = PreparedQuery(lambda item_id: chat_models.Chat.objects.select_related("item").filter(item_id=item_id))

_IN_HANDS = PreparedQuery(
    lambda item_id, person_id: chat_models.Chat.objects.select_related("item").filter(
        item_id=item_id, item__person=person_id
    )
)

_LOCKED = PreparedQuery(lambda chat_id: chats().select_for_update(of=("self",)).filter(id=chat_id))

_OF_ITEM_LOCKED = PreparedQuery(lambda item_id: chats().select_for_update(of=("self",)).filter(item_id=item_id))


def of_item(item_id: int) -> chat_models.Chat | None:
    """The chat whose present item this is."""
    return _OF_ITEM.one(item_id)


def in_hands(person_id: int, item_id: int) -> chat_models.Chat | None:
    """The chat of an item that somebody has in hand."""
    return _IN_HANDS.one(item_id, person_id)


def locked(chat_id: int) -> chat_models.Chat:
    """The chat as it is now, locked until the transaction ends: what happens to it happens one after the other."""
    found = _LOCKED.one_locked(chat_id)
    if found is None:
        raise chat_models.Chat.DoesNotExist
    return _held(found)


def of_item_locked(item_id: int) -> chat_models.Chat | None:
    """The chat whose present item this is, locked likewise."""
    found = _OF_ITEM_LOCKED.one(item_id)
    return _held(found) if found else None


def held(chat: chat_models.Chat) -> chat_models.Chat:
    """The chat as it is now and locked, read again unless it was read so in this transaction already."""
    return chat if chat.is_held else locked(chat.id)


def _held(chat: chat_models.Chat) -> chat_models.Chat:
    chat.is_held = True
    if chat.item.case_id == chat.case_id:
        chat.item.case = chat.case
    return chat


def by_secret(client_id: int, secret: str) -> chat_models.Chat | None:
    """The chat that a visitor's browser has begun with this secret."""
    return chats().filter(client_id=client_id, digest=visitors.digest(secret)).first()


def written(chat: chat_models.Chat, secret: str) -> str:
    """The token with which a visitor's page comes back to its chat: signed, so that a forged one costs no look-up."""
    return signing.Signer(salt=_SIGNED_FOR).sign(f"{chat.client_id}.{chat.id}.{secret}")


@dataclass(frozen=True)
class Token:
    """What a visitor's token says."""

    client_id: int
    chat_id: int
    secret: str


def token(written: str) -> Token | None:
    """Read a visitor's token; None if we never signed it."""
    try:
        client, chat, secret = signing.Signer(salt=_SIGNED_FOR).unsign(written).split(".")
    except (signing.BadSignature, ValueError):
        return None
    return Token(int(client), int(chat), secret)


_ADMITTED = PreparedQuery(
    lambda chat_id, digest: (
        chat_models.Chat.objects.select_related("widget")
        .only("client_id", "case_id", "item_id", "digest", "closed_at", "widget__key", "widget__origins")
        .filter(id=chat_id, digest=digest, widget__withdrawn_at=None)
    )
)


def admitted(token: Token, now: datetime) -> chat_models.Chat | None:
    """The one chat that a token opens, until a day after it is over; its client has been entered."""
    chat = _ADMITTED.one(token.chat_id, visitors.digest(token.secret))
    return None if chat and _is_over(chat, now) else chat


_ADMITTED_LOCKED = PreparedQuery(
    lambda chat_id, digest: (
        chats().select_for_update(of=("self",)).filter(id=chat_id, digest=digest, widget__withdrawn_at=None)
    )
)


def admitted_locked(token: Token, now: datetime) -> chat_models.Chat | None:
    """The same of who writes: the chat is locked, so that it need not be read again."""
    chat = _ADMITTED_LOCKED.one_locked(token.chat_id, visitors.digest(token.secret))
    return None if chat is None or _is_over(chat, now) else _held(chat)


def _is_over(chat: chat_models.Chat, now: datetime) -> bool:
    """Whether its token opens it no more."""
    return chat.closed_at is not None and now >= chat.closed_at + visitors.OVER_AFTER


# --- limits -------------------------------------------------------------------------------------------------------
_COUNTED = f"""
SELECT count(*), count(*) FILTER (WHERE said.direction = 'in' AND said.said_at > %s),
    EXISTS (SELECT FROM {_MESSAGES} WHERE client_id = %s AND channel = '{CHANNEL}' AND key = %s)
FROM {_MESSAGES} AS said JOIN {Item._meta.db_table} AS item ON item.id = said.item_id
WHERE said.case_id = %s AND said.channel = '{CHANNEL}' AND starts_with(item.key, %s)
"""


def said(chat: chat_models.Chat, key: str, now: datetime) -> tuple[int, int, bool]:
    """How many messages a chat has, how many the visitor sent within the time that is limited, and whether this one.

    `key` is the message's, as it is stored.
    """
    since, item_key = now - visitors.MESSAGES_IN[1], visitors.item_key(chat.digest)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [since, chat.client_id, key, chat.case_id, item_key])
        every, lately, is_known = cursor.fetchone()
    return every, lately, is_known


def files_lately(chat: chat_models.Chat, now: datetime) -> int:
    """How many files the visitor has sent within the time that is limited."""
    since = now - visitors.FILES_IN[1]
    return Attachment.objects.filter(
        message__case_id=chat.case_id, message__direction="in", message__said_at__gt=since
    ).count()


def begun_lately(client_id: int, address_digest: str, now: datetime) -> int:
    """How many chats have begun from a network address within the time that is limited."""
    since = now - visitors.CHATS_IN[1]
    return chat_models.Chat.objects.filter(
        client_id=client_id, address_digest=address_digest, opened_at__gt=since
    ).count()


def words_lately(client_id: int, address_digest: str, now: datetime) -> int:
    """How many visitors have left word from a network address within the time that is limited."""
    left = {"key__startswith": visitors.word_key(address_digest), "received_at__gt": now - visitors.WORDS_IN[1]}
    return Item.objects.filter(client_id=client_id, **left).count()


def word(client_id: int, key: str, now: datetime) -> Item | None:
    """What a visitor has left under a key within a day, from whichever network; sent again it is the same."""
    lately = Item.objects.filter(client_id=client_id, received_at__gt=now - visitors.OVER_AFTER)
    return lately.filter(key__regex=rf"^word-[0-9a-f]{{16}}-{key}$").first()


# --- what a widget shows before a chat ----------------------------------------------------------------------------
def is_open(queue: Queue, now: datetime) -> bool:
    """Whether it is working time in the calendar of the queue's process."""
    return calendars.is_open(contracts_queries.terms_of(queue, now).calendar, now)


def next_open(queue: Queue, now: datetime) -> datetime | None:
    """When the working time of a queue's process begins again; None where it has begun, or never does."""
    opens = calendars.open_from(contracts_queries.terms_of(queue, now).calendar, now)
    return opens if opens and opens > now else None


def max_wait(widget: chat_models.Widget, now: datetime) -> int:
    """How many seconds a visitor is agreed to wait at most."""
    agreed = contracts_queries.terms_of(widget.queue, now).answer_within_seconds
    return settings(widget).wait_seconds or agreed or visitors.USUAL_WAIT_SECONDS


def longest_wait(queue: Queue, now: datetime) -> int:
    """How many seconds whoever has waited longest in a queue has waited; 0 if nobody waits."""
    first = Item.objects.filter(queue=queue, state="waiting", pending_customer_since=None).order_by("queued_at").first()
    return int((now - first.queued_at).total_seconds()) if first else 0


def offered(widget: chat_models.Widget, now: datetime) -> dict[str, Any]:
    """What a page needs to show the widget: its words, its questions, and whether chatting is possible now."""
    found = settings(widget)
    hours = is_open(widget.queue, now)
    late = longest_wait(widget.queue, now) > max_wait(widget, now)
    return {
        "title": found.title,
        "greeting": found.greeting,
        "questions": [
            {
                "name": each.name,
                "kind": each.kind,
                "label": each.label,
                "required": each.required,
                "choices": each.choices,
            }
            for each in found.questions
        ],
        "largest_file": visitors.LARGEST_FILE,
        "open": hours,
        "late": hours and late,
        "instead": [kind for kind in visitors.INSTEAD if kind in found.instead],
    }


def of_chat(chat: chat_models.Chat) -> QuerySet[Message]:
    """What was said in this chat and in no other, whatever else its case holds."""
    return _of_chat(chat.case_id, visitors.item_key(chat.digest))


def _of_chat(case_id: int, item_key: str) -> QuerySet[Message]:
    return Message.objects.filter(case_id=case_id, channel=CHANNEL, item__key__startswith=item_key)


_UNREAD = PreparedQuery(
    lambda case_id, item_key, up_to: (
        _of_chat(case_id, item_key)
        .filter(state="sent", id__lte=up_to)
        .select_related("item")
        .only("client_id", "case_id", "state", "item__person_id", "item__beside")
        .select_for_update(of=("self",))
        .order_by("id")
    )
)


def unread(chat: chat_models.Chat, up_to: int) -> list[Message]:
    """Our messages up to one that the visitor has not seen, locked until the transaction ends."""
    return _UNREAD(chat.case_id, visitors.item_key(chat.digest), up_to)


# --- what a visitor sees of the chat ------------------------------------------------------------------------------
def _attached(message: Any) -> QuerySet[Attachment]:
    return Attachment.objects.filter(message=message)


_SAID = PreparedQuery(
    lambda case_id, item_key, after: (
        _of_chat(case_id, item_key)
        .filter(direction__in=["in", "out"], id__gt=after)
        .order_by("id")
        .values_list("id", "key", "direction", "person__name", "text", "said_at", Exists(_attached(OuterRef("id"))))
    )
)


def messages(chat: chat_models.Chat, after: int = 0) -> list[dict[str, Any]]:
    """What the visitor and we have said in this chat after a message, in order; notes among ourselves never."""
    rows = list(_SAID(chat.case_id, visitors.item_key(chat.digest), after))
    files = _files([row[0] for row in rows if row[6]])
    return [
        {
            "id": number,
            "key": key.partition("/")[2],
            "mine": direction == "in",
            "name": shown_name(name or ""),
            "text": text,
            "at": at.isoformat(),
            "files": files[number],
        }
        for number, key, direction, name, text, at, _ in rows
    ]


def _files(message_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if not message_ids:  # as nearly always: building a query takes longer than reading the messages
        return found
    files = Attachment.objects.filter(message_id__in=message_ids).order_by("id")
    for message_id, number, name, kind, size in files.values_list("message_id", "id", "name", "media_type", "size"):
        found[message_id].append({"id": number, "name": name, "type": kind, "size": size})
    return found


def shown_name(name: str) -> str:
    """What a visitor is told of an agent's name: the first."""
    return name.split()[0] if name.split() else ""


def state(chat: chat_models.Chat, now: datetime) -> dict[str, Any]:
    """Where a chat stands, as the visitor is told."""
    item = chat.item
    waits = item.state in ("waiting", "offered") and chat.closed_at is None
    waited = (now - item.received_at).total_seconds()
    return {
        "state": "over" if chat.closed_at else "waiting" if waits else "with",
        "open": is_open(chat.widget.queue, now) if waits or chat.closed_at else True,
        "place": visitors.place(line(item), (item.place_at, item.id)) if waits else None,
        "late": waits and (waited > max_wait(chat.widget, now) or not is_open(chat.widget.queue, now)),
        "agent": shown_name(item.person.name) if item.person and item.state in ("held", "wrapping") else "",
        "read": chat.read_by_us,
        "closed_as": chat.closed_as,
        "place_kept": keeps_place(chat, now),
        "score": chat.score,
        "instead": [kind for kind in visitors.INSTEAD if kind in settings(chat.widget).instead],
    }


def keeps_place(chat: chat_models.Chat, now: datetime) -> bool:
    """Whether the visitor's page was closed for too long while they waited, and not so long that the place is lost."""
    if chat.closed_at is None or chat.closed_as != "left" or chat.item.state != "abandoned":
        return False
    return now < chat.closed_at + visitors.PLACE_KEPT_FOR


def was_taken(chat: chat_models.Chat) -> bool:
    """Whether somebody of ours has ever had this chat in hand."""
    found = Item.objects.filter(case_id=chat.case_id, key__startswith=visitors.item_key(chat.digest))
    return found.filter(connected_at__isnull=False).exists()


def line(item: Item) -> list[tuple[datetime, int]]:
    """Who waits in an item's queue, offered ones too, for they may come back."""
    found = Item.objects.filter(queue_id=item.queue_id, state__in=["waiting", "offered"], pending_customer_since=None)
    return [(each.place_at, each.id) for each in found.only("queued_at", "ahead_seconds")]


_TOLD = (
    "client_id",
    "case_id",
    "digest",
    "closed_at",
    "closed_as",
    "read_by_us",
    "score",
    "widget__source",
    "item__state",
    "item__received_at",
    "item__queued_at",
    "item__queue_id",
    "item__person__name",
)

_STANDING = PreparedQuery(
    lambda chat_id: chat_models.Chat.objects.select_related("item__person", "widget").only(*_TOLD).filter(id=chat_id)
)


def news(chat_id: int, after: int, now: datetime) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
    """What a visitor's page is told: the messages after one, and where the chat stands; None once it is over."""
    chat = _STANDING.one(chat_id)
    return (messages(chat, after), state(chat, now)) if chat and not _is_over(chat, now) else None


def attachment(chat: chat_models.Chat, attachment_id: int) -> Attachment | None:
    """A file of this chat, and of no other."""
    return Attachment.objects.select_related("file").filter(id=attachment_id, message__in=of_chat(chat)).first()


# --- what visitors answered ---
@dataclass(frozen=True)
class Answered:
    """How satisfied the visitors said to be whose chats one person did in one queue."""

    client: str
    queue: str
    agent: str  # empty while the chat is not wrapped up
    answers: int
    satisfied: int  # 4 or 5 of 5

    @property
    def percent(self) -> int:
        """Satisfied ones per hundred answers, rounded down."""
        return 100 * self.satisfied // self.answers


def answered(client_ids: Iterable[int], since: datetime) -> list[Answered]:
    """What visitors answered about the chats that began since an instant, by client, queue and agent."""
    rated = chat_models.Chat.objects.filter(client_id__in=list(client_ids), score__isnull=False, opened_at__gte=since)
    by = ("client__title", "item__queue__name", "item__done_by__name")
    counted = rated.values_list(*by).annotate(all=Count("id"), good=Count("id", filter=Q(score__gte=4))).order_by(*by)
    return [Answered(client, queue, agent or "", many, good) for client, queue, agent, many, good in counted]


# --- what is swept ------------------------------------------------------------------------------------------------
def suspects(now: datetime) -> list[int]:
    """The chats that are not over whose page or visitor has been silent for long enough to be looked at."""
    quiet = Q(seen_at__lte=now - visitors.HERE_FOR) | Q(replied_at__gt=F("said_at"))
    return list(chat_models.Chat.objects.filter(quiet, closed_at=None).order_by("id").values_list("id", flat=True))


def asked(chat: Chat, key: str) -> chat_models.Transcript | None:
    """The copy that was asked for under a key."""
    return chat_models.Transcript.objects.select_related("message").filter(chat=chat, key=key).first()


def count_of(chat: Chat) -> int:
    """How many copies of a chat were asked for."""
    return chat_models.Transcript.objects.filter(chat=chat).count()


def count_from(client_id: int, address_digest: str, now: datetime) -> int:
    """How many copies were asked for from a network within the time that is limited."""
    return _lately(client_id, now).filter(address_digest=address_digest).count()


def count_to(client_id: int, recipient_digest: str, now: datetime) -> int:
    """How many copies went to an address within the time that is limited."""
    return _lately(client_id, now).filter(recipient_digest=recipient_digest).count()


def _lately(client_id: int, now: datetime) -> QuerySet[chat_models.Transcript]:
    return chat_models.Transcript.objects.filter(client_id=client_id, asked_at__gt=now - transcripts.COPIES_IN)


def mailbox(chat: Chat) -> Mailbox | None:
    """The mailbox that a copy goes out of: of the chat's queue, of where its word goes, else any of its client."""
    instead = settings(chat.widget).instead.get("email")
    found = list(email_queries.mailboxes().filter(client_id=chat.client_id))
    return min(
        found, key=lambda each: (each.queue_id != chat.widget.queue_id, each.queue.name != instead), default=None
    )


def transcript_said(chat: Chat) -> QuerySet[Message]:
    """What the visitor and we said in this chat, in order; notes among ourselves never."""
    found = of_chat(chat).filter(direction__in=["in", "out"]).exclude(state="withdrawn")
    return found.select_related("person").prefetch_related("attachments").order_by("id")


def is_answered(chat: Chat) -> bool:
    """Whether somebody of ours has written in it."""
    return transcript_said(chat).filter(direction="out").exists()


def zone_of(chat: Chat, now: datetime) -> str:
    """The zone by whose clock the chat's client reckons."""
    return contracts_queries.terms_of(chat.widget.queue, now).calendar.zone


def transcript_written(chat: Chat, zone: str, now: datetime) -> transcripts.Transcript:
    """A chat as it is sent: in its own language, with times of a zone, all numbers masked that are."""
    language = visitors.language(chat.language, list(transcripts.words()))
    words, client = transcripts.words()[language], chat.widget.client.title
    with translation.override(language):
        lines, is_cut = transcripts.ending(
            [_line(each, words, client, ZoneInfo(zone)) for each in transcript_said(chat)]
        )
        day = formats.date_format(chat.opened_at.astimezone(ZoneInfo(zone)), "DATE_FORMAT")
    names = {"client": client, "day": day, "zone": zone.replace("_", " ")}
    return transcripts.Transcript(language, words, names, lines, is_cut)


def _line(message: Message, words: dict[str, str], client: str, zone: ZoneInfo) -> transcripts.Line:
    at = message.said_at.astimezone(zone)
    name = shown_name(message.person.name) if message.person else words["us"].format(client=client)
    return transcripts.Line(
        day=formats.date_format(at, "DATE_FORMAT"),
        time=f"{at:%H:%M}",
        who=words["you"] if message.direction == "in" else name,
        text=masks.mask(message.text).text,
        files=tuple((each.name, each.size) for each in message.attachments.all()),
    )


# How people name a widget, where an action asks for one.
declarations.register.name(
    declarations.Handle(
        chat_models.Widget,
        "widget in use",
        widget,
        lambda: widgets().filter(withdrawn_at=None),
        see="channels widget list CLIENT",
    )
)
