"""The scenario file: read, checked against its contract, and turned into plain values; every fault with its line."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib import resources
from math import inf
from pathlib import Path
from typing import Any

from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.terms import WEEKDAYS, Contract
from workfloor.core.people.qualification import CAPACITY
from workfloor.kit.figures import money
from workfloor.kit.text import toml
from workfloor.kit.time import calendars
from workfloor.ops.routing import pools, urgency
from workfloor.ops.simulation import scenarios
from workfloor.ops.simulation.scenarios import Group, Past, Scenario, Spread, Work

LARGEST = 4_000_000  # bytes


class Unreadable(ValueError):
    """The file cannot be read; the message says why, and what to do."""


def text(path: Path) -> str:
    """The text of a file; raises Unreadable."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise Unreadable(f"{path} is larger than {LARGEST:,} bytes.")
        return content.decode("utf-8-sig")
    except OSError as fault:
        raise Unreadable(f"{path}: {fault.strerror}. Check the name and the rights of the file.") from fault
    except UnicodeDecodeError as fault:
        raise Unreadable(f"{path} is no UTF-8 text. Save it as UTF-8.") from fault


Terms = Mapping[str, Any]
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_LONGEST_SECONDS, _MONTH_SECONDS = 366 * 86400, 31 * 86400 + 3600
_MOST_INTERVALS = 100_000
_MOST_ROWS = 1_000_000  # intervals x queues
_MOST_CONTACTS = 100_000_000
_MOST_AGENTS, _MOST_PAIRS = 100_000, 10_000_000  # pairs: agents x queues


def schema_text() -> str:
    """The JSON Schema of a scenario file."""
    return resources.files(__package__).joinpath("scenario.schema.json").read_text("utf-8")


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema_text())
    return found


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario file of which the clauses are read, but not yet what it refers to."""

    document: toml.Document

    @property
    def head(self) -> Terms:
        found: Terms = self.document.data["scenario"]
        return found

    @property
    def replay(self) -> Terms | None:
        return self.document.data.get("replay")

    def refuse(self, place: str, message: str) -> None:
        """Say what is wrong with what the scenario refers to; nothing that follows from it is a second fault."""
        self.document.refuse(place, message)
        self.document.note_broken(place)

    @property
    def contract_path(self) -> str | None:
        return self.head.get("contract")

    def period(self, contract: Contract | None) -> tuple[datetime, datetime]:
        """When it begins and ends (UTC); at the epoch of simulation where its zone or day is no good."""
        zone = self.head.get("zone") or (contract.zone if contract else "UTC")
        day = date.fromisoformat(self.head.get("starts_on", "2024-01-01"))
        known = zone in calendars.zones() and _FIRST_YEAR <= day.year <= _LAST_YEAR
        start = calendars.instant(day, time(0), zone) if known else datetime(2024, 1, 1, tzinfo=UTC)
        return start, start + timedelta(seconds=min(seconds(self.head["lasts"]), _LONGEST_SECONDS))


def draft(text: str) -> Draft:
    """Read a scenario file; raises Refused at once where nothing can be made of it."""
    document = toml.read(text, _schema())
    if not document.sound:
        document.finish()
    return Draft(document)


def scenario(given: Draft, contract: Contract | None = None, past: Sequence[Past] | None = None) -> Scenario:
    """Check a draft against its contract, and what it replays; raises Refused with every fault."""
    document = given.document
    for place, message, because in _faults(given, contract, past):
        document.refuse(place, message, because)
    document.finish()
    made = _build(given, contract, past or ())
    for place, message in _faults_of_size(made):
        document.refuse(place, message)
    document.finish()
    return made


def _faults_of_size(made: Scenario) -> Iterator[tuple[str, str]]:
    """Say what would take hours or more memory than there is."""
    agents = sum(len(group.agents) for group in made.groups)
    if made.expected() > _MOST_CONTACTS:
        yield "scenario.lasts", f"some {made.expected():,.0f} contacts would come; at most {_MOST_CONTACTS:,} do."
    if made.intervals * len(made.works) > _MOST_ROWS:
        yield "scenario.every", f"makes more than {_MOST_ROWS:,} rows of a queue and an interval; take longer ones."
    if agents > _MOST_AGENTS or agents * len(made.works) > _MOST_PAIRS:
        yield "groups", f"are {agents:,} agents; at most {min(_MOST_AGENTS, _MOST_PAIRS // len(made.works)):,} are."


# --- checks ----------------------------------------------------------------------------------------------------------
Faults = Iterator[tuple[str, str, Sequence[str]]]


def _faults(given: Draft, contract: Contract | None, past: Sequence[Past] | None) -> Faults:
    yield from _faults_of_head(given, contract)
    yield from _faults_of_contract(contract)
    yield from _faults_of_queues(given, contract)
    yield from _faults_of_groups(given, contract)
    yield from _faults_of_replay(given, contract, past)


def _faults_of_head(given: Draft, contract: Contract | None) -> Faults:
    head = given.head
    if (zone := head.get("zone")) and zone not in calendars.zones():
        yield "scenario.zone", f"{zone} is no time zone; write one such as Europe/Berlin.", ()
    if not _FIRST_YEAR <= date.fromisoformat(head.get("starts_on", "2024-01-01")).year <= _LAST_YEAR:
        yield "scenario.starts_on", "is no year to simulate.", ()
    lasts, warm_up, every = (seconds(head.get(key, "0s")) for key in ("lasts", "warm_up", "every"))
    if not 0 < lasts <= _LONGEST_SECONDS:
        yield "scenario.lasts", "must be more than nothing and at most 366 days.", ()
    elif contract and lasts > _MONTH_SECONDS:
        message = "is longer than a month: prices and credits are agreed by the month. Simulate one, or no contract."
        yield "scenario.lasts", message, ("scenario.contract",)
    if 0 < lasts <= warm_up:
        yield "scenario.warm_up", "leaves nothing to be counted.", ("scenario.lasts",)
    if "every" in head and not every * _MOST_INTERVALS >= lasts:
        yield "scenario.every", f"gives more than {_MOST_INTERVALS:,} intervals.", ("scenario.lasts",)
    if contract and "currency" in head:
        yield "scenario.currency", "is the contract's affair; take it out.", ("scenario.contract",)
    elif head.get("currency", "EUR") not in money.MINOR_UNITS:
        yield "scenario.currency", f"{head['currency']} is no currency of ISO 4217.", ()


def _faults_of_contract(contract: Contract | None) -> Faults:
    """What nothing simulated is counted by would come to nothing: no charge, no credit, no target missed."""
    for unknown in scenarios.unknown(contract) if contract else ():
        yield "scenario.contract", unknown, ()


_CONTRACTUAL = ("requires", "relax", "priority", "answer_within", "max_concurrency", "preemptible", "preempts")


def _faults_of_queues(given: Draft, contract: Contract | None) -> Faults:
    queues = given.document.data.get("queues", [])
    if not queues and given.replay is None:
        yield "queues", "is missing: without work there is nothing to simulate. Or replay past work: [replay].", ()
    yield from _twice("queues", [queue["name"] for queue in queues])
    known = contract.queues() if contract else None
    for place, queue in _placed("queues", queues):
        if known is not None:
            if queue["name"] not in known:
                message = f"the contract has no queue {queue['name']}; it has {', '.join(known)}."
                yield f"{place}.name", message, ("scenario.contract",)
            for key in _CONTRACTUAL:
                if key in queue:
                    yield f"{place}.{key}", "is said by the contract; take it out here.", ("scenario.contract",)
        yield from _faults_of_demand(place, queue, given.replay is not None)
        yield from _faults_of_terms(place, queue)


def _faults_of_demand(place: str, queue: Terms, replayed: bool) -> Faults:
    for key in ("arrivals", "handling"):
        if key not in queue and not replayed:
            yield f"{place}.{key}", "is missing, and nothing is replayed.", ("replay",)
    arrivals = queue.get("arrivals", {})
    if "per_hour" in arrivals and "expected" in arrivals:
        yield f"{place}.arrivals", "says both per_hour and expected; keep one.", ()
    if "every" in arrivals and not seconds(arrivals["every"]):
        yield f"{place}.arrivals.every", "is no time at all.", ()
    if "retry" in queue and not seconds(queue["retry"]["after"]):
        yield f"{place}.retry.after", "is no time at all: who comes again at once has not given up.", ()
    for key in ("handling", "wrap_up", "patience"):
        spread = queue.get(key)
        if spread is not None and ("mean" in spread) == ("seconds" in spread):
            yield f"{place}.{key}", "needs either mean or seconds.", ()
    if CAPACITY % queue.get("max_concurrency", 1):
        yield f"{place}.max_concurrency", f"must divide {CAPACITY}, for shares of a person are equal.", ()


def _faults_of_terms(place: str, queue: Terms) -> Faults:
    if queue.get("preemptible") and queue.get("preempts"):
        yield f"{place}.preemptible", "contradicts preempts: keep one of the two.", (f"{place}.preempts",)
    asked, waited = dict(queue.get("requires", {})), -1.0
    for number, ring in enumerate(queue.get("relax", [])):
        here = f"{place}.relax[{number}]"
        if seconds(ring["after"]) <= waited:
            yield f"{here}.after", "must be later than the ring before it.", (f"{place}.relax",)
        for skill, level in ring.items():
            if skill != "after" and level >= asked.get(skill, 0):
                now = f"level {asked[skill]} is asked already" if skill in asked else "is not asked at all"
                yield f"{here}.{skill}", f"a ring can only lower what is asked: {skill} {now}.", (f"{place}.requires",)
        asked, waited = asked | _levels(ring), seconds(ring["after"])


def _faults_of_groups(given: Draft, contract: Contract | None) -> Faults:
    groups = given.document.data.get("groups", [])
    if not groups and given.replay is None:
        yield "groups", "is missing: without people nothing is done. Or replay past work: [replay].", ()
    yield from _twice("groups", [group["name"] for group in groups])
    asked = _queues(given, contract).values()
    known = sorted({skill for queue in asked for skill in queue.requires})
    there_is = f"no queue asks for it. Asked for: {', '.join(known) or 'none'}."
    unknown = [
        (f"{place}.skills.{skill}", f"{skill} is an unknown skill: {there_is}", ("scenario.contract", "queues"))
        for place, group in _placed("groups", groups)
        for skill in group["skills"]
        if skill not in known
    ]
    yield from unknown
    if groups and not unknown:
        yield from _faults_of_cover(given, contract, [group["skills"] for group in groups])


def _faults_of_cover(given: Draft, contract: Contract | None, skills: Sequence[Mapping[str, int]]) -> Faults:
    places = {queue["name"]: place for place, queue in _placed("queues", given.document.data.get("queues", []))}
    for name, queue in _queues(given, contract).items():
        if name in places and all(pools.ring_for(each, queue) < 0 for each in skills):
            message = f"no group can ever take this work: it asks for {_words(queue.requires)}."
            yield f"{places[name]}.name", message, ("groups", "scenario.contract", f"{places[name]}.requires")


def _faults_of_replay(given: Draft, contract: Contract | None, past: Sequence[Past] | None) -> Faults:
    replay = given.replay
    if replay is None:
        return
    if contract is None:
        yield "replay", "needs a contract, whose queues the past work was in.", ("scenario.contract",)
    if ("file" in replay) == bool(replay.get("event_log")):
        yield "replay", "needs either file and map, or event_log = true.", ("replay.map", "replay.file")
    elif contract and past is not None and not _came(given, contract, past):
        yield "replay", "nothing of the contract's queues was recorded in that time.", ("scenario.starts_on",)


def _came(given: Draft, contract: Contract, past: Sequence[Past]) -> bool:
    start, end = given.period(contract)
    return any(start <= each.queued_at < end and each.queue in contract.queues() for each in past)


def _twice(array: str, names: Sequence[str]) -> Faults:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield f"{array}[{number}].name", f"{name} is there twice.", (f"{array}[{names.index(name)}].name",)


def _placed(array: str, clauses: Sequence[Terms]) -> Iterator[tuple[str, Terms]]:
    return ((f"{array}[{number}]", clause) for number, clause in enumerate(clauses))


def _words(levels: Mapping[str, int]) -> str:
    return ", ".join(f"{skill} {level}" for skill, level in levels.items())


# --- what it says ----------------------------------------------------------------------------------------------------
def _build(given: Draft, contract: Contract | None, past: Sequence[Past]) -> Scenario:
    head, data = given.head, given.document.data
    start, end = given.period(contract)
    zone = head.get("zone") or (contract.zone if contract else "UTC")
    horizon = seconds(head["lasts"])
    own = {queue["name"]: queue for queue in data.get("queues", [])}
    queues = _queues(given, contract)
    recorded = [each for each in past if start <= each.queued_at < end and each.queue in queues]
    names = [name for name in queues if name in own or any(each.queue == name for each in recorded)]
    wrap_ups = scenarios.wrap_ups(recorded)
    works = tuple(
        _work(queues[name], contract, own.get(name, {"name": name}), recorded, wrap_ups.get(name, Spread()))
        for name in names
    )
    replayed = [each for each in recorded if "arrivals" not in own.get(each.queue, {})]
    groups = tuple(_group(group, zone, start, horizon) for group in data.get("groups", []))
    asked = {name: queues[name].requires for name in names}
    return Scenario(
        title=head["title"],
        starts_at=start,
        zone=zone,
        horizon=horizon,
        works=works,
        groups=groups or tuple(scenarios.recorded_groups(recorded, asked, start, horizon)),
        came=tuple(scenarios.arrivals(replayed, works, start, horizon)),
        warm_up=seconds(head.get("warm_up", "0s")),
        every=seconds(head.get("every", "30min")),
        replications=head.get("replications", 20),
        seed=head.get("seed", 1),
        contract=contract,
        currency=contract.currency if contract else head.get("currency", ""),
    )


def _queues(given: Draft, contract: Contract | None) -> dict[str, pools.Queue]:
    """The queues by name; of a contract all."""
    return queues(contract.queues().values() if contract else map(_terms, given.document.data.get("queues", [])))


def queues(terms: Iterable[contracts_terms.Queue]) -> dict[str, pools.Queue]:
    """Return queues by name, as the policy wants them."""
    return {each.name: _queue(number, each) for number, each in enumerate(terms, start=1)}


def _terms(queue: Terms) -> contracts_terms.Queue:
    return contracts_terms.Queue(
        name=queue["name"],
        title=queue["name"],
        requires=dict(queue.get("requires", {})),
        relax=tuple(
            contracts_terms.Ring(int(seconds(ring["after"])), _levels(ring)) for ring in queue.get("relax", [])
        ),
        priority=queue.get("priority", 0),
        answer_within_seconds=int(seconds(queue.get("answer_within", "20s"))),
        **{key: queue[key] for key in ("max_concurrency", "preemptible", "preempts") if key in queue},
    )


def _queue(number: int, terms: contracts_terms.Queue) -> pools.Queue:
    return pools.Queue(
        queue_id=number,
        client_id=1,
        requires=terms.requires,
        relax=tuple((float(ring.after_seconds), ring.requires) for ring in terms.relax),
        max_concurrency=terms.max_concurrency if CAPACITY % terms.max_concurrency == 0 else 1,
        preemptible=terms.preemptible,
        preempts=terms.preempts,
        slope=urgency.slope(_target_of(terms), terms.priority),
    )


def _target_of(terms: contracts_terms.Queue) -> float:
    """By when work is to be in hand; where nothing is agreed, the live router takes a day too."""
    return terms.answer_within_seconds or terms.resolve_within_seconds or 86400.0


def _levels(ring: Terms) -> dict[str, int]:
    return {skill: level for skill, level in ring.items() if skill != "after"}


def _work(queue: pools.Queue, contract: Contract | None, own: Terms, past: Sequence[Past], wrap_up: Spread) -> Work:
    name = own["name"]
    agreed = contract.queues()[name].answer_within_seconds if contract else None
    retry = own.get("retry", {"share": "0 %", "after": "0s"})
    cycle, rates = _rates(own.get("arrivals", {}))
    return Work(
        name=name,
        queue=queue,
        target=float(agreed or seconds(own.get("answer_within", "20s"))),
        cycle=cycle,
        rates=rates,
        handling=_spread(own["handling"]) if "handling" in own else scenarios.handling_times(past, name),
        wrap_up=_spread(own["wrap_up"]) if "wrap_up" in own else wrap_up,
        patience=_spread(own["patience"]) if "patience" in own else scenarios.patience(past, name),
        retry_share=float(Decimal(retry["share"].rstrip(" %")) / 100),
        retry_after=seconds(retry["after"]),
        pace=tuple(map(float, own.get("pace", (1.0,) * 5))),
    )


def _rates(arrivals: Terms) -> tuple[float, tuple[float, ...]]:
    if "per_hour" in arrivals:
        return 3600.0, (arrivals["per_hour"] / 3600,)
    every = seconds(arrivals.get("every", "1h"))
    return every, tuple(contacts / every for contacts in arrivals.get("expected", []))


def _spread(said: Terms) -> Spread:
    if "seconds" in said:
        return scenarios.observed(map(float, said["seconds"]))
    mean = seconds(said["mean"])
    return (
        scenarios.log_normal(mean, seconds(said["deviation"])) if "deviation" in said else scenarios.exponential(mean)
    )


def _group(said: Terms, zone: str, start: datetime, horizon: float) -> Group:
    hours = tuple(_hours(said["hours"], zone, start, horizon)) if "hours" in said else ((0.0, inf),)
    cost = said.get("cost_per_hour")
    return Group(
        said["name"],
        dict(said["skills"]),
        (hours,) * said.get("agents", 1),
        Decimal(cost) if cost else None,
        Decimal(said.get("shrinkage", "0").rstrip(" %")),
    )


def _hours(week: Terms, zone: str, start: datetime, horizon: float) -> Collection[scenarios.Session]:
    """The sessions of somebody with these hours, also the one of the night before the first day."""
    found = []
    day = calendars.day_of(start, zone) - timedelta(days=1)
    while (calendars.instant(day, time(0), zone) - start).total_seconds() < horizon:
        for span in week.get(WEEKDAYS[day.weekday()], []):
            opens, closes = (time(0) if clock == "24:00" else time.fromisoformat(clock) for clock in span.split("-"))
            until = day if closes > opens else day + timedelta(days=1)
            ends = (calendars.instant(when, clock, zone) for when, clock in ((day, opens), (until, closes)))
            found.append(tuple((end - start).total_seconds() for end in ends))
        day += timedelta(days=1)
    return scenarios.sessions(((a, b) for a, b in found), horizon)


_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(duration: str) -> float:
    """Return the seconds of `20s`, `1.5 min`, `8h` or `28d`."""
    digits = duration[: len(duration) - len(duration.lstrip("0123456789."))]
    return float(digits) * _UNIT_SECONDS[duration[len(digits) :].strip()[0]]
