"""Who takes part in work beside its owner: consultants, monitors, and whoever keys a document as the second."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import partial

from django.utils.translation import gettext as _
from psycopg.types.range import Range

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.people import actions as people
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import hands, lifecycle, roles
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import attempts
from workfloor.kit.text import masks
from workfloor.kit.time import calendars

# --- consult -----------------------------------------------------------------------------------------------------


def ask(*, item: work_models.Item, to: Person, by: Person, now: datetime) -> work_models.Item:
    """Ask a colleague to come in on an item in hand; what it takes of them is theirs from now on, as with an offer."""
    item = hands.locked(item, by)
    lifecycle.allow(item, work_events.ConsultAsked.name)
    _refuse_as_part(item, to)
    if not to.is_a("agent") or people_queries.work_state(to) != "available":
        raise work.Refused(_("{person} does not take work just now. Ask somebody else.").format(person=to.name))
    _take_part(item, to, roles.CONSULT, item.declared.consults, now)
    seconds = contracts_queries.terms_of(item.queue, now).offer_seconds
    return work.happen(item, work_events.ConsultAsked(now + timedelta(seconds=seconds)), at=now, person=to, by=by)


def accept(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Come in on a colleague's item."""
    permissions.admit(by, "work.handle")
    return work.happen(work_queries.locked(item.id), work_events.ConsultJoined(), at=now, person=by, by=by)


def decline(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Not come in."""
    permissions.admit(by, "work.handle")
    item = work_queries.locked(item.id)
    part = roles.part_of(item.beside, by.id)
    if part is None or "asked_until" not in part:
        raise work.NotYours(_("You are not asked any more."))
    item = work.happen(item, work_events.ConsultDeclined(), at=now, person=by, by=by)
    work_models.Assignment.objects.filter(item=item, place=by.id).delete()
    return item


def withdraw(*, item: work_models.Item, of: Person, by: Person, now: datetime) -> work_models.Item:
    """The owner does without a consultant, who may not have answered yet."""
    item = hands.locked(item, by)
    work.leave(item, _part(item, of, roles.CONSULT), work_events.WITHDRAWN, now, by)
    return item


def leave(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Go out of an item in which somebody took part; a second keying is for others to begin then."""
    item = work_queries.locked(item.id)
    work.leave(item, _part(item, by, *roles.BESIDE), work_events.LEFT, now, by)
    return item


def transfer(*, item: work_models.Item, to: Person, by: Person, now: datetime, note: str = "") -> work_models.Item:
    """Transfer an item after a consultation: the consultant goes on with it as its owner, and the customer waits not.

    It takes of them what it takes of an owner; refused where they have no room for that.
    """
    item = hands.locked(item, by)
    _part(item, to, roles.CONSULT)
    handed = work_events.TransferredToConsultant(by.id, masks.mask(note).text or None)
    mine = work_models.Assignment.objects.filter(item=item, place=0)
    taken = work_models.Assignment.objects.filter(person=to, share__isempty=False).exclude(item=item)
    most = contracts_queries.terms_of(item.queue, now).max_concurrency
    busy = [(each.lower, each.upper) for each in taken.values_list("share", flat=True)]
    lay_over = work_queries.lies_aside(by.id, item.id)
    work_models.Assignment.objects.filter(item=item, place=to.id).delete()
    mine.delete()
    if not fits_in(item=item, person=to, role=roles.OWNER, most=most, taken=busy, now=now):
        raise work.Refused(
            _("{to} has no room to take it over. Transfer it to a queue, or end their other work.").format(to=to.name)
        )
    item = work.happen(item, handed, at=now, person=to, by=by)
    if lay_over:
        work.go_on_beneath(person_id=by.id, by=by, now=now)
    return item


# --- monitor -----------------------------------------------------------------------------------------------------


def monitor(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Listen in on an item, or read along: for leaders who may see the client. It takes nothing of them."""
    item = hands.locked(item, by, "work.monitor")
    lifecycle.allow(item, work_events.MonitorJoined.name)
    _refuse_as_part(item, by)
    assign(item=item, person=by, role=roles.MONITOR, share=None, now=now)
    return work.happen(item, work_events.MonitorJoined(), at=now, person=by, by=by)


# --- keyed twice -------------------------------------------------------------------------------------------------


def ask_second_keying(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """Have a document keyed twice, by two people who do not see each other's. Where a person says so, one who leads."""
    item = hands.locked(item, by, "work.supervise")
    return work.happen(item, work_events.SecondKeyingAsked(), at=now, person=None, by=by)


def begin_second_keying(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Key a document as the second, once somebody else has it or had it; never whoever was its owner.

    Whoever could be offered it may: cleared, with the skills that its queue requires, and with room for it.
    """
    permissions.admit(by, "work.handle")
    item = work_queries.locked(item.id)
    lifecycle.allow(item, work_events.SecondKeyingBegun.name)
    if item.person_id is None and item.keyed_at is None:
        raise work.Refused(_("Nobody keys it as the first yet."))
    if work_queries.had_it(item, by.id):
        raise work.Refused(_("You keyed this document as the first: the second keying is somebody else's."))
    _refuse_as_part(item, by)
    terms = contracts_queries.terms_of(item.queue, now)
    day = calendars.day_of(now, people_queries.zone_of(by))
    skills = qualification.skills(people_queries.held(by.certificates.select_related("skill")), day)
    if not qualification.qualifies(skills, terms.requires):
        raise work.Refused(_("You do not hold the skills that work of {queue} requires.").format(queue=item.queue.name))
    _take_part(item, by, roles.KEYS_SECOND, terms.max_concurrency, now)
    return work.happen(item, work_events.SecondKeyingBegun(), at=now, person=by, by=by)


def finish_second_keying(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """The second keying is done; where the first is too, so is the item, with the disposition of the first."""
    permissions.admit(by, "work.handle")
    if item.case_id:
        work_models.Case.objects.select_for_update(no_key=True).get(id=item.case_id)
    item = work_queries.locked(item.id)
    _part(item, by, roles.KEYS_SECOND)
    item = work.happen(item, work_events.SecondKeyingDone(), at=now, person=by, by=by)
    work_models.Assignment.objects.filter(item=item, place=by.id).delete()
    return _finish(item, by, now)


def call_off_second_keying(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """Have a document keyed once after all, while nobody keys it again; where the first is done, so is the item.

    For those who lead.
    """
    item = hands.locked(item, by, "work.supervise")
    return _finish(work.happen(item, work_events.SecondKeyingCalledOff(), at=now, person=None, by=by), by, now)


def _finish(item: work_models.Item, by: Actor, at: datetime) -> work_models.Item:
    """An item whose first keying is done ends, with nothing left to be keyed."""
    if item.keyed_at is None:
        return item
    ended = work_queries.ended(item, at)
    item = work.happen(item, ended, work_events.WrappedUp(item.disposition), at=at, person=item.done_by, by=by)
    return work.resolve(item=item, by=by, now=at)


# --- what time and people do ------------------------------------------------------------------------------------


def let_asks_lapse(*, by: Actor, now: datetime) -> int:
    """Ask those no more who have not answered in time; returns how many it were."""
    permissions.admit(by, "work.route")
    lapsed = work_queries.unanswered(now)
    for item_id, person_id in lapsed:
        item = work_queries.locked(item_id)
        part = roles.part_of(item.beside, person_id)
        if part and "asked_until" in part:
            work.leave(item, part, work_events.NO_ANSWER, now, by)
    return len(lapsed)


def sign_out_the_gone(*, after: timedelta, by: Actor, now: datetime) -> int:
    """Sign out of work whose browser has been gone for so long, and who has nothing in hand; returns how many."""
    permissions.admit(by, "work.route")
    ended = 0
    for person in people_queries.browser_gone(now, after).order_by("id"):
        end_parts_of(person_id=person.id, by=by, now=now)
        work.hold_agent_state(person.id)
        if not work_models.Assignment.objects.filter(person=person).exists():
            people.sign_out_of_work(person=person, because=people.BROWSER_GONE, by=by, now=now)
            ended += 1
    return ended


def end_parts_of(*, person_id: int, by: Actor, now: datetime, but: Collection[str] = ()) -> None:
    """Take somebody out of everything in which they take part beside its owner: they are gone."""
    permissions.admit(by, "work.route")
    for item_id in work_queries.beside(person_id):
        item = work_queries.locked(item_id)
        part = roles.part_of(item.beside, person_id)
        if part and part["role"] not in but:
            work.leave(item, part, work_events.GONE, now, by)


def drop(*, item_id: int, person_id: int, by: Actor, now: datetime) -> None:
    """Take somebody out of an item who may not go on with it, if they still are in it."""
    permissions.admit(by, "work.route")
    item = work_queries.locked(item_id)
    if part := roles.part_of(item.beside, person_id):
        work.leave(item, part, work_events.GONE, now, by)


def _part(item: work_models.Item, person: Person, *of: str) -> roles.Part:
    part = roles.part_of(item.beside, person.id)
    if part is None or part["role"] not in of:
        raise work.NotYours(_("They take no part in this item any more."))
    return part


def _refuse_as_part(item: work_models.Item, person: Person) -> None:
    if item.person_id == person.id or roles.part_of(item.beside, person.id):
        raise work.Refused(_("{person} takes part in it already.").format(person=person.name))
    if not person.clearances.filter(client_id=item.client_id, withdrawn_at=None).exists():
        raise work.Refused(_("{person} is not cleared for this client.").format(person=person.name))


def _take_part(item: work_models.Item, person: Person, role: str, most: int, now: datetime) -> None:
    taken = work_queries.shares([person.id])[person.id]
    if not fits_in(item=item, person=person, role=role, most=most, taken=taken, now=now):
        raise work.Refused(_("{person} has no room for one more item.").format(person=person.name))


def fits_in(
    *, item: work_models.Item, person: Person, role: str, most: int, taken: Iterable[tuple[int, int]], now: datetime
) -> bool:
    """Assign an item to somebody who has room for it: beside what is seen here, and what another client's work takes.

    The database sees both, and refuses a part that is taken already.
    """
    busy = list(taken)
    while share := lifecycle.free_share(busy, most, qualification.CAPACITY):
        if attempts.is_kept(partial(assign, item=item, person=person, role=role, share=share, now=now)):
            return True
        busy.append(share)
    return False


def assign(*, item: work_models.Item, person: Person, role: str, share: tuple[int, int] | None, now: datetime) -> None:
    """Give somebody a part in an item; without a share it takes nothing of them."""
    work_models.Assignment.objects.create(
        item=item,
        place=0 if role == roles.OWNER else person.id,
        role=role,
        client_id=item.client_id,
        person=person,
        share=share or Range(empty=True),
        since=now,
    )
