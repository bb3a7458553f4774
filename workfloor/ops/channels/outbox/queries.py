"""Reading replies on their way out."""

from collections.abc import Mapping
from datetime import datetime

from workfloor.core.contracts import queries as contracts
from workfloor.core.conversations import queries as conversations
from workfloor.core.conversations.models import Attachment, Message
from workfloor.kit import mime
from workfloor.ops.channels.email import queries as email
from workfloor.ops.channels.email.models import Arrival, Mailbox
from workfloor.ops.channels.email.rules import signed_address
from workfloor.ops.channels.outbox import models, rules


def letters(case_id: int) -> list[Message]:
    """What was mailed about a case, in both directions, oldest first."""
    return list(conversations.of_case(case_id).filter(channel="email"))


def delivery(message_id: int) -> models.Delivery | None:
    """A reply's way out."""
    found = models.Delivery.objects.select_related(
        "message__case__customer", "message__person", "message__item__queue", "mailbox__client", "mailbox__queue"
    )
    return found.filter(message_id=message_id).first()


def mailbox_for(message: Message) -> Mailbox | None:
    """Which mailbox a reply goes out of: the one that its case came to, else one of its item's queue."""
    came = Arrival.objects.filter(message__case_id=message.case_id, mailbox__closed_at=None).order_by("-id")
    if arrival := came.select_related("mailbox__client").first():
        return arrival.mailbox
    return email.mailboxes().filter(queue=message.item.queue_id).first() if message.item else None


def _text(message: Message, letter: Mapping[str, str], names: Mapping[str, str]) -> str:
    """What was written, within the contract's letter, and what it quotes; what was made as HTML is whole already."""
    if message.html:
        return f"{message.text}\n\n{message.folded_text}"
    return rules.quoted_below(rules.letter(message.text, letter, names), message.folded_text)


def before(message_id: int) -> int:
    """How many replies are on their way out of the same mailbox that were written before this one."""
    under_way = models.Delivery.objects.filter(state__in=["waiting", "sending", "handing-over"])
    mailbox = models.Delivery.objects.filter(message_id=message_id).values("mailbox_id")[:1]
    return under_way.filter(mailbox_id=mailbox, message_id__lt=message_id).count()


def overdue(now: datetime) -> list[int]:
    """Replies that should be on their way by now and are not there yet."""
    found = models.Delivery.objects.filter(state__in=["waiting", "sending", "handing-over"], due_at__lte=now)
    return list(found.order_by("due_at").values_list("message_id", flat=True))


def reply_of(delivery: models.Delivery, key: str) -> rules.Reply:
    """Everything that a reply's mail is made of: what was written within the contract's letter, and its thread."""
    message, mailbox = delivery.message, delivery.mailbox
    earlier = [each for each in letters(message.case_id) if each.id < message.id and each.external_id]
    answers = next((each for each in reversed(earlier) if each.direction == "in"), None)
    terms = contracts.terms_of(message.item.queue if message.item else mailbox.queue, message.said_at)
    customer = message.case.customer
    names = {
        "customer": (customer.name or customer.reference) if customer else "",
        "agent": message.person.name if message.person else mailbox.client.title,
        "client": mailbox.client.title,
        "case": str(message.case_id),
    }
    to = [mime.Address(each["address"], each["name"]) for each in message.recipients if each["role"] == "to"]
    fallback = [mime.Address(answers.answers_to.address, answers.answers_to.name)] if answers else []
    files = Attachment.objects.filter(message=message).order_by("id")
    return rules.Reply(
        name=message.external_id,
        sender=mime.Address(message.sender, message.sender_name),
        answers_to=signed_address(mailbox.address, "c", message.case_id, key),
        to=to or fallback,
        cc=[mime.Address(each["address"], each["name"]) for each in message.recipients if each["role"] == "cc"],
        subject=message.subject or rules.answered(answers.subject if answers else message.case.subject),
        text=_text(message, terms.letter, names),
        html=message.html,
        files=[(each.name, each.media_type, bytes(each.content)) for each in files],
        answers=answers.external_id if answers else "",
        chain=[each.external_id for each in earlier],
        at=message.said_at,
        by_a_person=message.person is not None,
    )
