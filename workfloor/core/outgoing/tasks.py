"""Sending the installation's own mail."""

import logging
from functools import partial

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.outgoing import actions as outgoing
from workfloor.core.outgoing import letters as outgoing_letters
from workfloor.core.outgoing import queries as outgoing_queries
from workfloor.core.outgoing.models import Mail
from workfloor.kit.database import locks, rls
from workfloor.kit.mail import composing, mime, sending
from workfloor.kit.time import clock

log = logging.getLogger(__name__)


@app.task(name=outgoing.DELIVER)
def deliver(mail_id: int) -> None:
    """Try to deliver one mail; nobody else tries meanwhile."""
    with locks.kept(outgoing.DELIVER, mail_id) as is_free:
        if is_free:
            _deliver(mail_id)


def _deliver(mail_id: int) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        mail = outgoing.begin(mail_id=mail_id, now=clock.now())
        written = outgoing_letters.written(mail.kind, mail.about) if mail else None
        if mail and written is None:
            outgoing.withdraw(mail=mail, now=clock.now())
    if mail is None or written is None:
        return
    try:
        handed = _send(mail, written)
    except sending.NotSent as fault:
        log.warning("mail %s of our own (%s) was not sent", mail.id, mail.kind)
        done = partial(outgoing.mark_refused, answer=fault.answer, is_final=fault.is_final, in_doubt=fault.in_doubt)
    else:
        done = partial(outgoing.mark_sent, answer=handed.answer)
    with transaction.atomic():
        done(mail=mail, now=clock.now())


def _send(mail: Mail, written: outgoing_letters.Written) -> sending.Handed:
    if fault := outgoing_queries.missing():
        raise sending.NotSent(fault, is_final=True)
    sender = mime.Address(settings.WORKFLOOR_MAIL_FROM, settings.WORKFLOOR_MAIL_FROM_NAME)
    domain = sender.address.rpartition("@")[2]
    letter = composing.Letter(
        name=f"own-{mail.id}.{mail.began_at:%Y%m%d%H%M%S}@{domain}",  # the same at each try
        sender=sender,
        answers_to=sender.address,
        to=[mime.Address(mail.to)],
        cc=(),
        subject=written.subject,
        text=written.text,
        files=(),
        answers="",
        chain=(),
        at=clock.now(),
        by_a_person=False,
    )
    raw = sending.signed(
        composing.composed(letter), domain, settings.WORKFLOOR_DKIM_KEYS, settings.WORKFLOOR_DKIM_SELECTOR
    )
    return sending.send(settings.WORKFLOOR_SMTP_URL, sender.address, [mail.to], raw, partial(_hand_over, mail))


def _hand_over(mail: Mail) -> bool:
    with transaction.atomic():
        return outgoing.hand_over(way=mail, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(name="outgoing.look_after", queueing_lock="outgoing.look_after", pass_context=False)
def look_after(timestamp: int) -> None:
    """Each minute, ask for what should have been sent by now, whatever became of those who were asked."""
    with transaction.atomic():
        for mail_id in outgoing_queries.overdue(clock.now()):
            outgoing.ask_to_deliver(mail_id=mail_id, at=None)
