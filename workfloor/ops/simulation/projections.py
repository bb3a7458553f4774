"""What simulations come to: each measure with its confidence interval, targets, charges and credits as billed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from workfloor.core.catalogue import entries, occupancy
from workfloor.core.catalogue.declaring import Measure, Without
from workfloor.core.contracts import levels
from workfloor.core.contracts.pricing import Price
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures import catalogue
from workfloor.kit.figures import money
from workfloor.kit.time import calendars
from workfloor.ops.billing import settlement
from workfloor.ops.simulation import counters, scenarios
from workfloor.ops.simulation.counters import Tally
from workfloor.ops.simulation.scenarios import Scenario

Figures = dict[tuple[str, str, str], float]  # (of what, which one, measure) -> value; nan where there was nothing

EVERY = ""  # the name of all queues, or groups, together
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over replications, in which it was seen, and half the width of its confidence interval."""

    mean: float
    half: float
    seen: int

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


@dataclass(slots=True)
class Estimates:
    """Replications added up one by one, so that memory does not grow with them (Welford, Technometrics, 1962)."""

    sums: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    replications: int = 0

    def add(self, figures: Figures) -> None:
        self.replications += 1
        for key, value in figures.items():
            if not math.isnan(value):
                sums = self.sums.setdefault(key, [0.0, 0.0, 0.0])
                sums[0] += 1
                off = value - sums[1]
                sums[1] += off / sums[0]
                sums[2] += off * (value - sums[1])

    def of(self, what: str, which: str, measure: str) -> Estimate | None:
        """Estimate a measure; None where no replication had it. Seen once only, its interval is infinite."""
        sums = self.sums.get((what, which, measure))
        if sums is None:
            return None
        count, mean, squares = int(sums[0]), sums[1], sums[2]
        if count < 2:
            return Estimate(mean, math.inf, count)
        return Estimate(mean, student(count - 1) * math.sqrt(squares / (count - 1) / count), count)


@cache
def student(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return how many standard errors lie on either side of a mean, for so many degrees of freedom.

    Found by halving, in the exact distribution (Abramowitz and Stegun, 26.7.3 and 26.7.4).
    """
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        if _within(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return high


def _within(t: float, freedom: int) -> float:
    angle = math.atan(t / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom, 2):
        term *= square * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


# --- one replication -------------------------------------------------------------------------------------------------


def figures(scenario: Scenario, tally: Tally) -> Figures:
    """Compute every measure of one replication: shares in percent, times in seconds, money in the currency."""
    found: Figures = {}
    for which, sums in _by_queue(scenario, tally).items():
        found |= {("queue", which, measure): value for measure, value in _measures(sums).items()}
    for interval, sums in enumerate(_by_interval(scenario, tally)):
        found |= {("interval", str(interval), measure): value for measure, value in _measures(sums).items()}
    found |= _people(scenario, tally)
    return found | (_agreed(scenario, scenario.contract, tally) if scenario.contract else {})


def _by_queue(scenario: Scenario, tally: Tally) -> dict[str, list[float]]:
    """Add up the fields of each queue over all intervals; and of all queues."""
    width = len(scenario.works) * counters.FIELDS
    sums = [sum(tally.counts[place::width]) for place in range(width)]
    rows = [sums[place : place + counters.FIELDS] for place in range(0, width, counters.FIELDS)]
    return {EVERY: _added(rows)} | {work.name: row for work, row in zip(scenario.works, rows, strict=True)}


def _by_interval(scenario: Scenario, tally: Tally) -> Iterable[list[float]]:
    width = len(scenario.works) * counters.FIELDS
    for start in range(0, scenario.intervals * width, width):
        yield _added([tally.counts[at : at + counters.FIELDS] for at in range(start, start + width, counters.FIELDS)])


def _added(rows: Iterable[Sequence[float]]) -> list[float]:
    return [math.fsum(column) for column in zip(*rows, strict=True)]


def _measures(sums: Sequence[float]) -> dict[str, float]:
    offered, answered = sums[counters.OFFERED], sums[counters.ANSWERED]
    return {
        "offered": offered,
        "answered": answered,
        "abandoned": _percent(sums[counters.ABANDONED], offered),
        "delayed": _percent(sums[counters.DELAYED], offered),
        "within": _percent(sums[counters.WITHIN], offered),
        "wait": _mean(sums[counters.WAIT], answered),
        "wait_of_all": _mean(sums[counters.WAIT] + sums[counters.WAIT_IN_VAIN], offered),
        "handled": _mean(sums[counters.TALK] + sums[counters.WRAP], answered),
        "again": sums[counters.AGAIN],
        "left": offered - answered - sums[counters.ABANDONED],
    }


def _people(scenario: Scenario, tally: Tally) -> Figures:
    """Compute occupancy, the share of people's capacity in use while they are there; paid hours; cost."""
    found: Figures = {}
    groups = len(scenario.groups)
    there = [scenarios.present(group, scenario) for group in scenario.groups]
    for number, group in enumerate(scenario.groups):
        busy, hours = math.fsum(tally.busy[number::groups]), math.fsum(there[number]) / 3600
        found["group", group.name, "hours"] = hours
        found["group", group.name, "occupancy"] = _occupancy(busy, math.fsum(there[number]))
        if group.cost_per_hour is not None:
            found["group", group.name, "cost"] = group.paid(hours) * float(group.cost_per_hour)
    costs = [value for (_, _, measure), value in found.items() if measure == "cost"]
    if costs:
        found["money", EVERY, "cost"] = math.fsum(costs)
    for interval, present in enumerate(zip(*there, strict=True)):
        busy = math.fsum(tally.busy[interval * groups : (interval + 1) * groups])
        found["interval", str(interval), "agents"] = math.fsum(present) / scenario.every
        found["interval", str(interval), "occupancy"] = _occupancy(busy, math.fsum(present))
    found["group", EVERY, "hours"] = sum(map(math.fsum, there)) / 3600
    found["group", EVERY, "occupancy"] = _occupancy(math.fsum(tally.busy), math.fsum(map(math.fsum, there)))
    return found


def _agreed(scenario: Scenario, contract: Contract, tally: Tally) -> Figures:
    """Compute what the contract makes of it, with the very rules of the statement."""
    found: Figures = {}
    attained = []
    day = calendars.day_of(scenario.starts_at, scenario.zone)
    contract = contract.on(day)
    for number, level in enumerate(contract.service_levels):
        measure = entries.BY_NAME[level.measure]
        counted, met, total, longest = sums_of_level(scenario, tally, number)
        figure = _figure(measure, int(counted), int(met), total, longest)
        judged = levels.verdict(level, figure.attained)
        is_count = measure.unit == "items" and not isinstance(measure.simulation, Without)
        found["level", level.name, "attained"] = counted if is_count else _float(figure.attained)
        if judged is not None:
            found["level", level.name, "met"] = 100.0 * (judged == "met")
        attained.append(figure.attained)
    sums = _by_queue(scenario, tally)
    lines = settlement.lines(contract, [_quantity(price, sums) for price in contract.prices], day)
    month = settlement.month(contract, f"{day:%Y-%m}", lines, attained)
    owed = settlement.settle([month])[-1].credits  # a month seen alone: nothing came before what is simulated
    credits = money.total((credit.amount for credit in owed), contract.currency)
    due = settlement.due(lines, owed, contract.currency)
    amounts = {"charges": month.charges, "credits": credits, "due": due}
    return found | {("money", EVERY, name): float(amount.amount) for name, amount in amounts.items()}


def sums_of_level(scenario: Scenario, tally: Tally, number: int) -> list[float]:
    """Add up what a service level counted over all intervals: how many, how many met it, seconds, the longest."""
    width = len(scenario.levels) * counters.SUMS
    first = number * counters.SUMS
    sums = [sum(tally.levels[first + place :: width]) for place in range(counters.LONGEST)]
    return [*sums, max(tally.levels[first + counters.LONGEST :: width], default=0.0)]


def _figure(measure: Measure, counted: int, met: int, total: float, longest: float) -> catalogue.Figure:
    if measure.unit == "percent":
        return catalogue.share_figure(counted, met)
    if measure.unit == "seconds":
        return catalogue.of_seconds(measure, counted, Decimal(total), Decimal(longest))
    return catalogue.Figure(counted)


def _quantity(price: Price, sums: Mapping[str, Sequence[float]]) -> int:
    fields = {
        "received": (counters.OFFERED,),
        "answered": (counters.ANSWERED,),
        "done": (counters.ANSWERED,),
        "talk": (counters.TALK,),
        "handled": (counters.TALK, counters.WRAP),
    }.get(price.counts or "", ())
    return round(sum(sums[queue][place] for queue in price.of if queue in sums for place in fields))


def _float(value: Decimal | None) -> float:
    return math.nan if value is None else float(value)


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else math.nan


def _occupancy(busy: float, present: float) -> float:
    found = occupancy.occupancy(busy, present)
    return math.nan if found is None else 100 * found


def _mean(total: float, count: float) -> float:
    return total / count if count else math.nan
