"""Reading mailboxes and arrivals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Count, OuterRef, QuerySet, Subquery

from workfloor.core.conversations import queries as conversations
from workfloor.core.conversations.models import Message
from workfloor.core.work.models import Case, Item
from workfloor.ops.channels.email import models, rules


def mailboxes() -> QuerySet[models.Mailbox]:
    """The open mailboxes inside the wall, by address."""
    found = models.Mailbox.objects.filter(closed_at=None).select_related("client", "queue")
    return found.order_by("address")


def mailbox(address: str) -> models.Mailbox | None:
    """The open mailbox that takes what is sent to an address, with or without a plus and what follows it."""
    return mailboxes().filter(address=rules.split(address)[0]).first()


def ours() -> frozenset[str]:
    """The addresses that are mailboxes of the clients inside the wall."""
    return frozenset(models.Mailbox.objects.filter(closed_at=None).values_list("address", flat=True))


def fetched() -> QuerySet[models.Mailbox]:
    """The mailboxes whose mail we fetch."""
    return mailboxes().exclude(source_url="")


def not_fetched() -> QuerySet[models.Mailbox]:
    """The mailboxes that cannot be fetched just now, those that fail for longest first; each with its place."""
    return fetched().exclude(place__fault="").filter(place__isnull=False).select_related("place").order_by(
        "place__failing_since"
    )  # fmt: skip


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
    """The next mails that nobody has read yet, locked; those that another process reads are left to it.

    Each mailbox has the same share of them, so that one with a flood keeps no other waiting; by client, oldest first.
    """
    unread = models.Arrival.objects.filter(state="waiting").order_by("id")
    first = unread.filter(mailbox=OuterRef("id")).values("id")[:1]
    boxes = models.Mailbox.objects.annotate(first=Subquery(first)).filter(first__isnull=False).order_by("first")
    ids = list(boxes.values_list("id", flat=True)[:limit])
    found = unread.select_for_update(of=("self",), skip_locked=True).select_related("mailbox__queue__client")
    shares = (found.filter(mailbox=each)[: -(-limit // len(ids))] for each in ids)
    return sorted((each for share in shares for each in share), key=lambda each: (each.client_id, each.id))


def unread(arrival_id: int) -> models.Arrival | None:
    """A mail that nobody has read yet, locked; None once somebody has."""
    found = models.Arrival.objects.filter(id=arrival_id, state="waiting").select_for_update(of=("self",))
    return found.select_related("mailbox").first()


Line = tuple[int, str]  # a mailbox, and a sender to it


def lately(arrivals: Sequence[models.Arrival]) -> Counter[Line]:
    """How much came from each of these senders since the window of the earliest of these mails began: no less."""
    since = min(each.arrived_at for each in arrivals) - rules.FLOOD_WINDOW
    senders, mailboxes = {each.sender for each in arrivals}, {each.mailbox_id for each in arrivals}
    found = models.Arrival.objects.filter(mailbox__in=mailboxes, sender__in=senders, arrived_at__gt=since)
    counted = found.filter(state__in=["taken", "held"]).values_list("mailbox_id", "sender").annotate(many=Count("id"))
    return Counter({(mailbox, sender): many for mailbox, sender, many in counted.order_by()})


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
