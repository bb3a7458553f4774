"""What a floor marks: waits and service levels against what was agreed, states that last too long, in order of risk."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from workfloor.core.people.qualification import CAPACITY, RONA
from workfloor.core.work.kinds import KINDS

Mood = Literal["calm", "close", "late"]
MOODS: Final[tuple[Mood, ...]] = ("calm", "close", "late")
CLOSE: Final = 0.7  # of a target: from here on a wait is close to it, as in ui/live.js

# How long somebody may be in a state before it is marked, by not-ready reason or by what they do.
NOT_READY: Final[Mapping[str, timedelta]] = {
    "break": timedelta(minutes=15),
    "lunch": timedelta(minutes=60),
    "training": timedelta(hours=4),
    "meeting": timedelta(hours=2),
    "technical": timedelta(minutes=15),
    RONA: timedelta(minutes=2),
}
LONGEST: Final[Mapping[str, timedelta]] = {"on-hold": timedelta(minutes=3), "wrap-up": timedelta(minutes=3)}
TIMES_AHT: Final = 3  # work in hand is marked once it has taken so many times what the queue's takes today
LEAST_HANDLED: Final = 10  # before which a queue's AHT says little

STATES: Final = (
    "available",
    "offered",
    "on-call",
    "on-chat",
    "working",
    "on-hold",
    "wrap-up",
    "not-ready",
    "off-shift",
    "signed-out",
)


class InHand(NamedTuple):
    """What is asked of an item in somebody's hands."""

    state: str
    kind: str
    queue_id: int
    connected_at: datetime | None
    on_hold_since: datetime | None
    ended_at: datetime | None


class Parts(NamedTuple):
    """What of somebody is taken, of CAPACITY, by how many offers and pieces of work."""

    many: int = 0
    taken: int = 0
    largest: int = 0

    @property
    def most(self) -> int:
        """How many as large as the largest they could have; 0 where nothing is taken."""
        return max(CAPACITY // self.largest, self.many) if self.largest else 0

    @property
    def has_room(self) -> bool:
        """Whether another as large as the largest could be offered to them."""
        return self.taken + self.largest <= CAPACITY


class Standing(NamedTuple):
    """What somebody does, since when, and whether that has lasted too long."""

    state: str  # of STATES
    since: datetime
    is_too_long: bool = False


def standing(
    state: str,
    reason: str,
    since: datetime,
    items: list[InHand],
    handled_seconds: Mapping[int, float],
    *,
    is_on_shift: bool,
    now: datetime,
    has_room: bool = False,
) -> Standing:
    """Say what somebody does by their agent state and what is in their hands, as the router goes by it.

    Of several in hand the one that lasts too long is told; who has room for more is available all the same.
    `handled_seconds` is the AHT of today by queue, where enough was handled to tell.
    """
    doing = max((_with(item, since, handled_seconds, now) for item in items), key=_interest) if items else None
    if state == "away":
        limit = NOT_READY.get(reason)
        lasts_too_long = limit is not None and now - since > limit
        return Standing("not-ready", since, lasts_too_long or (doing is not None and doing.is_too_long))
    if doing is not None and not (has_room and is_on_shift and state == "available" and not doing.is_too_long):
        return doing
    if state == "available" and not is_on_shift:
        return Standing("off-shift", since)
    return Standing(state, since)


def _with(item: InHand, since: datetime, handled_seconds: Mapping[int, float], now: datetime) -> Standing:
    if item.state == "offered":
        return Standing("offered", since)
    if item.state == "wrapping":
        return _limited("wrap-up", item.ended_at or since, now)
    if item.on_hold_since:
        return _limited("on-hold", item.on_hold_since, now)
    begun, usual = item.connected_at or since, handled_seconds.get(item.queue_id)
    kind = KINDS[item.kind]
    doing = "on-call" if kind.holdable else "on-chat" if kind.on_the_line else "working"
    return Standing(doing, begun, usual is not None and (now - begun).total_seconds() > TIMES_AHT * usual)


def _limited(state: str, since: datetime, now: datetime) -> Standing:
    return Standing(state, since, now - since > LONGEST[state])


def _interest(one: Standing) -> tuple[bool, bool, float]:
    return one.is_too_long, one.state != "offered", -one.since.timestamp()


# --- Queues ------------------------------------------------------------------------------------------------------
def wait_mood(waited_seconds: float | None, target_seconds: float | None) -> Mood:
    """Judge the longest wait against its target; calm where nothing waits or nothing was agreed."""
    if waited_seconds is None or target_seconds is None:
        return "calm"
    share = waited_seconds / target_seconds
    return "late" if share > 1 else "close" if share > CLOSE else "calm"


def level_mood(percent: float | None, expected: float | None, minimum: float | None) -> Mood:
    """Judge a service level: below its minimum it is missed, below its target close; one that nobody agreed is calm."""
    if percent is None or expected is None:
        return "calm"
    if percent < (expected if minimum is None else minimum):
        return "late"
    return "close" if percent < expected else "calm"


def worst(*moods: Mood) -> Mood:
    """The worst of some."""
    return max(moods, key=MOODS.index)
