"""Projections as plain values for programs, as words for tables, and as curves for a page."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workfloor.core.catalogue import entries
from workfloor.core.contracts.levels import IN_SECONDS
from workfloor.kit.figures import money
from workfloor.ops.simulation.projections import CONFIDENCE, EVERY, Estimate, Estimates
from workfloor.ops.simulation.scenarios import Scenario

QUEUE_MEASURES = ("offered", "answered", "abandoned", "delayed", "within", "wait", "handled", "again", "left")
GROUP_MEASURES = ("hours", "occupancy", "cost")
LEVEL_MEASURES = ("attained", "met")
MONEY = ("charges", "credits", "due", "cost")
INTERVAL_MEASURES = ("offered", "agents", "occupancy", "abandoned", "within", "wait")

_SHARES = ("abandoned", "delayed", "within", "occupancy", "met")
_TIMES = ("wait", "handled")
_RARE = ("again", "left")  # shown where they happened at all
HEADINGS = {
    "offered": "Offered",
    "answered": "Answered",
    "abandoned": "Abandon rate",
    "delayed": "Delayed",
    "within": "Service level",
    "wait": "ASA",
    "handled": "AHT",
    "again": "Called again",
    "left": "Never answered",
    "hours": "Hours",
    "occupancy": "Occupancy",
    "cost": "Cost",
    "attained": "Attained",
    "met": "Met in",
    "agents": "Agents",
    "charges": "Charges",
    "credits": "Credits",
    "due": "To pay",
}


# --- for programs ----------------------------------------------------------------------------------------------------


def plain(scenario: Scenario, estimates: Estimates) -> dict[str, Any]:
    """Return everything as JSON has it: shares in percent, times in seconds; {mean, low, high}, or null."""
    zone = ZoneInfo(scenario.zone)
    made: dict[str, Any] = {
        "title": scenario.title,
        "starts_at": scenario.starts_at.astimezone(zone).isoformat(),
        "lasts_seconds": scenario.horizon,
        "warm_up_seconds": scenario.warm_up,
        "replications": estimates.replications,
        "seed": scenario.seed,
        "confidence": CONFIDENCE,
        "currency": scenario.currency or None,
    }

    def row(what: str, which: str, measures: Iterable[str]) -> dict[str, Any]:
        return {measure: _interval(estimates.of(what, which, measure)) for measure in measures}

    every = (*QUEUE_MEASURES, "wait_of_all")
    made["all"] = row("queue", EVERY, every)
    made["queues"] = [
        {"name": work.name, "target_seconds": work.target} | row("queue", work.name, every) for work in scenario.works
    ]
    made["groups"] = [
        {"name": group.name, "agents": len(group.agents)} | row("group", group.name, GROUP_MEASURES)
        for group in scenario.groups
    ]
    made["service_levels"] = [
        {
            "name": level.name,
            "measure": level.measure,
            "expected": _number(level.expected),
            "minimum": _number(level.minimum),
        }
        | row("level", level.name, LEVEL_MEASURES)
        for level in scenario.levels
    ]
    made["money"] = row("money", EVERY, MONEY)
    made["intervals"] = [
        {"starts_at": (scenario.starts_at + timedelta(seconds=number * scenario.every)).astimezone(zone).isoformat()}
        | row("interval", str(number), INTERVAL_MEASURES)
        for number in range(scenario.intervals)
    ]
    return made


def _interval(found: Estimate | None) -> dict[str, float | None] | None:
    if found is None:
        return None
    sure = math.isfinite(found.half)
    return {"mean": found.mean, "low": found.low if sure else None, "high": found.high if sure else None}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


# --- for readers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words; the first column names the row."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def about(scenario: Scenario, estimates: Estimates) -> str:
    """What was done, in a sentence."""
    starts = scenario.starts_at.astimezone(ZoneInfo(scenario.zone))
    return (
        f"{duration(scenario.horizon)} from {starts:%a %d %B %Y} ({scenario.zone}), "
        f"{estimates.replications} times with other chance (seed {scenario.seed}). "
        f"Each figure is a mean, give or take what leaves {CONFIDENCE:.0%} confidence."
    )


def tables(scenario: Scenario, estimates: Estimates) -> list[Table]:
    """Everything but the intervals, in words."""
    works = [(work.name, f"{work.name} (in {duration(work.target)})") for work in scenario.works]
    groups = [(group.name, f"{group.name} ({len(group.agents)})") for group in scenario.groups]
    made = [
        _table(scenario, estimates, "Queues", "queue", [*works, (EVERY, "all")], QUEUE_MEASURES),
        _table(scenario, estimates, "Groups", "group", [*groups, (EVERY, "all")], GROUP_MEASURES),
    ]
    if scenario.levels:
        levels = [(level.name, f"{level.name}{_target(level)}") for level in scenario.levels]
        made.append(_table(scenario, estimates, "Service levels", "level", levels, LEVEL_MEASURES))
    rows = [[HEADINGS[name], cell(scenario, name, estimates.of("money", EVERY, name))] for name in MONEY]
    rows = [row for row in rows if row[1]]
    return [*made, Table(f"Money, in {scenario.currency}", ["Money", "Amount"], rows)] if rows else made


def _table(
    scenario: Scenario,
    estimates: Estimates,
    title: str,
    what: str,
    names: Sequence[tuple[str, str]],
    measures: Sequence[str],
) -> Table:
    found = {(which, measure): estimates.of(what, which, measure) for which, _ in names for measure in measures}
    shown = [
        measure
        for measure in measures
        if any((each := found[which, measure]) and (each.mean or measure not in _RARE) for which, _ in names)
    ]
    level_of = {level.name: level.measure for level in scenario.levels} if what == "level" else {}
    rows = [
        [said, *(cell(scenario, m, found[which, m], level_of.get(which, "")) for m in shown)] for which, said in names
    ]
    return Table(title, [title.removesuffix("s"), *(HEADINGS[measure] for measure in shown)], rows)


def _target(level: Any) -> str:
    if level.expected is None:
        return " (reported)"
    unit = "s" if level.measure in IN_SECONDS else "%"
    return f" ({'at most' if level.lower_is_better else 'at least'} {level.expected:f} {unit})"


def cell(scenario: Scenario, measure: str, found: Estimate | None, level: str = "") -> str:
    """Write an estimate as `79.12 ± 0.40 %`; empty where there is none."""
    if found is None:
        return ""
    unit, kind = "", entries.BY_NAME[level].unit if level else ""
    if measure in _SHARES or kind == "percent":
        unit = " %"
    elif measure in _TIMES or kind == "seconds":
        unit = " s"
    digits = money.MINOR_UNITS.get(scenario.currency, 2) if measure in MONEY else 2
    if measure in ("offered", "answered", "again", "left", "hours") or kind == "items":
        digits = 1
    give_or_take = "" if found.half == 0 else f" ± {found.half:,.{digits}f}" if math.isfinite(found.half) else " ± ?"
    return f"{found.mean:,.{digits}f}{give_or_take}{unit}"


def duration(seconds: float) -> str:
    """Return a time in the largest unit that it is whole in, such as `2 h` or `90 s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


# --- curves ----------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 200, 48, 24, 12, 24


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve with its confidence band as SVG paths, in a frame of WIDTH x HEIGHT, with labelled lines."""

    title: str
    says: str
    curve: str
    band: str
    across: list[tuple[float, str]]  # y, label
    down: list[tuple[float, str]]  # x, label


def charts(scenario: Scenario, estimates: Estimates) -> list[Chart]:
    """Draw what changes over the time simulated; each chart has its own scale and the same hours."""
    wanted = [
        ("offered", f"Contacts offered each {duration(scenario.every)}", ""),
        ("agents", "Agents", ""),
        ("occupancy", "Occupancy", " %"),
        ("within", "Service level", " %"),
        ("wait", "Average speed of answer (ASA)", " s"),
    ]
    return [_chart(scenario, estimates, *each) for each in wanted]


def _chart(scenario: Scenario, estimates: Estimates, measure: str, title: str, unit: str) -> Chart:
    points = [estimates.of("interval", str(number), measure) for number in range(scenario.intervals)]
    known = [each for each in points if each]
    highest = max((each.high if math.isfinite(each.half) else each.mean for each in known), default=0.0)
    top = 100.0 if unit == " %" else _round_up(highest)
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * (n + 0.5) / len(points) for n in range(len(points))]

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(value / top, 0.0), 1.0))

    curve, band = [], []
    for run in _runs(points):
        curve.append("M" + "L".join(f"{xs[n]:.1f} {y(each.mean):.1f}" for n, each in run))
        upper = [f"{xs[n]:.1f} {y(each.high):.1f}" for n, each in run if math.isfinite(each.half)]
        lower = [f"{xs[n]:.1f} {y(each.low):.1f}" for n, each in reversed(run) if math.isfinite(each.half)]
        if upper:
            band.append("M" + "L".join(upper + lower) + "Z")
    means = [each.mean for each in known]
    says = f"between {min(means):,.1f}{unit} and {max(means):,.1f}{unit}" if means else "nothing to show"
    across = [(y(part * top), f"{part * top:g}{unit}") for part in (0, 0.5, 1)]
    return Chart(title, says, "".join(curve), "".join(band), across, _hours(scenario))


def _runs(points: Sequence[Estimate | None]) -> Iterable[list[tuple[int, Estimate]]]:
    """Split at gaps, so that no line is drawn through a night in which nothing was measured."""
    run: list[tuple[int, Estimate]] = []
    for number, each in enumerate(points):
        if each is not None:
            run.append((number, each))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _round_up(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value))


def _hours(scenario: Scenario) -> list[tuple[float, str]]:
    zone = ZoneInfo(scenario.zone)
    steps = (900, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 28 * 86400)
    step = next(each for each in steps if scenario.horizon / each <= 14 or each == steps[-1])
    found = []
    for number in range(int(scenario.horizon / step) + 1):
        at = (scenario.starts_at + timedelta(seconds=number * step)).astimezone(zone)
        x = LEFT + (WIDTH - LEFT - RIGHT) * number * step / scenario.horizon
        found.append((x, f"{at:%H:%M}" if step < 86400 else f"{at:%d %b}"))
    return found


def page(scenario: Scenario, estimates: Estimates) -> dict[str, Any]:
    """All that the page shows."""
    zone = ZoneInfo(scenario.zone)
    rows = [
        [
            f"{(scenario.starts_at + timedelta(seconds=number * scenario.every)).astimezone(zone):%a %d %b %H:%M}",
            *(cell(scenario, name, estimates.of("interval", str(number), name)) for name in INTERVAL_MEASURES),
        ]
        for number in range(scenario.intervals)
    ]
    return {
        "title": scenario.title,
        "about": about(scenario, estimates),
        "tables": tables(scenario, estimates),
        "charts": charts(scenario, estimates),
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "label_x": LEFT - 6,
        "label_y": HEIGHT - 6,
        "intervals": Table("Intervals", ["From", *(HEADINGS[name] for name in INTERVAL_MEASURES)], rows),
    }
