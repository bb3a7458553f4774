"""Folding what was appended, while the floor goes on."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.core.measures import actions as measures
from workfloor.kit.database import rls


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="measures.fold", pass_context=False)
def fold(timestamp: int) -> None:
    """Every five minutes, fold each client's buckets, some of them at a time."""
    with transaction.atomic():
        rls.enter_every_client()
        numbers = [client.id for client in clients_queries.clients()]
    for number in numbers:
        while _folded(number):
            pass


def _folded(client_id: int) -> int:
    with transaction.atomic():
        rls.enter(client_id)
        return measures.fold(client_id=client_id)
