"""Reading mailboxes, arrivals and deliveries."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Count, QuerySet

from workfloor.core.contracts import queries as contracts
from workfloor.core.conversations import queries as conversations
from workfloor.core.conversations.models import Attachment, Message
from workfloor.core.work.models import Case, Item
from workfloor.kit import mime
from workfloor.ops.channels.email import models, rules


def mailboxes() -> QuerySet[models.Mailbox]:
    """The open mailboxes inside the wall, by address."""
    found = models.Mailbox.objects.filter(closed_at=None).select_related("client", "queue")
    return found.order_by("address")


def mailbox(address: str) -> models.Mailbox | None:
    """The open mailbox that takes what is sent to an address, with or without a plus and what follows it."""
    return mailboxes().filter(address=rules.split(address)[0]).first()


def ours(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses that are mailboxes of the clients inside the wall."""
    return set(mailboxes().filter(address__in=list(addresses)).values_list("address", flat=True))


def fetched() -> QuerySet[models.Mailbox]:
    """The mailboxes whose mail we fetch."""
    return mailboxes().exclude(source_url="")


def place(mailbox: models.Mailbox) -> models.Place:
    """How far fetching has come; the beginning where it has not begun."""
    known = models.Place.objects.filter(mailbox=mailbox).first()
    return known or models.Place(mailbox=mailbox, client_id=mailbox.client_id)


def arrivals() -> QuerySet[models.Arrival]:
    """The mail that came to the clients inside the wall, without what it holds, newest first."""
    return models.Arrival.objects.select_related("mailbox", "client", "message").defer("raw").order_by("-id")


def arrival(arrival_id: int) -> models.Arrival | None:
    """One mail with what it holds, if it is inside the wall."""
    return models.Arrival.objects.select_related("mailbox", "client", "message").filter(id=arrival_id).first()


def to_be_looked_at() -> QuerySet[models.Arrival]:
    """What somebody should look at: what could not be read, and what is held back."""
    return arrivals().filter(state__in=["failed", "held"])


def set_aside() -> QuerySet[models.Arrival]:
    """What opened no case and why, newest first."""
    return arrivals().filter(state="set-aside")


def undelivered() -> QuerySet[Message]:
    """Replies that did not arrive, newest first."""
    return Message.objects.filter(channel="email", state="failed").select_related("client", "case").order_by("-id")


def counts() -> dict[str, int]:
    """How many mails are in each state."""
    rows = models.Arrival.objects.values("state").annotate(many=Count("id")).order_by()
    return dict.fromkeys(rules.STATES, 0) | {row["state"]: row["many"] for row in rows}


def waiting(limit: int) -> list[models.Arrival]:
    """The next mails that nobody has read yet, locked; those that another process reads are left to it."""
    found = models.Arrival.objects.filter(state="waiting").select_for_update(of=("self",), skip_locked=True)
    return list(found.select_related("mailbox__queue__client").order_by("id")[:limit])


def unread(arrival_id: int) -> models.Arrival | None:
    """A mail that nobody has read yet, locked; None once somebody has."""
    found = models.Arrival.objects.filter(id=arrival_id, state="waiting").select_for_update(of=("self",))
    return found.select_related("mailbox").first()


def earlier(arrival: models.Arrival) -> int:
    """How many mails the same sender sent to the same mailbox within the window before this one."""
    since = arrival.arrived_at - rules.FLOOD_WINDOW
    found = models.Arrival.objects.filter(mailbox_id=arrival.mailbox_id, sender=arrival.sender, arrived_at__gt=since)
    return found.filter(id__lt=arrival.id, state__in=["taken", "held"]).count()


def case_of(client_id: int, names: Iterable[str], named: Mapping[str, int]) -> Case | None:
    """The case that a mail answers in: that of the nearest mail which it names, else what its signed address names.

    Never another client's, for the case is looked for within one client even where more were entered.
    """
    names = list(names)
    known = {each.external_id: each.case for each in conversations.by_external_id(client_id, names)} if names else {}
    if nearest := next((known[name] for name in names if name in known), None):
        return nearest
    if "c" in named:
        return Case.objects.filter(client_id=client_id, id=named["c"]).first()
    reply = reply_named(client_id, [], named.get("r"))
    return reply.case if reply else None


def reply_named(client_id: int, names: Iterable[str], message_id: int | None) -> Message | None:
    """Our reply that a report is about: the one named by the address it came to, else by its name."""
    sent = Message.objects.filter(client_id=client_id, direction="out", channel="email")
    if message_id and (found := sent.filter(id=message_id).first()):
        return found
    names = list(names)
    return sent.filter(external_id__in=names).order_by("id").last() if names else None


def items_of(case: Case) -> list[Item]:
    """A case's items, oldest first."""
    return list(Item.objects.filter(case=case).select_related("queue", "client").order_by("id"))


def letters(case_id: int) -> list[Message]:
    """What was mailed about a case, in both directions, oldest first."""
    return list(conversations.of_case(case_id).filter(channel="email"))


def delivery(message_id: int) -> models.Delivery | None:
    """A reply's way out."""
    found = models.Delivery.objects.select_related(
        "message__case__customer", "message__person", "message__item__queue", "mailbox__client", "mailbox__queue"
    )
    return found.filter(message_id=message_id).first()


def mailbox_for(message: Message) -> models.Mailbox | None:
    """Which mailbox a reply goes out of: the one that its case came to, else one of its item's queue."""
    came = models.Arrival.objects.filter(message__case_id=message.case_id, mailbox__closed_at=None).order_by("-id")
    if arrival := came.select_related("mailbox__client").first():
        return arrival.mailbox
    return mailboxes().filter(queue=message.item.queue_id).first() if message.item else None


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
        answers_to=rules.signed_address(mailbox.address, "c", message.case_id, key),
        to=to or fallback,
        cc=[mime.Address(each["address"], each["name"]) for each in message.recipients if each["role"] == "cc"],
        subject=message.subject or rules.answered(answers.subject if answers else message.case.subject),
        text=rules.letter(message.text, terms.letter, names),
        files=[(each.name, each.media_type, bytes(each.content)) for each in files],
        answers=answers.external_id if answers else "",
        chain=[each.external_id for each in earlier],
        at=message.said_at,
        by_a_person=message.person is not None,
    )
