"""A visitor asks for a copy of their chat by mail."""

from datetime import datetime

from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.rules import Address, Content
from workfloor.core.journal import actions as journal
from workfloor.kit import locks
from workfloor.ops.channels.chat import rules as chat_rules
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.channels.outbox import actions as outbox
from workfloor.ops.channels.transcripts import events, forms, models, queries, rules


def send(*, chat: Chat, to: str, key: str, address: str, zone: object, now: datetime) -> models.Transcript:
    """Put a copy of a chat, as it is now, on its way to `to`; the same key again is the same copy.

    `address` is the visitor's network, `zone` what their browser said of its time zone. Raises chat.rules.Refused
    where the client has no mailbox, nobody has answered yet or `to` is no address, and TooMany.
    """
    locks.hold("chat.transcript", chat.client_id)  # counted one after the other
    if known := queries.asked(chat, key):
        return known
    mailbox, recipient = _mailbox(chat), forms.address(to)
    digests = chat_rules.digest(address), chat_rules.digest(recipient.lower())
    _refuse_too_many(chat, *digests, now)
    written = queries.written(chat, forms.zone(zone, queries.zone_of(chat, now)), now)
    content = Content(written.say("intro"), rules.as_text(written), rules.as_html(written), written.say("subject"))
    message = conversations.inform(
        case=chat.case, channel="email", content=content, recipients=[Address(recipient)], now=now
    )
    outbox.post(message=message, mailbox=mailbox, now=now)
    asked = events.TranscriptAsked(message.id)
    journal.record(asked, at=now, client_id=chat.client_id, item_id=chat.item_id, case_id=chat.case_id)
    return models.Transcript.objects.create(
        client_id=chat.client_id, chat=chat, message=message, key=key, address_digest=digests[0],
        recipient_digest=digests[1], asked_at=now,
    )  # fmt: skip


def _mailbox(chat: Chat) -> Mailbox:
    found = queries.mailbox(chat)
    if found is None:
        raise chat_rules.Refused(chat_rules.Fault("no-copy"))
    if not queries.is_answered(chat):
        raise chat_rules.Refused(chat_rules.Fault("nothing-to-copy"))
    return found


def _refuse_too_many(chat: Chat, network: str, recipient: str, now: datetime) -> None:
    counts = (
        (queries.count_of(chat), rules.COPIES_OF_CHAT),
        (queries.count_from(chat.client_id, network, now), rules.COPIES_FROM),
        (queries.count_to(chat.client_id, recipient, now), rules.COPIES_TO),
    )
    if any(count >= most for count, most in counts):
        raise chat_rules.TooMany(chat_rules.Fault("too-many-copies"))
