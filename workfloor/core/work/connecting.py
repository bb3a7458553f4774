"""The legs of work, as its channel reports them: who is on it, and when the customer really is connected.

A channel says that the customer's leg began in the transaction in which the item is received; from then on accepting an
offer connects nobody, and it is the channel that says so. What a channel says twice happened once.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.event_log.events import Event
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import legs as work_legs
from workfloor.core.work import lifecycle, roles
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries


def begin(
    *, item: work_models.Item, leg: str, party: str, by: Actor, now: datetime, person: Person | None = None
) -> work_models.Item:
    """Somebody comes in or is called. Ours are those who take part in the item: its owner, a consultant, a monitor."""
    permissions.admit(by, "work.route")
    item = work_queries.locked(item.id)
    known = work_legs.find(item.legs, leg)
    if known and (known["party"], known["person"]) == (party, person.id if person else None):
        return item
    if (person is None) == (party in (work_legs.AGENT, work_legs.SUPERVISOR)):
        raise work.Refused(_("Say who of ours is on an agent's or a supervisor's leg, and nobody on another."))
    if person and item.person_id != person.id and roles.part_of(item.beside, person.id) is None:
        raise work.NotYours(_("{person} takes no part in this item.").format(person=person.name))
    return work.happen(item, work_events.LegBegan(leg, party), at=now, person=person, by=by)


def connect(*, item: work_models.Item, leg: str, by: Actor, now: datetime) -> work_models.Item:
    """A leg is connected. Where customer and agent hear each other by it, the customer is answered."""
    item, known = _leg(item, leg, by)
    if known["connected_at"]:
        return item
    if known["party"] == work_legs.AGENT:
        lifecycle.allow(item, work_events.Connected.name)
    silent = work_legs.runs(item.legs) != "talk"
    item = work.happen(item, work_events.LegConnected(leg), at=now, person=_person(known), by=by)
    if silent and work_legs.runs(item.legs) == "talk":
        item = work.happen(item, work_events.Connected(), at=now, person=item.person, by=by)
    return item


def hold(*, item: work_models.Item, leg: str, by: Actor, now: datetime) -> work_models.Item:
    """A leg is held; where it is the customer's, the item is on hold."""
    item, known = _leg(item, leg, by)
    if work_legs.is_held(known):
        return item
    return work.happen(item, work_events.LegHeld(leg), at=now, person=_person(known), by=by)


def resume(*, item: work_models.Item, leg: str, by: Actor, now: datetime) -> work_models.Item:
    """A leg is held no more."""
    item, known = _leg(item, leg, by)
    if work_legs.on(known) and not work_legs.is_held(known):
        return item
    return work.happen(item, work_events.LegResumed(leg), at=now, person=_person(known), by=by)


def end(*, item: work_models.Item, leg: str, by: Actor, now: datetime, cause: str = "") -> work_models.Item:
    """A leg has ended, or never came about.

    With the customer's the contact is over: wrap-up begins, or they left before anybody was connected. With an agent's
    it is not: the item stays theirs, and no talk runs until they are connected again.
    """
    item, known = _leg(item, leg, by)
    if known["ended_at"]:
        return item
    over: list[Event] = []
    if known["party"] == work_legs.CUSTOMER and item.state in ("waiting", "offered", "held"):
        answered = item.state == "held" and item.connected_at is not None
        over = [work_queries.ended(item, now) if answered else work_events.Abandoned()]
    ended = work_events.LegEnded(leg, cause or None)
    if over:
        return work.happen(item, ended, *over, at=now, person=item.person, by=by)
    return work.happen(item, ended, at=now, person=_person(known), by=by)


def record(*, item: work_models.Item, leg: str, recording: str, by: Actor, now: datetime) -> work_models.Item:
    """A leg's recording is kept somewhere, under this name."""
    item, known = _leg(item, leg, by)
    if known["recording"] == recording:
        return item
    return work.happen(item, work_events.LegRecorded(leg, recording), at=now, person=_person(known), by=by)


def _leg(item: work_models.Item, name: str, by: Actor) -> tuple[work_models.Item, work_legs.Leg]:
    permissions.admit(by, "work.route")
    item = work_queries.locked(item.id)
    known = work_legs.find(item.legs, name)
    if known is None:
        raise work.Refused(_("There is no leg {name} of this item: say first that it began.").format(name=name))
    return item, known


def _person(leg: work_legs.Leg) -> Person | None:
    return Person.objects.get(id=leg["person"]) if leg["person"] else None
