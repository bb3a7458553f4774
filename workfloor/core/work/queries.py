"""Reading work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Clearance, Person
from workfloor.core.work import events as work_events
from workfloor.core.work import legs as work_legs
from workfloor.core.work import lifecycle, roles
from workfloor.core.work import models as work_models
from workfloor.kit.database.prepared import PreparedQuery
from workfloor.kit.time import calendars


def items() -> QuerySet[work_models.Item]:
    """The items inside the wall, with what every screen shows of them."""
    return work_models.Item.objects.select_related("client", "process", "queue", "case__customer", "person", "done_by")


def item(item_id: int) -> work_models.Item | None:
    """One item, if it is inside the wall."""
    return items().filter(id=item_id).first()


_NOW = PreparedQuery(
    lambda item_id: (
        work_models.Item.objects.select_for_update()
        .filter(id=item_id)
        .values_list("person_id", "state", "reply_seconds", "beside")
    )
)


def lock(item: work_models.Item) -> None:
    """Lock an item until the transaction ends, and let it say in whose hands it is now, how far, and who is with it."""
    [(item.person_id, item.state, item.reply_seconds, item.beside)] = _NOW(item.id)


_IN_HANDS = PreparedQuery(
    lambda item_id, person_id: work_models.Item.objects.only(
        "client_id", "case_id", "kind", "beside", "person_id"
    ).filter(id=item_id, person=person_id)
)


def in_hands(person: Person, item_id: int) -> work_models.Item | None:
    """One item, with what a page of its conversation needs of it, if this person has it in hand."""
    return _IN_HANDS.one(item_id, person.id)


def read_along(person: Person, item_id: int) -> work_models.Item | None:
    """One item whose conversation this person reads beside its owner: who has joined as a consultant, or monitors."""
    found = item(item_id)
    part = roles.part_of(found.beside, person.id) if found else None
    reads = part is not None and part["role"] in roles.WITH_THE_OWNER and "asked_until" not in part
    return found if reads else None


_LOCKED = PreparedQuery(
    lambda item_id: (
        work_models.Item.objects.select_for_update(of=("self",)).select_related("client", "queue").filter(id=item_id)
    )
)


def locked(item_id: int) -> work_models.Item:
    """An item as it is now, locked until the transaction ends: two actions on it happen one after the other."""
    found = _LOCKED.one_locked(item_id)
    if found is None:
        raise work_models.Item.DoesNotExist
    return found


def by_key(client_id: int, key: str) -> work_models.Item | None:
    """An item by its sender's key."""
    return items().filter(client_id=client_id, key=key).first()


def offered_to(person: Person) -> QuerySet[work_models.Item]:
    """What a person is being offered, oldest first."""
    return items().filter(person=person, state="offered").order_by("queued_at", "id")


def held_by(person: Person) -> QuerySet[work_models.Item]:
    """What a person works on or wraps up, longest held first and what is preempted last."""
    found = items().filter(person=person, state__in=["held", "wrapping"])
    return found.order_by(F("preempted_at").asc(nulls_first=True), "connected_at", "id")


def agreed(person: Person, now: datetime) -> QuerySet[work_models.Item]:
    """What is scheduled with a person as its sticky agent, the next first."""
    return items().filter(state="waiting", queued_at__gt=now, sticky_agent=person).order_by("queued_at", "id")


def done_by(person: Person, since: datetime) -> QuerySet[work_models.Item]:
    """What a person has finished since an instant, newest first."""
    return items().filter(done_by=person, wrapped_up_at__gte=since).order_by("-wrapped_up_at")


def lapsed(now: datetime) -> QuerySet[work_models.Item]:
    """Offers that nobody answered in time."""
    return items().filter(state="offered", offer_expires_at__lte=now).order_by("offer_expires_at", "id")


def out_of_bounds(person_ids: Iterable[int]) -> QuerySet[work_models.Item]:
    """What these people have in hand but may not: they left or lost the clearance, or went away from an open offer."""
    cleared = Clearance.objects.filter(person=OuterRef("person"), client=OuterRef("client"), withdrawn_at=None)
    in_hand = items().filter(person_id__in=person_ids, state__in=lifecycle.WITH_SOMEBODY)
    walked_off = Q(state="offered") & ~Q(person__agent_state__state="available")
    return in_hand.filter(Q(person__left_at__isnull=False) | ~Exists(cleared) | walked_off).order_by("id")


def parts_out_of_bounds(person_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(item, person) of parts beside the owner that these people may not go on with.

    They left or lost the clearance; a consultant or second keyer signed out of work, or went away before answering.
    A monitor need not take work.
    """
    parts = work_models.Assignment.objects.filter(person_id__in=person_ids, place__gt=0)
    found = []
    for part in parts.select_related("item", "person__agent_state"):
        state = people_queries.work_state(part.person)
        beside = roles.part_of(part.item.beside, part.person_id)
        asked = beside is not None and "asked_until" in beside
        signed_out = part.role != roles.MONITOR and state == "signed-out"
        cleared = part.person.clearances.filter(client_id=part.client_id, withdrawn_at=None).exists()
        if part.person.left_at or not cleared or signed_out or (asked and state != "available"):
            found.append((part.item_id, part.person_id))
    return found


def waits_for_the_customer(item: work_models.Item) -> int | None:
    """Who has said of an item that the customer owes an answer, at the last time."""
    said = event_log_queries.of_item(item.id).filter(event=work_events.PendingCustomer.name).last()
    return said.person_id if said else None


def last_agent(case_id: int | None) -> Person | None:
    """Who took an item of a case last, if anybody did."""
    if case_id is None:
        return None
    ours = work_models.Item.objects.filter(case_id=case_id).values_list("id", flat=True)
    events = (work_events.Accepted.name, work_events.TransferredToConsultant.name)
    taken = Fact.objects.filter(event__in=events, item_id__in=list(ours), person_id__isnull=False)
    last = taken.order_by("-id").values_list("person_id", flat=True).first()
    return Person.objects.get(id=last) if last else None


def beside(person_id: int) -> list[int]:
    """The items in which somebody takes part beside the owner."""
    found = work_models.Assignment.objects.filter(person_id=person_id, place__gt=0)
    return list(found.order_by("item_id").values_list("item_id", flat=True))


def asked(person: Person) -> QuerySet[work_models.Item]:
    """The items about which a colleague asks somebody to come in, or in which they take part beside the owner."""
    return items().filter(id__in=beside(person.id)).order_by("id")


def unanswered(now: datetime) -> list[tuple[int, int]]:
    """(item, person) of consultants who were asked and did not answer in time."""
    parts = work_models.Assignment.objects.filter(role=roles.CONSULT).values_list(
        "item_id", "person_id", "item__beside"
    )
    found = ((item_id, person_id, roles.part_of(beside, person_id)) for item_id, person_id, beside in parts)
    return [
        (item_id, person_id)
        for item_id, person_id, part in found
        if part and "asked_until" in part and datetime.fromisoformat(part["asked_until"]) <= now
    ]


def to_key_again(person: Person) -> QuerySet[work_models.Item]:
    """What waits for a second keying, and was not somebody's own, oldest first; who lacks a skill is told then."""
    theirs = Fact.objects.filter(event=work_events.Accepted.name, person_id=person.id).values("item_id")
    wanted = items().filter(second_keying="wanted", state__in=["waiting", "held", "wrapping"]).exclude(person=person)
    cleared = person.clearances.filter(withdrawn_at=None).values("client_id")
    begun = Q(keyed_at__isnull=False) | Q(person__isnull=False)
    return wanted.filter(begun, client__in=cleared).exclude(id__in=theirs).order_by("queued_at", "id")


def keyed_second(item: work_models.Item) -> int | None:
    """Who keys an item as the second, or has."""
    now_keys = next((each["person"] for each in item.beside or () if each["role"] == roles.KEYS_SECOND), None)
    done = event_log_queries.of_item(item.id).filter(event=work_events.SecondKeyingDone.name).last()
    return now_keys or (done.person_id if done else None)


def had_it(item: work_models.Item, person_id: int) -> bool:
    """Whether an item was ever somebody's own."""
    events = (work_events.Accepted.name, work_events.TransferredToConsultant.name)
    return event_log_queries.of_item(item.id).filter(event__in=events, person_id=person_id).exists()


def lies_aside(person_id: int, but: int) -> bool:
    """Whether a person has anything lying aside, but for one item."""
    return work_models.Assignment.objects.filter(person_id=person_id, aside=True).exclude(item_id=but).exists()


def beneath(person_id: int, item_id: int) -> list[work_models.Assignment]:
    """What a person has lying aside under an item in hand."""
    aside = list(work_models.Assignment.objects.filter(person_id=person_id, aside=True).select_related("item"))
    own = work_models.Assignment.objects.filter(item_id=item_id, place=0, aside=False).first() if aside else None
    return [each for each in aside if own and lifecycle.overlap(each.share, own.share)]


def unmasked_part(person_id: int) -> list[work_models.Assignment]:
    """What a person has lying aside that nothing lies over, by item."""
    taken = work_models.Assignment.objects.filter(person_id=person_id, share__isempty=False)
    hands = list(taken.select_related("item").order_by("item_id"))
    over = [each.share for each in hands if not each.aside]
    return [each for each in hands if each.aside and not any(lifecycle.overlap(each.share, share) for share in over)]


_LEFT_ASIDE = f"""
SELECT DISTINCT under.person_id FROM {work_models.Assignment._meta.db_table} under WHERE under.aside AND NOT EXISTS (
    SELECT FROM {work_models.Assignment._meta.db_table} other
    WHERE other.person_id = under.person_id AND NOT other.aside AND other.share && under.share
)
"""


def left_aside() -> list[int]:
    """Who has something lying aside that nothing lies over: whoever ended that could not see both clients."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_ASIDE)
        return [row[0] for row in cursor.fetchall()]


def shares(person_ids: list[int]) -> dict[int, list[tuple[int, int]]]:
    """The parts of each person that are taken."""
    found: dict[int, list[tuple[int, int]]] = {person_id: [] for person_id in person_ids}
    taken = work_models.Assignment.objects.filter(person_id__in=person_ids, share__isempty=False)
    for person_id, share in taken.values_list("person_id", "share"):
        found[person_id].append((share.lower, share.upper))
    return found


@dataclass(frozen=True)
class Told:
    """A fact of an item, in words."""

    at: datetime
    event: str
    said: str
    who: str


def told(item_id: int) -> list[Told]:
    """An item's facts in words, newest first."""
    return in_words(list(event_log_queries.of_item(item_id))[::-1])


def in_words(facts: Sequence[Fact]) -> list[Told]:
    """Facts in words, in the order in which they are given."""
    ids = {each for fact in facts for each in (fact.by_id, fact.person_id) if each}
    names = dict(Person.objects.filter(id__in=ids).values_list("id", "name"))
    return [
        Told(
            fact.at, fact.event, work_events.said(fact.event, fact.details), names.get(fact.by_id or fact.person_id, "")
        )
        for fact in facts
    ]


def last_by_somebody(item: work_models.Item) -> tuple[int | None, str] | None:
    """Who did what last to an item, of all that people do; nothing where nobody did."""
    done = event_log_queries.of_item(item.id).filter(event__startswith="work.", by_id__isnull=False)
    return done.values_list("by_id", "event").last()


@dataclass(frozen=True)
class Help:
    """What was said in a call for help: by the agent who asks, or by whoever leads."""

    at: datetime
    who: str
    said: str
    is_answer: bool


_HELP = (work_events.Escalated.name, work_events.EscalationAnswered.name)


def help_with(item: work_models.Item) -> list[Help]:
    """The last call for help with an item and its answer, if there is one; nothing where nobody ever asked."""
    if item.escalated_at is None and item.escalation_answered_at is None:
        return []
    facts = list(event_log_queries.of_item(item.id).filter(event__in=_HELP))
    names = dict(Person.objects.filter(id__in={fact.by_id for fact in facts}).values_list("id", "name"))
    every = [Help(fact.at, names.get(fact.by_id, ""), fact.details["note"], fact.event == _HELP[1]) for fact in facts]
    asked = max(place for place, each in enumerate(every) if not each.is_answer)
    return every[asked:]


def rebuilt(item_id: int) -> lifecycle.Item:
    """An item's state computed from its facts alone."""
    return lifecycle.replay(event_log_queries.of_item(item_id))


def legs(item_id: int) -> list[work_legs.Leg]:
    """Who was on an item, from when to when: as its channel reported, or as its other facts imply."""
    return work_legs.of(event_log_queries.of_item(item_id))


def state_of(item: work_models.Item) -> lifecycle.Item:
    """An item's state as the table has it."""
    return lifecycle.Item(**{column: getattr(item, column) for column in lifecycle.COLUMNS})


def unfinished(case_id: int) -> bool:
    """Whether any work of a case is still to be done."""
    return work_models.Item.objects.filter(case_id=case_id).exclude(state__in=lifecycle.FINISHED).exists()


def reply_seconds(item: work_models.Item, now: datetime) -> int | None:
    """The working time from received to a first reply that goes out now, pauses taken out; None for later ones."""
    if item.reply_seconds is not None:
        return None
    return worked_until(item, now) - item.paused_seconds


def worked_until(item: work_models.Item, at: datetime) -> int:
    """The working time from received to a moment, no pauses taken out."""
    calendar = contracts_queries.terms_of(item.queue, item.received_at).calendar
    return calendars.working_seconds(calendar, max(item.received_at, item.queued_at), at)


def ended(item: work_models.Item, now: datetime) -> work_events.Ended:
    """That an item ends now, with the working time from received to resolved and, if there was none, to a reply."""
    terms = contracts_queries.terms_of(item.queue, item.received_at)
    begun = max(item.received_at, item.queued_at)  # scheduled work begins when it is due
    spent = calendars.working_seconds(terms.calendar, begun, now) - item.paused_seconds
    replied = None if item.reply_seconds is not None else spent
    if replied is not None and item.declared.answered == "connect" and item.connected_at:
        replied = calendars.working_seconds(terms.calendar, begun, item.connected_at)
    return work_events.Ended(spent, terms.version, replied)


def stood_still(item: work_models.Item, since: datetime, now: datetime) -> tuple[int, datetime | None]:
    """The working time for which an item's clock has stood, and when the item is due now that it goes on."""
    calendar = contracts_queries.terms_of(item.queue, item.received_at).calendar
    seconds = calendars.working_seconds(calendar, since, now)
    return seconds, item.due_at and calendars.add_working(calendar, item.due_at, seconds)
