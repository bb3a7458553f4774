"""The legs of an item: who is on it, from when to when; and what talk and hold they come to.

A leg begins (it rings), is connected, may be held, and ends. Talk is the time in which the customer's leg is connected
and not held while at least one agent's is too; hold is the time in which the customer's leg is held. A supervisor's leg
is no talk, nor is a third party's. Times are texts, as a row keeps them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypedDict

from workfloor.kit.text.translation import gettext as _

CUSTOMER: Final = "customer"
AGENT: Final = "agent"
THIRD_PARTY: Final = "third-party"
SUPERVISOR: Final = "supervisor"
PARTIES: Final = (CUSTOMER, AGENT, THIRD_PARTY, SUPERVISOR)


class Leg(TypedDict):
    """One leg; `holds` are [from, to], the last of them perhaps without an end yet."""

    leg: str
    party: str
    person: int | None
    began_at: str
    connected_at: str | None
    holds: list[list[str | None]]
    ended_at: str | None
    recording: str | None


Legs = Sequence[Leg] | None


class Impossible(ValueError):
    """That cannot happen to the leg, as it is."""


class Fact(Protocol):
    """What is read of a fact."""

    @property
    def event(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def person_id(self) -> int | None: ...
    @property
    def details(self) -> Mapping[str, Any]: ...


def text(at: datetime) -> str:
    """An instant as legs keep it."""
    return at.astimezone(UTC).isoformat()


def find(legs: Legs, name: str) -> Leg | None:
    """A leg by its name."""
    return next((each for each in legs or () if each["leg"] == name), None)


def on(leg: Leg | None) -> bool:
    """Whether a leg is connected now."""
    return leg is not None and leg["connected_at"] is not None and leg["ended_at"] is None


def is_held(leg: Leg) -> bool:
    """Whether a leg is held now."""
    return bool(leg["holds"]) and leg["holds"][-1][1] is None


def customer(legs: Legs) -> Leg | None:
    """The customer's leg that has not ended."""
    return next((each for each in legs or () if each["party"] == CUSTOMER and each["ended_at"] is None), None)


def runs(legs: Legs) -> Literal["talk", "hold", ""]:
    """What runs now."""
    caller = customer(legs)
    if caller is None or not on(caller):
        return ""
    if is_held(caller):
        return "hold"
    agents = (each for each in legs or () if each["party"] == AGENT and on(each) and not is_held(each))
    return "talk" if any(agents) else ""


# --- what happens to them ------------------------------------------------------------------------------------------


def begun(legs: Legs, name: str, party: str, person: int | None, at: datetime) -> list[Leg]:
    """One more leg, which is not connected yet."""
    if party not in PARTIES:
        raise Impossible(_("a leg is one of {parties}").format(parties=", ".join(PARTIES)))
    if name != IMPLIED and find(legs, name):
        raise Impossible(_("the leg {name} has begun already").format(name=name))
    if party == CUSTOMER and customer(legs):
        raise Impossible(_("the customer has a leg already"))
    new = Leg(
        leg=name,
        party=party,
        person=person,
        began_at=text(at),
        connected_at=None,
        holds=[],
        ended_at=None,
        recording=None,
    )
    return [*(legs or ()), new]


def connected(legs: Legs, name: str, at: datetime) -> list[Leg]:
    """A leg is connected from then on. Raises Impossible, like all of these."""
    leg = _open(legs, name)
    if leg["connected_at"]:
        raise Impossible(_("the leg {name} is connected already").format(name=name))
    return _with(legs, {**leg, "connected_at": text(at)})


def held(legs: Legs, name: str, at: datetime) -> list[Leg]:
    """A leg is held from then on."""
    leg = _open(legs, name)
    if not on(leg) or is_held(leg):
        why = _("the leg {name} is held already") if is_held(leg) else _("the leg {name} is not connected")
        raise Impossible(why.format(name=name))
    return _with(legs, {**leg, "holds": [*leg["holds"], [text(at), None]]})


def resumed(legs: Legs, name: str, at: datetime) -> list[Leg]:
    """A leg is held no more."""
    leg = _open(legs, name)
    if not is_held(leg):
        raise Impossible(_("the leg {name} is not held").format(name=name))
    return _with(legs, _let_go(leg, at))


def ended(legs: Legs, name: str, at: datetime) -> list[Leg]:
    """A leg has ended, and its hold with it."""
    return _with(legs, {**_let_go(_open(legs, name), at), "ended_at": text(at)})


def recorded(legs: Legs, name: str, recording: str) -> list[Leg]:
    """Where the recording of a leg is; it may come long after the leg has ended."""
    leg = find(legs, name)
    if leg is None:
        raise Impossible(_("there is no leg {name}").format(name=name))
    return _with(legs, {**leg, "recording": recording})


def without(legs: Legs, at: datetime, *, person: int | None = None, parties: Sequence[str] = PARTIES) -> list[Leg]:
    """All legs of these parties, or one person's, have ended."""
    ends = [
        each["leg"]
        for each in legs or ()
        if each["ended_at"] is None and each["party"] in parties and (person is None or each["person"] == person)
    ]
    found = list(legs or ())
    for name in ends:
        found = ended(found, name, at)
    return found


def back_in_line(legs: Legs, at: datetime) -> list[Leg]:
    """Nobody of ours is on it any more, and the customer is not held but waits."""
    left = without(legs, at, parties=(AGENT, SUPERVISOR))
    return [_let_go(each, at) for each in left]


def _let_go(leg: Leg, at: datetime) -> Leg:
    if not is_held(leg):
        return leg
    return {**leg, "holds": [*leg["holds"][:-1], [leg["holds"][-1][0], text(at)]]}


def _open(legs: Legs, name: str) -> Leg:
    leg = find(legs, name)
    if leg is None:
        raise Impossible(_("there is no leg {name}: say first that it began").format(name=name))
    if leg["ended_at"]:
        raise Impossible(_("the leg {name} has ended").format(name=name))
    return leg


def _with(legs: Legs, leg: Leg) -> list[Leg]:
    return [leg if each["leg"] == leg["leg"] else each for each in legs or ()]


def reported(legs: Legs, fact: Fact) -> list[Leg]:
    """The legs after one more fact about one of them. Raises Impossible."""
    details = fact.details
    match fact.event.removeprefix("work.leg-"):
        case "began":
            return begun(legs, details["leg"], details["party"], fact.person_id, fact.at)
        case "connected":
            return connected(legs, details["leg"], fact.at)
        case "held":
            return held(legs, details["leg"], fact.at)
        case "resumed":
            return resumed(legs, details["leg"], fact.at)
        case "ended":
            return ended(legs, details["leg"], fact.at)
        case _:
            return recorded(legs, details["leg"], details["recording"])


# --- read off the facts ----------------------------------------------------------------------------------------------

_ENDS = ("work.ended", "work.cancelled", "work.abandoned")
_PUTS_BACK = ("work.transferred", "work.pending-customer", "work.snoozed", "work.preempted")
_LEAVES = ("work.consult-ended", "work.monitor-left")
_JOINS = {"work.consult-joined": AGENT, "work.monitor-joined": SUPERVISOR}
IMPLIED: Final = "implied"  # the customer's leg, where no channel tells of it


def of(facts: Iterable[Fact]) -> list[Leg]:
    """An item's legs: those that a channel reported, or where none did those that its other facts imply.

    Where nobody reports legs, the customer's is connected when the item first is, and each person's from when they are
    connected, join or listen in, until they let go of it.
    """
    legs: list[Leg] = []
    for fact in facts:
        caller = customer(legs)
        implied = caller is None or caller["leg"] == IMPLIED
        if fact.event.startswith("work.leg-"):
            legs = reported(legs, fact)
        elif fact.event == "work.held" and caller:
            legs = held(legs, caller["leg"], fact.at)
        elif fact.event == "work.resumed" and caller:
            legs = resumed(legs, caller["leg"], fact.at)
        elif implied and fact.event in ("work.connected", "work.preemption-ended"):
            legs = connected(begun(legs, IMPLIED, CUSTOMER, None, fact.at), IMPLIED, fact.at) if not caller else legs
            legs = _came(legs, AGENT, fact.person_id, fact.at)
        elif implied and fact.event in _JOINS:
            legs = _came(legs, _JOINS[fact.event], fact.person_id, fact.at)
        else:
            legs = _let_go_of(legs, fact)
    return legs


def _came(legs: list[Leg], party: str, person: int | None, at: datetime) -> list[Leg]:
    name = f"{IMPLIED}-{party}-{1 + sum(each['party'] == party for each in legs)}"
    return connected(begun(legs, name, party, person, at), name, at)


def _let_go_of(legs: list[Leg], fact: Fact) -> list[Leg]:
    """The legs after a fact about the item as a whole."""
    if fact.event in _ENDS:
        return without(legs, fact.at)
    if fact.event in _PUTS_BACK:
        return back_in_line(legs, fact.at)
    if fact.event in _LEAVES:
        return without(legs, fact.at, person=fact.person_id)
    if fact.event == "work.transferred-to-consultant":
        return without(legs, fact.at, person=fact.details["by_person"])
    return legs


# --- what they come to ---------------------------------------------------------------------------------------------

Span = tuple[datetime, datetime]


def sums(legs: Sequence[Leg], until: datetime) -> tuple[int, int]:
    """Talk and hold in whole seconds, rounded down for each stretch; what has not ended is counted until then."""
    customers = [each for each in legs if each["party"] == CUSTOMER]
    holds = [span for each in customers for span in _holds(each, until)]
    heard = [span for each in customers for span in _less(_connected(each, until), _holds(each, until))]
    there = [
        span for each in legs if each["party"] == AGENT for span in _less(_connected(each, until), _holds(each, until))
    ]
    talks = [span for one in heard for other in _merged(there) if (span := _both(one, other))]
    return _seconds(talks), _seconds(holds)


def _connected(leg: Leg, until: datetime) -> list[Span]:
    if leg["connected_at"] is None:
        return []
    return [(_time(leg["connected_at"]), _time(leg["ended_at"]) if leg["ended_at"] else until)]


def _holds(leg: Leg, until: datetime) -> list[Span]:
    return [(_time(start or ""), _time(end) if end else until) for start, end in leg["holds"]]


def _less(spans: Iterable[Span], apart: Iterable[Span]) -> list[Span]:
    found = list(spans)
    for start, end in apart:
        found = [
            each
            for low, high in found
            for each in ((low, min(high, start)), (max(low, end), high))
            if each[0] < each[1]
        ]
    return found


def _merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _both(one: Span, other: Span) -> Span | None:
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None


def _seconds(spans: Iterable[Span]) -> int:
    return sum((end - start) // timedelta(seconds=1) for start, end in spans)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
