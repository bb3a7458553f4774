"""Figures as they leave: plain values for programs, and words for paper and pages."""

from decimal import Decimal
from typing import Any

from workfloor.core.catalogue import entries
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.measures import catalogue
from workfloor.kit.text.translation import gettext_noop
from workfloor.kit.time.calendars import Window

VERDICTS = {"met": "met", "below-expected": "missed", "below-minimum": gettext_noop("missed the minimum"), None: "–"}
MOODS = {"met": "calm", "below-expected": "close", "below-minimum": "late", None: ""}
SIGNS = {"percent": "%", "seconds": "s"}
THRESHOLD = ("-within", "-older-than")
# Where a threshold follows, a measure reads by its key: answered within 20 s.
NAMES = {
    each.name: each.name.replace("-", " ") if each.name.endswith(THRESHOLD) else each.title for each in entries.EVERY
}
PER = {
    "answered": gettext_noop("of answered"),
    "offered": gettext_noop("of offered"),
    "offered-less-short-abandons": gettext_noop("of offered, less those abandoned within {short} s"),
}


def plain_measured(row: catalogue.Measured, version: int) -> dict[str, Any]:
    """Return a figure with its target; `attained` is in percent, or in seconds for a mean."""
    level, figure = row.level, row.figure
    return {
        "id": row.id,
        "name": level.name,
        "measure": level.measure,
        "queue": row.queue,
        "per": level.per,
        "threshold_seconds": level.threshold_seconds,
        "short_abandon_seconds": level.short_abandon_seconds,
        "counted": figure.counted,
        "met": figure.met,
        "apart": figure.apart,
        "excluded": figure.excluded,
        "window": None if row.window is None else plain_window(row.window, level),
        "attained": _number(figure.attained),
        "unit": None if (unit := entries.BY_NAME[level.measure].unit) == "items" else unit,
        "percentiles": {
            str(percent): float(value)
            for percent, value in zip(catalogue.PERCENTILES, figure.percentiles, strict=False)
        },
        "expected": _number(level.expected),
        "minimum": _number(level.minimum),
        "weight": _number(level.weight),
        "verdict": row.verdict,
        "version": version,
    }


def plain_window(window: Window, level: ServiceLevel) -> dict[str, Any]:
    """Return the time that a figure is of; of several that end in the month it is the worst, not due while it runs."""
    return {"length": level.window, "name": window.name, "due": window.is_due}


def plain_excluded(row: catalogue.Excluded) -> dict[str, Any]:
    """Return how many items are excluded from SLA for a level; `measure` is its id."""
    return {"id": row.id, "name": row.level.name, "measure": f"m{row.id[1:]}", "count": row.count}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def worded_measured(row: catalogue.Measured) -> dict[str, str]:
    """Word a figure and its target."""
    figure = row.figure
    return {
        "id": row.id,
        "name": row.level.name,
        "queue": row.queue or "",
        "counts": worded_measure(row.level) + _aside(row) + _of_window(row),
        "counted": f"{figure.counted:,}",
        "met": "–" if figure.met is None else f"{figure.met:,}",
        "attained": _attained(row.level, figure.attained),
        "target": "" if row.queue else _target(row.level),
        "verdict": "" if row.queue else VERDICTS[row.verdict],
        "mood": MOODS[row.verdict],
    }


def worded_excluded(row: catalogue.Excluded) -> dict[str, str]:
    """Word what is excluded from SLA for a level."""
    kinds = [kind.replace("-", " ") for kind in row.level.exclude]
    if row.level.above_forecast is not None:
        kinds.append(
            gettext_noop("volume above {percent:f} % of the forecast").format(
                percent=row.level.above_forecast.normalize()
            )
        )
    return {"id": row.id, "name": row.level.name, "counts": ", ".join(kinds), "count": f"{row.count:,}"}


def worded_measure(level: ServiceLevel) -> str:
    """Word what a level counts: `answered within 20 s, of offered`."""
    words = NAMES[level.measure]
    if level.threshold_seconds is not None:
        words += f" {_so_long(level.threshold_seconds)}"
    if level.per:
        words += f", {PER[level.per].format(short=level.short_abandon_seconds)}"
    hours = gettext_noop("in the hours of {calendar}")
    return f"{words}, {hours.format(calendar=level.hours)}" if level.hours else words


def _so_long(seconds: int) -> str:
    """A duration in the largest unit that it is a whole number of."""
    size, unit = next(each for each in ((3600, "h"), (60, "min"), (1, "s")) if seconds % each[0] == 0)
    return f"{seconds // size:,} {unit}"


def _aside(row: catalogue.Measured) -> str:
    """Word what the figure itself leaves out: its percentiles, or the short abandons that stand apart."""
    spread = zip(catalogue.PERCENTILES, row.figure.percentiles, strict=False)
    within = ", ".join(
        gettext_noop("{percent} % within {seconds:,f} s").format(percent=percent, seconds=value.normalize())
        for percent, value in spread
    )
    if within:
        return f"; {within}"
    return f" ({row.figure.apart:,})" if row.figure.apart else ""


def _of_window(row: catalogue.Measured) -> str:
    """Word the time of a figure that is not of the month itself."""
    if row.level.window == "month" or row.window is None:
        return ""
    if not row.window.is_due:
        return f"; {row.window.name}, {gettext_noop('which goes on')}"
    worst = gettext_noop("worst {window}").format(window=row.level.window)
    return f"; {worst}, {row.window.name}" if row.level.window in ("day", "week") else f"; {row.window.name}"


def _target(level: ServiceLevel) -> str:
    if level.expected is None:
        return "–"
    most = (gettext_noop("at most {limit}"), gettext_noop("never above {limit}"))
    least = (gettext_noop("at least {limit}"), gettext_noop("never below {limit}"))
    bounds = zip(most if level.lower_is_better else least, (level.expected, level.minimum), strict=True)
    unit = SIGNS[entries.BY_NAME[level.measure].unit]
    return ", ".join(side.format(limit=f"{bound.normalize():f} {unit}") for side, bound in bounds if bound is not None)


def _attained(level: ServiceLevel, attained: Decimal | None) -> str:
    if attained is None:
        return "–"
    return f"{attained:,} {SIGNS[entries.BY_NAME[level.measure].unit]}"
