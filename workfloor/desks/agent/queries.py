"""What the agent's desk shows, read at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.utils import dateformat
from django.utils.translation import gettext as _

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import LARGEST_SENT
from workfloor.core.conversations.models import Message
from workfloor.core.event_log.models import Fact
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.work import lifecycle, roles
from workfloor.core.work import queries as work_queries
from workfloor.core.work.actions import NotYours
from workfloor.core.work.models import Case, Item
from workfloor.desks.agent import mail_queries
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.channels.chat.visitors import HERE_FOR
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.playbooks import queries as playbooks_queries
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ui import wording


@dataclass(frozen=True, slots=True)
class Day:
    """What a person's day came to: items done, and the mean seconds from connecting to wrapping up."""

    done: int
    mean_seconds: float | None


def day(handled_seconds: Iterable[int]) -> Day:
    """Sum up a day from the talk, hold and wrap-up seconds of each item done."""
    handled = list(handled_seconds)
    return Day(len(handled), sum(handled) / len(handled) if handled else None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an agent is told of their state: what the router goes by, which is the agent state and what is taken."""

    state: str  # available, busy, away, signed-out
    words: str
    since: datetime | None


def standing(agent_state: people_models.AgentState, held: Sequence[Item], taken: Sequence[tuple[int, int]]) -> Standing:
    """Word an agent's state; `taken` are the parts of them that offers and work in hand take, as ranges of CAPACITY."""
    in_hand = _(", {count} in hand").format(count=len(held)) if held else ""
    if agent_state.state == "away":
        return Standing(
            "away",
            _("Not ready: {reason}{in_hand}").format(reason=_(agent_state.reason), in_hand=in_hand),
            agent_state.since,
        )
    if agent_state.state == "signed-out":
        return Standing(
            "signed-out",
            _("Signed out, {count} in hand: finish it").format(count=len(held)) if held else _("Signed out"),
            None,
        )
    if not taken:
        return Standing("available", _("Available"), agent_state.since)
    most = qualification.CAPACITY // max(high - low for low, high in taken)
    count = _("{count} of {most}").format(count=len(taken), most=max(most, len(taken)))
    if len(taken) < most and lifecycle.free_share(taken, most, qualification.CAPACITY):
        return Standing("available", _("Available, {count} taken").format(count=count), agent_state.since)
    doing, since = _doing(held)
    return Standing("busy", _("{doing}, {count} taken").format(doing=doing, count=count), since or agent_state.since)


def _doing(held: Sequence[Item]) -> tuple[str, datetime | None]:
    """What somebody does whose capacity is taken, and since when."""
    with_customer = [each for each in held if each.state == "held" and not each.preempted_at]
    if call := next((each for each in with_customer if each.declared.holdable), None):
        return (_("On hold"), call.on_hold_since) if call.on_hold_since else (_("On a call"), call.connected_at)
    if with_customer:
        chats = all(each.declared.on_the_line for each in with_customer)
        return _("On a chat") if chats else _("Busy"), with_customer[-1].connected_at
    if held:
        return _("Wrap-up (ACW)"), held[0].ended_at
    return _("Offered"), None


MOST_COLLEAGUES = 200  # to choose from


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who takes work now and may be asked in on an item."""

    person: Person
    skills: Mapping[str, int]
    taken: int  # how much of them is, of CAPACITY, as far as it is seen from here
    has_room: bool


def best_at(colleagues: Iterable[Colleague], skill: str) -> Person | None:
    """Choose who is asked for a skill: of those with room the best at it, then who has least in hand."""
    able = [each for each in colleagues if each.has_room and skill in each.skills]
    ranked = sorted(able, key=lambda each: (-each.skills[skill], each.taken, each.person.name))
    return ranked[0].person if ranked else None


def skills_of(colleagues: Iterable[Colleague]) -> list[str]:
    """Return the skills that somebody with room can be asked for."""
    return sorted({skill for each in colleagues if each.has_room for skill in each.skills})


@dataclass(frozen=True, slots=True)
class OnIt:
    """Somebody who takes part in an item beside its owner, or is asked to, until then."""

    person: Person
    role: str
    asked_until: datetime | None


@dataclass(frozen=True)
class Opened:
    """The item that the desk has open, with everything that doing it needs."""

    item: Item
    fields: tuple[wording.Field, ...]
    told: list[work_queries.Told]
    dispositions: tuple[str, ...]
    queues: list[Queue]
    earlier: list[Item]
    colleagues: list[Person]
    other_cases: list[Case]
    case_kinds: tuple[str, ...]
    on_the_line: bool
    may_lie_aside: bool
    may_write: bool  # to an address of the customer that is known
    may_reply: bool  # from the box below the conversation: somebody reads it
    keeps: bool
    may_hold: bool
    talk: "Talk | None"
    role: str  # what whoever looks at it is to it: its owner, or one of those beside
    on_it: list[OnIt]
    times: list[tuple[str, datetime]]  # at which something is often done later
    help: list[work_queries.Help]  # what was asked of the leader last, and the answer
    help_seen_by: str  # who has acknowledged what was asked and has not answered yet


@dataclass(frozen=True, slots=True)
class Hand:
    """One piece of work that somebody can open, as it stands in the list at the side of the desk."""

    item: Item
    is_beside: bool  # whether they take part in it beside its owner
    is_open: bool
    written_at: datetime | None  # of the customer's message that nobody has answered, if that is how it stands
    key: str  # that opens it: the next after what is open, or the one before; empty for others


@dataclass(frozen=True)
class Desk:
    """An agent's desk."""

    agent_state: people_models.AgentState
    standing: Standing
    offers: list[Item]
    asked: list[tuple[Item, datetime]]  # about which a colleague asks this person in, until then
    held: list[Item]
    hands: list[Hand]  # all that there is to open
    to_key_again: list[Item]
    opened: Opened | None
    resting: list[Item]
    agreed: list[Item]
    day: Day
    zone: ZoneInfo
    leaving: list[Message]  # replies about what is not in hand any more that can be taken back still
    lacks: str
    shift_ends_at: datetime | None


MOST_TO_KEY_AGAIN = 20


def desk(person: Person, chosen: int | None, now: datetime) -> Desk:
    """Read an agent's desk; `chosen` is the item in hand to have open, else the one held longest."""
    zone = zone_of(person)
    held = list(work_queries.held_by(person))
    asked, beside = parts(person)
    item = chosen_of([*held, *beside], chosen)
    done = list(work_queries.done_by(person, midnight(zone, now)))
    pending, agent_state = resting(person), people_models.AgentState.objects.get(person=person)
    return Desk(
        agent_state=agent_state,
        standing=standing(agent_state, held, work_queries.shares([person.id])[person.id]),
        offers=list(work_queries.offered_to(person)),
        asked=asked,
        held=held,
        hands=hands(held, beside, item),
        to_key_again=list(work_queries.to_key_again(person)[:MOST_TO_KEY_AGAIN]),
        opened=opened(item, now, person) if item else None,
        resting=pending,
        agreed=list(work_queries.agreed(person, now)),
        day=day(took(each) for each in done),
        zone=zone,
        leaving=leaving(person, [*done, *pending], now),
        lacks=lacks(person, now.astimezone(zone)),
        shift_ends_at=shift_ends_at(person, now),
    )


def chosen_of(every: Sequence[Item], chosen: int | None) -> Item | None:
    """Return the item that is open: the one chosen if it is there, else the first."""
    return next((each for each in every if each.id == chosen), every[0] if every else None)


def hands(held: Sequence[Item], beside: Sequence[Item], opened: Item | None) -> list[Hand]:
    """List what somebody can open, with which of it waits for an answer of theirs."""
    every = [*held, *beside]
    written = conversations_queries.unanswered(each.case_id for each in held if each.declared.written and each.case_id)
    keys = neighbours([each.id for each in every], opened.id if opened else None)
    return [
        Hand(
            item=each,
            is_beside=number >= len(held),
            is_open=opened is not None and each.id == opened.id,
            written_at=written.get(each.case_id or 0) if number < len(held) and each.state == "held" else None,
            key=keys.get(each.id, ""),
        )
        for number, each in enumerate(every)
    ]


def neighbours(ids: list[int], opened: int | None) -> dict[int, str]:
    """Give keys to what comes before and after the one that is open, round and round."""
    if opened not in ids or len(ids) < 2:
        return {}
    place = ids.index(opened)
    return {ids[place - 1]: "b"} | {ids[(place + 1) % len(ids)]: "n"}


def in_hand(person: Person, chosen: int | None) -> list[Hand]:
    """Read the list alone, for a page that was told of a message."""
    held, beside = list(work_queries.held_by(person)), parts(person)[1]
    return hands(held, beside, chosen_of([*held, *beside], chosen))


def parts(person: Person) -> tuple[list[tuple[Item, datetime]], list[Item]]:
    """Read about what somebody is asked in, and in what they take part beside its owner; monitors read elsewhere."""
    asked, beside = [], []
    for item in work_queries.asked(person):
        part = roles.part_of(item.beside, person.id)
        if part and "asked_until" in part:
            asked.append((item, datetime.fromisoformat(part["asked_until"])))
        elif part and part["role"] != roles.MONITOR:
            beside.append(item)
    return asked, beside


def on_it(item: Item) -> list[OnIt]:
    """Read who takes part in an item beside its owner."""
    names = Person.objects.in_bulk(roles.people(item.beside))
    return [
        OnIt(names[each["person"]], each["role"], _until(each)) for each in item.beside or () if each["person"] in names
    ]


def _until(part: roles.Part) -> datetime | None:
    return datetime.fromisoformat(part["asked_until"]) if "asked_until" in part else None


def consultable(item: Item, now: datetime) -> list[Colleague]:
    """Read who may be asked in on an item: at work, cleared for its client, not on it yet; who has room first."""
    there = colleagues(item.person, item) if item.person else Person.objects.none()
    there = there.filter(agent_state__state="available", roles__contains=["agent"])
    found = list(
        there.exclude(id__in=roles.people(item.beside))
        .select_related("site")
        .prefetch_related("certificates__skill")[:MOST_COLLEAGUES]
    )
    taken = work_queries.shares([each.id for each in found])
    most = item.declared.consults
    every = [
        Colleague(
            each,
            people_queries.skills_at(each, now),
            sum(high - low for low, high in taken[each.id]),
            lifecycle.free_share(taken[each.id], most, qualification.CAPACITY) is not None,
        )
        for each in found
    ]
    return sorted(every, key=lambda each: (not each.has_room, each.person.name))


def resting(person: Person) -> list[Item]:
    """Read what this person set to pending customer, the longest first."""
    laid_aside = Fact.objects.filter(event="work.pending-customer", by_id=person.id).values("item_id")
    unanswered = work_queries.items().filter(state="waiting", pending_customer_since__isnull=False, id__in=laid_aside)
    return list(unanswered.order_by("pending_customer_since"))


def leaving(person: Person, let_go: Iterable[Item], now: datetime) -> list[Message]:
    """Read the replies that a person can take back still about items that they have just let go of."""
    since = now - email_queries.undo()
    lately = [each.id for each in let_go if (each.pending_customer_since or each.wrapped_up_at or since) > since]
    return [_with_undo(each) for each in email_queries.leaving(lately, person.id, now)] if lately else []


def _with_undo(reply: Message) -> Message:
    reply.leaves_at = reply.said_at + email_queries.undo()
    return reply


def took(item: Item) -> int:
    """How many seconds an item took: talk, hold and wrap-up."""
    return item.talk_seconds + item.hold_seconds + item.wrap_seconds


def zone_of(person: Person) -> ZoneInfo:
    """The zone of the person's site."""
    return ZoneInfo(person.site.zone if person.site else "UTC")


def midnight(zone: ZoneInfo, now: datetime) -> datetime:
    """When the present day began in a zone."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def opened(item: Item, now: datetime, person: Person | None = None) -> Opened:
    """Read everything that doing an item needs, or taking part in it beside its owner."""
    part = roles.part_of(item.beside, person.id) if person else None
    role = part["role"] if part else roles.OWNER
    try:
        terms = contracts_queries.terms_of(item.queue, item.received_at)
    except contracts_queries.Unreadable:  # the item cannot be wrapped up before it is repaired; all others can
        terms = None
    said = (
        talk(item, now, by=person) if role != roles.KEYS_SECOND else None
    )  # who keys second sees nothing of the first
    may_write = mail_queries.answers_to(item) is not None
    return Opened(
        item=item,
        fields=wording.readable(item.payload),
        told=[each for each in work_queries.told(item.id) if not each.event.startswith("message.")]
        if role != roles.KEYS_SECOND
        else [],
        dispositions=tuple(terms.dispositions) if terms else (),
        queues=list(Queue.objects.filter(client_id=item.client_id).exclude(id=item.queue_id).order_by("name")),
        earlier=earlier(item),
        colleagues=list(colleagues(item.person, item)[:MOST_COLLEAGUES]) if item.person else [],
        other_cases=list(other_cases(item)[:20]),
        case_kinds=lifecycle.CASE_KINDS,
        on_the_line=item.declared.on_the_line,
        may_lie_aside=not item.declared.live,
        may_write=may_write,
        may_reply=role == roles.OWNER and (said.is_open if said and said.chat else may_write),
        keeps=terms is not None and terms.sticky_for_seconds is not None,
        may_hold=item.declared.holdable,
        talk=helped(item, said),
        role=role,
        on_it=on_it(item),
        times=common_times(now.astimezone(zone_of(person))) if person else [],
        help=work_queries.help_with(item) if role == roles.OWNER else [],
        help_seen_by=escalation_queries.seen_by(item) if item.escalated_at and role == roles.OWNER else "",
    )


@dataclass(frozen=True)
class Talk:
    """What was said about an item's case, and how to answer."""

    item: Item
    messages: list[Message]
    chat: Chat | None
    here: bool  # whether the visitor's page is open
    after: int  # the message after which it begins, where not all of it is read
    seen: int  # the visitor's last message that an agent has seen
    tags: list[str]
    quotes: bool = False  # whether an answer goes by mail, which quotes what it answers
    sends: bool = True  # whether there is a server that mail goes out through
    largest_file: int = LARGEST_SENT  # bytes
    mail: mail_queries.Offered | None = None  # what an answer by mail begins with, for whoever may write one

    @property
    def warns(self) -> bool:
        """Whether what is written here is sure to go by mail, so that it matters now whether that can go out."""
        return self.quotes or self.item.declared.begun_by_us

    @property
    def is_open(self) -> bool:
        """Whether what is written to the visitor is read: who only fell silent may come back."""
        return self.chat is not None and (self.chat.closed_at is None or self.chat.closed_as == "silence")

    @property
    def has_no_visitor(self) -> bool:
        """Whether it is a chat that did not come through a widget of ours."""
        return self.chat is None and self.item.declared.channel == chat_queries.CHANNEL


def talk(item: Item, now: datetime, after: int = 0, by: Person | None = None, visit: Chat | None = None) -> Talk | None:
    """Read what was said about an item's case, to customers and among ourselves; None for work that is of no case.

    Of a chat `after` one message, for a page that has all before it and to which that does not happen any more. `by` is
    who reads it: the owner may take replies back, whoever else is on it may not. `visit` is its chat, if that is known.
    """
    is_chat = item.declared.channel == chat_queries.CHANNEL
    after = after if is_chat else 0
    said = conversations_queries.all_of_case(item.case_id, after) if item.case_id else []
    if item.case_id is None:
        return None
    for each in said:
        is_own = each.is_mail and (each.state, each.person_id) == ("waiting", item.person_id)
        if is_own and (by is None or by.id == item.person_id):
            _with_undo(each)
    visit = visit or (chat_queries.of_item(item.id) if is_chat else None)
    here = visit is not None and visit.closed_at is None and now - visit.seen_at < HERE_FOR
    mailed = visit is None and any(each.direction == "in" and each.is_mail for each in said)
    return Talk(
        item,
        said,
        visit,
        here,
        after,
        visit.read_by_us if visit else 0,
        [],
        mailed,
        bool(settings.WORKFLOOR_SMTP_URL),
        mail=mail_queries.offered(item, said) if visit is None and (by is None or by.id == item.person_id) else None,
    )


def common_times(now: datetime) -> list[tuple[str, datetime]]:
    """Name the times at which something is often done later, by the clock that `now` is told by."""
    tomorrow = now + timedelta(days=1)
    monday = now + timedelta(days=7 - now.weekday())
    return [
        (_("In 1 hour"), now + timedelta(hours=1)),
        (_("In 3 hours"), now + timedelta(hours=3)),
        (_("Tomorrow at 9:00"), tomorrow.replace(hour=9, minute=0)),
        (_("Monday at 9:00"), monday.replace(hour=9, minute=0)),
    ]


def helped(item: Item, shown: Talk | None) -> Talk | None:
    """The same with the item's tags."""
    if shown is None or item.person is None:
        return shown
    return replace(shown, tags=playbooks_queries.tags(item.id))


def own_case(person: Person, item: Item) -> Case:
    """The case of an item that is in somebody's hands; raises work.NotYours for another's."""
    if item.case is None or item.person_id != person.id:
        raise NotYours(_("This item is not with you any more."))
    return item.case


def other_cases(item: Item) -> QuerySet[Case]:
    """The other cases of an item's customer, the newest first, with which its case could be one."""
    if item.case is None or item.case.customer_id is None:
        return Case.objects.none()
    return Case.objects.filter(customer_id=item.case.customer_id).exclude(id=item.case.id).order_by("-opened_at")


def colleagues(person: Person, item: Item) -> QuerySet[Person]:
    """Who else may touch this client's work and is at work now."""
    cleared = {"clearances__client_id": item.client_id, "clearances__withdrawn_at": None}
    found = Person.objects.filter(left_at=None, agent_state__state__in=["available", "away"], **cleared)
    return found.exclude(id=person.id).order_by("name").distinct()


def earlier(item: Item) -> list[Item]:
    """Read what the same customer's other items came to, newest first."""
    if item.case is None or item.case.customer_id is None:
        return []
    others = work_queries.items().filter(case__customer_id=item.case.customer_id).exclude(id=item.id)
    return list(others.order_by("-received_at")[:5])


def lacks(person: Person, today: datetime) -> str:
    """Say what keeps every offer from this person; empty when nothing does."""
    if not people_queries.enterable(person):
        return _("You are not cleared for any client yet, so no work can be offered to you. Ask your team leader.")
    if not people_queries.skills_at(person, today):
        return _("No certificate of yours is valid today, so no work can be offered to you. Ask your team leader.")
    on_shift, begins = people_queries.shift(person, today)
    if not on_shift:
        local = begins.astimezone(today.tzinfo) if begins else None
        when = (
            _("Your next shift begins on {day} at {time:%H:%M}").format(day=dateformat.format(local, "j F"), time=local)
            if local
            else _("No further shift of yours is planned")
        )
        return _("You are off shift, so no work is offered to you. {when}.").format(when=when)
    return ""


def shift_ends_at(person: Person, now: datetime) -> datetime | None:
    """When the shift ends that a person is on; None for whom none is planned, or who is off shift."""
    on_shift, ends = people_queries.shift(person, now)
    return ends if on_shift else None
