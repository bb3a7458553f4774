"""Other systems are told what happens: where, by which secret, each event in its order, again until it has arrived."""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.core.access import actors, permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.events import Event, Followed
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import sealing
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.kit.database import jobs
from workfloor.kit.declarations import field
from workfloor.ops.webhooks import events as webhooks_events
from workfloor.ops.webhooks import gateway as webhooks_gateway
from workfloor.ops.webhooks import models as webhooks_models
from workfloor.ops.webhooks import public_events, retries, signing
from workfloor.ops.webhooks import queries as webhooks_queries

SEND: Final = "webhooks.send"
AT_A_TIME: Final = 500
SOON: Final = timedelta(minutes=1)  # what is due later is found by who looks each minute
LONGEST_TITLE: Final = 100
LOCKED_OUT: Final = timedelta(minutes=5)  # between tries while the secret cannot be opened


Refused = permissions.Refused
PRODUCT: Final = actors.engine("webhooks")


# --- endpoints -------------------------------------------------------------------------------------------------------
class Added(NamedTuple):
    """An endpoint, and its secret, which is not shown again."""

    endpoint: webhooks_models.Endpoint
    secret: str

    def __str__(self) -> str:
        return f"Endpoint {self.endpoint.id}. Its secret:  {self.secret}"


@action(
    "Add a webhook",
    permission="webhooks.set-up",
    command="admin webhook add",
    says="{result}  (shown this once: pass it on safely).",
    example="workfloor admin webhook add first-bank https://crm.example.com/hooks --title 'their CRM' --event work",
)
def add(
    *,
    client: Client,
    url: Annotated[str, field("Address", "Where events are sent, https://...", most=webhooks_gateway.LONGEST_URL)],
    title: Annotated[str, field("Which system", "Such as: their CRM.", most=LONGEST_TITLE, as_option=True)],
    events: Annotated[
        Sequence[str],
        field(
            "Events",
            "Events, or groups of them; see: workfloor admin webhook events.",
            choices=(*public_events.GROUPS, *public_events.EVENTS),
            as_option=True,
            flag="event",
        ),
    ],
    by: Actor,
    now: datetime,
) -> Added:
    """Tell another system of a client's events from now on; the secret that signs them is shown once."""
    title, url = " ".join(title.split()), url.strip()
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Refused(_("Say which system it is, in at most {most} characters.").format(most=LONGEST_TITLE))
    try:
        chosen = public_events.vetted(events)
        target = webhooks_gateway.target(url, settings.WORKFLOOR_WEBHOOKS_INSIDE)
    except public_events.Unknown as fault:
        raise Refused(str(fault)) from None
    except ValueError as fault:
        raise Refused(_("This cannot be sent to: the address {fault}.").format(fault=fault)) from None
    secret = webhooks_gateway.new_secret()
    endpoint = webhooks_models.Endpoint.objects.create(
        client=client,
        title=title,
        url=url,
        events=chosen,
        secret=_sealed(secret, client.id),
        since_position=event_log_queries.last_position(),
        added_at=now,
    )
    _tell(endpoint, webhooks_events.EndpointAdded(endpoint.id, target.host, chosen, title), now, by)
    return Added(endpoint, signing.written(secret))


def _sealed(secret: bytes, client_id: int) -> bytes:
    try:
        return sealing.wrapped(secret, files_gateway.key_for("webhooks", make=True), client_id)
    except files_gateway.NoKey as fault:
        raise Refused(str(fault)) from None


def _tell(endpoint: webhooks_models.Endpoint, event: Event, now: datetime, by: Actor = PRODUCT) -> None:
    event_log.record(event, at=now, client_id=endpoint.client_id, by=by)


def _locked(endpoint_id: int) -> webhooks_models.Endpoint | None:
    """An endpoint that nobody else changes until the transaction ends; before any of its deliveries is locked."""
    found = webhooks_models.Endpoint.objects.select_for_update(no_key=True).exclude(state="removed")
    return found.filter(id=endpoint_id).first()


def _in_hand(endpoint: webhooks_models.Endpoint) -> webhooks_models.Endpoint:
    found = _locked(endpoint.id)
    if found is None:
        raise Refused(_("It was removed."))
    return found


@action(
    "Pause a webhook",
    permission="webhooks.set-up",
    command="admin webhook pause",
    says="Nothing is sent there until it is resumed.",
    example="workfloor admin webhook pause 3",
)
def pause(*, endpoint: webhooks_models.Endpoint, by: Actor, now: datetime) -> None:
    """Send nothing to an endpoint until it is resumed; what happens meanwhile waits."""
    found = _in_hand(endpoint)
    if found.state != "enabled":
        raise Refused(_("It is not enabled."))
    found.state = "paused"
    found.save(update_fields=["state"])
    _tell(found, webhooks_events.EndpointPaused(found.id, found.title), now, by)


@action(
    "Resume a webhook",
    permission="webhooks.set-up",
    command="admin webhook resume",
    says="What waits is sent in a moment.",
    example="workfloor admin webhook resume 3",
)
def resume(*, endpoint: webhooks_models.Endpoint, by: Actor, now: datetime) -> None:
    """Send to an endpoint again, at once what waits, also where it is left in peace just now."""
    found = _in_hand(endpoint)
    if found.state == "enabled" and not found.failing_since:
        raise Refused(_("It is enabled, and nothing is wrong with it."))
    if found.state != "enabled":
        _tell(found, webhooks_events.EndpointResumed(found.id, found.title), now, by)
    found.state, found.failures, found.failing_since, found.rests_until = "enabled", 0, None, None
    found.save(update_fields=["state", "failures", "failing_since", "rests_until"])
    _hurry(found, now)
    ask_to_send(endpoint_id=found.id)


def _hurry(endpoint: webhooks_models.Endpoint, now: datetime) -> None:
    """What waits for its next try is due now."""
    waiting = webhooks_models.Delivery.objects.filter(endpoint=endpoint, state="waiting", due_at__gt=now)
    waiting.update(due_at=now)


@action(
    "Remove a webhook",
    permission="webhooks.set-up",
    command="admin webhook remove",
    says="It is told nothing any more.",
    confirm="What waits for it is not sent. Go on?",
    example="workfloor admin webhook remove 3",
)
def remove(*, endpoint: webhooks_models.Endpoint, by: Actor, now: datetime) -> None:
    """Tell an endpoint nothing any more; what waits for it is not sent."""
    found = _in_hand(endpoint)
    found.state = "removed"
    found.save(update_fields=["state"])
    _tell(found, webhooks_events.EndpointRemoved(found.id, found.title), now, by)
    _fail_all(found, "the endpoint was removed", now)


@action(
    "Rotate a webhook's secret",
    permission="webhooks.set-up",
    command="admin webhook rotate",
    says="The new secret:  {result}  (shown this once: pass it on safely).",
    example="workfloor admin webhook rotate 3",
)
def rotate(*, endpoint: webhooks_models.Endpoint, by: Actor, now: datetime) -> str:
    """Sign with another secret, which is shown once, and for a day with the one before too."""
    found = _in_hand(endpoint)
    secret = webhooks_gateway.new_secret()
    found.old_secret, found.old_secret_until = found.secret, now + signing.BOTH_FOR
    found.secret = _sealed(secret, found.client_id)
    found.save(update_fields=["secret", "old_secret", "old_secret_until"])
    _tell(found, webhooks_events.SecretRotated(found.id, found.title), now, by)
    return signing.written(secret)


@action(
    "Test a webhook",
    permission="webhooks.set-up",
    command="admin webhook test",
    says="A test event is sent in a moment.",
    example="workfloor admin webhook test 3",
)
def send_test(*, endpoint: webhooks_models.Endpoint, by: Actor, now: datetime) -> webhooks_models.Delivery:
    """Send an event that says nothing, at once also where the endpoint is left in peace just now."""
    found = _in_hand(endpoint)
    if found.state != "enabled":
        raise Refused(_("Nothing is sent there now. Resume it first."))
    key = _new_key()
    told = public_events.told(key, public_events.TEST, now, {}, public_events.About(found.client.slug))
    made = webhooks_models.Delivery.objects.create(
        client_id=found.client_id,
        endpoint=found,
        key=key,
        event=public_events.TEST,
        line=key,
        body=_written(told),
        made_at=now,
        due_at=now,
    )
    _tell(found, webhooks_events.TestSent(found.id, made.id, found.title), now, by)
    _end_rest(found)
    return made


def _end_rest(endpoint: webhooks_models.Endpoint) -> None:
    endpoint.rests_until = None
    endpoint.save(update_fields=["rests_until"])
    ask_to_send(endpoint_id=endpoint.id)


@action(
    "Send an event again",
    permission="webhooks.set-up",
    command="admin webhook send-again",
    says="It is sent again in a moment.",
    example="workfloor admin webhook send-again 4711",
)
def send_again(*, delivery: webhooks_models.Delivery, by: Actor, now: datetime) -> None:
    """Send an event once more that was tried for long enough, or that has arrived, under the id that it has."""
    found = _in_hand(delivery.endpoint)
    again = webhooks_models.Delivery.objects.select_for_update().get(id=delivery.id)
    if found.state != "enabled":
        raise Refused(_("Nothing is sent there now. Resume the endpoint first."))
    if again.state == "waiting":
        raise Refused(_("It is on its way already."))
    again.state, again.due_at, again.began_at, again.ended_at = "waiting", now, None, None
    again.save(update_fields=["state", "due_at", "began_at", "ended_at"])
    _tell(found, webhooks_events.SentAgain(found.id, again.id), now, by)
    _end_rest(found)


def ask_to_send(*, endpoint_id: int, at: datetime | None = None) -> None:
    """Let a job send what is due to an endpoint, at the earliest at `at`."""
    once = f"{SEND}/{endpoint_id}" + ("/later" if at else "")
    jobs.ask_for(SEND, once=once, at=at, lane=jobs.OUTSIDE, endpoint_id=endpoint_id)


# --- what happens is to be told ---------------------------------------------------------------------------------------
def post(*, facts: Sequence[Followed], now: datetime) -> None:
    """Put each of these facts on its way to the endpoints of its client that want it. The caller entered every client.

    Once for an endpoint and a fact, also where the fact comes again because it was parked.
    """
    endpoints = webhooks_queries.told_of({each.client_id for each in facts if each.client_id is not None})
    wanted = [
        (endpoint, fact)
        for fact in facts
        for endpoint in endpoints
        if endpoint.client_id == fact.client_id
        and endpoint.since_position < fact.position
        and public_events.is_chosen(fact.event, endpoint.events)
    ]
    if not wanted:
        return
    about = webhooks_queries.about([fact for _, fact in wanted])
    webhooks_models.Delivery.objects.bulk_create(
        [_made(endpoint, fact, about[fact.position], now) for endpoint, fact in wanted], ignore_conflicts=True
    )
    for endpoint_id in {endpoint.id: None for endpoint, _fact in wanted if endpoint.state == "enabled"}:
        ask_to_send(endpoint_id=endpoint_id)


def _made(
    endpoint: webhooks_models.Endpoint, fact: Followed, about: public_events.About, now: datetime
) -> webhooks_models.Delivery:
    key = _new_key()
    return webhooks_models.Delivery(
        client_id=endpoint.client_id,
        endpoint=endpoint,
        key=key,
        position=fact.position,
        event=fact.event,
        line=public_events.line(fact.event, fact.item_id, fact.case_id),
        body=_written(public_events.told(key, fact.event, fact.at, fact.details, about)),
        made_at=now,
        due_at=now,
    )


def _new_key() -> str:
    """Never the same twice, also not after an earlier moment was restored, whose numbers are given once more."""
    return f"msg_{uuid.uuid4().hex}"


def _written(told: dict[str, object]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


# --- it is sent -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Try:
    """An attempt that begins: what is to be sent, and where."""

    client_id: int
    endpoint_id: int
    delivery_id: int
    attempt_id: int
    url: str
    headers: dict[str, str]
    body: bytes


def begin(*, endpoint_id: int, busy: Collection[int], most: int, now: datetime) -> list[Try]:
    """Begin to send what is due to an endpoint, beside the deliveries that are `busy`; the caller keeps others from it.

    Of each line the first alone; to an endpoint that was unwell the last time one at a time.
    """
    endpoint = _locked(endpoint_id)
    if endpoint is None or endpoint.state != "enabled" or (endpoint.rests_until and endpoint.rests_until > now):
        return []
    _fail_the_old(endpoint, now)
    most = min(most, 1 - len(busy)) if endpoint.failures else most
    due = webhooks_queries.heads(endpoint.id).filter(due_at__lte=now).exclude(id__in=busy)[: max(most, 0)]
    found = list(due)
    if not found:
        return []
    try:
        secrets = webhooks_queries.secrets(endpoint, now)
    except (files_gateway.NoKey, sealing.Damaged) as fault:
        endpoint.fault, endpoint.rests_until = (
            gettext_noop("its secret cannot be opened: {fault}").format(fault=fault),
            now + LOCKED_OUT,
        )
        endpoint.failing_since = endpoint.failing_since or now
        endpoint.save(update_fields=["fault", "rests_until", "failing_since"])
        return []
    return [_begun(endpoint, each, secrets, now) for each in found]


def _begun(
    endpoint: webhooks_models.Endpoint, delivery: webhooks_models.Delivery, secrets: Sequence[bytes], now: datetime
) -> Try:
    delivery.tries, delivery.began_at = delivery.tries + 1, delivery.began_at or now
    delivery.save(update_fields=["tries", "began_at"])
    attempt = webhooks_models.Attempt.objects.create(client_id=endpoint.client_id, delivery=delivery, began_at=now)
    body = delivery.body.encode()
    headers = signing.headers(secrets, delivery.key, now, body)
    return Try(endpoint.client_id, endpoint.id, delivery.id, attempt.id, endpoint.url, headers, body)


def mark(*, attempt: Try, answer: retries.Answer, now: datetime) -> None:
    """Keep what came of an attempt, and with it how its endpoint is and when it is tried again."""
    webhooks_models.Attempt.objects.filter(id=attempt.attempt_id).update(
        ended_at=now, code=answer.code, words=answer.words, took=answer.took
    )
    endpoint = _locked(attempt.endpoint_id)
    delivery = webhooks_models.Delivery.objects.select_for_update().filter(id=attempt.delivery_id).first()
    if endpoint is None or delivery is None:
        return  # it was removed meanwhile
    verdict = retries.verdict(answer)
    if verdict == "accepted":
        _accept(endpoint, delivery, now)
        return
    said = f"{answer.code} {answer.words}".strip() if answer.code else answer.words
    endpoint.fault = said
    if verdict == "gone":
        _end(endpoint, now)
    elif delivery.state == "waiting":
        _look_after(endpoint, answer, now, is_unwell=verdict == "unwell")
        _try_later(endpoint, delivery, said, now)
    endpoint.save(update_fields=["state", "fault", "failures", "failing_since", "rests_until"])


def _accept(endpoint: webhooks_models.Endpoint, delivery: webhooks_models.Delivery, now: datetime) -> None:
    delivery.state, delivery.ended_at = "accepted", now
    delivery.save(update_fields=["state", "ended_at"])
    if endpoint.failures >= retries.FAILURES_BEFORE_REST:
        _hurry(endpoint, now)
    endpoint.failures, endpoint.failing_since, endpoint.rests_until = 0, None, None
    endpoint.accepted_at, endpoint.fault = now, ""
    endpoint.save(update_fields=["failures", "failing_since", "rests_until", "accepted_at", "fault"])


def _end(endpoint: webhooks_models.Endpoint, now: datetime) -> None:
    if endpoint.state != "gone":
        endpoint.state = "gone"
        _tell(endpoint, webhooks_events.EndpointGone(endpoint.id, endpoint.title), now)
    _fail_all(endpoint, "the receiver answered 410: it takes nothing there any more", now)


def _look_after(endpoint: webhooks_models.Endpoint, answer: retries.Answer, now: datetime, *, is_unwell: bool) -> None:
    """Leave an endpoint in peace that is unwell, for longer each time, or for as long as it asks."""
    if is_unwell:
        endpoint.failures, endpoint.failing_since = endpoint.failures + 1, endpoint.failing_since or now
    rests = [endpoint.rests_until, retries.asked_until(answer.retry_after, now)]
    rests += [retries.rest_until(endpoint.failures, now)] if is_unwell else []
    endpoint.rests_until = max((each for each in rests if each), default=None)


def _try_later(
    endpoint: webhooks_models.Endpoint, delivery: webhooks_models.Delivery, said: str, now: datetime
) -> None:
    again = retries.next_try(delivery.key, delivery.tries, delivery.began_at or now, now)
    if again is None:
        _fail(endpoint, [delivery.id], said, now)
        return
    delivery.due_at = again
    delivery.save(update_fields=["due_at"])


def _fail_the_old(endpoint: webhooks_models.Endpoint, now: datetime) -> None:
    """What waits for longer than anything is tried, for an endpoint that has failed all the time, is not sent."""
    until = now - retries.GIVE_UP_AFTER
    if endpoint.failing_since is None or endpoint.failing_since > until:
        return
    is_old = Q(began_at__lte=until) | Q(began_at=None, due_at__lte=until)
    old = webhooks_models.Delivery.objects.filter(is_old, endpoint=endpoint, state="waiting")
    _fail(endpoint, list(old.values_list("id", flat=True)), endpoint.fault, now)


def _fail_all(endpoint: webhooks_models.Endpoint, reason: str, now: datetime) -> None:
    waiting = webhooks_models.Delivery.objects.filter(endpoint=endpoint, state="waiting")
    _fail(endpoint, list(waiting.values_list("id", flat=True)), reason, now)


def _fail(endpoint: webhooks_models.Endpoint, ids: Collection[int], reason: str, now: datetime) -> None:
    """Send these no more by itself; somebody can have them sent again."""
    count = webhooks_models.Delivery.objects.filter(id__in=ids).update(state="failed", ended_at=now)
    if count:
        _tell(endpoint, webhooks_events.NotDelivered(endpoint.id, count, reason), now)


def ask_for_more(*, endpoint_id: int, now: datetime) -> None:
    """Let a job send what waits for an endpoint now, or in a moment."""
    due = webhooks_queries.next_due(endpoint_id)
    if due and due <= now + SOON:
        ask_to_send(endpoint_id=endpoint_id, at=due if due > now else None)


# --- retention --------------------------------------------------------------------------------------------------------
def delete_expired(*, client_id: int, now: datetime) -> int:
    """Delete some of a client's deliveries that ended long enough ago, with their attempts; returns how many."""
    days = retention_queries.days("webhook-deliveries", client_id)
    old = webhooks_models.Delivery.objects.filter(client_id=client_id, ended_at__lt=kinds.before(now, days))
    ids = list(old.order_by("ended_at").values_list("id", flat=True)[:AT_A_TIME])
    webhooks_models.Attempt.objects.filter(delivery__in=ids).delete()
    webhooks_models.Delivery.objects.filter(id__in=ids).delete()
    retention.tell(kind="webhook-deliveries", count=len(ids), days=days, now=now, client_id=client_id)
    return len(ids)
