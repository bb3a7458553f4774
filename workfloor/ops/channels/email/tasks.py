"""Reading mail that has come, and sending replies."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from procrastinate.contrib.django import app

from workfloor.kit import clock, locks, rls
from workfloor.ops.channels.email import actions, gateway, models, queries, rules

AT_A_TIME: Final = 20

log = logging.getLogger(__name__)


@app.task(name=actions.TAKE, queueing_lock=actions.TAKE)
def take_arrivals() -> None:
    """Read the mail that has come until none is left; several workers share it."""
    while _take(AT_A_TIME):
        pass


def _take(most: int) -> int:
    """Read some mails in one transaction; if one of them fails, each in its own. Returns how many there were."""
    try:
        with transaction.atomic():
            return _take_each(most)
    except _Failed as failed:
        if most == 1:
            _mark_unread(failed)
            return 1
        log.warning("reading %s mails one by one: %s", most, failed.__cause__)
        return sum(_take(1) for _ in range(most))


class _Failed(Exception):
    """A mail brought its reader down."""

    def __init__(self, arrival_id: int) -> None:
        super().__init__(arrival_id)
        self.arrival_id = arrival_id


def _take_each(most: int) -> int:
    rls.enter_every_client()
    waiting = queries.waiting(most)
    for arrival in waiting:
        rls.enter(arrival.client_id)
        try:
            actions.take(arrival=arrival, now=clock.now())
        except (OperationalError, InterfaceError):
            raise  # the database's fault, not the mail's
        except Exception as fault:
            raise _Failed(arrival.id) from fault
    return len(waiting)


def _mark_unread(failed: _Failed) -> None:
    reason = f"{type(failed.__cause__).__name__}: {failed.__cause__}"
    with transaction.atomic():
        rls.enter_every_client()
        if arrival := queries.unread(failed.arrival_id):
            actions.mark_unread(arrival=arrival, reason=reason, now=clock.now())
    log.warning("mail %s could not be read and waits to be looked at: %s", failed.arrival_id, reason)


@app.task(name=actions.DELIVER)
def deliver(message_id: int) -> None:
    """Try to deliver one reply; nobody else tries meanwhile."""
    with locks.kept(actions.DELIVER, message_id) as is_free:
        if is_free:
            _deliver(message_id)


def _deliver(message_id: int) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        delivery = actions.begin(message_id=message_id, now=clock.now())
        reply = queries.reply_of(delivery, settings.SECRET_KEY) if delivery else None
    if delivery is None or reply is None:
        return
    try:
        handed = _send(delivery, reply)
    except gateway.NotSent as fault:
        refused = partial(actions.mark_refused, answer=fault.answer, is_final=fault.is_final)
        _in_its_client(delivery, refused)
    else:
        _in_its_client(delivery, partial(actions.mark_delivered, answer=handed.answer, refused=handed.refused))


def _send(delivery: models.Delivery, reply: rules.Reply) -> gateway.Handed:
    if not settings.WORKFLOOR_SMTP_URL:
        raise gateway.NotSent("no mail server is set to send through; see WORKFLOOR_SMTP_URL", is_final=False)
    address = delivery.mailbox.address
    raw = gateway.signed(
        rules.composed(reply),
        address.rpartition("@")[2],
        settings.WORKFLOOR_DKIM_KEYS,
        settings.WORKFLOOR_DKIM_SELECTOR,
    )
    return gateway.send(
        settings.WORKFLOOR_SMTP_URL,
        rules.signed_address(address, "r", delivery.message_id, settings.SECRET_KEY),
        [each.address for each in [*reply.to, *reply.cc]],
        raw,
        partial(_in_its_client, delivery, actions.hand_over),
    )


def _in_its_client(delivery: models.Delivery, do: Callable[..., object]) -> bool:
    with transaction.atomic():
        rls.enter(delivery.client_id)
        return bool(do(delivery=delivery, now=clock.now()))


@app.periodic(cron="* * * * *")
@app.task(name="email.look_after", queueing_lock="email.look_after", pass_context=False)
def look_after(timestamp: int) -> None:
    """Each minute, ask for what should have been done by now, whatever became of those who were asked."""
    with transaction.atomic():
        rls.enter_every_client()
        for message_id in queries.overdue(clock.now()):
            actions.ask_to_deliver(message_id=message_id, at=None)
        actions.ask_to_take()
