"""Skills that leaders grant for some hours, so that somebody gets work of another queue; they end by themselves."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import events as people_events
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.kit.time import calendars


def grant_skill(
    *, person: people_models.Person, skill: str, level: int, ends_at: datetime, queue: str, by: Actor, now: datetime
) -> people_models.Certificate:
    """Let somebody count as skilled for some hours, on whoever leads' own word, so that they get work of a queue."""
    permissions.admit(by, "skills.grant")  # of any team, as with states: leaders stand in for one another on a floor
    if not now < ends_at <= now + qualification.LONGEST_GRANT:
        raise permissions.Refused(_("A skill is granted for at most 12 hours."))
    zone = people_queries.zone_of(person)
    first, last = calendars.day_of(now, zone), calendars.day_of(ends_at, zone)
    known, _is_new = people_models.Skill.objects.get_or_create(name=skill)
    granted = people_models.Certificate.objects.create(
        person=person,
        skill=known,
        level=level,
        proof=qualification.GRANTED,
        valid_from=first,
        expires_on=last,
        ends_at=ends_at,
    )
    event = people_events.SkillGranted(skill, level, granted.proof, first, last, ends_at, queue)
    event_log.record(event, at=now, person_id=person.id, by=by)
    return granted


def end_grants(*, person: people_models.Person, by: Actor, now: datetime) -> int:
    """Take back at once whatever skills somebody was granted; returns how many."""
    permissions.admit(by, "skills.grant")
    return _end_grants(people_models.Certificate.objects.filter(person=person, ends_at__gt=now), by, now)


def end_lapsed_grants(*, by: Actor, now: datetime) -> int:
    """End the granted skills whose time is over; returns how many."""
    permissions.admit(by, "skills.grant")
    return _end_grants(people_models.Certificate.objects.filter(ends_at__lte=now), by, now)


def _end_grants(which: QuerySet[people_models.Certificate], by: Actor, now: datetime) -> int:
    ended = list(which.filter(revoked_at=None).select_related("skill").select_for_update(of=("self",)).order_by("id"))
    for each in ended:
        each.revoked_at = now
        each.save(update_fields=["revoked_at"])
        event_log.record(people_events.SkillGrantEnded(each.skill.name), at=now, person_id=each.person_id, by=by)
    return len(ended)
