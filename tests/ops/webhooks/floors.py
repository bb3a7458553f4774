"""Work of a client of which another system is told: what happens, the follower, the job that sends."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import models as webhooks_models
from workfloor.ops.webhooks import tasks as webhooks_tasks


class Floor:
    """A client's work in a database where transactions really commit."""

    def __init__(self) -> None:
        with transaction.atomic():
            rls.enter_every_client()
            self.client = make.client()
            self.ana = make.agent("Ana")

    def endpoint(self, url: str, *events: str, of: str = "lisbon-light") -> tuple[webhooks_models.Endpoint, str]:
        """Another system is told from now on; gives the endpoint and its secret."""
        with transaction.atomic():
            rls.enter_every_client()
            return webhooks.add(
                client=make.client(of), title="CRM", url=url, events=events or ["work"], by=actors.ROOT, now=make.NINE
            )

    def mail(self, key: str, of: str = "lisbon-light", at: datetime = make.NINE) -> Item:
        """A letter comes in: work.received and work.queued."""
        with transaction.atomic():
            rls.enter_every_client()
            return make.item("mail", of=of, key=key, at=at)

    def done(self, item: Item, at: datetime = make.NINE) -> None:
        """Ana deals with it: accepted, ended, wrapped up."""
        with transaction.atomic():
            rls.enter_every_client()
            item = work.offer(item=item, person=self.ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=at)
            item = work.accept(item=item, by=self.ana, now=at)
            item = work.end(item=item, by=self.ana, now=at)
            work.wrap_up(item=item, by=self.ana, disposition="answered", now=at)

    def follows(self, at: datetime = make.NINE) -> None:
        """The follower puts what happened on its way."""
        with transaction.atomic():
            rls.enter_every_client()
            event_log.advance_all(now=at)

    def sends(self, endpoint: webhooks_models.Endpoint, at: datetime = make.NINE) -> None:
        """The job runs."""
        with clock.frozen(at):
            webhooks_tasks.send(endpoint.id)

    def walks(self, endpoint: webhooks_models.Endpoint, begins: datetime, ends: datetime, step: timedelta) -> None:
        """The job runs again and again between two moments, as whoever looks each minute has it."""
        at = begins
        while at <= ends:
            self.sends(endpoint, at)
            at += step

    def rows(self, **wanted: Any) -> list[webhooks_models.Delivery]:
        """What is or was on its way, in its order."""
        with transaction.atomic():
            rls.enter_every_client()
            return list(webhooks_models.Delivery.objects.filter(**wanted).order_by("id"))

    def states(self, **wanted: Any) -> list[tuple[str, str]]:
        return [(each.event, each.state) for each in self.rows(**wanted)]

    def attempts(self, delivery: webhooks_models.Delivery) -> list[tuple[int | None, str]]:
        with transaction.atomic():
            rls.enter_every_client()
            found = webhooks_models.Attempt.objects.filter(delivery=delivery).order_by("id")
            return [(each.code, each.words) for each in found]

    def now(self, endpoint: webhooks_models.Endpoint) -> webhooks_models.Endpoint:
        """The endpoint as it is now."""
        with transaction.atomic():
            rls.enter_every_client()
            return webhooks_models.Endpoint.objects.get(id=endpoint.id)

    def does(self, do: Any, **said: Any) -> Any:
        """An action in a transaction of its own."""
        with transaction.atomic():
            rls.enter_every_client()
            return do(**said)
