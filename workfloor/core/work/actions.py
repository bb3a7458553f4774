"""Everything that happens to work: each action records a fact, and the state follows from the fact."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Entry, Event
from workfloor.core.event_log.models import TABLE
from workfloor.core.people import qualification
from workfloor.core.people.models import AgentState, Clearance, Person
from workfloor.core.work import events as work_events
from workfloor.core.work import hands, lifecycle, roles
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import legs as work_legs
from workfloor.core.work import models as work_models
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import locks, prepared
from workfloor.kit.text import masks
from workfloor.kit.time import calendars
from workfloor.kit.web import live as web_live

Refused = permissions.Refused
NotYours = permissions.NotYours


class Conflict(Refused):
    """The sender's key was used before, for other work."""


FURTHEST = timedelta(days=366)  # that anything is scheduled for
REPORTED_WITHIN = timedelta(days=7)  # by another system, that something happened there
KEYED_AGAIN = ("wanted", "begun")  # by somebody else, before it is done
HANDED_FOR_SECONDS = 900  # for a colleague, where the contract knows no sticky agent


@dataclass(frozen=True)
class Customer:
    """How a sender names a customer; where `is_claimed`, a stranger says to be that one, and nobody knows it."""

    reference: str
    name: str = ""
    is_claimed: bool = False


def receive(
    *,
    queue: Queue,
    key: str,
    now: datetime,
    title: str = "",
    payload: Mapping[str, Any] | None = None,
    kind: str | None = None,
    customer: Customer | None = None,
    case_kind: str = "request",
    case: work_models.Case | None = None,
    not_before: datetime | None = None,
    asked_for: Person | None = None,
    came_at: datetime | None = None,
    by: Actor,
) -> tuple[work_models.Item, bool]:
    """Take work in; the same key again is the same item. Returns the item and whether it is new.

    Nobody is offered it `not_before` then; from then on it waits, for a while perhaps for whoever was `asked_for`.
    With `came_at` another system handles it, to which it came then: nobody is offered it here (see reporting).
    Raises Conflict when the key came before with other content, Refused when its queue keeps nothing for anybody.
    """
    hands.admit_sender(by, queue.client_id, case)
    content = [queue.id, title, dict(payload or {}), kind, customer and customer.reference, case_kind, case and case.id]
    content += [not_before.isoformat()] if not_before else []
    content += [f"elsewhere since {came_at.isoformat()}"] if came_at else []
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    locks.hold("work.key", queue.client_id, key)
    if known := work_queries.by_key(queue.client_id, key):
        if known.digest != digest:
            raise Conflict(
                _("the key “{key}” was used for other work; send new work under a key of its own").format(key=key)
            )
        return known, False
    if came_at and (not_before or asked_for or not timedelta() <= now - came_at <= REPORTED_WITHIN):
        why = _("What another system handles came to it in the last {days} days, and waits for nobody here.")
        raise Refused(why.format(days=REPORTED_WITHIN.days))
    now = came_at or now
    terms = contracts_queries.terms_of(queue, now)
    if not_before and not_before > now + FURTHEST:
        why = _("Work can be scheduled for the next {days} days, not for {day:%Y-%m-%d}.")
        raise Refused(why.format(days=FURTHEST.days, day=not_before))
    if asked_for and not terms.sticky_for_seconds:
        raise Refused(
            _("Nobody can be asked for: work of {queue} has no sticky agent (sticky_for).").format(queue=queue.name)
        )
    at, knows = max(now, not_before or now), work_queries.last_agent(case.id if case else None)
    if case:
        take_up(case=case, by=by, now=now)
    case = case or open_case(client=queue.client, named=customer, kind=case_kind, subject=title, by=by, now=now)
    item = work_models.Item(client=queue.client, case=case, title=title, payload=payload or {}, digest=digest)
    kind = kind or work_kinds.OF_PROCESS[terms.process_kind]
    happened = arrival(queue=queue, key=key, kind=kind, terms=terms, at=at, now=now, elsewhere=came_at is not None)
    told = begin(item=item, happened=happened, by=by, now=now)
    if came_at:
        return item, True  # no rule of ours decides about it
    item = _keep(item, asked_for or knows, now, by)
    if item.id in event_log.decide(told, now=now):
        item = work_queries.locked(item.id)
    return item, True


def arrival(
    *,
    queue: Queue,
    key: str,
    kind: str,
    terms: contracts_queries.QueueTerms,
    at: datetime,
    now: datetime,
    elsewhere: bool = False,
) -> list[Event]:
    """That an item came in, and since when it waits; what was agreed runs from then."""
    agreed = not work_kinds.KINDS[kind].begun_by_us  # with the customer, about what comes from them
    resolve, answer = (terms.resolve_within_seconds, terms.answer_within_seconds) if agreed else (None, None)
    due_at = calendars.add_working(terms.calendar, at, resolve) if resolve else None
    answer_by = at + timedelta(seconds=answer) if answer else None
    waits: Event = (
        work_events.Scheduled(queue.id, at, answer_by) if at > now else work_events.Queued(queue.id, answer_by)
    )
    waits = work_events.QueuedElsewhere(queue.id, answer_by) if elsewhere else waits
    return [work_events.Received(key, kind, queue.process_id, due_at), waits]


def _keep(item: work_models.Item, person: Person | None, now: datetime, by: Actor) -> work_models.Item:
    """Let an item wait for a sticky agent, for as long as the contract says of its queue."""
    length = contracts_queries.terms_of(item.queue, now).sticky_for_seconds if person else None
    if length is None:
        return item
    until = max(now, item.queued_at) + timedelta(seconds=length)
    return happen(item, work_events.StickyAgent(until), at=now, person=person, by=by)


def open_case(
    *, client: Client, named: Customer | None, kind: str, subject: str, by: Actor, now: datetime
) -> work_models.Case:
    """Open a case of a customer, known or new; of one who only says who they are, nobody's until it is confirmed."""
    known = _customer(client, named) if named and not named.is_claimed else None
    case = work_models.Case.objects.create(
        client=client, customer=known, kind=kind, subject=subject, opened_at=now, **claim(named)
    )
    event_log.record(work_events.CaseOpened(kind), at=now, client_id=client.id, case_id=case.id, by=by)
    return case


def take_up(*, case: work_models.Case, by: Actor, now: datetime) -> None:
    """Reopen a case that was resolved: there is work of it again."""
    if work_models.Case.objects.filter(id=case.id, resolved_at__isnull=False).update(resolved_at=None):
        event_log.record(work_events.CaseReopened(), at=now, client_id=case.client_id, case_id=case.id, by=by)


def claim(named: Customer | None) -> dict[str, str]:
    """What a case keeps of a customer who only says who they are."""
    if named is None or not named.is_claimed:
        return {}
    return {"claimed_reference": named.reference, "claimed_name": named.name}


def confirm_customer(*, case: work_models.Case, by: Actor, now: datetime) -> work_models.Case:
    """Say that whoever wrote is the customer that they say to be: from now on it is that customer's case.

    For whoever has work of the case in hand, and for leaders. A name that is known already stays.
    """
    case = work_models.Case.objects.select_for_update().get(id=case.id)
    hands.admit_to_cases(by, "customers.confirm", [case], in_hand=True)
    if not case.claimed_reference:
        raise lifecycle.NotNow("Nobody waits to be confirmed here.")
    customer, is_new = work_models.Customer.objects.get_or_create(
        client_id=case.client_id, reference=case.claimed_reference, defaults={"name": case.claimed_name}
    )
    confirmed = work_events.CustomerConfirmed(
        case.claimed_reference, case.claimed_name, customer.id, customer.name, is_new
    )
    case.customer, case.claimed_reference, case.claimed_name = customer, "", ""
    case.save(update_fields=["customer", "claimed_reference", "claimed_name"])
    event_log.record(confirmed, at=now, client_id=case.client_id, case_id=case.id, by=by)
    return case


def _customer(client: Client, named: Customer) -> work_models.Customer:
    # A sender that leaves the name out this time does not take it away.
    newer = {"name": named.name} if named.name else {}
    known, _ = work_models.Customer.objects.update_or_create(client=client, reference=named.reference, defaults=newer)
    return known


def begin(*, item: work_models.Item, happened: list[Event], by: Actor, now: datetime) -> list[Entry]:
    """Store a new item in the state that its first facts give it, then the facts, and return them."""
    item.state = "new"
    for event in happened:
        lifecycle.follow(item, event, now, None)
    item.save(force_insert=True)
    entries = [Entry(event, now, item.client_id, item.id, item.case_id, by=by) for event in happened]
    event_log.record_all(entries)
    return entries


def happen(item: work_models.Item, *happened: Event, at: datetime, person: Actor | None, by: Actor) -> work_models.Item:
    """Record facts about a locked item and let its state follow; lets go of it when it leaves somebody's hands.

    `person` is whom they concern, `by` who did it.
    """
    person_id, on_it = person.person_id if person else None, roles.on_it(item)
    changed: set[str] = set()
    for event in happened:
        changed |= lifecycle.follow(item, event, at, person_id).keys()
    if changed:
        prepared.update(item, *sorted(changed))
    event_log.record_all(
        [Entry(event, at, item.client_id, item.id, item.case_id, person_id, by=by) for event in happened]
    )
    _tell(on_it | roles.on_it(item))
    if item.state not in lifecycle.WITH_SOMEBODY:
        _let_go(item, person_id, at, by)
    if item.beside and item.state != "held":
        _end_parts(item, at, by)
    return item


def _tell(people: set[int]) -> None:
    """Name an item of several people to the desk of each: a fact names one of them."""
    if len(people) > 1:
        web_live.publish({f"person:{each}" for each in people})


def _end_parts(item: work_models.Item, at: datetime, by: Actor) -> None:
    """End the parts of those who were there with the owner; a second keying goes on until the item is finished."""
    ending = [each for each in item.beside if each["role"] in roles.WITH_THE_OWNER or item.state in lifecycle.FINISHED]
    for each in ending:
        leave(item, each, work_events.OVER, at, by)


_LEAVES: dict[str, type[work_events.ConsultEnded | work_events.MonitorLeft | work_events.SecondKeyingDropped]] = {
    roles.CONSULT: work_events.ConsultEnded,
    roles.MONITOR: work_events.MonitorLeft,
    roles.KEYS_SECOND: work_events.SecondKeyingDropped,
}


def leave(item: work_models.Item, part: roles.Part, because: str, at: datetime, by: Actor) -> None:
    """Let somebody's part in a locked item end, and free what it took of them."""
    event, person_id = _LEAVES[part["role"]](because), part["person"]
    on_it = roles.on_it(item)
    prepared.update(item, *sorted(lifecycle.follow(item, event, at, person_id)))
    event_log.record_all([Entry(event, at, item.client_id, item.id, item.case_id, person_id, by=by)])
    _tell(on_it | roles.on_it(item))
    work_models.Assignment.objects.filter(item=item, place=person_id).delete()


def _let_go(item: work_models.Item, person_id: int | None, now: datetime, by: Actor) -> None:
    """Free the part of a person that an item took; what it was put over goes on, and nothing comes in between."""
    if person_id is None or not work_queries.lies_aside(person_id, item.id):
        work_models.Assignment.objects.filter(item=item, place=0).delete()
        return
    hold_agent_state(person_id)
    work_models.Assignment.objects.filter(item=item, place=0).delete()
    go_on_beneath(person_id=person_id, by=by, now=now)


def hold_agent_state(person_id: int) -> None:
    """Make every router wait that offers this person something in the same moment."""
    list(AgentState.objects.select_for_update(no_key=True).filter(person_id=person_id))


# --- the router's side ------------------------------------------------------------------------------------------


def offer(
    *, item: work_models.Item, person: Person, max_concurrency: int, offer_seconds: int, by: Actor, now: datetime
) -> work_models.Item:
    """Offer a waiting item to a person who has room for it."""
    permissions.admit(by, "work.route")
    item = work_queries.locked(item.id)
    lifecycle.allow(item, work_events.Offered.name)
    share = lifecycle.free_share(work_queries.shares([person.id])[person.id], max_concurrency, qualification.CAPACITY)
    if share is None:
        raise Refused(_("{person} has no room for one more item").format(person=person.name))
    work_models.Assignment.objects.create(item=item, client_id=item.client_id, person=person, share=share, since=now)
    offered = work_events.Offered(now + timedelta(seconds=offer_seconds))
    return happen(item, offered, at=now, person=person, by=by)


def resume_preempted(*, person_id: int, by: Actor, now: datetime) -> None:
    """Let whatever somebody has lying aside go on that nothing lies over any more."""
    permissions.admit(by, "work.route")
    go_on_beneath(person_id=person_id, by=by, now=now)


def go_on_beneath(*, person_id: int, by: Actor, now: datetime) -> None:
    """The same, as it follows from whatever ended what lay over it."""
    hold_agent_state(person_id)
    for hand in work_queries.unmasked_part(person_id):
        item = work_queries.locked(hand.item_id)
        work_models.Assignment.objects.filter(item=item, place=0).update(aside=False)
        if item.preempted_at:
            happen(item, work_events.PreemptionEnded(), at=now, person=item.person, by=by)


def _preempt_beneath(item: work_models.Item, by: Person, now: datetime) -> None:
    """What an accepted item lies over is preempted; an offer there could not be taken up, and goes back in line."""
    for hand in work_queries.beneath(by.id, item.id):
        under = work_queries.locked(hand.item_id)
        if under.person_id == by.id and under.state == "offered":
            happen(under, work_events.OfferWithdrawn(), at=now, person=by, by=by)
        elif under.person_id == by.id and not under.preempted_at:
            happen(under, work_events.Preempted(item.id), at=now, person=by, by=by)


def lapse(*, item: work_models.Item, by: Actor, now: datetime) -> Person | None:
    """Take back an offer that nobody answered; returns whom it had been made to, None if it was answered after all."""
    permissions.admit(by, "work.route")
    item = work_queries.locked(item.id)
    if item.state != "offered" or item.offer_expires_at is None or item.offer_expires_at > now:
        return None
    person = item.person
    happen(item, work_events.OfferExpired(), at=now, person=person, by=by)
    return person


def take_back(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """Take an item from a person who may not go on with it: it waits again, or is done if only its wrap-up was left."""
    permissions.admit(by, "work.route")
    return let_go_of(item=item, by=by, now=now)


def let_go_of(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """The same, as it follows from something else that was admitted."""
    item, had_by = work_queries.locked(item.id), item.person_id
    lets_go: dict[str, Event] = {
        "offered": work_events.OfferExpired(),
        "held": work_events.Transferred(item.queue_id, "taken back: the person may not go on with it"),
        "wrapping": work_events.Keyed() if item.second_keying in KEYED_AGAIN else work_events.WrappedUp(),
    }
    if item.state not in lets_go or item.person_id != had_by:  # they let go of it themselves meanwhile
        return item
    return happen(item, lets_go[item.state], at=now, person=item.person, by=by)


# --- the agent's side -------------------------------------------------------------------------------------------


def accept(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Take the offer. The customer is answered now, unless the item's channel reports legs: then it says when."""
    item = hands.locked(item, by)
    if item.second_keying and work_queries.keyed_second(item) == by.id:
        raise Refused(_("You key this document as the second: decline it, so that somebody else keys it first."))
    connected = [] if work_legs.customer(item.legs) else [work_events.Connected()]
    item = happen(item, work_events.Accepted(), *connected, at=now, person=by, by=by)
    _preempt_beneath(item, by, now)
    return item


def decline(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Let the offer go; it is offered on without losing its place."""
    return happen(hands.locked(item, by), work_events.Declined(), at=now, person=by, by=by)


def hold(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Ask the customer to wait a moment."""
    return happen(hands.locked(item, by), work_events.Held(), at=now, person=by, by=by)


def resume(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """Go on after a hold."""
    return happen(hands.locked(item, by), work_events.Resumed(), at=now, person=by, by=by)


def set_pending_customer(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """The customer owes an answer: the clock stops, and the item rests until it comes."""
    item = hands.locked(item, by)
    if item.declared.begun_by_us:
        raise Refused(_("Finish it: what the customer answers begins work of its own, in the same case."))
    return happen(item, work_events.PendingCustomer(work_queries.reply_seconds(item, now)), at=now, person=by, by=by)


def send_reply(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """An answer went out to the customer; the first one stops the clock of the first response."""
    item = hands.locked(item, by)
    return happen(item, work_events.ReplySent(work_queries.reply_seconds(item, now)), at=now, person=by, by=by)


def customer_answered(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """The customer has answered: the clock goes on, and the target time moves by what was waited.

    Where a person says so, it is whoever waits for that customer, or leads: it moves what was agreed.
    """
    permissions.admit(by, "work.customer-answered")
    item = work_queries.locked(item.id)
    if item.pending_customer_since is None:
        raise lifecycle.NotNow("The item is not pending customer")
    hands.admit_if(
        by,
        "work.customer-answered",
        item.client_id,
        lambda: work_queries.waits_for_the_customer(item) == by.person_id,
    )
    paused, due_at = work_queries.stood_still(item, item.pending_customer_since, now)
    item = happen(item, work_events.CustomerAnswered(paused, due_at), at=now, person=None, by=by)
    return _keep(item, work_queries.last_agent(item.case_id), now, by)


def mark_reply_undelivered(
    *, item: work_models.Item, reason: str, replied_at: datetime | None, is_last: bool, by: Actor, now: datetime
) -> work_models.Item:
    """A reply never reached the customer: it stopped no clock. `replied_at` is when the first one was that did.

    Whoever delivers it says so, or whoever may take it back.
    """
    item = work_queries.locked(item.id)
    hands.admit_if(by, "conversations.note", item.client_id, lambda: hands.has_had(by, item))
    if item.state in ("abandoned", "cancelled"):
        return item
    replied = work_queries.worked_until(item, replied_at) if replied_at else None
    vain = [work_events.WaitedInVain(reason)] if is_last and item.pending_customer_since else []
    item = happen(item, work_events.ReplyUndelivered(replied), *vain, at=now, person=None, by=by)
    if is_last and item.state in ("wrapping", "done"):
        return _reopen(let_go_of(item=item, by=by, now=now), reason, now, by, lay_resolved=False)
    return _keep(item, work_queries.last_agent(item.case_id), now, by) if vain else item


def transfer(
    *, item: work_models.Item, queue: Queue, by: Actor, now: datetime, note: str = "", to: Person | None = None
) -> work_models.Item:
    """Pass the item on to another queue of its client, to a colleague first if so said; it keeps its place in time."""
    item = hands.locked(item, by)
    if queue.client_id != item.client_id:
        raise Refused(_("Work never leaves its client: choose one of this client's queues."))
    item = happen(item, work_events.Transferred(queue.id, masks.mask(note).text), at=now, person=by, by=by)
    return _hand(item, to, now, by, now) if to else item


def prioritise(*, item: work_models.Item, priority: int, by: Actor, now: datetime) -> work_models.Item:
    """Give an item a priority of its own: each step stands for having waited its target once more.

    Where a person says so, it is one who leads: it goes before others' work.
    """
    item = hands.locked(item, by, "work.supervise")
    ahead = priority * contracts_queries.terms_of(item.queue, now).target_seconds
    return happen(item, work_events.Prioritised(priority, ahead), at=now, person=item.person, by=by)


def stand_since(*, item: work_models.Item, since: datetime, by: Actor, now: datetime) -> work_models.Item:
    """Let work that has just come in stand in line as if it had waited since then: its sender is back."""
    permissions.admit(by, "work.send-in", client_id=item.client_id, own=False)
    item = work_queries.locked(item.id)
    ahead = max(item.ahead_seconds, int((item.queued_at - since).total_seconds()))
    return happen(item, work_events.PlaceKept(ahead), at=now, person=None, by=by)


def snooze(*, item: work_models.Item, until: datetime, by: Person, now: datetime) -> work_models.Item:
    """Lay an item aside until a time, then it waits again, first for whoever laid it aside; the target runs on."""
    item = hands.locked(item, by)
    if not now < until <= now + FURTHEST:
        raise Refused(_("Choose a time that is still to come, within {days} days.").format(days=FURTHEST.days))
    return _hand(happen(item, work_events.Snoozed(until), at=now, person=by, by=by), by, until, by, now)


def _hand(item: work_models.Item, to: Person, since: datetime, by: Actor, now: datetime) -> work_models.Item:
    if not to.clearances.filter(client_id=item.client_id, withdrawn_at=None).exists():
        raise Refused(_("{person} is not cleared for this client.").format(person=to.name))
    until = since + timedelta(
        seconds=contracts_queries.terms_of(item.queue, now).sticky_for_seconds or HANDED_FOR_SECONDS
    )
    return happen(item, work_events.StickyAgent(until), at=now, person=to, by=by)


def come_back(
    *,
    item: work_models.Item,
    kind: str,
    queue: Queue,
    at: datetime,
    by: Person,
    now: datetime,
    about: str = "",
    note: str = "",
) -> work_models.Item:
    """Agree to call, to write or to do something at a time about an item in hand: an item of its own, of the same case.

    `about` is what it is called, without it as the item is; `note` is for whoever does it.

    It waits in `queue` from then on. Where the contract says so, whoever agreed to it is its sticky agent.
    """
    item = hands.locked(item, by)
    if at <= now or queue.client_id != item.client_id:
        raise Refused(_("Choose a time that is still to come, and a queue of this client."))
    about, said = " ".join(masks.mask(about).text.split()), masks.mask(note.strip()).text
    key = f"{item.key}/{kind}-{at:%Y%m%dT%H%M}"
    told = hashlib.sha256(json.dumps([about, said]).encode()).hexdigest()[:12] if about or said else ""
    agreed, _is_new = receive(
        queue=queue,
        key=f"{key}-{told}" if told else key,
        title=about or item.title,
        payload=item.payload | ({"note": said} if said else {}),
        kind=kind,
        case=item.case,
        not_before=at,
        by=by,
        now=now,
    )
    return agreed


def escalate(*, item: work_models.Item, by: Person, now: datetime, note: str) -> work_models.Item:
    """Ask the team leader for help with an item in hand."""
    if not note.strip():
        raise Refused(_("Say what help is needed."))
    said = masks.mask(note.strip()).text  # facts cannot be deleted
    return happen(hands.locked(item, by), work_events.Escalated(said), at=now, person=by, by=by)


def end(*, item: work_models.Item, by: Person, now: datetime) -> work_models.Item:
    """The contact is over, or the document done; wrap-up begins."""
    item = hands.locked(item, by)
    return happen(item, work_queries.ended(item, now), at=now, person=by, by=by)


def wrap_up(
    *, item: work_models.Item, by: Person, disposition: str, now: datetime, resolved: bool = True
) -> work_models.Item:
    """Say how the item ended, from the process's own list, and be free for the next."""
    if item.case_id:  # of the last two items of a case, wrapped up at once, one sees the other done
        work_models.Case.objects.select_for_update(no_key=True).get(id=item.case_id)
    item = hands.locked(item, by)
    known = contracts_queries.terms_of(item.queue, item.received_at).dispositions
    if disposition not in known:
        raise Refused(_("Choose a disposition: {known}.").format(known=", ".join(known)))
    if item.second_keying in KEYED_AGAIN:
        return happen(item, work_events.Keyed(disposition), at=now, person=by, by=by)
    item = happen(item, work_events.WrappedUp(disposition), at=now, person=by, by=by)
    return resolve(item=item, by=by, now=now) if resolved else item


def resolve(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """The case is resolved when the last of its items is done."""
    if item.case_id and not work_queries.unfinished(item.case_id):
        work_models.Case.objects.filter(id=item.case_id).update(resolved_at=now)
        event_log.record(work_events.CaseResolved(), at=now, client_id=item.client_id, case_id=item.case_id, by=by)
    return item


# --- the customer's and the sender's side ------------------------------------------------------------------------


def abandon(*, item: work_models.Item, by: Actor, now: datetime) -> work_models.Item:
    """The customer left before being answered."""
    item = work_queries.locked(item.id)
    permissions.admit(by, "work.send-in", client_id=item.client_id, own=False)
    return happen(item, work_events.Abandoned(), at=now, person=item.person, by=by)


def cancel(*, item: work_models.Item, reason: str, by: Actor, now: datetime) -> work_models.Item:
    """The work is not to be done; measures leave it out. Where a person says so, it is one who leads."""
    item = hands.locked(item, by, "work.cancel")
    return happen(item, work_events.Cancelled(reason), at=now, person=item.person, by=by)


def reopen(
    *, item: work_models.Item, reason: str, by: Actor, now: datetime, lay_resolved: bool = True
) -> work_models.Item:
    """What was done is not: the item waits again, since it was first queued.

    Its clock goes on where it had stopped: the time for which it lay resolved counts for nobody, and the target time
    moves by it. Where it never was resolved, the clock has run all the time.
    """
    return _reopen(hands.locked(item, by, "work.reopen"), reason, now, by, lay_resolved=lay_resolved)


def _reopen(item: work_models.Item, reason: str, now: datetime, by: Actor, *, lay_resolved: bool) -> work_models.Item:
    lifecycle.allow(item, work_events.Reopened.name)
    lay, due_at = work_queries.stood_still(item, item.ended_at or now, now) if lay_resolved else (0, item.due_at)
    item = happen(item, work_events.Reopened(reason, lay, due_at), at=now, person=None, by=by)
    if item.case:
        take_up(case=item.case, by=by, now=now)
    return _keep(item, work_queries.last_agent(item.case_id), now, by)


# --- Offers ----------------------------------------------------------------------------------------------------------


class TooLate(Refused):
    """Something has changed meanwhile, so that it cannot be done any more."""


MOST_NAMED = 200  # offers, whose names fit into one notice

_PREEMPTIBLE = {"preemptible": True}
_HOLD_AGENT_STATES = f"""
SELECT FROM {AgentState._meta.db_table} WHERE person_id = ANY(%s) ORDER BY person_id FOR NO KEY UPDATE
"""
_MAKE_ROOM = f"""
UPDATE {work_models.Assignment._meta.db_table} SET aside = true
WHERE person_id = %s AND preemptible AND NOT aside AND share && int4range(%s::int, %s::int)
"""

# One statement for any number of offers: whoever went away meanwhile, and whatever does not wait any more, is left out.
_OFFER_ALL = f"""
WITH given AS (
    SELECT row_number() OVER () AS place, * FROM json_to_recordset(%(offers)s)
        AS offer(item bigint, person bigint, low int, high int, until text, preemptible boolean)
), present AS (
    SELECT person_id FROM {AgentState._meta.db_table}
    WHERE person_id IN (SELECT person FROM given) AND state = 'available' ORDER BY person_id FOR NO KEY UPDATE
), taken AS (
    UPDATE {work_models.Item._meta.db_table} item
    SET state = 'offered', person_id = given.person, offer_expires_at = given.until::timestamptz
    FROM given JOIN present ON present.person_id = given.person
    WHERE item.id = given.item AND item.state = 'waiting' AND item.pending_customer_since IS NULL
      AND item.keyed_at IS NULL AND NOT item.elsewhere
      AND EXISTS (SELECT FROM {Clearance._meta.db_table} cleared WHERE cleared.person_id = given.person
                  AND cleared.client_id = item.client_id AND cleared.withdrawn_at IS NULL)
    RETURNING item.id, item.client_id, item.case_id, given.*
), handed AS (
    INSERT INTO {work_models.Assignment._meta.db_table} (item_id, client_id, person_id, share, since, preemptible)
    SELECT id, client_id, person, int4range(low, high), %(now)s, coalesce(preemptible, false) FROM taken
), told AS (
    INSERT INTO {TABLE} (at, client_id, item_id, case_id, person_id, by_id, acted_as, event, details)
    SELECT %(now)s, client_id, id, case_id, person, %(by)s::bigint, %(acted_as)s, '{work_events.Offered.name}',
           jsonb_build_object('expires_at', until) FROM taken ORDER BY place
    RETURNING id, at, event
), queued AS (
    {event_log.QUEUE_TOLD}
)
SELECT id, client_id, case_id, person FROM taken
"""


def offer_all(*, offers: Sequence[lifecycle.Offer], by: Actor, now: datetime) -> None:
    """Make many offers at once, all of them or none: as `offer` does, in the order given.

    Raises TooLate when one of them cannot be made any more; then the caller's transaction must not be kept.
    """
    permissions.admit(by, "work.route")
    rows = [
        {
            "item": item,
            "person": person,
            "low": low,
            "high": high,
            "until": (now + timedelta(seconds=length)).isoformat(),
            **(_PREEMPTIBLE if preemptible else {}),
        }
        for item, person, low, high, length, preemptible, _ in offers
    ]
    try:
        event_log.make_room(now)
        with connection.cursor() as cursor:
            if over := [offer for offer in offers if offer.over]:
                cursor.execute(_HOLD_AGENT_STATES, [sorted({offer.person_id for offer in offers})])
                cursor.executemany(_MAKE_ROOM, [(offer.person_id, offer.low, offer.high) for offer in over])
            told: dict[str, Any] = {"offers": json.dumps(rows), "now": now, "by": by.person_id, "acted_as": by.acts_as}
            cursor.execute(_OFFER_ALL, told)
            made = cursor.fetchall()
    except IntegrityError as fault:  # another router gave the same person something in the same moment
        raise TooLate(str(fault)) from fault
    if len(made) < len(offers):
        raise TooLate(
            _("{part0} of {len} offers cannot be made any more").format(part0=len(offers) - len(made), len=len(offers))
        )
    kinds = ("item", "client", "case", "person") if len(made) <= MOST_NAMED else ()
    named = {f"{kind}:{number}" for row in made for kind, number in zip(kinds, row, strict=False) if number}
    event_log.announce(named or {"*"}, set())
