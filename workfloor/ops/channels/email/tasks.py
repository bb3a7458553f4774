"""Reading mail that has come, and sending replies."""

import logging
from collections.abc import Callable
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.core.files import queries as files_queries
from workfloor.core.outgoing import actions as outgoing
from workfloor.kit.database import locks, rls
from workfloor.kit.mail import composing, sending
from workfloor.kit.text import masks
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import delivering
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.sorting import signed_address

AT_A_TIME: Final = 50
log = logging.getLogger(__name__)


@app.task(name=email.TAKE, queueing_lock=email.TAKE)
def take_arrivals() -> None:
    """Read the mail that has come until none is left; several workers share it."""
    try:
        while _take(AT_A_TIME):
            pass
    except files_queries.UNREACHABLE as fault:
        log.warning("mail that has come waits to be read: %s", fault)


def _take(most: int) -> int:
    """Read some mails in one transaction; if one of them fails, each in its own. Returns how many there were."""
    try:
        with transaction.atomic():
            return _take_some(most)
    except _Failed as failed:
        if most == 1 or isinstance(failed.__cause__, email.NotRead):
            _mark_unread(failed)
            return 1
        log.warning("reading %s mails one by one: %s", most, failed.__cause__)
        return sum(_take(1) for _ in range(most))


class _Failed(Exception):
    """One of some mails brought its reader down: the one that is named, where it is known or was the only one."""

    def __init__(self, arrival_id: int) -> None:
        super().__init__(arrival_id)
        self.arrival_id = arrival_id


def _take_some(most: int) -> int:
    rls.enter_every_client()
    waiting = email_queries.waiting(most)
    try:
        for client_id, arrivals in groupby(waiting, key=attrgetter("client_id")):
            rls.enter(client_id)
            email.take(arrivals=list(arrivals), now=clock.now())
    except (OperationalError, InterfaceError, *files_queries.UNREACHABLE):
        raise  # the database's fault or the store's, not a mail's
    except email.NotRead as fault:
        raise _Failed(fault.arrival_id) from fault
    except Exception as fault:
        raise _Failed(waiting[0].id) from fault
    return len(waiting)


def _mark_unread(failed: _Failed) -> None:
    fault = failed.__cause__ or failed
    reason = masks.mask(str(fault)).text if isinstance(fault, email.NotRead) else masks.worded(fault)
    with transaction.atomic():
        rls.enter_every_client()
        if arrival := email_queries.unread(failed.arrival_id):
            email.mark_unread(arrival=arrival, reason=reason, now=clock.now())
    log.warning("mail %s could not be read and waits to be looked at: %s", failed.arrival_id, reason)


@app.periodic(cron="* * * * *")
@app.task(name="email.look_after", queueing_lock="email.look_after", pass_context=False)
def look_after_arrivals(timestamp: int) -> None:
    """Each minute, ask for what should have been read by now, whatever became of those who were asked."""
    with transaction.atomic():
        email.ask_to_take()


@app.task(name=delivering.DELIVER)
def deliver(message_id: int) -> None:
    """Try to deliver one reply; nobody else tries meanwhile."""
    with locks.kept(delivering.DELIVER, message_id) as is_free:
        if is_free:
            _deliver(message_id)


def _deliver(message_id: int) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        delivery = delivering.begin(message_id=message_id, now=clock.now())
    if delivery is None:
        return
    try:
        handed = _send(delivery, _reply(delivery))
    except sending.NotSent as fault:
        refused = partial(
            delivering.mark_refused, answer=fault.answer, is_final=fault.is_final, in_doubt=fault.in_doubt
        )
        _in_its_client(delivery, refused)
    else:
        _in_its_client(delivery, partial(delivering.mark_delivered, answer=handed.answer, refused=handed.refused))


def _reply(delivery: email_models.Delivery) -> composing.Letter:
    try:
        with transaction.atomic():
            rls.enter(delivery.client_id)
            return email_queries.reply_of(delivery, settings.SECRET_KEY)
    except files_queries.UNREACHABLE as fault:
        raise sending.NotSent(str(fault), is_final=False) from fault
    except files_queries.UNREADABLE as fault:
        raise sending.NotSent(f"one of its files cannot be read: {fault}", is_final=True) from fault


def _send(delivery: email_models.Delivery, reply: composing.Letter) -> sending.Handed:
    if not settings.WORKFLOOR_SMTP_URL:
        # Nothing will change by itself: it fails at once, so that no case counts as answered by what nobody can read.
        raise sending.NotSent("no mail server is set to send through; see WORKFLOOR_SMTP_URL", is_final=True)
    address = delivery.mailbox.address
    raw = sending.signed(
        composing.composed(reply),
        address.rpartition("@")[2],
        settings.WORKFLOOR_DKIM_KEYS,
        settings.WORKFLOOR_DKIM_SELECTOR,
    )
    return sending.send(
        settings.WORKFLOOR_SMTP_URL,
        signed_address(address, "r", delivery.message_id, settings.SECRET_KEY),
        [each.address for each in [*reply.to, *reply.cc, *reply.bcc]],
        raw,
        partial(_hand_over, delivery),
    )


def _hand_over(delivery: email_models.Delivery) -> bool:
    with transaction.atomic():
        rls.enter(delivery.client_id)
        return outgoing.hand_over(way=delivery, now=clock.now())


def _in_its_client(delivery: email_models.Delivery, do: Callable[..., object]) -> None:
    with transaction.atomic():
        rls.enter(delivery.client_id)
        do(delivery=delivery, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(name="email.look_after_replies", queueing_lock="email.look_after_replies", pass_context=False)
def look_after_replies(timestamp: int) -> None:
    """Each minute, ask for what should have been sent by now, whatever became of those who were asked."""
    with transaction.atomic():
        rls.enter_every_client()
        for message_id in email_queries.overdue(clock.now()):
            delivering.ask_to_deliver(message_id=message_id, at=None)


@app.periodic(cron="31 2 * * *")
@app.task(name="email.delete_expired", queueing_lock="email.delete_expired", pass_context=False)
def delete_expired(timestamp: int) -> None:
    """Each night, delete mail as it came that is kept for long enough, some at a time."""
    with transaction.atomic():
        rls.enter_every_client()
        clients = [each.id for each in clients_queries.clients()]
    for client_id in clients:
        while _delete_some(client_id) == email.AT_A_TIME:
            pass


def _delete_some(client_id: int) -> int:
    with transaction.atomic():
        rls.enter(client_id)
        return email.delete_expired(client_id=client_id, now=clock.now())
