"""What another system says that happened to work that it handles: each thing once, by its own time, in any order."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.events import Entry, Event, Past
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import lifecycle
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import locks, prepared
from workfloor.kit.text import masks

What = Literal["answered", "held", "resumed", "transferred", "ended", "abandoned", "disposition"]
CLOCKS_DIFFER: Final = timedelta(seconds=60)  # at most, between the other system's and ours


class Impossible(work.Refused):
    """What was said cannot have happened, by what is known of the item."""


@dataclass(frozen=True)
class Said:
    """One report: what happened, and what belongs to it."""

    what: What
    agent: str = ""  # who answered, as that system names them
    queue: str = ""  # where it was transferred to
    note: str = ""
    disposition: str = ""


def report(
    *, item: work_models.Item, key: str, said: Said, at: datetime, source: str, by: Actor, now: datetime
) -> tuple[work_models.Report, bool]:
    """Take in that something happened at an instant of the other system's; returns the report and whether it is new.

    What can only have happened after something that was not reported yet waits for that, and the report says for what.
    Of the same key again nothing follows. Raises Conflict where the key came with other content, Impossible, and
    Refused where the contract knows no such queue or disposition.
    """
    permissions.admit(by, "work.send-in", client_id=item.client_id, own=False)
    content = [item.key, asdict(said), at.astimezone(UTC).isoformat()]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    locks.hold("work.report", item.client_id, key)
    if known := work_models.Report.objects.filter(client_id=item.client_id, key=key).first():
        if known.digest != digest:
            raise work.Conflict(
                _("the report “{key}” said something else; say this under a name of its own").format(key=key)
            )
        return known, False
    item = work_queries.locked(item.id)
    made = work_models.Report(
        client_id=item.client_id, item=item, key=key, digest=digest, said=asdict(said), at=min(at, now), source=source
    )
    made.reported_at = now
    _refuse(item, said, at, now)
    made.waits_for = _follow(item, made, by)
    made.save(force_insert=True)
    if not made.waits_for:
        _catch_up(item, by)
    return made, True


def keep_answer(*, made: work_models.Report, answer: Mapping[str, Any]) -> None:
    """Keep what a report was answered with, for whoever sends it again."""
    made.answer = dict(answer)
    made.save(update_fields=["answer"])


def _refuse(item: work_models.Item, said: Said, at: datetime, now: datetime) -> None:
    """Refuse what cannot be so whatever else is reported."""
    if not item.elsewhere:
        raise Impossible(
            _(
                "This work is offered here, and what happens to it is known here. Report on work only that you "
                "sent with handled_elsewhere_since."
            )
        )
    if at > now + CLOCKS_DIFFER:
        raise Impossible(
            _("That is still to come: here it is {now:%Y-%m-%d %H:%M:%S} UTC. Set your system's clock.").format(now=now)
        )
    if at < item.received_at:
        raise Impossible(
            _("The work came in at {received_at:%Y-%m-%d %H:%M:%S} UTC, and that is before.").format(
                received_at=item.received_at
            )
        )
    if now - at > work.REPORTED_WITHIN:
        raise Impossible(
            _("That is more than {days} days ago. Ask whoever runs Workfloor for you.").format(
                days=work.REPORTED_WITHIN.days
            )
        )
    known = contracts_queries.terms_of(item.queue, item.received_at).dispositions
    if said.disposition and said.disposition not in known:
        raise work.Refused(
            _("There is no disposition “{disposition}”; choose from {known}.").format(
                disposition=said.disposition, known=", ".join(known)
            )
        )
    if said.queue and not Queue.objects.filter(client_id=item.client_id, name=said.queue).exists():
        raise work.Refused(_("There is no queue “{queue}”; the contract names the queues.").format(queue=said.queue))


def _catch_up(item: work_models.Item, by: Actor) -> None:
    """Let what waited follow, as far as it can now."""
    waiting = list(item.reports.exclude(waits_for="").order_by("at", "id"))
    for each in waiting:
        try:
            each.waits_for = _follow(item, each, by)
        except Impossible:  # it was taken in; that it never can follow any more is told by its waiting
            continue
        if not each.waits_for:
            each.save(update_fields=["waits_for"])
            _catch_up(item, by)
            return


# What a report waits for, by what it says and the state that the item was in at that instant.
_WAITS: Final[Mapping[tuple[str, str], str]] = {
    ("held", "waiting"): "answered",
    ("resumed", "waiting"): "answered",
    ("resumed", "held"): "held",
    ("ended", "waiting"): "answered",
    ("disposition", "waiting"): "answered",
    ("disposition", "held"): "ended",
}


def _follow(item: work_models.Item, made: work_models.Report, by: Actor) -> str:
    """Record what follows from a report, and let the item's state be what all its facts add up to, by their own times.

    Returns what the report waits for; then nothing followed. Raises Impossible.
    """
    facts = [Past(each.event, each.at, each.details, each.person_id) for each in event_log_queries.of_item(item.id)]
    before = [each for each in facts if each.at <= made.at]
    then = lifecycle.replay(before)
    said = Said(**made.said)
    events = _events(item, then, said, made)
    new = [Past(event.name, made.at, event.details()) for event in events]
    try:
        lifecycle.replay([*before, *new])
    except lifecycle.NotNow as fault:
        on_hold = said.what == "resumed" and then.on_hold_since is not None
        if (wanted := _WAITS.get((said.what, then.state))) and not on_hold:
            return wanted
        raise Impossible(
            _("{fault}, at {at:%H:%M:%S} UTC.").format(fault=str(fault).rstrip("."), at=made.at)
        ) from fault
    try:
        state = lifecycle.replay([*facts, *new])
    except lifecycle.NotNow as fault:
        raise Impossible(f"That contradicts what was reported of a later time: {str(fault).rstrip('.')}.") from fault
    _store(item, state, events, made, by)
    return ""


def _store(
    item: work_models.Item, state: lifecycle.Item, events: Sequence[Event], made: work_models.Report, by: Actor
) -> None:
    changed = [column for column in lifecycle.COLUMNS if getattr(item, column) != getattr(state, column)]
    for column in changed:
        setattr(item, column, getattr(state, column))
    if changed:
        prepared.update(item, *sorted(changed))
    event_log.record_all([Entry(event, made.at, item.client_id, item.id, item.case_id, by=by) for event in events])
    if item.state == "done":
        work.resolve(item=item, by=by, now=made.at)


def _events(item: work_models.Item, then: lifecycle.Item, said: Said, made: work_models.Report) -> list[Event]:
    """What follows from a report: that it was made, and what it says."""
    told: list[Event] = [work_events.Reported(made.key, said.what, made.source)]
    match said.what:
        case "answered":
            told += [work_events.Accepted(said.agent or None), work_events.Connected()]
        case "held":
            told += [work_events.Held()]
        case "resumed":
            told += [work_events.Resumed()]
        case "transferred":
            queue = Queue.objects.get(client_id=item.client_id, name=said.queue)
            told += [work_events.Transferred(queue.id, masks.mask(said.note).text)]
        case "ended":
            as_then = work_models.Item(**vars(then))
            told += [work_queries.ended(as_then, made.at)]
            told += [work_events.WrappedUp(said.disposition)] if said.disposition else []
        case "disposition":
            told += [work_events.WrappedUp(said.disposition)]
        case "abandoned":
            told += [work_events.Abandoned()]
    return told
