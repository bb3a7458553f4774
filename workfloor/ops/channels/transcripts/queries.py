"""Reading what a copy of a chat says, through which mailbox it goes, and how many were asked for."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import formats, translation

from workfloor.core.contracts import queries as contracts
from workfloor.core.conversations.models import Message
from workfloor.kit import masks
from workfloor.ops.channels.chat import queries as chats
from workfloor.ops.channels.chat import rules as chat_rules
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.channels.email import queries as email
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.channels.transcripts import forms, models, rules


def asked(chat: Chat, key: str) -> models.Transcript | None:
    """The copy that was asked for under a key."""
    return models.Transcript.objects.select_related("message").filter(chat=chat, key=key).first()


def count_of(chat: Chat) -> int:
    """How many copies of a chat were asked for."""
    return models.Transcript.objects.filter(chat=chat).count()


def count_from(client_id: int, address_digest: str, now: datetime) -> int:
    """How many copies were asked for from a network within the time that is limited."""
    return _lately(client_id, now).filter(address_digest=address_digest).count()


def count_to(client_id: int, recipient_digest: str, now: datetime) -> int:
    """How many copies went to an address within the time that is limited."""
    return _lately(client_id, now).filter(recipient_digest=recipient_digest).count()


def _lately(client_id: int, now: datetime) -> QuerySet[models.Transcript]:
    return models.Transcript.objects.filter(client_id=client_id, asked_at__gt=now - rules.COPIES_IN)


def mailbox(chat: Chat) -> Mailbox | None:
    """The mailbox that a copy goes out of: of the chat's queue, of where its word goes, else any of its client."""
    instead = chats.settings(chat.widget).instead.get("email")
    found = list(email.mailboxes().filter(client_id=chat.client_id))
    return min(
        found, key=lambda each: (each.queue_id != chat.widget.queue_id, each.queue.name != instead), default=None
    )


def said(chat: Chat) -> QuerySet[Message]:
    """What the visitor and we said in this chat, in order; notes among ourselves never."""
    found = chats.of_chat(chat).filter(direction__in=["in", "out"]).exclude(state="withdrawn")
    return found.select_related("person").prefetch_related("attachments").order_by("id")


def is_answered(chat: Chat) -> bool:
    """Whether somebody of ours has written in it."""
    return said(chat).filter(direction="out").exists()


def zone_of(chat: Chat, now: datetime) -> str:
    """The zone by whose clock the chat's client reckons."""
    return contracts.terms_of(chat.widget.queue, now).calendar.zone


def written(chat: Chat, zone: str, now: datetime) -> rules.Transcript:
    """A chat as it is sent: in its own language, with times of a zone, all numbers covered that are."""
    language = chat_rules.language(chat.language, list(forms.words()))
    words, client = forms.words()[language], chat.widget.client.title
    with translation.override(language):
        lines, is_cut = rules.ending([_line(each, words, client, ZoneInfo(zone)) for each in said(chat)])
        day = formats.date_format(chat.opened_at.astimezone(ZoneInfo(zone)), "DATE_FORMAT")
    names = {"client": client, "day": day, "zone": zone.replace("_", " ")}
    return rules.Transcript(language, words, names, lines, is_cut)


def _line(message: Message, words: dict[str, str], client: str, zone: ZoneInfo) -> rules.Line:
    at = message.said_at.astimezone(zone)
    name = chats.shown_name(message.person.name) if message.person else words["us"].format(client=client)
    return rules.Line(
        day=formats.date_format(at, "DATE_FORMAT"),
        time=f"{at:%H:%M}",
        who=words["you"] if message.direction == "in" else name,
        text=masks.mask(message.text).text,
        files=tuple((each.name, each.size) for each in message.attachments.all()),
    )
