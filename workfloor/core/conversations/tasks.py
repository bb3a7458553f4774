"""Attachments and drafts whose time is over."""

from collections.abc import Callable

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.core.conversations import actions as conversations
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@app.periodic(cron="21 2 * * *")
@app.task(name="conversations.delete_expired", queueing_lock="conversations.delete_expired", pass_context=False)
def delete_expired(timestamp: int) -> None:
    """Each night, delete what attachments held that are kept for long enough, and old drafts, some at a time."""
    with transaction.atomic():
        rls.enter_every_client()
        clients = [each.id for each in clients_queries.clients()]
    for client_id in clients:
        for delete in (conversations.delete_expired, conversations.delete_old_drafts):
            while _delete_some(delete, client_id) == conversations.AT_A_TIME:
                pass


def _delete_some(delete: Callable[..., int], client_id: int) -> int:
    with transaction.atomic():
        rls.enter(client_id)
        return delete(client_id=client_id, now=clock.now())
