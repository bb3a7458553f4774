"""The clock of escalations: targets that are close or missed, and steps whose time-out has passed."""

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

BY_THE_CLOCK = ("at-risk", "missed")


@app.periodic(cron="* * * * *")
@app.task(name="escalation.look", queueing_lock="escalation.look", pass_context=False)
def look(timestamp: int) -> None:
    """Each minute, raise what is close to its target or has missed it, and tell the next of each chain."""
    now = clock.now()
    with transaction.atomic():
        rls.enter_every_client()
        for client in clients_queries.clients():
            _look_at_targets(client.id, now)
        for escalation_id in escalation_queries.due(now):
            due = escalation_queries.every().get(id=escalation_id)
            escalation.tell_next(escalation=due, by=escalation.ENGINE, now=now)


def _look_at_targets(client_id: int, now: datetime) -> None:
    try:
        contract = contracts_queries.in_force(client_id, now).contract
    except contracts_queries.NoContract:
        return
    for rule in contract.escalations:
        for item in escalation_queries.close_to_target(client_id, rule, now) if rule.event in BY_THE_CLOCK else ():
            escalation.escalate(item=item, agreed=rule, said="", by=escalation.ENGINE, now=now)
