"""A scenario as plain values: the work, the people, the contract; and what a replay of past work makes of both."""

import math
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from workfloor.core.catalogue import entries, fates, population
from workfloor.core.catalogue.declaring import Without
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.terms import Contract
from workfloor.kit.figures import chance
from workfloor.ops.routing import pools
from workfloor.ops.simulation import counters, twin

Session = tuple[float, float]  # from, until, in seconds from the start

# Who took no work for so long was not there: past work shows when people worked, not when they waited for it.
LONGEST_IDLE_SECONDS = 1800.0
# Who took no work for so long, while some waited that they could take, was not wrapping up but away.
LONGEST_WRAP_UP_SECONDS = 180.0
# The wait that is aimed at where nothing else is said.
TARGET_SECONDS = 20
# More items at once than this, and the floor is drowning: what comes of it would say nothing.
MOST_AT_ONCE = 200_000


@dataclass(frozen=True, slots=True)
class Spread:
    """How a time is spread: `values` are observed seconds, else first and second are as the twin takes them."""

    kind: int = twin.NONE
    first: float = 0.0
    second: float = 0.0
    values: tuple[float, ...] = ()


def exponential(mean: float) -> Spread:
    """Spread times exponentially; the mean in seconds."""
    return Spread(twin.EXPONENTIAL, mean)


def log_normal(mean: float, deviation: float) -> Spread:
    """Spread times with this mean and standard deviation, in seconds."""
    if mean == 0:
        return exponential(0.0)
    variance = math.log(1 + (deviation / mean) ** 2)
    return Spread(twin.LOG_NORMAL, math.log(mean) - variance / 2, math.sqrt(variance))


def observed(values: Iterable[float]) -> Spread:
    """Draw from observed seconds, each as likely as the others."""
    return Spread(twin.OBSERVED, values=tuple(values))


@dataclass(frozen=True, slots=True)
class Work:
    """A queue and its demand: `rates` are arrivals a second in intervals of `cycle` seconds, over and over."""

    name: str
    queue: pools.Queue
    target: float = TARGET_SECONDS
    cycle: float = 3600.0
    rates: tuple[float, ...] = ()
    handling: Spread = field(default_factory=Spread)
    wrap_up: Spread = field(default_factory=Spread)
    patience: Spread = field(default_factory=Spread)
    retry_share: float = 0.0
    retry_after: float = 0.0
    pace: tuple[float, ...] = (1.0,) * 5  # by level


@dataclass(frozen=True, slots=True)
class Group:
    """Agents with the same skills; `agents` holds the sessions of each."""

    name: str
    skills: Mapping[str, int]
    agents: tuple[tuple[Session, ...], ...]
    cost_per_hour: Decimal | None = None  # of each hour that is paid
    shrinkage: Decimal = Decimal(0)  # percent of the hours paid in which they are not there

    def paid(self, hours: float) -> float:
        """Return how many hours are paid for so many in which they are there."""
        return hours / (1 - float(self.shrinkage) / 100)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated. Times are seconds from `starts_at`; `came` are recorded arrivals: when, and to which work."""

    title: str
    starts_at: datetime
    zone: str
    horizon: float
    works: tuple[Work, ...]
    groups: tuple[Group, ...]
    came: tuple[tuple[float, int], ...] = ()
    warm_up: float = 0.0
    every: float = 1800.0
    replications: int = 20
    seed: int = 1
    contract: Contract | None = None
    currency: str = ""

    @property
    def intervals(self) -> int:
        return max(1, math.ceil(self.horizon / self.every))

    @property
    def levels(self) -> tuple[ServiceLevel, ...]:
        return self.contract.service_levels if self.contract else ()

    def expected(self) -> float:
        """How many contacts arrive, give or take chance and those who come again."""
        drawn = (sum(work.rates) / len(work.rates) * self.horizon for work in self.works if work.rates)
        return len(self.came) + sum(drawn)


# --- the world that the twin runs ------------------------------------------------------------------------------------


def world(scenario: Scenario, replication: int) -> counters.World:
    """Lay a scenario out as flat lists, nobody there and nothing waiting, with the chance of one replication."""
    works, groups = scenario.works, scenario.groups
    queues = [work.queue for work in works]
    clients = {queue.client_id for queue in queues}
    profiles = [pools.profile(group.skills, clients, queues) for group in groups]
    numbers = pools.numbered(profiles)
    agents = sum(len(group.agents) for group in groups)
    items = min(MOST_AT_ONCE, int(scenario.expected() * 1.5) + 1000)
    pool = pools.pool(queues, numbers, range(agents), items)
    intervals, streams = scenario.intervals, len(works) * twin.STREAMS
    beneath = items if preempts_work(scenario) else 0
    return counters.World(
        plan=_plan(scenario, [numbers.index(each) for each in profiles]),
        pool=pool,
        chance=[chance.seeded(scenario.seed, replication, stream) for stream in range(streams)],
        spare=list(range(items)),
        left=[items, 0],
        due_at=[0.0] * items,
        due_kind=[0] * items,
        due_number=[0] * items,
        due_item=[0] * items,
        due=[0],
        yielding=[-1] * agents,
        next_yielding=[-1] * beneath,
        began=[0.0] * beneath,
        aside_since=[math.inf] * beneath,
        lay_aside=[0.0] * beneath,
        left_over=[-1.0] * beneath,
        counts=[0.0] * (intervals * len(works) * counters.FIELDS),
        busy=[0.0] * (intervals * len(groups)),
        levels=[0.0] * (intervals * len(scenario.levels) * counters.SUMS),
    )


def preempts_work(scenario: Scenario) -> bool:
    """Whether any work of a scenario preemptible, and any preempts it."""
    queues = [work.queue for work in scenario.works]
    return any(queue.preemptible for queue in queues) and any(queue.preempts for queue in queues)


def _plan(scenario: Scenario, profiles: Sequence[int]) -> counters.Plan:
    works, groups = scenario.works, scenario.groups
    rates, starts = [rate for work in works for rate in work.rates], [0]
    for work in works:
        starts.append(starts[-1] + len(work.rates))
    members = [number for number, group in enumerate(groups) for _ in group.agents]
    sessions = sorted(_sessions(groups))
    return counters.Plan(
        scenario.horizon,
        scenario.warm_up,
        scenario.every,
        len(works),
        len(groups),
        int(preempts_work(scenario)),
        target=[work.target for work in works],
        share=[1 / work.queue.max_concurrency for work in works],
        cycle=[work.cycle for work in works],
        rates=starts,
        rate=rates,
        steady=[work.rates[0] if len(work.rates) == 1 else 0.0 for work in works],
        retry_share=[work.retry_share for work in works],
        **_spreads(works),
        came_at=[at for at, _ in scenario.came],
        came_to=[number for _, number in scenario.came],
        group=members,
        profile=[profiles[number] for number in members],
        pace=[_pace(group, work) for group in groups for work in works],
        from_=[start for start, _, _ in sessions],
        until=[end for _, _, end in sessions],
        who=[agent for _, agent, _ in sessions],
        **_levels_in_words(scenario),
    )


def _sessions(groups: Sequence[Group]) -> Iterable[tuple[float, int, float]]:
    everybody = (sessions for group in groups for sessions in group.agents)
    return ((start, agent, end) for agent, sessions in enumerate(everybody) for start, end in sessions)


def _spreads(works: Sequence[Work]) -> dict[str, Any]:
    kinds, first, second, values = [], [], [], list[float]()
    for work in works:
        retry = exponential(work.retry_after) if work.retry_share else Spread()
        for spread in (Spread(), work.handling, work.wrap_up, work.patience, retry):
            kinds.append(spread.kind)
            first.append(float(len(values)) if spread.values else spread.first)
            second.append(float(len(spread.values)) if spread.values else spread.second)
            values += spread.values
    return {"spread": kinds, "first": first, "second": second, "observed": values}


def _pace(group: Group, work: Work) -> float:
    asked = [group.skills.get(skill, 1) for skill in work.queue.requires]
    return work.pace[min(asked, default=3) - 1]


def unknown(contract: Contract) -> Iterator[str]:
    """Yield, in words, what a contract charges or counts by and no simulation knows."""
    for price in contract.prices:
        if price.counts == "disposed":
            yield f"charges “{price.title}” by disposition, which a simulation does not know."
        if price.counts == "delivered":
            yield f"charges “{price.title}” by what both sides approve, which a simulation does not know."
    for level in contract.service_levels:
        if level.window != "month" or level.hours or level.above_forecast is not None:
            yield f"counts “{level.name}” by window, hours or forecast, which a simulation does not do yet."
        if isinstance(how := entries.BY_NAME[level.measure].simulation, Without):
            yield f"counts “{level.name}” by {level.measure}, which a simulation does not know: it {how.because}."


def _levels_in_words(scenario: Scenario) -> dict[str, Any]:
    counted, starts = list[int](), [0]
    how = [_counts(level) for level in scenario.levels]
    for work in scenario.works:
        of_work = (number for number, each in enumerate(scenario.levels) if work.name in each.of)
        counted += [number for number in of_work if how[number] != fates.NOTHING]
        starts.append(len(counted))
    return {
        "levels": starts,
        "level": counted,
        "counts": [what for each in how for what in each],
        "threshold": [float(each.threshold_seconds or 0) for each in scenario.levels],
        "short": [population.short_seconds(each) for each in scenario.levels],
    }


def _counts(level: ServiceLevel) -> fates.Fates:
    """What a level counts of each fate; nothing of any where its measure is not simulated."""
    how = entries.BY_NAME[level.measure].simulation
    return fates.NOTHING if isinstance(how, Without) else how(level)


# --- replay ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Past:
    """One contact of the past: to which queue it came and when, how long it waited, what became of it, who had it."""

    queue: str
    queued_at: datetime
    waited: float
    outcome: Literal["answered", "abandoned"]
    handling: float = 0.0
    wrap_up: float = 0.0
    agent: str = ""

    @property
    def left_at(self) -> datetime:
        """When it left the queue, answered or not."""
        return self.queued_at + timedelta(seconds=self.waited)

    answered_at = left_at


def handling_times(past: Iterable[Past], queue: str) -> Spread:
    """Spread handling as it was observed in a queue; none where nothing was answered."""
    times = tuple(each.handling for each in past if each.queue == queue and each.outcome == "answered")
    return observed(times) if times else Spread()


def wrap_ups(past: Sequence[Past]) -> dict[str, Spread]:
    """Spread wrap-up by queue as recorded; where it never was, as the time until agents took the next that waited."""
    times: dict[str, list[float]] = {}
    if any(each.wrap_up for each in past):
        for each in past:
            if each.outcome == "answered":
                times.setdefault(each.queue, []).append(each.wrap_up)
    else:
        for stretches in _stretches(past).values():
            for one, gap, awaited in stretches:
                if awaited == 0 and gap <= LONGEST_WRAP_UP_SECONDS:
                    times.setdefault(one.queue, []).append(max(gap, 0.0))
    return {queue: observed(found) for queue, found in times.items()}


def patience(past: Iterable[Past], queue: str) -> Spread:
    """Spread patience exponentially; its mean is all time waited over the number of those who gave up.

    Who was answered would have waited longer, and how long nobody saw: for times cut short like this, that is the most
    likely mean (Mandelbaum and Zeltyn, The Palm/Erlang-A Queue, 2005). None where nobody gave up.
    """
    own = [each for each in past if each.queue == queue]
    gave_up = sum(each.outcome == "abandoned" for each in own)
    return exponential(sum(each.waited for each in own) / gave_up) if gave_up else Spread()


def arrivals(
    past: Iterable[Past], works: Sequence[Work], starts_at: datetime, horizon: float
) -> list[tuple[float, int]]:
    """Return when contacts came, in seconds from the start, and to which work, in order; others are left out."""
    numbers = {work.name: number for number, work in enumerate(works)}
    told = ((_since(starts_at, each.queued_at), numbers.get(each.queue, -1)) for each in past)
    return sorted((at, number) for at, number in told if number >= 0 and 0 <= at < horizon)


def recorded_groups(
    past: Sequence[Past], requires: Mapping[str, Mapping[str, int]], starts_at: datetime, horizon: float
) -> list[Group]:
    """Group the agents who answered by the queues that each answered; they can what those ask for, and no more.

    Their sessions are the times in which they answered, without breaks of LONGEST_IDLE_SECONDS, and without those of
    LONGEST_WRAP_UP_SECONDS in which work waited that they could have taken.
    """
    teams: dict[tuple[str, ...], list[tuple[Session, ...]]] = {}
    for _, stretches in sorted(_stretches([each for each in past if each.queue in requires]).items()):
        spans: list[Session] = []
        for one, gap, awaited in stretches:
            start = _since(starts_at, one.answered_at)
            end = start + one.handling + one.wrap_up
            spans.append((start, end + _stays(gap, awaited)))
        team = tuple(sorted({one.queue for one, _, _ in stretches}))
        teams.setdefault(team, []).append(sessions(spans, horizon))
    return [Group(" + ".join(team), _skills(team, requires), tuple(them)) for team, them in sorted(teams.items())]


def _stays(gap: float, awaited: float) -> float:
    """Return how long after a contact somebody stayed, who took the next after `gap`."""
    if gap - awaited > LONGEST_WRAP_UP_SECONDS:
        gap = awaited
    return max(gap, 0.0) if gap <= LONGEST_IDLE_SECONDS else 0.0


def _stretches(past: Sequence[Past]) -> dict[str, list[tuple[Past, float, float]]]:
    """By agent: each contact answered, the seconds until the next, and until work waited that they could take."""
    taken: dict[str, list[Past]] = {}
    for each in past:
        if each.outcome == "answered" and each.agent:
            taken.setdefault(each.agent, []).append(each)
    found = {}
    for agent, own in taken.items():
        own.sort(key=lambda each: each.answered_at)
        queues = {each.queue for each in own}
        left = sorted((each.left_at, each.queued_at) for each in past if each.queue in queues and each.waited > 0)
        gaps = [_gap(one, following, left) for one, following in pairwise(own)]
        found[agent] = [(one, *gap) for one, gap in zip(own, [*gaps, (math.inf, math.inf)], strict=True)]
    return found


def _gap(one: Past, following: Past, left: Sequence[tuple[datetime, datetime]]) -> tuple[float, float]:
    """Measure from the end of a contact; `left` says when what waited left the queue, and when it had come."""
    ends_at = one.answered_at + timedelta(seconds=one.handling + one.wrap_up)
    gap = _since(ends_at, following.answered_at)
    k = bisect_right(left, (ends_at, ends_at))
    awaited = max(_since(ends_at, left[k][1]), 0.0) if k < len(left) else math.inf
    return gap, min(awaited, max(gap, 0.0))


def _skills(queues: Collection[str], requires: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for queue in queues:
        for skill, level in requires[queue].items():
            found[skill] = max(level, found.get(skill, 0))
    return found


def sessions(spans: Iterable[Session], horizon: float) -> tuple[Session, ...]:
    """Join spans that overlap or meet, give or take a millisecond, and cut them to the horizon."""
    joined: list[Session] = []
    for start, end in sorted((max(start, 0.0), min(end, horizon)) for start, end in spans):
        if joined and start - joined[-1][1] <= 0.001:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return tuple(joined)


def present(group: Group, scenario: Scenario) -> list[float]:
    """Return the seconds in which agents of a group are there, by interval, after the warm-up and up to the horizon."""
    found = [0.0] * scenario.intervals
    for agent in group.agents:
        for start, end in agent:
            start, end = max(start, scenario.warm_up), min(end, scenario.horizon)
            while start < end:
                interval = min(int(start / scenario.every), scenario.intervals - 1)
                stop = min(end, (interval + 1) * scenario.every)
                if stop <= start:  # rounding
                    break
                found[interval] += stop - start
                start = stop
    return found


def _since(starts_at: datetime, at: datetime) -> float:
    return (at - starts_at) / timedelta(seconds=1)
