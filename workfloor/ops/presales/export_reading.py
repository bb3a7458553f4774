"""An export read in a process of its own: its calls as the database takes them, some thousand at a time."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from workfloor.core.event_log.events import past
from workfloor.core.work import events as work_events
from workfloor.core.work import lifecycle
from workfloor.kit.text import copying
from workfloor.kit.time import calendars
from workfloor.ops.presales import export_rows
from workfloor.ops.presales import gateway as presales_gateway


class Said(NamedTuple):
    """What a version of the contract says of a queue."""

    version: int
    kind: str  # of work
    calendar: calendars.Calendar


@dataclass(frozen=True, slots=True)
class Home:
    """The queue where calls belong, and what the contract says of it from each of some instants on."""

    queue_id: int
    process_id: int
    since: Sequence[datetime]
    said: Sequence[Said]

    def of(self, call: export_rows.Call) -> Said:
        """What it said on the day of a call."""
        return self.said[max(bisect_right(self.since, call.received_at) - 1, 0)]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read an export, and where its calls go."""

    how: export_rows.Map
    window: export_rows.Window
    client_id: int
    homes: Mapping[str, Home]


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that are over, their items and facts as the database takes them in bulk, and what came of the file so far.

    None are there once a row of the file is refused, and no call after its end.
    """

    calls: Sequence[tuple[int, str]]  # line and key of each
    items: bytes
    facts: bytes
    done: int  # bytes of the file
    is_last: bool
    tally: export_rows.Tally


# What the past can bring an item to; the other columns are as those of an item to which nothing has happened yet.
_MOVED: Final = (
    *("state", "key", "kind", "process_id", "queue_id", "agent_label", "received_at", "queued_at", "connected_at"),
    *("ended_at", "wrapped_up_at", "abandoned_at", "cancelled_at", "cancelled_as", "talk_seconds", "wrap_seconds"),
    *("working_seconds", "reply_seconds"),
)
COLUMNS: Final = ("id", "client_id", "payload", *_MOVED)
SAME: Final = {"title": "", "digest": ""} | {
    name: value for name, value in vars(lifecycle.Item()).items() if name not in _MOVED
}


class Reading:
    """One pass through an export."""

    def __init__(self, export: presales_gateway.Export, plan: Plan) -> None:
        self._plan, self._tally, self._done = plan, export_rows.Tally(), 0
        records = export.records(plan.how, self._advance)
        self._calls = export_rows.read_all(records, export_rows.Reader(plan.how, plan.window), self._tally)

    def _advance(self, done: int) -> None:
        self._done = done

    def go_on(self, ids: Sequence[int]) -> Batch:
        """The next calls as items of these numbers. Raises Refused where the file breaks off."""
        calls = list(islice(self._calls, len(ids)))
        # Once a row is refused the file is read on only to find the others.
        kept = [] if self._tally.refused_count else calls
        items, facts = list[str](), list[str]()
        for item_id, call in zip(ids, kept, strict=False):
            item, told = _written(item_id, call, self._plan)
            items.append(item)
            facts.append(told)
        return Batch(
            [(call.line, call.key) for call in kept],
            "".join(items).encode(),
            "".join(facts).encode(),
            self._done,
            len(calls) < len(ids),
            self._tally,
        )


# --- within the process -----------------------------------------------------------------------------------------------
_begun: dict[str, Reading] = {}


def begin(file: int, name: str, plan: Plan) -> None:
    """Begin with the open file of that number."""
    _begun["reading"] = Reading(presales_gateway.Export(open(file, "rb", closefd=False), name), plan)  # noqa: SIM115


def answer(*asked: Any) -> Batch | export_rows.Refused | None:
    """Begin, where a file and a plan are given; else read on, with the numbers of the next items."""
    try:
        if len(asked) == 1:
            return _begun["reading"].go_on(*asked)
        begin(*asked)
    except export_rows.Refused as refused:
        return refused
    return None


# --- what a call came to ----------------------------------------------------------------------------------------------
# Texts are put together here and nothing is replayed, for a million rows: that an item is what its facts add up to is
# held by a test for each outcome. What an event looks like is asked of it once.
_KEY, _SPENT, _REPLIED = "a key", 1_000_000_007, 1_000_000_009  # which stand for those of a call
_SECOND: Final = timedelta(seconds=1)
_ABANDONED, _PHANTOM = past(work_events.Abandoned()), past(work_events.Cancelled("phantom"))
_CONNECTED, _WRAPPED_UP = past(work_events.Connected()), past(work_events.WrappedUp())
_json = json.JSONEncoder().encode


def _written(item_id: int, call: export_rows.Call, plan: Plan) -> tuple[str, str]:
    """A call's item and its facts as rows."""
    home = plan.homes[call.queue]
    said = home.of(call)
    received, queued, left = call.received_at.isoformat(), call.queued_at.isoformat(), call.left_queue_at.isoformat()
    of = f"\t{plan.client_id}\t{item_id}\t"
    before, after = _received(said.kind, home.process_id)
    key = copying.text(call.key)
    facts = f"{received}{of}{before}{copying.text(_json(call.key))}{after}{queued}{of}{_queued(home.queue_id)}"
    begun = f"{item_id}\t{plan.client_id}\t{_payload(call)}"
    came = f"{key}\t{said.kind}\t{home.process_id}\t{home.queue_id}"
    waited = f"{received}\t{queued}"
    if call.outcome == "abandoned":
        item = f"{begun}\tabandoned\t{came}\t\t{waited}\t\\N\t\\N\t\\N\t{left}\t\\N\t\t0\t0\t\\N\t\\N\n"
        return item, f"{facts}{left}{of}{_ABANDONED}"
    if call.outcome == "phantom":
        item = f"{begun}\tcancelled\t{came}\t\t{waited}\t\\N\t\\N\t\\N\t\\N\t{left}\tphantom\t0\t0\t\\N\t\\N\n"
        return item, f"{facts}{left}{of}{_PHANTOM}"
    assert call.ended_at
    assert call.wrapped_up_at
    spent, replied = _clocks(said.calendar, call.received_at, call.left_queue_at, call.ended_at)
    talk, wrap = (call.ended_at - call.left_queue_at) // _SECOND, (call.wrapped_up_at - call.ended_at) // _SECOND
    ended, wrapped_up = call.ended_at.isoformat(), call.wrapped_up_at.isoformat()
    agent, accepted = _accepted(call.agent)
    item = (
        f"{begun}\tdone\t{came}\t{agent}\t{waited}\t{left}\t{ended}\t{wrapped_up}\t\\N\t\\N\t"
        f"\t{talk}\t{wrap}\t{spent}\t{replied}\n"
    )
    return item, (
        f"{facts}{left}{of}{accepted}{left}{of}{_CONNECTED}"
        f"{ended}{of}{_ended(said.version) % (spent, replied)}{wrapped_up}{of}{_WRAPPED_UP}"
    )


def _payload(call: export_rows.Call) -> str:
    told = {"customer": call.customer, **call.payload} if call.customer else call.payload
    return copying.text(_json(told))


@lru_cache(maxsize=1024)
def _received(kind: str, process_id: int) -> tuple[str, str]:
    """Before and after the key."""
    before, _, after = past(work_events.Received(_KEY, kind, process_id)).partition(_json(_KEY))
    return before, after


@lru_cache(maxsize=1024)
def _queued(queue_id: int) -> str:
    return past(work_events.Queued(queue_id))


@lru_cache(maxsize=4096)
def _accepted(agent: str) -> tuple[str, str]:
    """The agent's name, and the event."""
    return copying.text(agent), past(work_events.Accepted(agent or None))


@lru_cache(maxsize=1024)
def _ended(version: int) -> str:
    """With places for the working time to the end, and to the reply."""
    told = past(work_events.Ended(_SPENT, version, _REPLIED))
    return told.replace(str(_SPENT), "%d").replace(str(_REPLIED), "%d")


def _clocks(calendar: calendars.Calendar, since: datetime, replied_at: datetime, ended_at: datetime) -> tuple[int, int]:
    """Working time to the end, and to the reply."""
    opens, closes = calendars.opening(calendar, since) or (ended_at, since)
    if opens <= since and ended_at <= closes:  # as most are: within one opening
        return (ended_at - since) // _SECOND, (replied_at - since) // _SECOND
    return calendars.working_seconds(calendar, since, ended_at), calendars.working_seconds(calendar, since, replied_at)
