"""Looks whose time is over."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.core.looks import actions as looks
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@app.periodic(cron="51 2 * * *")
@app.task(name="looks.delete_expired", queueing_lock="looks.delete_expired", pass_context=False)
def delete_expired(timestamp: int) -> None:
    """Each night, delete looks that are kept for long enough, some at a time."""
    with transaction.atomic():
        rls.enter_every_client()
        clients = [each.id for each in clients_queries.clients()]
    for client_id in [None, *clients]:
        while _delete_some(client_id) == looks.AT_A_TIME:
            pass


def _delete_some(client_id: int | None) -> int:
    with transaction.atomic():
        rls.enter(*([] if client_id is None else [client_id]))
        return looks.delete_expired(client_id=client_id, now=clock.now())
