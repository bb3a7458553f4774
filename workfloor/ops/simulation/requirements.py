"""The fewest people, interval by interval, with whom targets are met: a search by simulation."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from workfloor.ops.simulation import counters, demand, scenarios
from workfloor.ops.simulation.counters import Tally, World
from workfloor.ops.simulation.demand import Aim, Staff
from workfloor.ops.simulation.scenarios import Group, Scenario, Session

# How far a decision reaches: what is left waiting in an interval shows in this many after it.
REACH = 3
MOST_ROUNDS = 600
SEARCHED = 10  # replications by which it is chosen who goes
CHECKED = 30  # further ones by which it is judged what that comes to, or the choice would flatter itself
# So many standard deviations from the mean lie 19 of 20 months, the mean of CHECKED being none too sure itself.
SURE = 1.70 * math.sqrt(1 + 1 / CHECKED)

# Replications from a first one on, so many; the same ones have the same chance each time.
Simulate = Callable[[Scenario, int, int], Iterable[Tally]]


@dataclass(frozen=True, slots=True)
class Found:
    """The staff that the search ended with; `lacking` are the levels that all who may be there are too few for."""

    staff: Staff
    lacking: tuple[int, ...]
    rounds: int  # staffings simulated


# --- people, laid out ---------------------------------------------------------------------------------------------


def staffed(scenario: Scenario, staff: Staff) -> Scenario:
    """Return the scenario with so many people there, each for as long without a gap as there is need of one more."""
    groups = (
        replace(group, agents=tuple(_agents(scenario, group, counts)))
        for group, counts in zip(scenario.groups, staff, strict=True)
    )
    return replace(scenario, groups=tuple(groups))


def _agents(scenario: Scenario, group: Group, counts: Sequence[int]) -> Iterator[tuple[Session, ...]]:
    hours = group.agents[0]
    for number in range(max(counts, default=0)):
        spans = [
            (max(i * scenario.every, start), min((i + 1) * scenario.every, end))
            for i, count in enumerate(counts)
            if count > number
            for start, end in hours
        ]
        yield scenarios.sessions(((start, end) for start, end in spans if start < end), scenario.horizon)


def world(scenario: Scenario, first: int, number: int) -> World:
    """Lay out a replication, counted from a first one on: estimates are made of others than a search has seen."""
    return scenarios.world(scenario, first + number)


# --- the search ---------------------------------------------------------------------------------------------------


def search(scenario: Scenario, simulate: Simulate, told: Callable[[str], None]) -> Found:
    """Find the fewest people with whom every target is met in 19 of 20 such times, under the policy that will serve.

    First for each interval by itself: up from Erlang's guess until no interval is short, then down, one fewer in every
    third interval at a time, kept where nothing falls short there or in the two after it. Targets are made for the
    whole, though, and intervals that are kept singly keep it with room: so then people go where that costs targets
    least, until the room is used up; never fewer than the work takes. Where a target is not yet kept so surely, more
    come first where it is missed most. Each staffing is run with the same chance as the
    others, so that more people are never worse, and one fewer that was too few is not tried again. `told` hears how
    it goes.
    """
    looking = _Search(
        scenario, demand.aims(scenario), demand.openings(scenario), simulate, told, demand.loads(scenario)
    )
    staff = looking.ease(looking.fill(looking.down(looking.up(demand.guess(scenario)))))
    return Found(staff, looking.lacking(staff), looking.rounds)


Lack = tuple[Aim, int]  # a target that falls short, and the queue that makes it so


@dataclass(slots=True)
class _Search:
    scenario: Scenario
    aims: Sequence[Aim]
    open: Sequence[Sequence[bool]]
    simulate: Simulate
    told: Callable[[str], None]
    least: Sequence[Sequence[float]]  # by queue and interval: how many are busy if nobody ever waits
    rounds: int = 0

    def short(self, staff: Staff) -> list[list[Lack]]:
        """Return by interval what falls short in it, all replications taken together."""
        self.rounds += 1
        scenario = self.scenario
        tallies = list(self.simulate(staffed(scenario, staff), 0, SEARCHED))
        levels = _rows([tally.levels for tally in tallies], scenario.intervals)
        counts = _rows([tally.counts for tally in tallies], scenario.intervals)
        return [
            [(aim, _worst(aim, of_queues)) for aim in self.aims if _is_short(aim, of_levels)]
            for of_levels, of_queues in zip(levels, counts, strict=True)
        ]

    def up(self, staff: Staff) -> Staff:
        """Add people where a target falls short until it does nowhere, or nobody more may be there."""
        while self.rounds < MOST_ROUNDS:
            short = self.short(staff)
            self.told(f"{sum(map(bool, short))} of {len(short)} intervals short")
            staff, more = self._more(staff, short)
            if not more:
                break
        return staff

    def _more(self, staff: Staff, short: Sequence[Sequence[Lack]]) -> tuple[Staff, bool]:
        added = [list(counts) for counts in staff]
        for interval, lacking in enumerate(short):
            for group in {self._helper(staff, work, interval) for _, work in lacking}:
                if group is not None:
                    added[group][interval] += 1
        return added, added != staff

    def _helper(self, staff: Staff, work: int, interval: int) -> int | None:
        """Return the cheapest group of which one more may be there for a queue; None where none may."""
        for group in demand.servers(self.scenario, [work]):
            room = staff[group][interval] < len(self.scenario.groups[group].agents)
            if room and self.open[group][interval]:
                return group
        return None

    def down(self, staff: Staff) -> Staff:
        """Take people away, of the dearest groups first, as long as every target is met in every interval."""
        groups = self.scenario.groups
        for group in sorted(range(len(groups)), key=lambda number: -(groups[number].cost_per_hour or Decimal(0))):
            tried = [count > 0 for count in staff[group]]
            while any(tried) and self.rounds < MOST_ROUNDS:
                self.told(f"{sum(tried)} of {len(tried)} intervals may do with fewer of {groups[group].name}")
                for first in range(REACH):
                    staff = self._fewer(staff, group, range(first, len(tried), REACH), tried)
        return staff

    def _fewer(self, staff: Staff, group: int, places: Iterable[int], tried: list[bool]) -> Staff:
        """Take one away in each of these intervals at once; keep it where no target falls short then."""
        chosen = []
        for interval in places:
            tried[interval] = tried[interval] and self._spared(staff, group, interval)
            chosen += [interval] if tried[interval] else []
        if not chosen:
            return staff
        fewer = [list(counts) for counts in staff]
        for interval in chosen:
            fewer[group][interval] -= 1
        short = [self._at_work(*each) for each in enumerate(self.short(fewer))]
        for interval in chosen:
            holds = not any(short[interval : interval + REACH])
            fewer[group][interval] += not holds
            tried[interval] = holds and fewer[group][interval] > 0
        return fewer

    def _at_work(self, interval: int, lacking: Iterable[Lack]) -> bool:
        """Say whether somebody might be there for what falls short: nobody can help who calls at night."""
        return any(self.open[group][interval] for _, work in lacking for group in demand.servers(self.scenario, [work]))

    def lacking(self, staff: Staff) -> tuple[int, ...]:
        """Return the targets that are not kept even so, by the numbers of their levels."""
        return tuple(aim.number for aim, room in zip(self.aims, self.weighed(staff).room(), strict=True) if room < 0)

    def weighed(self, staff: Staff, first: int = SEARCHED, count: int = CHECKED) -> "Weighed":
        """Simulate, and say how far from each target every interval and every replication is."""
        self.rounds += 1
        scenario = self.scenario
        tallies = list(self.simulate(staffed(scenario, staff), first, count))
        rows = _rows([tally.levels for tally in tallies], scenario.intervals)
        whole = [_rows([tally.levels], scenario.intervals) for tally in tallies]
        return Weighed(
            [[_gap(aim, row) for aim in self.aims] for row in rows],
            [[sum(_gap(aim, row) for row in each) for aim in self.aims] for each in whole],
            _rows([tally.counts for tally in tallies], scenario.intervals),
        )

    def fill(self, staff: Staff) -> Staff:
        """Add people where a target is missed most, until each is kept in 19 of 20 or nobody more may be there."""
        while self.rounds < MOST_ROUNDS:
            now = self.weighed(staff)
            lacking = [number for number, room in enumerate(now.room()) if room < 0]
            self.told(f"{len(lacking)} of {len(self.aims)} targets not sure yet")
            added = [list(counts) for counts in staff]
            for number in lacking:
                self._fill(added, now, number)
            if added == staff:
                break
            staff = added
        return staff

    def _fill(self, staff: Staff, now: "Weighed", number: int) -> None:
        """Add one in each of the intervals, one in twenty, in which a target is missed most."""
        left = max(1, len(now.gaps) // 20)
        for interval in sorted(range(len(now.gaps)), key=lambda each: -now.gaps[each][number]):
            helper = self._helper(staff, _worst(self.aims[number], now.counts[interval]), interval)
            if helper is not None and left and now.missed(interval, self.aims[number]):
                staff[helper][interval] += 1
                left -= 1

    def ease(self, staff: Staff) -> Staff:
        """Take people away where it costs the targets least, until there is no room left in them."""
        refused, part = set[tuple[int, int]](), 0.5
        now, prices = self.weighed(staff), dict[tuple[int, int], list[float]]()
        while part > 0.05 and self.rounds < MOST_ROUNDS:
            room = now.room()
            self.told("room in the targets: " + ", ".join(f"{max(each, 0.0):,.0f}" for each in room))
            prices = prices or self._prices(staff, refused)
            chosen = _affordable(prices, [max(each, 0.0) for each in room], part, refused)
            if not chosen:
                break
            fewer = [list(counts) for counts in staff]
            for group, interval in chosen:
                fewer[group][interval] -= 1
            then = self.weighed(fewer)
            if all(after >= min(before, 0.0) for before, after in zip(room, then.room(), strict=True)):
                staff, now, prices = fewer, then, {}
            else:
                part /= 2
        return staff

    def _prices(self, staff: Staff, refused: set[tuple[int, int]]) -> dict[tuple[int, int], list[float]]:
        """Say for each person who might go how much further from each target that would bring it."""
        found: dict[tuple[int, int], list[float]] = {}
        now = self.weighed(staff, 0, SEARCHED)
        for group, counts in enumerate(staff):
            for first in range(REACH):
                places = [
                    each
                    for each in range(first, len(counts), REACH)
                    if counts[each] and (group, each) not in refused and self._spared(staff, group, each)
                ]
                if not places:
                    continue
                fewer = [list(own) for own in staff]
                for each in places:
                    fewer[group][each] -= 1
                then = self.weighed(fewer, 0, SEARCHED)
                for each in places:
                    near = range(each, min(each + REACH, len(counts)))
                    found[group, each] = [
                        max(sum(then.gaps[i][aim] - now.gaps[i][aim] for i in near), 0.0) / SEARCHED
                        for aim in range(len(self.aims))
                    ]
        return found

    def _spared(self, staff: Staff, group: int, interval: int) -> bool:
        """Say whether without one of a group there are still as many as the work of each queue, and of all, takes."""
        for work, load in enumerate(self.least):
            able = demand.servers(self.scenario, [work])
            if group in able and load[interval] > sum(staff[each][interval] for each in able) - 1:
                return False
        return sum(load[interval] for load in self.least) <= sum(own[interval] for own in staff) - 1


@dataclass(frozen=True, slots=True)
class Weighed:
    """How far each target is missed (below 0: kept), in percent times contacts or in seconds.

    `gaps` by interval and target, all replications together; `wholes` by replication and target; `counts` by interval
    as the twin has them.
    """

    gaps: Sequence[Sequence[float]]
    wholes: Sequence[Sequence[float]]
    counts: Sequence[Sequence[float]] = ()

    def missed(self, interval: int, aim: Aim) -> bool:
        """Say whether anybody was not served in time in an interval."""
        return any(_missed(self.counts[interval], work) > 0 for work in aim.works)

    def room(self) -> list[float]:
        """Return by how much each target may be further away, and still be kept in 19 of 20 replications."""
        count = len(self.wholes)
        found = []
        for gaps in zip(*self.wholes, strict=True):
            middle = math.fsum(gaps) / count
            spread = math.sqrt(math.fsum((gap - middle) ** 2 for gap in gaps) / max(count - 1, 1))
            found.append(-middle - SURE * spread)
        return found


def _affordable(
    prices: Mapping[tuple[int, int], Sequence[float]], room: Sequence[float], part: float, refused: set[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Choose who goes, the cheapest first, for a part of the room; one an interval, and at least one if any can."""
    refused.update(who for who, price in prices.items() if any(p > r for p, r in zip(price, room, strict=True)))

    def burden(price: Sequence[float]) -> float:
        return max((p / r for p, r in zip(price, room, strict=True) if p), default=0.0)

    chosen, spent, taken = list[tuple[int, int]](), [0.0] * len(room), set[int]()
    for who in sorted(prices.keys() - refused, key=lambda each: (burden(prices[each]), each)):
        after = [sum(pair) for pair in zip(spent, prices[who], strict=True)]
        if who[1] in taken or (chosen and any(a > part * r for a, r in zip(after, room, strict=True) if a)):
            continue
        chosen.append(who)
        taken.add(who[1])
        spent = after
    return chosen


def _gap(aim: Aim, sums: Sequence[float]) -> float:
    """Return how far a target is missed in sums of a level, below 0 where it is kept; it adds up over intervals."""
    counted, met, total, _ = sums[aim.number * counters.SUMS : (aim.number + 1) * counters.SUMS]
    target = float(aim.level.expected or 0)
    if aim.level.measure == "speed-of-answer":
        return total - target * counted
    return 100 * met - target * counted if aim.level.lower_is_better else target * counted - 100 * met


def _rows(each: Sequence[Sequence[float]], intervals: int) -> list[list[float]]:
    """Add up what replications counted, and cut it by interval."""
    sums = [math.fsum(column) for column in zip(*each, strict=True)]
    width = len(sums) // intervals
    return [sums[start : start + width] for start in range(0, width * intervals, width)] if width else [[]] * intervals


def _worst(aim: Aim, counts: Sequence[float]) -> int:
    """Return the queue of a target in which most were not served in time."""
    return max(aim.works, key=lambda work: _missed(counts, work))


def _missed(counts: Sequence[float], work: int) -> float:
    return counts[work * counters.FIELDS + counters.OFFERED] - counts[work * counters.FIELDS + counters.WITHIN]


def _is_short(aim: Aim, sums: Sequence[float]) -> bool:
    return _gap(aim, sums) > 0
