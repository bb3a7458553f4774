"""What whoever leads does about others' work: end it, put it back, assign it, raise it, take it over, help with it."""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import granting, qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import joining, lifecycle, roles
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.text import masks

HIGHEST_PRIORITY = 9


@dataclass(frozen=True, slots=True)
class Seen:
    """How an item stood on the page on which somebody pressed: what has moved on since is not acted on unseen."""

    state: str
    person_id: int | None
    queue_id: int
    priority: int

    def __str__(self) -> str:
        return ":".join(str(each or 0) if index else str(each) for index, each in enumerate(astuple(self)))


def seen(item: work_models.Item) -> Seen:
    """How an item stands."""
    return Seen(item.state, item.person_id, item.queue_id, item.priority)


def end(*, item: work_models.Item, by: Person, now: datetime, as_seen: str | None = None) -> work_models.Item:
    """End a contact in somebody's hands; they wrap it up."""
    item = _supervised(item, by, as_seen)
    if item.person is None:
        raise work.Refused(_("Nobody has it in hand, so there is nothing to end."))
    return work.happen(item, work_queries.ended(item, now), at=now, person=item.person, by=by)


def wrap_up(
    *, item: work_models.Item, disposition: str, by: Person, now: datetime, as_seen: str | None = None
) -> work_models.Item:
    """Say how an item ended that somebody else has left in wrap-up; they are free for the next."""
    if item.case_id:  # as in work.wrap_up
        work_models.Case.objects.select_for_update(no_key=True).get(id=item.case_id)
    item = _supervised(item, by, as_seen)
    known = contracts_queries.terms_of(item.queue, item.received_at).dispositions
    if disposition not in known:
        raise work.Refused(_("Choose a disposition: {known}.").format(known=", ".join(known)))
    if item.second_keying in work.KEYED_AGAIN:
        return work.happen(item, work_events.Keyed(disposition), at=now, person=item.person, by=by)
    item = work.happen(item, work_events.WrappedUp(disposition), at=now, person=item.person, by=by)
    return work.resolve(item=item, by=by, now=now)


def put_back(
    *, item: work_models.Item, by: Person, now: datetime, note: str = "", as_seen: str | None = None
) -> work_models.Item:
    """Take an item out of somebody's hands: it waits in its queue again, in its place."""
    item = _supervised(item, by, as_seen)
    if item.state not in ("offered", "held"):
        raise work.Refused(_("It is in nobody's hands, or over already, so it cannot be put back."))
    return _out_of_hands(item, by, now, note)


def assign(
    *,
    item: work_models.Item,
    to: Person,
    by: Person,
    now: datetime,
    note: str = "",
    as_seen: str | None = None,
) -> work_models.Item:
    """Offer an item to one person, whoever has it now; they answer as with any offer.

    Refused unless they take work now, are cleared, have room, and hold the skills that its queue asks for at last.
    """
    item = _supervised(item, by, as_seen)
    if to.id == item.person_id:
        raise work.Refused(_("{name} has it already.").format(name=to.name))
    if not to.is_a("agent") or people_queries.work_state(to) != "available":
        raise work.Refused(_("{name} does not take work just now. Choose somebody else.").format(name=to.name))
    return _offer(item, to, by, now, note)


def take_over(*, item: work_models.Item, by: Person, now: datetime, as_seen: str | None = None) -> work_models.Item:
    """Go on with an item oneself, whoever has it, or nobody; it is on one's own desk then."""
    item = _supervised(item, by, as_seen)
    if item.person_id == by.id:
        raise work.Refused(_("You have it already."))
    if not by.is_a("agent"):
        raise work.Refused(_("Whoever takes over goes on with it at a desk: that takes the role agent as well."))
    return work.accept(item=_offer(item, by, by, now, _("taken over")), by=by, now=now)


def cancel(
    *, item: work_models.Item, reason: str, by: Person, now: datetime, as_seen: str | None = None
) -> work_models.Item:
    """Say that work is not to be done, such as a duplicate; whoever has it in hand is free of it."""
    item = _supervised(item, by, as_seen)
    if not reason.strip():
        raise work.Refused(_("Say why it is cancelled."))
    return work.cancel(item=item, reason=masks.mask(reason.strip()).text, by=by, now=now)


def customer_answered(
    *, item: work_models.Item, by: Person, now: datetime, as_seen: str | None = None
) -> work_models.Item:
    """Say that the customer whom an item waits for has answered, as by another way: it waits in its queue again."""
    item = _supervised(item, by, as_seen)
    return work.customer_answered(item=item, by=by, now=now)


def move(*, person: Person, queue: Queue, ends_at: datetime, by: Person, now: datetime) -> dict[str, int]:
    """Let somebody get work of a queue until an instant, by granting the skills they lack for it; which at which level.

    Refused where they are not cleared for its client, for that is not a leader's to give, or lack nothing.
    """
    permissions.admit(by, "skills.grant", client_id=queue.client_id)
    if not person.is_a("agent") or person.left_at is not None:
        raise work.Refused(_("{name} takes no work.").format(name=person.name))
    if not person.may_enter(queue.client_id):
        raise work.Refused(_("{name} is not cleared for this client.").format(name=person.name))
    held = people_queries.skills_at(person, now)
    requires = contracts_queries.terms_of(queue, now).requires
    lacks = {skill: level for skill, level in requires.items() if held.get(skill, 0) < level}
    if not lacks:
        raise work.Refused(_("{name} gets work of {queue} already.").format(name=person.name, queue=queue.name))
    for skill, level in lacks.items():
        granting.grant_skill(person=person, skill=skill, level=level, ends_at=ends_at, queue=queue.name, by=by, now=now)
    return lacks


def prioritise(
    *, item: work_models.Item, priority: int, by: Person, now: datetime, as_seen: str | None = None
) -> work_models.Item:
    """Give an item a priority of its own, from 0 to 9."""
    if not 0 <= priority <= HIGHEST_PRIORITY:
        raise work.Refused(_("A priority is from 0 to {most}.").format(most=HIGHEST_PRIORITY))
    item = _supervised(item, by, as_seen)
    return work.prioritise(item=item, priority=priority, now=now, by=by)


def answer(
    *, item: work_models.Item, text: str, by: Person, now: datetime, asked_at: datetime | None = None
) -> work_models.Item:
    """Answer an agent's call for help; they read it on their desk, and nobody waits for it any more.

    `asked_at` is when help was asked for, as the page had it: another call since then is not answered unseen.
    """
    permissions.admit(by, "escalations.handle", client_id=item.client_id)
    said = masks.mask(text.strip()).text  # facts cannot be deleted
    if not said:
        raise work.Refused(_("Write the answer first."))
    item = work_queries.locked(item.id)
    asked = item.escalated_at
    if asked is None or asked_at not in (None, asked):
        raise work.TooLate(_answered_by(item, by))
    return work.happen(item, work_events.EscalationAnswered(said), at=now, person=item.person, by=by)


def _answered_by(item: work_models.Item, by: Person) -> str:
    """Say who answered meanwhile, and what."""
    last = event_log_queries.of_item(item.id).filter(event=work_events.EscalationAnswered.name).last()
    if last is None:
        return _("Nobody asks for help with this any more.")
    at = f"{last.at.astimezone(people_queries.zone_of(by)):%H:%M:%S}"
    who = Person.objects.get(id=last.by_id).name
    told = _("Your answer was not sent: {who} was quicker. {at}: {said}")
    return told.format(who=who, at=at, said=last.details["note"])


def _supervised(item: work_models.Item, by: Person, as_seen: str | None) -> work_models.Item:
    """The item, locked, for whoever may supervise; refused where it is not as they saw it any more."""
    permissions.admit(by, "work.supervise", client_id=item.client_id)
    item = work_queries.locked(item.id)
    if as_seen is not None and as_seen != str(seen(item)):
        raise work.TooLate(_moved_on(item, by))
    return item


def _moved_on(item: work_models.Item, by: Person) -> str:
    """Say who did what meanwhile."""
    happened = event_log_queries.of_item(item.id).filter(event__startswith="work.")
    last = happened.exclude(event__in=_OF_NO_ACCOUNT).last()
    assert last is not None
    said = work_events.said(last.event, last.details)
    names = Person.objects.in_bulk({last.by_id, last.person_id} - {None})
    if last.person_id != last.by_id and last.person_id in names:
        said = f"{said} ({names[last.person_id].name})"
    at = f"{last.at.astimezone(people_queries.zone_of(by)):%H:%M:%S}"
    if last.by_id is None or last.by_id == by.id:
        return _("Nothing was changed: it has moved on since you looked. {at}: {said}.").format(at=at, said=said)
    told = _("Nothing was changed: {who} was quicker. {at}: {said}.")
    return told.format(who=names[last.by_id].name, at=at, said=said)


# What does not change how an item stands for a leader.
_OF_NO_ACCOUNT = ("work.monitor-joined", "work.monitor-left", "work.reply-sent", "work.sticky-agent")


def _out_of_hands(item: work_models.Item, by: Person, now: datetime, note: str) -> work_models.Item:
    lets_go = (
        work_events.OfferWithdrawn()
        if item.state == "offered"
        else work_events.Transferred(item.queue_id, masks.mask(note).text or _("put back into its queue"))
    )
    return work.happen(item, lets_go, at=now, person=item.person, by=by)


def _offer(item: work_models.Item, to: Person, by: Person, now: datetime, note: str) -> work_models.Item:
    _refuse_who_may_not_have(item, to, now)
    if item.state in ("offered", "held"):
        item = _out_of_hands(item, by, now, note or _("assigned to {name}").format(name=to.name))
    lifecycle.allow(item, work_events.Offered.name)
    if item.pending_customer_since or item.queued_at > now:
        raise work.Refused(_("It waits for the customer, or for the time that it is scheduled for."))
    terms = contracts_queries.terms_of(item.queue, now)
    taken, most = work_queries.shares([to.id])[to.id], terms.max_concurrency
    if not joining.fits_in(item=item, person=to, role=roles.OWNER, most=most, taken=taken, now=now):
        raise work.Refused(_("{name} has no room for one more item.").format(name=to.name))
    offered = work_events.Offered(now + timedelta(seconds=terms.offer_seconds))
    return work.happen(item, offered, at=now, person=to, by=by)


def _refuse_who_may_not_have(item: work_models.Item, to: Person, now: datetime) -> None:
    if not to.may_enter(item.client_id):
        raise work.Refused(_("{name} is not cleared for this client.").format(name=to.name))
    at_last = contracts_queries.requires_at_last(item.queue, now)
    if not qualification.qualifies(people_queries.skills_at(to, now), at_last):
        told = _("{name} does not hold the skills that work of {queue} requires.")
        raise work.Refused(told.format(name=to.name, queue=item.queue.name))
