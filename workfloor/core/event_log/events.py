"""What a fact is, how events become facts, and who follows them."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from workfloor.core.access.actors import Actor
from workfloor.kit.text import copying


@dataclass(frozen=True)
class Event:
    """Something that happened, in the past tense; its fields become the fact's details."""

    name: ClassVar[str]

    def details(self) -> dict[str, Any]:
        """The fields as JSON values, without those that say nothing (None)."""
        return {
            name: value if type(value) in _PLAIN else _plain(value)
            for name, value in vars(self).items()
            if value is not None
        }


_PLAIN = (str, int)  # most of all values, told quickly


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact to be recorded: an event, when it happened, whom it concerns, and who did it."""

    event: Event
    at: datetime
    client_id: int | None = None
    item_id: int | None = None
    case_id: int | None = None
    person_id: int | None = None
    by: Actor = field(kw_only=True)

    def topics(self) -> set[str]:
        """The names under which open pages hear of it."""
        named = {"client": self.client_id, "item": self.item_id, "case": self.case_id, "person": self.person_id}
        return {"floor"} | {f"{kind}:{number}" for kind, number in named.items() if number is not None}


@dataclass(frozen=True)
class Changed(Event):
    """What is on file of something was changed in place: by field, from what to what."""

    name: ClassVar[str] = "record.changed"
    of: str  # what it is: such as site, person
    number: int
    called: str  # what people call it, after the change
    before: dict[str, Any]
    after: dict[str, Any]


_json = json.JSONEncoder().encode


class Past(NamedTuple):
    """A fact of long ago, as state follows from it."""

    event: str
    at: datetime
    details: Mapping[str, Any]
    person_id: int | None = None


def past(event: Event) -> str:
    """An event of long ago as a row of `actions.insert_past` ends, which begins with when, client and item."""
    return f"{event.name}\t{copying.text(_json(event.details()))}\n"


@dataclass(frozen=True, slots=True)
class Followed:
    """A recorded fact as a follower reads it, at its position in the order of following."""

    position: int
    id: int
    at: datetime
    event: str
    client_id: int | None
    item_id: int | None
    case_id: int | None
    person_id: int | None
    by_id: int | None
    details: dict[str, Any]


_LARGEST_NOTICE = 7000  # bytes; PostgreSQL takes just under 8,000


def notice(names: Iterable[str]) -> str:
    """What is told to followers when facts of these events are stored; of too many at once nothing in particular."""
    told = ",".join(sorted(names))
    return told if len(told) <= _LARGEST_NOTICE else ""


def tells_of(notice: str, names: Collection[str]) -> bool:
    """Whether a notice may tell of one of these events."""
    return not notice or any(name in names for name in notice.split(","))


def tells_only_of(notice: str, names: Collection[str]) -> bool:
    """Whether a notice tells of these events and can tell of no other."""
    return bool(notice) and all(name in names for name in notice.split(","))


React = Callable[[Sequence[Followed], datetime], None]


@dataclass(frozen=True)
class Follower:
    """A reaction to facts, which keeps its place in the event log in the transaction of its effect."""

    name: str
    events: frozenset[str]
    react: React


Decide = Callable[[Sequence[Entry], datetime], set[int]]


@dataclass(frozen=True)
class Decider:
    """What decides about work in the transaction that takes it in: nobody ever sees the work undecided.

    It is given the facts, once the state is what they say, and returns the items that it changed.
    """

    name: str
    events: frozenset[str]
    decide: Decide
    may_decide: Callable[[set[int]], bool]  # about work of these clients; most clients have nothing to decide by


@dataclass
class _Register:
    """Who follows and who decides; asked for the first time, it has every package's learned, which takes a while."""

    learn: Callable[[], None] = lambda: None
    known_followers: dict[str, Follower] = field(default_factory=dict)
    known_deciders: dict[str, Decider] = field(default_factory=dict)

    @cached_property
    def followers(self) -> dict[str, Follower]:
        self.learn()
        return self.known_followers

    @cached_property
    def deciders(self) -> dict[str, Decider]:
        self.learn()
        return self.known_deciders


register = _Register()


def follows(name: str, *events: str) -> Callable[[React], React]:
    """Decorate a function in a package's followers.py: it is called with each batch of facts of these events."""

    def registered(react: React) -> React:
        register.known_followers[name] = Follower(name, frozenset(events), react)
        return react

    return registered


def decides(
    name: str, *events: str, may_decide: Callable[[set[int]], bool] = lambda _: True
) -> Callable[[Decide], Decide]:
    """Decorate a function in a package's followers.py that decides at once; what may wait, or fail, is a follower's.

    Where it has nothing to decide by for any of the clients, it is not asked; that look itself cannot fail.
    """

    def registered(decide: Decide) -> Decide:
        register.known_deciders[name] = Decider(name, frozenset(events), decide, may_decide)
        return decide

    return registered


@dataclass(frozen=True)
class DecisionFailed(Event):
    """What should have decided about work that came in failed, so that the work is as it came."""

    name: ClassVar[str] = "engine.decision-failed"
    decider: str
    error: str


@dataclass(frozen=True)
class Dropped(Event):
    """A fact that a follower failed over will never be tried again: what should have followed from it will not."""

    name: ClassVar[str] = "engine.dropped"
    follower: str
    position: int
    event: str
    error: str


@dataclass(frozen=True)
class RunAgain(Event):
    """Somebody has what failed tried again: a fact that a follower failed over, or a background job."""

    name: ClassVar[str] = "engine.run-again"
    failure: str  # such as fact-12 or job-7
    what: str


@dataclass(frozen=True)
class JobDropped(Event):
    """A background job that failed will never be tried again: what it should have done will not be."""

    name: ClassVar[str] = "engine.job-dropped"
    job: int
    task: str


@dataclass(frozen=True)
class EveryClientEntered(Event):
    """A process that works across the walls has begun to."""

    name: ClassVar[str] = "engine.entered-every-client"
    engine: str
