"""The clock of escalations: targets that are close or missed, and steps whose time-out has passed."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.core.contracts import queries as contracts_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation import letters as escalation_letters  # noqa: F401  which says what these mails say
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ops.escalation.models import Escalation

BY_THE_CLOCK = ("at-risk", "missed")
log = logging.getLogger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="escalation.look", queueing_lock="escalation.look", pass_context=False)
def look(timestamp: int) -> None:
    """Each minute, raise what is close to its target or has missed it, tell the next of each chain, and mail.

    What fails of one client holds nobody else up; the job then fails with the first of it, and is listed.
    """
    now = clock.now()
    with transaction.atomic():
        rls.enter_every_client()
        numbers = [client.id for client in clients_queries.clients()]
    failed = [fault for fault in (_look_at(number, now) for number in numbers) if fault]
    with transaction.atomic():
        rls.enter_every_client()
        for_one = escalation_queries.mail_due(now)
    failed += [fault for fault in (_mail(some, now) for some in for_one) if fault]
    if failed:
        raise failed[0]


def _look_at(client_id: int, now: datetime) -> Exception | None:
    try:
        with transaction.atomic():
            rls.enter(client_id)
            _look_at_targets(client_id, now)
            for each in escalation_queries.of_work_that_is_over():
                escalation.close(escalation=each, because=Escalation.WORK_DONE, by=escalation.ENGINE, now=now)
            for escalation_id in escalation_queries.due(now):
                due = escalation_queries.every().get(id=escalation_id)
                escalation.tell_next(escalation=due, by=escalation.ENGINE, now=now)
    except Exception as fault:
        log.exception("the escalations of client %d were not looked at", client_id)
        return fault
    return None


def _mail(numbers: Sequence[int], now: datetime) -> Exception | None:
    """Mail one person; who is cleared for several clients is told of all in one mail, so all are entered."""
    try:
        with transaction.atomic():
            rls.enter_every_client()
            notices = escalation_queries.locked_to_mail(numbers)
            if notices:
                escalation.mail(notices=notices, by=escalation.ENGINE, now=now)
    except Exception as fault:
        log.exception("the notices %s of escalations were not mailed", numbers)
        return fault
    return None


def _look_at_targets(client_id: int, now: datetime) -> None:
    try:
        contract = contracts_queries.in_force(client_id, now).contract
    except contracts_queries.NoContract:
        return
    for rule in contract.escalations:
        for item in escalation_queries.close_to_target(client_id, rule, now) if rule.event in BY_THE_CLOCK else ():
            escalation.escalate(item=item, agreed=rule, said="", by=escalation.ENGINE, now=now)
