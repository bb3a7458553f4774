"""Messages whose time is over."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.core.team_messages import actions as team_messages
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@app.periodic(cron="57 2 * * *")
@app.task(name="team_messages.delete_expired", queueing_lock="team_messages.delete_expired", pass_context=False)
def delete_expired(timestamp: int) -> None:
    """Each night, delete messages that are kept for long enough, some at a time; an answer goes before its question."""
    with transaction.atomic():
        rls.enter_every_client()
        clients = [each.id for each in clients_queries.clients()]
    for client_id in [None, *clients]:
        while _delete_some(client_id):
            pass


def _delete_some(client_id: int | None) -> int:
    with transaction.atomic():
        rls.enter(*([] if client_id is None else [client_id]))
        return team_messages.delete_expired(client_id=client_id, now=clock.now())
