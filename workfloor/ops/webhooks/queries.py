"""Reading endpoints and deliveries."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_noop

from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Process, Queue
from workfloor.core.event_log.events import Followed
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import sealing
from workfloor.core.work.models import Item
from workfloor.kit import declarations
from workfloor.kit.web import limits
from workfloor.ops.webhooks import models as webhooks_models
from workfloor.ops.webhooks import public_events

LATE_AFTER: Final = timedelta(minutes=10)  # an event that waits for longer is worth a look


def endpoints() -> QuerySet[webhooks_models.Endpoint]:
    """The endpoints of the clients inside the wall, but those that were removed."""
    found = webhooks_models.Endpoint.objects.exclude(state="removed").select_related("client")
    return found.order_by("client__title", "title", "id")


def endpoint(endpoint_id: int) -> webhooks_models.Endpoint | None:
    """One of them."""
    return endpoints().filter(id=endpoint_id).first()


def delivery(delivery_id: int) -> webhooks_models.Delivery | None:
    """An event for an endpoint that is there."""
    found = webhooks_models.Delivery.objects.exclude(endpoint__state="removed").select_related("endpoint__client")
    return found.filter(id=delivery_id).first()


def deliveries(endpoint: webhooks_models.Endpoint, state: str = "") -> QuerySet[webhooks_models.Delivery]:
    """What was or is to be sent to an endpoint, the newest first, with the attempts, the newest of them first."""
    found = webhooks_models.Delivery.objects.filter(endpoint=endpoint, **({"state": state} if state else {}))
    return found.order_by("-id")


def attempts(deliveries: Iterable[webhooks_models.Delivery]) -> dict[int, list[webhooks_models.Attempt]]:
    """The attempts of each, the oldest first."""
    found: dict[int, list[webhooks_models.Attempt]] = {each.id: [] for each in deliveries}
    for attempt in webhooks_models.Attempt.objects.filter(delivery__in=list(found)).order_by("id"):
        found[attempt.delivery_id].append(attempt)
    return found


def secrets(endpoint: webhooks_models.Endpoint, now: datetime) -> list[bytes]:
    """The secrets that an endpoint's events are signed with. Raises sealing.Damaged, or NoKey of the files' gateway."""
    key = files_gateway.key_for("webhooks")
    held = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and now < endpoint.old_secret_until:
        held.append(endpoint.old_secret)
    return [sealing.unwrapped(bytes(each), key, endpoint.client_id) for each in held]


# --- what is to be sent -----------------------------------------------------------------------------------------------


def heads(endpoint_id: int) -> QuerySet[webhooks_models.Delivery]:
    """What waits and has nothing before it in its line, what is due first first; nothing else of its line is sent.

    The first of a line is looked up row by row until enough are found. Joined to all that wait, as "there is none
    before it" would be, thirty thousand events took minutes where the planner had not counted them yet.
    """
    waiting = webhooks_models.Delivery.objects.filter(state="waiting")
    first = waiting.filter(endpoint=OuterRef("endpoint"), line=OuterRef("line")).order_by("id").values("id")[:1]
    return waiting.filter(endpoint=endpoint_id, id=Subquery(first)).order_by("due_at", "id")


def next_due(endpoint_id: int) -> datetime | None:
    """When there is something to be sent to an endpoint; None where there is not."""
    endpoint = webhooks_models.Endpoint.objects.filter(id=endpoint_id, state="enabled").first()
    due = heads(endpoint_id).values_list("due_at", flat=True).first() if endpoint else None
    return max(due, endpoint.rests_until) if due and endpoint and endpoint.rests_until else due


def overdue(now: datetime) -> list[int]:
    """The endpoints to which something should be on its way by now."""
    rests = Q(rests_until=None) | Q(rests_until__lte=now)
    waiting = webhooks_models.Delivery.objects.filter(endpoint=OuterRef("id"), state="waiting", due_at__lte=now)
    found = webhooks_models.Endpoint.objects.filter(rests, Exists(waiting), state="enabled")
    return list(found.order_by("id").values_list("id", flat=True))


def told_of(client_ids: Collection[int]) -> list[webhooks_models.Endpoint]:
    """The endpoints of these clients that are told of what happens; of one that is paused it waits."""
    found = webhooks_models.Endpoint.objects.filter(client__in=client_ids, state__in=["enabled", "paused"])
    return list(found.order_by("id"))


def about(facts: Sequence[Followed]) -> dict[int, public_events.About]:
    """What the numbers of these facts stand for, by the facts' positions."""
    clients = {each.client_id for each in facts}
    named = dict(Client.objects.filter(id__in=clients).values_list("id", "slug"))
    items = {
        each["id"]: {
            "number": each["id"],
            "key": each["key"],
            "kind": each["kind"],
            "process": each["process__name"],
            "client_id": each["client_id"],
        }
        for each in Item.objects.filter(id__in={fact.item_id for fact in facts}).values(
            "id", "key", "kind", "process__name", "client_id"
        )
    }
    queues = dict(Queue.objects.filter(id__in=_named(facts, "queue")).values_list("id", "name"))
    processes = dict(Process.objects.filter(id__in=_named(facts, "process")).values_list("id", "name"))
    return {
        fact.position: public_events.About(
            client=named[fact.client_id],
            item=_of(fact, items),
            case=fact.case_id,
            queues=queues,
            processes=processes,
        )
        for fact in facts
        if fact.client_id in named
    }


def _named(facts: Sequence[Followed], field: str) -> set[int]:
    return {each.details[field] for each in facts if isinstance(each.details.get(field), int)}


def _of(fact: Followed, items: dict[int, dict[str, object]]) -> dict[str, object] | None:
    """A fact's item, never another client's."""
    found = items.get(fact.item_id or 0)
    if found is None or found["client_id"] != fact.client_id:
        return None
    return {name: value for name, value in found.items() if name != "client_id"}


# --- how it goes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint is, in a word and a mood, what waits for it and since when."""

    endpoint: webhooks_models.Endpoint
    waiting: int
    failed: int
    since: datetime | None

    def seconds(self, now: datetime) -> float:
        """For how long the oldest event has waited; 0 where none does."""
        return max(0.0, (now - self.since).total_seconds()) if self.since else 0.0

    @property
    def word(self) -> str:
        """How it is, in a word or two."""
        endpoint = self.endpoint
        if endpoint.state != "enabled":
            return {"paused": gettext_noop("paused"), "gone": gettext_noop("gone (410)")}.get(
                endpoint.state, endpoint.state
            )
        return gettext_noop("failing") if endpoint.failing_since else gettext_noop("well")

    @property
    def mood(self) -> str:
        """How much that matters."""
        return {"well": "calm", "paused": "close"}.get(self.word, "late")

    def is_dead(self, now: datetime) -> bool:
        """Whether somebody has to look: it is gone, or has failed for so long that events are late."""
        failing = self.endpoint.failing_since
        return self.endpoint.state == "gone" or bool(
            self.endpoint.state == "enabled" and failing and now - failing > LATE_AFTER
        )


def health(endpoints: Iterable[webhooks_models.Endpoint]) -> list[Health]:
    """How each is."""
    found = list(endpoints)
    counted = webhooks_models.Delivery.objects.filter(endpoint__in=found, state__in=["waiting", "failed"])
    rows = counted.order_by().values("endpoint_id", "state").annotate(many=Count("id"), since=Min("made_at"))
    of = {(each["endpoint_id"], each["state"]): (each["many"], each["since"]) for each in rows}
    none = (0, None)
    return [
        Health(
            each,
            of.get((each.id, "waiting"), none)[0],
            of.get((each.id, "failed"), none)[0],
            of.get((each.id, "waiting"), none)[1],
        )
        for each in found
    ]


# --- How people name them, where an action asks for one ---------------------------------------------------------------
declarations.register.name(
    declarations.Handle(
        webhooks_models.Endpoint,
        "endpoint",
        lambda number: endpoint(limits.number(number) or 0),
        endpoints,
        lambda each: str(each.id),
        see="admin webhook list",
    )
)
declarations.register.name(
    declarations.Handle(
        webhooks_models.Delivery,
        "delivery",
        lambda number: delivery(limits.number(number) or 0),
        lambda: webhooks_models.Delivery.objects.filter(state="failed").exclude(endpoint__state="removed"),
        lambda each: str(each.id),
        see="admin webhook list",
    )
)
