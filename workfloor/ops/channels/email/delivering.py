"""Replies go out: each gets its time, is tried until a server has taken it, and comes back where none will."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from workfloor.core.access import actors
from workfloor.core.access.actors import Actor
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address
from workfloor.core.conversations.models import Message
from workfloor.core.outgoing import actions as outgoing
from workfloor.core.work import actions as work
from workfloor.kit.database import jobs
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Mailbox

MAIL: Final = actors.engine("mail")  # which stores and reads what comes, and delivers what is written
DELIVER: Final = "email.deliver"


def post(*, message: Message, now: datetime, mailbox: Mailbox | None = None) -> None:
    """Put a reply that somebody wrote on its way, once it can no longer be taken back.

    It goes out of the mailbox that is given, else out of one of its case.
    """
    if message.state != "waiting" or email_queries.delivery(message.id):
        return
    mailbox = mailbox or email_queries.mailbox_for(message.case_id, message.item.queue_id if message.item else None)
    if mailbox is None:
        reason = "no mailbox belongs to this queue; open one with `workfloor channels mailbox add`"
        conversations.mark_undelivered(message=message, reason=reason, by=MAIL, now=now)
        return
    name = f"{uuid.uuid4().hex}@{mailbox.address.rpartition('@')[2]}"
    title = mailbox.title or mailbox.client.title
    conversations.name(message=message, external_id=name, sender=Address(mailbox.address, title), by=MAIL)
    due_at = message.said_at + email_queries.undo()
    email_models.Delivery.objects.create(
        message=message, client_id=message.client_id, mailbox=mailbox, due_at=due_at, changed_at=now
    )
    ask_to_deliver(message_id=message.id, at=due_at)


def ask_to_deliver(*, message_id: int, at: datetime | None) -> None:
    """Let a job deliver a reply, at the earliest at `at`: a mailbox of many replies yields to one of few."""
    once, after = f"{DELIVER}/{message_id}", email_queries.before(message_id)
    jobs.ask_for(DELIVER, once=once, at=at, after=after, lane=jobs.OUTSIDE, message_id=message_id)


def begin(*, message_id: int, now: datetime) -> email_models.Delivery | None:
    """Begin a try to deliver a reply; None where there is nothing to be done now. The caller keeps others from it.

    One that was left by a process that died is begun again; if the server had all but its last line by then, it may
    have it already, and that is counted.
    """
    delivery = _locked(message_id)
    if delivery is None or delivery.state in ("sent", "failed", "withdrawn") or delivery.due_at > now:
        return None
    if delivery.message.state == "withdrawn":
        outgoing.change(way=delivery, state="withdrawn", now=now)
        return None
    if delivery.message.state == "waiting":
        conversations.start_sending(message=delivery.message, by=MAIL, now=now)
    outgoing.begin_try(way=delivery, now=now)
    return delivery


def _locked(message_id: int) -> email_models.Delivery | None:
    email_models.Delivery.objects.select_for_update().filter(message_id=message_id).first()
    return email_queries.delivery(message_id)


def mark_delivered(*, delivery: email_models.Delivery, answer: str, refused: Sequence[str], now: datetime) -> None:
    """The server has taken a reply; `refused` are those of its recipients whom it has not taken it for, and why."""
    outgoing.change(way=delivery, state="sent", now=now, answer=answer)
    fault = f"not delivered to {'; '.join(refused)}" if refused else ""
    conversations.mark_sent(message=delivery.message, by=MAIL, now=now, fault=fault)


def mark_refused(
    *, delivery: email_models.Delivery, answer: str, is_final: bool, now: datetime, in_doubt: bool = False
) -> None:
    """The server did not take a reply: it is tried again later, until it has lasted too long or is refused for good.

    In doubt: the line broke before the server's word, so that it may have the reply, and another try doubles it.
    """
    again = outgoing.refuse(way=delivery, answer=answer, is_final=is_final, in_doubt=in_doubt, now=now)
    if again is None:
        conversations.mark_undelivered(message=delivery.message, reason=answer, by=MAIL, now=now)
        bring_back(reply=delivery.message, reason=answer, by=MAIL, now=now)
        return
    conversations.mark_delayed(message=delivery.message, reason=answer, by=MAIL, now=now)
    ask_to_deliver(message_id=delivery.message_id, at=again)


def bring_back(*, reply: Message, reason: str, by: Actor, now: datetime) -> None:
    """Give the item of a reply that did not arrive back to whoever works on its queue.

    What a rule wrote has answered nobody; and whoever has a later reply of ours is served.
    """
    if reply.item is None or reply.person_id is None:
        return
    others = conversations_queries.answers(reply.item.id)
    work.mark_reply_undelivered(
        item=reply.item,
        reason=f"our reply did not arrive: {reason}",
        by=by,
        now=now,
        replied_at=others[0].said_at if others else None,
        is_last=not any(each.id > reply.id for each in others),
    )
