"""Mails that an agent writes: to whom they may go, those that answer nothing, and replies taken back in time."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import CUSTOMER, Actor
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.conversations.models import Message
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import hands, outbound
from workfloor.core.work.models import Case, Customer, Item
from workfloor.ops.channels.email import delivering, envelope
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Arrival, Mailbox


def begin(
    *, mailbox: Mailbox, to: str, subject: str, key: str, case: Case | None = None, by: Person, now: datetime
) -> Item:
    """Begin a mail that answers nothing, from a mailbox: its item is in hand, and its words are written there.

    `to` is one address as it is typed, with or without a name before it. Without a case one is opened for whoever has
    that address. The same key again is the same mail. Raises envelope.Faulty with the field that is wrong, and Refused.
    """
    permissions.admit(by, "conversations.begin", client_id=mailbox.client_id)
    if not subject.strip():
        raise envelope.Faulty("subject", _("Say what it is about."))
    to_one = _addressed(to, mailbox, case)
    customer = None if case else _customer(mailbox, to_one)
    return outbound.begin(
        queue=mailbox.queue,
        key=f"new-mail:{key}",
        title=" ".join(subject.split()),
        customer=customer,
        case=case,
        payload={"from": mailbox.address, "to": envelope.written([to_one])},
        by=by,
        now=now,
    )


def discard(*, item: Item, by: Person, now: datetime) -> Item:
    """Do without a mail that was begun, of which nothing was sent. Raises Refused."""
    hands.admit(by, "work.handle", item)
    if Message.objects.filter(item=item, direction="out").exclude(state="withdrawn").exists():
        raise work.Refused(_("Something was sent from here already: finish it."))
    conversations.keep_draft(item=item, text="", by=by, now=now)
    return outbound.discard(item=item, by=by, now=now)


def _addressed(to: str, mailbox: Mailbox, case: Case | None) -> Address:
    found = envelope.read(to=to).recipients
    if len(found) > 1:
        raise envelope.Faulty("to", _("Name one address here; others can be added where you write."))
    served = Customer.objects.filter(client_id=mailbox.client_id, reference__iexact=found[0].address).exists()
    known = {found[0].address.lower()} if served else email_queries.known_of(case) if case else frozenset()
    envelope.refuse_others(found, mailbox.only_to.split(), known)
    return found[0]


def _customer(mailbox: Mailbox, to: Address) -> work.Customer:
    known = Customer.objects.filter(client_id=mailbox.client_id, reference__iexact=to.address).first()
    return work.Customer(known.reference if known else to.address, "" if known and known.name else to.name)


def write(
    *,
    item: Item,
    content: Content,
    recipients: Sequence[Address],
    key: str,
    by: Person,
    now: datetime,
    files: Sequence[File] = (),
    forwards: Message | None = None,
) -> Message:
    """Write a mail about an item in hand, to whom its mailbox lets write. Raises envelope.Faulty with the field."""
    mailbox = email_queries.mailbox_for(item.case_id, item.queue_id) if item.case_id else None
    if mailbox and mailbox.only_to and item.case:
        envelope.refuse_others(recipients, mailbox.only_to.split(), email_queries.known_of(item.case))
    return conversations.reply(
        item=item,
        channel="email",
        content=content,
        recipients=recipients,
        by=by,
        files=files,
        key=key,
        forwards=forwards,
        now=now,
    )


def receive_answer(*, case: Case, arrival: Arrival, key: str) -> Item | None:
    """The work that a customer begins by answering a mail that we began, however late; None where we began none.

    It is received when the answer arrived.
    """
    last = Item.objects.filter(case=case).order_by("id").last()
    if last is None or not last.declared.begun_by_us:
        return None
    queue, title, at = arrival.mailbox.queue, arrival.subject, arrival.arrived_at
    return work.receive(queue=queue, key=key, title=title, kind="email", case=case, by=CUSTOMER, now=at)[0]


def take_back(*, reply: Message, by: Actor, now: datetime) -> Message:
    """Take a reply back in its seconds: it has answered nobody, and its writer has it as the draft again.

    Raises messages.NotNow for one that is being sent.
    """
    to = [each for several in reply.went_to.values() for each in several]
    typed = envelope.typed_again(to, reply.subject, reply.forwards_id)
    reply = conversations.withdraw(message=reply, by=by, now=now, envelope=typed)
    delivering.bring_back(reply=reply, reason="it was taken back", by=by, now=now)
    return reply
