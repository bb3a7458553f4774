"""Raising escalations, telling the next of a chain, acknowledging, answering and closing them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from django.db.models import F
from django.utils.translation import gettext as _

from workfloor.core.access import actors, permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.outgoing import actions as outgoing
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import supervising
from workfloor.core.work.actions import TooLate
from workfloor.core.work.models import Item
from workfloor.kit.declarations import field
from workfloor.kit.text import masks
from workfloor.ops.escalation import events as escalation_events
from workfloor.ops.escalation import matching
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ops.escalation.models import Escalation, Notice

ENGINE: Final = actors.engine("escalation")
LETTER: Final = "escalation"
LONGEST: Final = 2000  # characters

Refused = permissions.Refused


def escalate(*, item: Item, agreed: contracts_terms.Escalation, said: str, by: Actor, now: datetime) -> Escalation:
    """Raise what a contract agreed for something that happened to an item, and tell the first of its chain."""
    permissions.admit(by, "escalations.raise", client_id=item.client_id)
    for before in escalation_queries.open_on([item.id], agreed.event).filter(title=agreed.title):
        close(escalation=before, because=Escalation.ASKED_AGAIN, by=by, now=now)
    made = Escalation.objects.create(
        client_id=item.client_id,
        item=item,
        event=agreed.event,
        title=agreed.title,
        said=said,
        steps=matching.chain(agreed),
        raised_at=now,
        due_at=now,
    )
    _record(made, escalation_events.Raised(made.id, agreed.title, agreed.event), now, by)
    return tell_next(escalation=made, by=by, now=now)


def tell_next(*, escalation: Escalation, by: Actor, now: datetime) -> Escalation:
    """Tell the next step of a chain, if that is due. A step that nobody is in is passed over."""
    permissions.admit(by, "escalations.raise", client_id=escalation.client_id)
    found = escalation_queries.locked(escalation)
    while found.due_at is not None and found.due_at <= now:
        step = found.steps[found.steps_told]
        told = escalation_queries.addressees(step, found.item)
        found.steps_told += 1
        found.due_at = matching.due_at(found.steps, found.steps_told, now) if told else _at_once(found, now)
        found.save(update_fields=["steps_told", "due_at"])
        Notice.objects.bulk_create(
            Notice(
                client_id=found.client_id,
                escalation=found,
                step=found.steps_told,
                person=person,
                to=address,
                mail_due_at=matching.mail_due_at(step, address, now),
                told_at=now,
            )
            for person, address in told
        )
        people = [person.id for person, _address in told if person]
        _record(found, escalation_events.StepTold(found.id, found.steps_told, step["tell"], people), now, by)
    return found


def _at_once(escalation: Escalation, now: datetime) -> datetime | None:
    return now if escalation.steps_told < len(escalation.steps) else None


def mail(*, notices: Sequence[Notice], by: Actor, now: datetime) -> Mail:
    """Mail one person, or one address, all that they are to be told by now. The caller has locked the notices."""
    for client_id in {each.client_id for each in notices}:
        permissions.admit(by, "escalations.raise", client_id=client_id)
    first = notices[0]
    made = outgoing.post(kind=LETTER, about=first.id, to=first.to, person_id=first.person_id, by=by, now=now)
    Notice.objects.filter(id__in=[each.id for each in notices]).update(mail_id=made.id, mail_due_at=None)
    return made


@action(
    "Acknowledge an escalation",
    permission="escalations.handle",
    command="routing escalation acknowledge",
    says="Escalation {made} is acknowledged: nobody else is told.",
    example="workfloor routing escalation acknowledge 12",
)
def acknowledge(*, escalation: Escalation, by: Person, now: datetime) -> Escalation:
    """Say that one sees to an escalation: the next of its chain are not told."""
    found = _open(escalation, by)
    if found.acknowledged_by_id == by.id:
        return found
    if found.acknowledged_at:
        raise TooLate(_acknowledged(found, by))
    found.acknowledged_at, found.acknowledged_by, found.due_at = now, by, None
    found.save(update_fields=["acknowledged_at", "acknowledged_by", "due_at"])
    found.notices.filter(mail_due_at__gt=F("told_at")).update(mail_due_at=None)  # of those who waited for this
    _record(found, escalation_events.Acknowledged(found.id), now, by)
    return found


@action(
    "Answer an escalation",
    permission="escalations.handle",
    command="routing escalation answer",
    says="Escalation {made} is answered.",
    example="workfloor routing escalation answer 12 --text 'Refund it, up to 50 euros'",
)
def answer(
    *,
    escalation: Escalation,
    text: Annotated[str, field("Answer", "What is to be done, or was.", most=LONGEST, as_option=True)],
    by: Person,
    now: datetime,
) -> Escalation:
    """Answer an escalation, which closes it; an agent who called for help reads it on their desk."""
    found = _open(escalation, by)
    said = masks.mask(text.strip()[:LONGEST]).text  # facts cannot be deleted
    if not said:
        raise Refused(_("Write the answer first."))
    happened: Event = escalation_events.Answered(found.id, said)
    if found.event == "help":  # the fact of the item says what was answered
        supervising.answer(item=found.item, text=said, by=by, now=now)
        happened = escalation_events.Closed(found.id, Escalation.ANSWERED)
    found.answer = said
    found.save(update_fields=["answer"])
    _record(found, happened, now, by)
    return _close(found, Escalation.ANSWERED, now, by)


def close(*, escalation: Escalation, because: str, by: Actor, now: datetime) -> Escalation:
    """End an escalation that nobody needs to see to any more: the work is done, or was answered elsewhere."""
    permissions.admit(by, "escalations.raise", client_id=escalation.client_id)
    found = escalation_queries.locked(escalation)
    if found.closed_at:
        return found
    _record(found, escalation_events.Closed(found.id, because), now, by)
    return _close(found, because, now, by)


def mark_answered(*, escalation: Escalation, text: str, person_id: int | None, by: Actor, now: datetime) -> Escalation:
    """Close a call for help that was answered where it was seen, with what was said and by whom."""
    permissions.admit(by, "escalations.raise", client_id=escalation.client_id)
    found = escalation_queries.locked(escalation)
    if found.closed_at:
        return found
    found.answer, found.closed_by_id = text, person_id
    found.save(update_fields=["answer", "closed_by"])
    _record(found, escalation_events.Closed(found.id, Escalation.ANSWERED), now, by)
    return _close(found, Escalation.ANSWERED, now, by)


def _close(found: Escalation, because: str, now: datetime, by: Actor) -> Escalation:
    found.closed_at, found.closed_as, found.due_at = now, because, None
    found.closed_by_id = found.closed_by_id or by.person_id
    found.save(update_fields=["closed_at", "closed_as", "closed_by", "due_at"])
    found.notices.filter(mail_due_at__isnull=False).update(mail_due_at=None)
    return found


def _open(escalation: Escalation, by: Person) -> Escalation:
    """The escalation, locked; refused with who closed it where somebody has meanwhile."""
    found = escalation_queries.locked(escalation)
    if found.closed_at is None:
        return found
    at = f"{found.closed_at.astimezone(people_queries.zone_of(by)):%H:%M:%S}"
    if found.closed_by is None:
        told = _("Nothing was changed: it is closed since {at} ({because}).")
        raise TooLate(told.format(at=at, because=_(found.closed_as)))
    told = _("Nothing was changed: {who} was quicker. {at}: {said}")
    raise TooLate(told.format(who=found.closed_by.name, at=at, said=found.answer or _(found.closed_as)))


def _acknowledged(found: Escalation, by: Person) -> str:
    assert found.acknowledged_at is not None and found.acknowledged_by is not None
    at = f"{found.acknowledged_at.astimezone(people_queries.zone_of(by)):%H:%M:%S}"
    told = _("Nothing was changed: {who} has acknowledged it at {at}.")
    return told.format(who=found.acknowledged_by.name, at=at)


def _record(found: Escalation, event: Event, now: datetime, by: Actor) -> None:
    """Record a fact about an escalation; what a person did is named to the desk of whoever has its item in hand."""
    item, told = found.item, found.item.person_id if by.person_id else None
    event_log.record(
        event, at=now, client_id=found.client_id, item_id=item.id, case_id=item.case_id, person_id=told, by=by
    )
