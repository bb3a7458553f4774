"""Sending replies."""

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.kit import clock, locks, rls
from workfloor.ops.channels.email.rules import signed_address
from workfloor.ops.channels.outbox import actions, gateway, models, queries, rules


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
        refused = partial(actions.mark_refused, answer=fault.answer, is_final=fault.is_final, in_doubt=fault.in_doubt)
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
        signed_address(address, "r", delivery.message_id, settings.SECRET_KEY),
        [each.address for each in [*reply.to, *reply.cc]],
        raw,
        partial(_in_its_client, delivery, actions.hand_over),
    )


def _in_its_client(delivery: models.Delivery, do: Callable[..., object]) -> bool:
    with transaction.atomic():
        rls.enter(delivery.client_id)
        return bool(do(delivery=delivery, now=clock.now()))


@app.periodic(cron="* * * * *")
@app.task(name="outbox.look_after", queueing_lock="outbox.look_after", pass_context=False)
def look_after(timestamp: int) -> None:
    """Each minute, ask for what should have been sent by now, whatever became of those who were asked."""
    with transaction.atomic():
        rls.enter_every_client()
        for message_id in queries.overdue(clock.now()):
            actions.ask_to_deliver(message_id=message_id, at=None)
