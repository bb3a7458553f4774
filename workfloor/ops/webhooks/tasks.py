"""Sending events to other systems: an endpoint at a time in a lane, several of its events at once."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.clients import queries as clients_queries
from workfloor.kit.database import locks, rls
from workfloor.kit.time import clock
from workfloor.kit.web import metrics
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import gateway as webhooks_gateway
from workfloor.ops.webhooks import queries as webhooks_queries
from workfloor.ops.webhooks import retries

TURN_SECONDS: Final = 5.0  # then it is another endpoint's turn, or a mail's
AT_ONCE: Final = 4  # events that are on their way to one endpoint


@app.task(name=webhooks.SEND)
def send(endpoint_id: int) -> None:
    """Send what is due to one endpoint for a turn; nobody else sends to it meanwhile."""
    with locks.kept(webhooks.SEND, endpoint_id) as is_free:
        if not is_free:
            return  # whoever sends looks once more when that is over
        _take_turn(endpoint_id)
    with transaction.atomic():
        rls.enter_every_client()
        webhooks.ask_for_more(endpoint_id=endpoint_id, now=clock.now())


def _take_turn(endpoint_id: int) -> None:
    """The lanes speak to the receiver alone: all that is read and written is so here."""
    sending: dict[Future[retries.Answer], webhooks.Try] = {}
    until = time.monotonic() + TURN_SECONDS
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks") as lanes:
        while True:
            for each in _begin(endpoint_id, sending) if time.monotonic() < until else ():
                inside = settings.WORKFLOOR_WEBHOOKS_INSIDE
                sending[lanes.submit(webhooks_gateway.send, each.url, each.headers, each.body, inside)] = each
            if not sending:
                return
            done, _ = wait(sending, return_when=FIRST_COMPLETED)
            for future in done:
                _mark(sending.pop(future), future.result())


def _begin(endpoint_id: int, sending: dict[Future[retries.Answer], webhooks.Try]) -> list[webhooks.Try]:
    busy = [each.delivery_id for each in sending.values()]
    with transaction.atomic():
        rls.enter_every_client()
        return webhooks.begin(endpoint_id=endpoint_id, busy=busy, most=AT_ONCE - len(busy), now=clock.now())


def _mark(attempt: webhooks.Try, answer: retries.Answer) -> None:
    with transaction.atomic():
        rls.enter(attempt.client_id)
        webhooks.mark(attempt=attempt, answer=answer, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(name="webhooks.look_after", queueing_lock="webhooks.look_after", pass_context=False)
def look_after(timestamp: int) -> None:
    """Each minute, ask for what should be on its way by now, whatever became of those who were asked; and tell lags."""
    now = clock.now()
    with transaction.atomic():
        rls.enter_every_client()
        for endpoint_id in webhooks_queries.overdue(now):
            webhooks.ask_to_send(endpoint_id=endpoint_id)
        health = webhooks_queries.health(webhooks_queries.endpoints())
    for each in health:
        metrics.webhook_lags(each.endpoint.id, each.seconds(now), each.waiting, each.is_dead(now))


@app.periodic(cron="41 2 * * *")
@app.task(name="webhooks.delete_expired", queueing_lock="webhooks.delete_expired", pass_context=False)
def delete_expired(timestamp: int) -> None:
    """Each night, delete deliveries that are kept for long enough, some at a time."""
    with transaction.atomic():
        rls.enter_every_client()
        clients = [each.id for each in clients_queries.clients()]
    for client_id in clients:
        while _delete_some(client_id) == webhooks.AT_A_TIME:
            pass


def _delete_some(client_id: int) -> int:
    with transaction.atomic():
        rls.enter(client_id)
        return webhooks.delete_expired(client_id=client_id, now=clock.now())
