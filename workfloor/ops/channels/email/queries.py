"""Reading mailboxes, arrivals, and replies on their way out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.models import Attachment, Message
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import queries as files_queries
from workfloor.core.files import sealing
from workfloor.core.people.models import Person
from workfloor.core.work import outbound
from workfloor.core.work.models import Case, Item
from workfloor.kit import declarations
from workfloor.kit.mail import composing, mime
from workfloor.kit.web import limits
from workfloor.ops.channels.email import envelope, replies, sorting
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email.models import Arrival, Mailbox
from workfloor.ops.channels.email.sorting import signed_address


def mailboxes() -> QuerySet[email_models.Mailbox]:
    """The open mailboxes inside the wall, by address."""
    found = email_models.Mailbox.objects.filter(closed_at=None).select_related("client", "queue")
    return found.order_by("address")


def mailbox(address: str) -> email_models.Mailbox | None:
    """The open mailbox that takes what is sent to an address, with or without a plus and what follows it."""
    return mailboxes().filter(address=sorting.split(address)[0]).first()


def ours() -> frozenset[str]:
    """The addresses that are mailboxes of the clients inside the wall."""
    return frozenset(email_models.Mailbox.objects.filter(closed_at=None).values_list("address", flat=True))


def fetched() -> QuerySet[email_models.Mailbox]:
    """The mailboxes whose mail we fetch."""
    return mailboxes().exclude(source_url="")


def password(mailbox: email_models.Mailbox) -> str:
    """The password with which a mailbox is fetched. Raises sealing.Damaged, or NoKey of the files' gateway."""
    return sealing.unwrapped(bytes(mailbox.password), files_gateway.key_for("mailboxes"), mailbox.client_id).decode()


def not_fetched() -> QuerySet[email_models.Mailbox]:
    """The mailboxes that cannot be fetched just now, those that fail for longest first; each with its place."""
    return (
        fetched()
        .exclude(place__fault="")
        .filter(place__isnull=False)
        .select_related("place")
        .order_by("place__failing_since")
    )


def place(mailbox: email_models.Mailbox) -> email_models.Place:
    """How far fetching has come; the beginning where it has not begun."""
    known = email_models.Place.objects.filter(mailbox=mailbox).first()
    return known or email_models.Place(mailbox=mailbox, client_id=mailbox.client_id)


def arrivals() -> QuerySet[email_models.Arrival]:
    """The mail that came to the clients inside the wall, newest first."""
    return email_models.Arrival.objects.select_related("mailbox", "client", "message").order_by("-id")


def arrival(arrival_id: int) -> email_models.Arrival | None:
    """One mail, if it is inside the wall."""
    found = email_models.Arrival.objects.select_related("mailbox", "client", "message", "file")
    return found.filter(id=arrival_id).first()


def raws(arrivals: Iterable[email_models.Arrival]) -> dict[int, bytes]:
    """What these mails hold as they came, or with their numbers masked; nothing of those that were emptied."""
    of_file = files_queries.contents({each.file_id: each.file for each in arrivals if each.file}.values())
    return {each.id: of_file[each.file_id] if each.file_id else b"" for each in arrivals}


def raw(arrival: email_models.Arrival) -> bytes:
    """The same of one."""
    return raws([arrival])[arrival.id]


def fetched_before(mailbox: email_models.Mailbox, uid_validity: int, uids: Iterable[int]) -> set[int]:
    """Those of these UIDs whose mail is here already."""
    found = email_models.Arrival.objects.filter(mailbox=mailbox, uid_validity=uid_validity, uid__in=list(uids))
    return {uid for uid in found.values_list("uid", flat=True) if uid is not None}


def to_be_looked_at() -> QuerySet[email_models.Arrival]:
    """What somebody should look at: what could not be read, and what is held back."""
    return arrivals().filter(state__in=["failed", "held"])


def set_aside() -> QuerySet[email_models.Arrival]:
    """What opened no case and why, newest first."""
    return arrivals().filter(state="set-aside")


def undelivered() -> QuerySet[Message]:
    """Replies that did not arrive, newest first."""
    return Message.objects.filter(channel="email", state="failed").select_related("client", "case").order_by("-id")


def delayed() -> QuerySet[Message]:
    """Replies that could not be delivered yet and are tried again, newest first."""
    found = Message.objects.filter(channel="email", state="waiting").exclude(fault="")
    return found.select_related("client", "case").order_by("-id")


def leaving(item_ids: Sequence[int], person_id: int, now: datetime) -> list[Message]:
    """A person's replies about these items that can be taken back still."""
    written = Message.objects.filter(item_id__in=item_ids, person_id=person_id, channel="email", state="waiting")
    return list(written.filter(said_at__gt=now - undo()).select_related("item", "case").order_by("id"))


def undo() -> timedelta:
    """For how long a reply can be taken back before it is sent."""
    return timedelta(seconds=settings.WORKFLOOR_MAIL_UNDO_SECONDS)


def counts() -> dict[str, int]:
    """How many mails are in each state."""
    rows = email_models.Arrival.objects.values("state").annotate(many=Count("id")).order_by()
    return dict.fromkeys(sorting.STATES, 0) | {row["state"]: row["many"] for row in rows}


def waiting(limit: int) -> list[email_models.Arrival]:
    """The next mails that nobody has read yet, locked; those that another process reads are left to it.

    Each mailbox has the same share of them, so that one with a flood keeps no other waiting; by client, oldest first.
    """
    unread = email_models.Arrival.objects.filter(state="waiting").order_by("id")
    first = unread.filter(mailbox=OuterRef("id")).values("id")[:1]
    boxes = email_models.Mailbox.objects.annotate(first=Subquery(first)).filter(first__isnull=False).order_by("first")
    ids = list(boxes.values_list("id", flat=True)[:limit])
    found = unread.select_for_update(of=("self",), skip_locked=True).select_related("mailbox__queue__client", "file")
    shares = (found.filter(mailbox=each)[: -(-limit // len(ids))] for each in ids)
    return sorted((each for share in shares for each in share), key=lambda each: (each.client_id, each.id))


def unread(arrival_id: int) -> email_models.Arrival | None:
    """A mail that nobody has read yet, locked; None once somebody has."""
    found = email_models.Arrival.objects.filter(id=arrival_id, state="waiting").select_for_update(of=("self",))
    return found.select_related("mailbox").first()


Line = tuple[int, str]  # a mailbox, and a sender to it


def lately(arrivals: Sequence[email_models.Arrival]) -> Counter[Line]:
    """How much came from each of these senders since the window of the earliest of these mails began: no less."""
    since = min(each.arrived_at for each in arrivals) - sorting.FLOOD_WINDOW
    senders, mailboxes = {each.sender for each in arrivals}, {each.mailbox_id for each in arrivals}
    found = email_models.Arrival.objects.filter(mailbox__in=mailboxes, sender__in=senders, arrived_at__gt=since)
    counted = found.filter(state__in=["taken", "held"]).values_list("mailbox_id", "sender").annotate(many=Count("id"))
    return Counter({(mailbox, sender): many for mailbox, sender, many in counted.order_by()})


def earlier(arrival: email_models.Arrival) -> int:
    """How many mails the same sender sent to the same mailbox within the window before this one."""
    since = arrival.arrived_at - sorting.FLOOD_WINDOW
    found = email_models.Arrival.objects.filter(
        mailbox_id=arrival.mailbox_id, sender=arrival.sender, arrived_at__gt=since
    )
    return found.filter(id__lt=arrival.id, state__in=["taken", "held"]).count()


def case_of(client_id: int, names: Iterable[str], named: Mapping[str, int]) -> Case | None:
    """The case that a mail answers in: that of the nearest mail which it names, else what its signed address names.

    Never another client's, for the case is looked for within one client even where more were entered.
    """
    names = list(names)
    known = (
        {each.external_id: each.case for each in conversations_queries.by_external_id(client_id, names)}
        if names
        else {}
    )
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
    return list(conversations_queries.of_case(case_id).filter(channel="email"))


def delivery(message_id: int) -> email_models.Delivery | None:
    """A reply's way out."""
    found = email_models.Delivery.objects.select_related(
        "message__case__customer", "message__person", "message__item__queue", "mailbox__client", "mailbox__queue"
    )
    return found.filter(message_id=message_id).first()


def mailbox_for(case_id: int, queue_id: int | None) -> Mailbox | None:
    """Which mailbox a mail goes out of: the one that its case came to or was begun from, else one of its queue."""
    came = Arrival.objects.filter(message__case_id=case_id, mailbox__closed_at=None).order_by("-id")
    if arrival := came.select_related("mailbox__client").first():
        return arrival.mailbox
    begun = Item.objects.filter(case_id=case_id, kind=outbound.OUTBOUND_EMAIL).order_by("id").last()
    if begun and (chosen := mailbox(begun.payload.get("from", ""))) and chosen.client_id == begun.client_id:
        return chosen
    return mailboxes().filter(queue=queue_id).first() if queue_id else None


def _text(message: Message, letter: Mapping[str, str], names: Mapping[str, str]) -> str:
    """What was written, within the contract's letter, and what it quotes; what was made as HTML is whole already."""
    if message.html:
        return f"{message.text}\n\n{message.folded_text}"
    if message.forwards_id:  # which is for somebody else: the contract words letters to customers
        return replies.quoted_below(message.text, message.folded_text)
    return replies.quoted_below(replies.letter(message.text, letter, names), message.folded_text)


def before(message_id: int) -> int:
    """How many replies are on their way out of the same mailbox that were written before this one."""
    under_way = email_models.Delivery.objects.filter(state__in=["waiting", "sending", "handing-over"])
    mailbox = email_models.Delivery.objects.filter(message_id=message_id).values("mailbox_id")[:1]
    return under_way.filter(mailbox_id=mailbox, message_id__lt=message_id).count()


def overdue(now: datetime) -> list[int]:
    """Replies that should be on their way by now and are not there yet."""
    found = email_models.Delivery.objects.filter(state__in=["waiting", "sending", "handing-over"], due_at__lte=now)
    return list(found.order_by("due_at").values_list("message_id", flat=True))


def reply_of(delivery: email_models.Delivery, key: str) -> composing.Letter:
    """Everything that a reply's mail is made of: what was written within the contract's letter, and its thread."""
    message, mailbox = delivery.message, delivery.mailbox
    earlier = [each for each in letters(message.case_id) if each.id < message.id and each.external_id]
    answers = next((each for each in reversed(earlier) if each.direction == "in"), None)
    terms = contracts_queries.terms_of(message.item.queue if message.item else mailbox.queue, message.said_at)
    customer = message.case.customer
    names = {
        "customer": (customer.name or customer.reference) if customer else "",
        "agent": message.person.name if message.person else mailbox.client.title,
        "client": mailbox.client.title,
        "case": str(message.case_id),
    }
    to, cc, bcc = (
        [mime.Address(each.address, each.name) for each in message.went_to.get(role, ())] for role in envelope.ROLES
    )
    fallback = [mime.Address(answers.answers_to.address, answers.answers_to.name)] if answers else []
    files = list(Attachment.objects.filter(message=message, file__isnull=False).order_by("id"))
    held = conversations_queries.contents([each.id for each in files])
    return composing.Letter(
        name=message.external_id,
        sender=mime.Address(message.sender, message.sender_name),
        answers_to=signed_address(mailbox.address, "c", message.case_id, key),
        to=to or fallback,
        cc=cc,
        bcc=bcc,
        subject=message.subject or _usual_subject(message, answers),
        text=_text(message, terms.letter, names),
        html=message.html,
        files=[(each.name, each.media_type, held[each.id]) for each in files],
        answers=answers.external_id if answers else "",
        chain=[each.external_id for each in earlier],
        at=message.said_at,
        by_a_person=message.person is not None,
    )


def _usual_subject(message: Message, answers: Message | None) -> str:
    if answers is None and message.item and message.item.declared.begun_by_us:
        return message.item.title
    return replies.answered(answers.subject if answers else message.case.subject)


def to_write_from(person: Person, now: datetime) -> list[Mailbox]:
    """The mailboxes that somebody may begin a mail from, by client and address: those whose queue they may work in."""
    found = mailboxes().filter(client__clearances__person=person, client__clearances__withdrawn_at=None)
    every = found.order_by("client__title", "address").distinct()
    return [each for each in every if outbound.may_work_in(person=person, queue=each.queue, now=now)]


def known_of(case: Case) -> frozenset[str]:
    """Who takes part in a case: its customer, who wrote in it, and whom those mails named; in small letters."""
    came = Message.objects.filter(case=case, direction="in")
    said = {each.answers_to.address for each in came} | {each.sender for each in came}
    named = {one.address for each in came for several in each.went_to.values() for one in several}
    customer = {case.customer.reference} if case.customer else set()
    return frozenset(each.lower() for each in said | named | customer)


# --- How people name them, where an action asks for one ---------------------------------------------------------------
def _reply(number: str) -> Message | None:
    return undelivered().filter(id=limits.number(number) or 0).first()


register = declarations.register
register.name(
    declarations.Handle(
        email_models.Mailbox,
        "mailbox",
        lambda address: mailboxes().filter(address=address.lower()).first(),
        mailboxes,
        see="channels mailbox list",
    )
)
register.name(
    declarations.Handle(
        email_models.Arrival,
        "mail",
        lambda number: arrival(limits.number(number) or 0),
        lambda: arrivals().filter(state__in=["failed", "held", "set-aside"]),
        lambda each: str(each.id),
        see="channels mail list",
    )
)
register.name(
    declarations.Handle(
        Message, "reply that failed", _reply, undelivered, lambda each: str(each.id), see="channels mail list"
    )
)
