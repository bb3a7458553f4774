"""What one row of a provider's export says: codes to outcomes, local time to instants, every kind of dirt by name."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

Outcome = Literal["answered", "abandoned", "phantom"]
OUTCOMES: tuple[Outcome, ...] = ("answered", "abandoned", "phantom")
Meaning = TypeVar("Meaning", bound=str)
Policy = Literal["refuse", "leave-out", "accept", "zero", "first", "second", "later"]

# The longest menu, wait, call or wrap-up that is believed; beyond it a column is in another unit.
LONGEST_SECONDS = 31 * 24 * 3600
LONGEST_KEY = 190
LINES_KEPT = 10
FAULTS_KEPT = 100


@dataclass(frozen=True, slots=True)
class Dirt:
    """One kind of dirt: how the report calls it, and what a map may do with it; the first is done if it says nothing.

    refuse the file, leave-out the row, accept it as it is, take zero for the number, or read the local time as the
    first or second of two, or as much later as the clock jumped.
    """

    says: str
    policies: tuple[Policy, ...]


_UNUSABLE: tuple[Policy, ...] = ("refuse", "leave-out")
_BELOW_ZERO: tuple[Policy, ...] = ("refuse", "leave-out", "zero")
_ODD: tuple[Policy, ...] = ("refuse", "leave-out", "accept")

DIRT: Mapping[str, Dirt] = {
    "row-unreadable": Dirt("rows that cannot be read", _UNUSABLE),
    "repeated-row": Dirt("rows that repeat the identity of an earlier one", _UNUSABLE),
    "recurring-id": Dirt("rows with an id seen before: different calls", _ODD),
    "unknown-queue": Dirt("rows with a queue code that the map does not know", _UNUSABLE),
    "unknown-outcome": Dirt("rows with an outcome code that the map does not know", _UNUSABLE),
    "arrival-unreadable": Dirt("arrivals that are not a date and time", _UNUSABLE),
    "arrival-twice": Dirt("arrivals in an hour that the clock ran twice", (*_UNUSABLE, "first", "second")),
    "arrival-skipped": Dirt("arrivals in an hour that the clock skipped", (*_UNUSABLE, "later")),
    "arrival-outside-contract": Dirt("arrivals before the contract starts or after it ends", _UNUSABLE),
    "arrival-in-future": Dirt("calls that have not ended yet", _UNUSABLE),
    "number-unreadable": Dirt("durations that are not whole seconds", _UNUSABLE),
    "negative-menu": Dirt("negative menu times", _BELOW_ZERO),
    "negative-wait": Dirt("negative waits", _BELOW_ZERO),
    "negative-service": Dirt("negative service times", _BELOW_ZERO),
    "negative-wrap": Dirt("negative wrap-up times", _BELOW_ZERO),
    "answered-without-agent": Dirt("answered calls without an agent", _ODD),
    "answered-without-service": Dirt("answered calls with zero service time", _ODD),
    "abandoned-with-service": Dirt("abandoned calls with service time", _ODD),
    "phantom-with-service": Dirt("phantom calls with service time", _ODD),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What the export calls each thing; None: it has no such column."""

    arrived: str
    wait: str
    service: str
    queue: str | None = None
    outcome: str | None = None
    menu: str | None = None
    wrap: str | None = None
    agent: str | None = None
    customer: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """How to read one provider's export. A column that the export lacks reads as the code ''."""

    client: str
    source: str  # names the export: identities of different sources never meet
    zone: str
    columns: Columns
    identity: tuple[str, ...]  # the columns that together name a call, once and for all
    queues: Mapping[str, str]  # code -> queue of the contract
    outcomes: Mapping[str, Outcome]
    dirt: Mapping[str, Policy] = field(default_factory=dict)
    keep: tuple[str, ...] = ()  # columns kept with the item as they are
    arrival_format: str | None = None  # strptime; None: ISO 8601
    encoding: str = "utf-8"
    delimiter: str = ","
    open_end: bool = False  # the export's last line has no line break

    def policy(self, kind: str) -> Policy:
        return self.dirt.get(kind, DIRT[kind].policies[0])

    def used_columns(self) -> list[str]:
        """Every column that the map names, each once."""
        named = [name for name in astuple(self.columns) if name is not None]
        return list(dict.fromkeys([*named, *self.identity, *self.keep]))


class Record(NamedTuple):
    """One row as the file gives it; `fault` says why it has no values."""

    line: int
    values: Mapping[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of dirt at one line, and what the map does about it."""

    line: int
    kind: str
    reason: str
    policy: Policy


class Refused(Exception):
    """The file is refused whole: why and what to do, at which line, or which findings (the first of `count`)."""

    def __init__(self, reason: str, line: int | None = None, findings: Sequence[Finding] = (), count: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.line, self.findings, self.count = reason, line, findings, count

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.line, self.findings, self.count)


class Call(NamedTuple):
    """One past contact: when it came, queued, left the queue, and, if answered, ended and was wrapped up."""

    line: int
    key: str
    queue: str
    outcome: Outcome
    received_at: datetime
    queued_at: datetime
    left_queue_at: datetime
    ended_at: datetime | None
    wrapped_up_at: datetime | None
    agent: str
    customer: str
    payload: Mapping[str, Any]

    @property
    def over_at(self) -> datetime:
        return self.wrapped_up_at or self.left_queue_at


@dataclass(frozen=True, slots=True)
class Window:
    """The instants between which a call may have come, and the one by which it must be over."""

    starts_at: datetime
    ends_at: datetime
    now: datetime


def instant(text: str, zone: ZoneInfo, arrival_format: str | None) -> tuple[datetime, datetime, str]:
    """Read a local time: the two instants that it may mean (mostly equal), and what is odd about it.

    Oddities: "" (none), "arrival-twice" (first and second instant), "arrival-skipped" (later and earlier instant).
    A time that carries its own offset means one instant. Raises ValueError if it is no date and time.
    """
    if arrival_format is None and ":" not in text:
        raise ValueError("no time of day")
    local = datetime.strptime(text, arrival_format) if arrival_format else datetime.fromisoformat(text)  # noqa: DTZ007
    try:
        if local.tzinfo is not None:
            at = local.astimezone(UTC)
            return at, at, ""
        if (ahead := _ahead(zone, local.replace(minute=0, second=0, microsecond=0))) is not None:
            at = local.replace(tzinfo=UTC) - ahead
            return at, at, ""
        first = local.replace(tzinfo=zone).astimezone(UTC)
        second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None
    if first == second:
        return first, second, ""
    return first, second, "arrival-twice" if first < second else "arrival-skipped"


@lru_cache(maxsize=16384)
def _ahead(zone: ZoneInfo, hour: datetime) -> timedelta | None:
    """By how much a zone is ahead of UTC all through a local hour; None where its clock may change in it."""
    ends = (hour, hour + timedelta(hours=1, microseconds=-1))
    found = {at.replace(tzinfo=zone, fold=fold).utcoffset() for at in ends for fold in (0, 1)}
    return found.pop() if len(found) == 1 else None


_WHOLE = re.compile(r"([+-]?\d{1,9})(?:\.0+)?", re.ASCII)
_CLOCK = re.compile(r"(-?)(?:(\d{1,4}):)?(\d{1,2}):([0-5]\d)", re.ASCII)


@lru_cache(maxsize=16384)
def seconds(text: str) -> int:
    """Read a duration, "83", "83.0", "1:23" or "0:01:23", as whole seconds; ValueError if it is none of them."""
    if whole := _WHOLE.fullmatch(text):
        return int(whole[1])
    if clock := _CLOCK.fullmatch(text):
        length = int(clock[2] or 0) * 3600 + int(clock[3]) * 60 + int(clock[4])
        return -length if clock[1] else length
    raise ValueError("not whole seconds")


def short(text: str) -> str:
    """Text as a fault quotes it: cut after sixty characters."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def key_of(source: str, parts: Iterable[str]) -> str:
    """The name of a call for all time: its source and identity, kept apart by slashes."""
    return "/".join([part.replace("%", "%25").replace("/", "%2F") for part in (source, *parts)])


class Reader:
    """Reads the rows of one file in order; remembers their ids, for an id may recur and an identity may not."""

    def __init__(self, how: Map, window: Window) -> None:
        self.how = how
        self.window = window
        self._zone = ZoneInfo(how.zone)
        self._ids: set[str] = set()
        self._keys: set[str] = set()

    def read(self, record: Record) -> tuple[Call | None, list[Finding]]:
        """The call that a row tells of, None if it is refused or left out, and all dirt found in it."""
        row = _Row(record, self.how)
        if record.fault:
            row.find("row-unreadable", record.fault)
            return None, row.findings
        key = self._key(row)
        columns = self.how.columns
        queue = row.code(columns.queue, self.how.queues, "queue")
        outcome = row.code(columns.outcome, self.how.outcomes, "outcome")
        arrived = self._arrived(row)
        lengths = [row.seconds(getattr(columns, name), name) for name in ("menu", "wait", "service", "wrap")]
        if outcome is not None and lengths[2] is not None:
            _doubt(row, outcome, lengths[2])
        if queue is None or outcome is None or arrived is None or None in lengths:
            return None, row.findings
        call = _call(row, key, queue, outcome, arrived, [timedelta(seconds=length or 0) for length in lengths])
        if call.over_at > self.window.now:
            row.find("arrival-in-future", f"over at {call.over_at:%Y-%m-%d %H:%M:%S} UTC")
        usable = all(finding.policy not in _UNUSABLE for finding in row.findings)
        return (call if usable else None), row.findings

    def _key(self, row: "_Row") -> str:
        if self.how.columns.id is not None:
            identifier = row.text(self.how.columns.id)
            if identifier in self._ids:
                row.find("recurring-id", f"{self.how.columns.id} {short(identifier)} was seen before")
            self._ids.add(identifier)
        parts = [row.text(name) for name in self.how.identity]
        key = key_of(self.how.source, parts)
        if len(key) > LONGEST_KEY:
            row.find("row-unreadable", f"the identity is longer than {LONGEST_KEY} characters")
        elif key in self._keys:
            row.find("repeated-row", f"{' and '.join(self.how.identity)} are those of an earlier row")
        self._keys.add(key)
        return key

    def _arrived(self, row: "_Row") -> datetime | None:
        text = row.text(self.how.columns.arrived)
        says = f"{self.how.columns.arrived} is {short(text)}"
        try:
            first, second, odd = instant(text, self._zone, self.how.arrival_format)
        except (ValueError, OverflowError):
            row.find("arrival-unreadable", f"{says}, not {self.how.arrival_format or 'YYYY-MM-DDThh:mm:ss'}")
            return None
        at = second if odd and row.find(odd, f"{says}, in {self.how.zone}") == "second" else first
        if self.window.starts_at <= at < self.window.ends_at and at <= self.window.now:
            return at
        row.find("arrival-in-future" if at > self.window.now else "arrival-outside-contract", says)
        return None


class _Row:
    """One row being read, with what was found in it so far."""

    def __init__(self, record: Record, how: Map) -> None:
        self.record = record
        self.how = how
        self.findings: list[Finding] = []
        self.as_given: dict[str, str] = {}  # what the row said where we read it otherwise

    def find(self, kind: str, reason: str) -> Policy:
        policy = self.how.policy(kind)
        self.findings.append(Finding(self.record.line, kind, reason, policy))
        return policy

    def text(self, column: str | None) -> str:
        return self.record.values[column].strip() if column else ""

    def code(self, column: str | None, meanings: Mapping[str, Meaning], what: str) -> Meaning | None:
        text = self.text(column)
        if text not in meanings:
            self.find(f"unknown-{what}", f"{column or what} is {short(text)}, not in [{what}s]")
        return meanings.get(text)

    def seconds(self, column: str | None, what: str) -> int | None:
        if column is None:
            return 0
        text = self.text(column)
        try:
            length = seconds(text)
        except ValueError:
            self.find("number-unreadable", f"{column} is {short(text)}, neither whole seconds nor h:mm:ss")
            return None
        if length > LONGEST_SECONDS:
            self.find("number-unreadable", f"{column} is {text}, more than 31 days")
            return None
        if length < 0:
            self.find(f"negative-{what}", f"{column} is {text}")
            self.as_given[column] = text
        return max(length, 0)


def _doubt(row: _Row, outcome: Outcome, service: int) -> None:
    """Find what the outcome and the rest of the row hold against each other."""
    columns = row.how.columns
    if outcome == "answered":
        if columns.agent and not row.text(columns.agent):
            row.find("answered-without-agent", f"{columns.agent} is empty")
        if service == 0:
            row.find("answered-without-service", f"{columns.service} is {row.text(columns.service)}")
    elif service > 0:
        row.find(f"{outcome}-with-service", f"{columns.service} is {row.text(columns.service)}")
        row.as_given[columns.service] = row.text(columns.service)
    if outcome != "answered" and columns.agent and row.text(columns.agent):
        row.as_given[columns.agent] = row.text(columns.agent)


def _call(row: _Row, key: str, queue: str, outcome: Outcome, arrived: datetime, lengths: list[timedelta]) -> Call:
    menu, wait, service, wrap = lengths
    left = arrived + menu + wait
    ended = left + service if outcome == "answered" else None
    kept: dict[str, Any] = {name: row.text(name) for name in row.how.keep}
    if row.as_given:
        kept["as_given"] = row.as_given
    return Call(
        line=row.record.line,
        key=key,
        queue=queue,
        outcome=outcome,
        received_at=arrived,
        queued_at=arrived + menu,
        left_queue_at=left,
        ended_at=ended,
        wrapped_up_at=ended + wrap if ended else None,
        agent=row.text(row.how.columns.agent),
        customer=row.text(row.how.columns.customer),
        payload=kept,
    )


@dataclass(slots=True)
class Tally:
    """What a file came to: rows by outcome, dirt by kind, and the findings that refuse it (the first hundred)."""

    rows: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    left_out: int = 0
    dirt: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)  # the first of each kind
    refused: list[Finding] = field(default_factory=list)
    refused_count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None  # when the last of the calls was over

    def add(self, call: Call | None, findings: Iterable[Finding]) -> None:
        self.rows += 1
        for finding in findings:
            self._find(finding)
        if call is None:
            self.left_out += 1
            return
        self.outcomes[call.outcome] += 1
        self.first_at = min(self.first_at or call.received_at, call.received_at)
        self.last_at = max(self.last_at or call.over_at, call.over_at)

    def _find(self, finding: Finding) -> None:
        self.dirt[finding.kind] += 1
        if self.dirt[finding.kind] <= LINES_KEPT:
            self.lines.setdefault(finding.kind, []).append(finding.line)
        if finding.policy == "refuse":
            self.refused_count += 1
            if len(self.refused) < FAULTS_KEPT:
                self.refused.append(finding)

    def report(self, how: Map) -> list[dict[str, Any]]:
        """The dirt as plain values, in the order of the catalogue: kind, what, policy, count, first lines."""
        return [
            {"kind": kind, "what": dirt.says, "policy": how.policy(kind)}
            | {"count": self.dirt[kind], "lines": self.lines[kind]}
            for kind, dirt in DIRT.items()
            if kind in self.dirt
        ]


def read_all(records: Iterable[Record], reader: Reader, tally: Tally) -> Iterator[Call]:
    """Yield the calls of a file as its rows come by, adding every row to the tally."""
    for record in records:
        call, findings = reader.read(record)
        tally.add(call, findings)
        if call is not None:
            yield call
