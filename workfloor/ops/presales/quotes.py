"""What is left of a contract after its people, and what it risks; as values for programs, tables and charts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workfloor.core.catalogue import entries
from workfloor.core.catalogue.declaring import Without
from workfloor.core.contracts.levels import IN_SECONDS, ServiceLevel
from workfloor.kit.figures import charts
from workfloor.ops.simulation import presenting as simulation_presenting
from workfloor.ops.simulation.projections import EVERY, Estimate, Estimates, Figures
from workfloor.ops.simulation.requirements import Found
from workfloor.ops.simulation.scenarios import Scenario


@dataclass(frozen=True, slots=True)
class Risk:
    """What credits may come to over the replications: how often any are owed, and the most in 19 of 20."""

    any_percent: float
    worst_of_twenty: float


def risk(credits: Sequence[float]) -> Risk:
    """Return the risk in credits, by nearest rank; raises ValueError for none."""
    ordered = sorted(credits)
    if not ordered:
        raise ValueError("there is no replication")
    owed = 100 * sum(each > 0 for each in ordered) / len(ordered)
    return Risk(owed, ordered[-(-95 * len(ordered) // 100) - 1])


def without_what_is_not_simulated(level: ServiceLevel) -> bool:
    """Say whether a level is agreed and the twin does not simulate its measure: it is taken as met."""
    return level.expected is not None and isinstance(entries.BY_NAME[level.measure].simulation, Without)


def margin(figures: Figures) -> Figures:
    """Add to the figures of a replication what is left of what is paid after the people have been."""
    due, cost = figures.get(("money", EVERY, "due")), figures.get(("money", EVERY, "cost"))
    if due is None or cost is None:
        return figures
    share = 100 * (due - cost) / due if due else math.nan
    return figures | {("money", EVERY, "margin"): due - cost, ("money", EVERY, "margin_percent"): share}


MONEY = ("cost", "charges", "credits", "due", "margin")

HEADINGS = {
    "cost": "People cost",
    "charges": "Charges",
    "credits": "Credits expected",
    "due": "To be paid",
    "margin": "Left after people",
    "margin_percent": "Left, in percent of what is paid",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """One contract quoted: its name, the scenario with the people found, how they were found, what it comes to."""

    name: str
    scenario: Scenario
    found: Found
    estimates: Estimates
    risk: Risk
    unserved: float  # contacts expected when nobody may be there

    def money(self, measure: str) -> Estimate:
        made = self.estimates.of("money", EVERY, measure)
        assert made, measure
        return made

    @property
    def hours(self) -> float:
        """Hours in which people are there."""
        return sum(self._there())

    @property
    def paid_hours(self) -> float:
        """Hours that are paid, with what shrinks them."""
        return sum(group.paid(hours) for group, hours in zip(self.scenario.groups, self._there(), strict=True))

    def _there(self) -> list[float]:
        made = [self.estimates.of("group", group.name, "hours") for group in self.scenario.groups]
        return [each.mean if each else 0.0 for each in made]

    @property
    def busiest(self) -> int:
        """How many are there at most at once."""
        return max(map(sum, zip(*self.found.staff, strict=True)))


# --- for programs ----------------------------------------------------------------------------------------------------
def plain(quotes: Sequence[Quote]) -> dict[str, Any]:
    """Return everything as JSON has it; projections as {mean, low, high}."""
    return {"quotes": [_plain(quote) for quote in quotes]}


def _plain(quote: Quote) -> dict[str, Any]:
    told = simulation_presenting.plain(quote.scenario, quote.estimates)
    groups = [
        {"name": group.name, "staff": counts, "paid_hours": round(group.paid(hours), 4)}
        for group, counts, hours in zip(quote.scenario.groups, quote.found.staff, quote._there(), strict=True)
    ]
    money = {measure: _interval(quote.money(measure)) for measure in (*MONEY, "margin_percent")}
    return {
        "name": quote.name,
        "title": told["title"],
        "contract": quote.scenario.contract.title if quote.scenario.contract else None,
        "currency": told["currency"],
        "seed": told["seed"],
        "replications": told["replications"],
        "interval_seconds": quote.scenario.every,
        "starts_at": told["starts_at"],
        "groups": groups,
        "lacking": [quote.scenario.levels[number].name for number in quote.found.lacking],
        "unserved": round(quote.unserved, 4),
        "hours": round(quote.hours, 4),
        "paid_hours": round(quote.paid_hours, 4),
        "busiest": quote.busiest,
        "money": money,
        "risk": {
            "any_credit_percent": quote.risk.any_percent,
            "credits_at_most_in_19_of_20": quote.risk.worst_of_twenty,
        },
        "service_levels": told["service_levels"],
        "not_simulated": not_simulated(quote),
        "queues": told["queues"],
        "intervals": told["intervals"],
    }


def _interval(found: Estimate) -> dict[str, float | None]:
    sure = math.isfinite(found.half)
    return {"mean": found.mean, "low": found.low if sure else None, "high": found.high if sure else None}


def not_simulated(quote: Quote) -> list[str]:
    """Name the targets that are taken as met, because the twin does not simulate what they measure."""
    return [level.name for level in quote.scenario.levels if without_what_is_not_simulated(level)]


def _at(scenario: Scenario, interval: int) -> datetime:
    return (scenario.starts_at + timedelta(seconds=interval * scenario.every)).astimezone(ZoneInfo(scenario.zone))


# --- for readers -----------------------------------------------------------------------------------------------------
def about(quotes: Sequence[Quote]) -> str:
    """What was done, in a sentence."""
    scenario, made = quotes[0].scenario, quotes[0].estimates
    horizon, every = (simulation_presenting.duration(span) for span in (scenario.horizon, scenario.every))
    return (
        f"{horizon} from {_at(scenario, 0):%A %d %B %Y}: the fewest people found, for each {every}, with whom every "
        f"service level is met in 19 of 20 such months under the rules that will route. Projections are of "
        f"{made.replications} further months (seed {scenario.seed}), give or take what leaves 95 % confidence."
    )


def notes(quotes: Sequence[Quote]) -> list[str]:
    """What a reader must know before believing a quote."""
    return [note for quote in quotes for note in _notes(quote)]


def _notes(quote: Quote) -> Iterator[str]:
    for name in not_simulated(quote):
        yield f"{quote.name}: “{name}” is not simulated; it is taken as met, and its credits are missing here."
    if quote.unserved >= 1:
        yield (
            f"{quote.name}: {quote.unserved:,.0f} contacts are expected when nobody may be there who can serve them. "
            "Give somebody hours for them, or agree that they do not count."
        )
    for number in quote.found.lacking:
        name = quote.scenario.levels[number].name
        yield (
            f"{quote.name}: “{name}” is not met in 19 of 20 months even with all who may be there. "
            "Allow for more agents or longer hours, or agree to lower targets."
        )


def tables(quotes: Sequence[Quote]) -> list[simulation_presenting.Table]:
    """Word the money, the people and the targets, contracts side by side."""
    names = [quote.name for quote in quotes]
    currency = quotes[0].scenario.currency
    rows = [[HEADINGS[name], *(_money(quote, name) for quote in quotes)] for name in (*MONEY, "margin_percent")]
    rows.append(["Some credit is owed in", *(f"{quote.risk.any_percent:.0f} % of such months" for quote in quotes)])
    worst = [f"{quote.risk.worst_of_twenty:,.2f}" for quote in quotes]
    rows.append(["Credits in 19 of 20 such months at most", *worst])
    return [
        simulation_presenting.Table(f"What it costs, pays and risks, in {currency}", ["", *names], rows),
        simulation_presenting.Table("People", ["", *names], list(_people(quotes))),
        simulation_presenting.Table("Service levels", ["Service level", *names], list(_levels_in_words(quotes))),
    ]


def _money(quote: Quote, measure: str) -> str:
    made = quote.money(measure)
    if measure == "margin_percent":
        return f"{made.mean:,.1f} ± {made.half:,.1f} %"
    return simulation_presenting.cell(quote.scenario, "due", made)


def _people(quotes: Sequence[Quote]) -> Iterator[list[str]]:
    yield ["There at most at once", *(f"{quote.busiest:,}" for quote in quotes)]
    yield ["Hours there", *(f"{quote.hours:,.1f}" for quote in quotes)]
    yield ["Hours paid", *(f"{quote.paid_hours:,.1f}" for quote in quotes)]
    groups = list(dict.fromkeys(group.name for quote in quotes for group in quote.scenario.groups))
    for name in groups:
        made = [quote.estimates.of("group", name, "hours") for quote in quotes]
        yield [f"Hours there, {name}", *(f"{each.mean:,.1f}" if each else "" for each in made)]
    made = [quote.estimates.of("group", EVERY, "occupancy") for quote in quotes]
    yield ["Occupancy", *(f"{each.mean:.1f} %" if each else "" for each in made)]


def _levels_in_words(quotes: Sequence[Quote]) -> Iterator[list[str]]:
    every = list(
        dict.fromkeys(level.name for quote in quotes for level in quote.scenario.levels if level.expected is not None)
    )
    for name in every:
        yield [name, *(_target(quote, name) for quote in quotes)]


def _target(quote: Quote, name: str) -> str:
    level = next((each for each in quote.scenario.levels if each.name == name), None)
    attained, met = (quote.estimates.of("level", name, measure) for measure in ("attained", "met"))
    if level is None or level.expected is None:
        return "no target"
    if attained is None or met is None:
        return "not simulated"
    words = "at most" if level.lower_is_better else "at least"
    unit = "s" if level.measure in IN_SECONDS else "%"
    attains = simulation_presenting.cell(quote.scenario, "attained", attained, level.measure)
    return f"{attains} ({words} {level.expected.normalize():f} {unit}); met in {met.mean:.0f} % of such months"


# --- for a page ------------------------------------------------------------------------------------------------------
def page(quotes: Sequence[Quote]) -> dict[str, Any]:
    """All that the page shows."""
    return {
        "title": f"Quote: {quotes[0].scenario.title}",
        "about": about(quotes),
        "notes": notes(quotes),
        "answers": [_answers(quote) for quote in quotes],
        "tables": tables(quotes),
        "charts": [_week(quotes), *(_groups(quote) for quote in quotes)],
        "intervals": [_intervals(quote) for quote in quotes],
    }


def _answers(quote: Quote) -> dict[str, str]:
    """The three questions of a quote, each with a figure."""
    currency, digits = quote.scenario.currency, 0

    def said(amount: float) -> str:
        return f"{amount:,.{digits}f} {currency}"

    left = quote.money("margin")
    return {
        "name": quote.name,
        "cost": said(quote.money("cost").mean),
        "people": f"{quote.busiest:,} at most at once, {quote.paid_hours:,.0f} hours paid",
        "paid": said(quote.money("due").mean),
        "left": f"{said(left.mean)} left after people ({quote.money('margin_percent').mean:.1f} %)",
        "risk": said(quote.money("credits").mean),
        "worst": f"some credit in {quote.risk.any_percent:.0f} % of such months, "
        f"at most {said(quote.risk.worst_of_twenty)} in 19 of 20",
    }


LOOKS = ("first", "second", "third")
_WEEK = 7 * 86400


def _shown(quotes: Sequence[Quote]) -> range:
    """The intervals of a chart: all, or the week in which most people are needed."""
    scenario = quotes[0].scenario
    width = int(_WEEK / scenario.every)
    if scenario.intervals <= width:
        return range(scenario.intervals)
    needed = [sum(counts) for counts in zip(*quotes[0].found.staff, strict=True)]
    begins = range(0, scenario.intervals - width + 1, max(1, int(86400 / scenario.every)))
    first = max(begins, key=lambda start: sum(needed[start : start + width]))
    return range(first, first + width)


def _week(quotes: Sequence[Quote]) -> charts.Chart:
    """Draw how many people are needed in each interval, one line a contract."""
    shown = _shown(quotes)
    traces = []
    for number, quote in enumerate(quotes):
        needed = [float(sum(counts)) for counts in zip(*quote.found.staff, strict=True)]
        traces.append(charts.Trace(quote.name, LOOKS[number % 3], [needed[each] for each in shown], "steps"))
    first = traces[0].values
    says = f"{quotes[0].name}: {charts.said(first, digits=0)} people at once"
    return charts.chart(
        _over("People needed", quotes[0].scenario, shown), says, traces, _days(quotes[0].scenario, shown)
    )


def _groups(quote: Quote) -> charts.Chart:
    """Draw one contract's people by group, with what is offered."""
    shown, scenario = _shown([quote]), quote.scenario
    traces = [
        charts.Trace(group.name, LOOKS[number % 3], [float(counts[each]) for each in shown], "steps")
        for number, (group, counts) in enumerate(zip(scenario.groups, quote.found.staff, strict=True))
    ]
    offered = [quote.estimates.of("interval", str(each), "offered") for each in shown]
    traces.append(charts.Trace("contacts offered", "target", [each.mean if each else None for each in offered]))
    says = "; ".join(f"{trace.name} {charts.said(trace.values, digits=0)}" for trace in traces)
    return charts.chart(_over(f"{quote.name}: people by group", scenario, shown), says, traces, _days(scenario, shown))


def _over(title: str, scenario: Scenario, shown: range) -> str:
    if len(shown) == scenario.intervals:
        return title
    return f"{title}, in the week from {_at(scenario, shown[0]):%A %d %B}, which needs most"


def _days(scenario: Scenario, shown: range) -> list[charts.Label]:
    """Label the beginnings of days, or of every third hour where there is but one."""
    hours = 24 if len(shown) * scenario.every > 2 * 86400 else 3
    step = max(1, int(hours * 3600 / scenario.every))
    form = "%a %d" if hours == 24 else "%H:%M"
    middle = step / 2 if hours == 24 else 0.5
    labels = ((number, _at(scenario, shown[number])) for number in range(0, len(shown), step))
    return [(min((number + middle) / len(shown), 1.0), f"{at:{form}}") for number, at in labels]


def _intervals(quote: Quote) -> simulation_presenting.Table:
    scenario = quote.scenario
    groups = [group.name for group in scenario.groups]
    rows = []
    for number in range(scenario.intervals):
        counts = [str(own[number]) for own in quote.found.staff]
        offered, within = (quote.estimates.of("interval", str(number), name) for name in ("offered", "within"))
        if offered and (offered.mean or any(count != "0" for count in counts)):
            cells = [
                simulation_presenting.cell(scenario, "offered", offered),
                simulation_presenting.cell(scenario, "within", within),
            ]
            rows.append([f"{_at(scenario, number):%a %d %b %H:%M}", *counts, *cells])
    return simulation_presenting.Table(
        f"Interval by interval, {quote.name}", ["From", *groups, "Offered", "In time"], rows
    )
