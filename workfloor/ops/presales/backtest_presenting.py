"""Trials as plain values for programs, as words for tables, and as charts for a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from workfloor.core.catalogue import entries
from workfloor.core.contracts import levels
from workfloor.core.measures import catalogue
from workfloor.core.measures import presenting as measures_presenting
from workfloor.kit.figures import charts, money
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.presales.backtest import Month, Trial


@dataclass(frozen=True, slots=True)
class Told:
    """All that was computed: past work by its name, what a reader must know of it, and each trial by its own name."""

    history: str
    notes: tuple[str, ...]
    trials: tuple[tuple[str, Trial], ...]

    @property
    def months(self) -> list[str]:
        return [month.period.name for month in self.trials[0][1].months]


# --- for programs ----------------------------------------------------------------------------------------------------


def plain(told: Told) -> dict[str, Any]:
    """Return everything as JSON has it: figures as a statement has them, money as strings."""
    return {
        "history": told.history,
        "notes": list(told.notes),
        "contracts": [_plain_trial(name, trial) for name, trial in told.trials],
    }


def _plain_trial(name: str, trial: Trial) -> dict[str, Any]:
    agreed = trial.contract
    return {
        "name": name,
        "title": agreed.title,
        "currency": agreed.currency,
        "moved_by_months": trial.moved_by,
        "months": [_plain_month(month) for month in trial.months],
        "charges": str(_sum(trial, "charges").amount),
        "credits": str(_sum(trial, "credited").amount),
        "net": str(_sum(trial, "net").amount),
        "total": str(_sum(trial, "total").amount),
    }


def _plain_month(month: Month) -> dict[str, Any]:
    return {
        "period": billing_presenting.plain_period(month.period),
        "totals": billing_presenting.plain_totals(month.totals),
        "queues": [billing_presenting.plain_totals(totals) for totals in month.queues],
        "measures": [_plain_measured(row) for row in month.measures],
        "excluded": [measures_presenting.plain_excluded(row) for row in month.excluded],
        "days": {f"m{number + 1}": [_plain_day(*each) for each in days] for number, days in month.days.items()},
        "lines": [billing_presenting.plain_line(line, number) for number, line in enumerate(month.lines, 1)],
        "credits": [
            billing_presenting.plain_credit(credit, number) for number, credit in enumerate(month.settled.credits, 1)
        ],
        "charges": str(month.charges.amount),
        "net": str(month.net.amount),
        "taxes": [billing_presenting.plain_tax(tax, number) for number, tax in enumerate(month.taxes, 1)],
        "total": str(month.total.amount),
        "bank": None if month.settled.bank is None else str(month.settled.bank.amount),
        "notices": list(month.settled.notices),
    }


def _plain_measured(row: catalogue.Measured) -> dict[str, Any]:
    """A figure as a statement has it, but for the version: nobody has signed one."""
    return {key: value for key, value in measures_presenting.plain_measured(row, 0).items() if key != "version"}


def _plain_day(day: date, figure: catalogue.Figure) -> dict[str, Any]:
    return {"day": day.isoformat(), "counted": figure.counted, "met": figure.met, "attained": _float(figure.attained)}


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _sum(trial: Trial, what: str) -> money.Money:
    return money.total((getattr(month, what) for month in trial.months), trial.contract.currency)


# --- for readers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    mood: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words; the first `texts` columns are text, and the rows of `sums` add up others."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]
    texts: int = 1
    sums: frozenset[int] = frozenset()
    tight: bool = False  # months and amounts are not broken over lines


def tables(told: Told) -> list[Table]:
    """Word the targets of each month and the money, contracts side by side; then each contract's lines."""
    by_month = [_levels_in_words(told, number) for number in range(len(told.months))]
    return [*by_month, _money(told), *(table for each in told.trials for table in _lines(*each))]


def _levels_in_words(told: Told, number: int) -> Table:
    found = {name: dict(_judged(trial.months[number])) for name, trial in told.trials}
    every = list(dict.fromkeys(level for cells in found.values() for level in cells))
    rows = [[Cell(level), *(cells.get(level, Cell("no target")) for cells in found.values())] for level in every]
    return Table(f"Service levels, {told.months[number]}", ["Service level", *found], rows)


def _judged(month: Month) -> Iterator[tuple[str, Cell]]:
    for row in month.measures:
        if row.queue is None:
            words = measures_presenting.worded_measured(row)
            target = "reported only" if row.level.expected is None else f"{words['target']}: {words['verdict']}"
            yield (
                row.level.name,
                Cell(words["attained"] if row.figure.attained is not None else words["counted"], words["mood"], target),
            )


MONEY = (("charges", "Charges"), ("credited", "Credits"), ("net", "To pay"), ("total", "With taxes"))


def _money(told: Told) -> Table:
    taxed = any(month.taxes for _, trial in told.trials for month in trial.months)
    shown = MONEY if taxed else MONEY[:-1]
    rows, sums = [], set[int]()
    for number, period in enumerate(told.months):
        for name, trial in told.trials:
            rows.append(
                [Cell(period), Cell(name), *(Cell(str(getattr(trial.months[number], what))) for what, _ in shown)]
            )
    for name, trial in told.trials if len(told.months) > 1 else ():
        sums.add(len(rows))
        rows.append([Cell("All"), Cell(name), *(Cell(str(_sum(trial, what))) for what, _ in shown)])
    columns = ["Month", "Contract", *(title for _, title in shown)]
    if len(told.trials) > 1 and len({trial.contract.currency for _, trial in told.trials}) == 1:
        columns.append(f"Against {told.trials[0][0]}")
        _compare(told, rows)
    return Table("Money", columns, rows, 2, frozenset(sums), tight=True)


def _compare(told: Told, rows: list[list[Cell]]) -> None:
    """Add to each row by how much more, or less, is to be paid than under the first contract."""
    trials = [trial for _, trial in told.trials]
    paid = [[month.net for month in trial.months] + [_sum(trial, "net")] for trial in trials]
    for place, row in enumerate(rows):
        month, number = divmod(place, len(trials))
        more = paid[number][month] - paid[0][month]
        row.append(Cell("" if number == 0 else f"+{more}" if more.amount > 0 else str(more)))


def _lines(name: str, trial: Trial) -> Iterator[Table]:
    rows = []
    for month in trial.months:
        words = [billing_presenting.worded_line(line, number) for number, line in enumerate(month.lines, 1)]
        words += [
            billing_presenting.worded_credit(each, number) for number, each in enumerate(month.settled.credits, 1)
        ]
        words += [billing_presenting.worded_tax(tax, number) for number, tax in enumerate(month.taxes, 1)]
        for line in words:
            parts = [month.period.name, line["title"], *(line.get(key, "") for key in ("quantity", "rate", "amount"))]
            rows.append([Cell(part) for part in parts])
    yield Table(f"Lines of {name}", ["Month", "Line", "Quantity", "Rate", "Amount"], rows, 2, tight=True)


# --- for a page ------------------------------------------------------------------------------------------------------


def page(told: Told) -> dict[str, Any]:
    """All that the page shows."""
    every = tables(told)
    count = len(told.months) + 1
    trials = [
        {
            "name": name,
            "title": trial.contract.title,
            "notices": [f"{month.period.name}: {each}" for month in trial.months for each in month.settled.notices],
            "charts": list(_charts(trial)),
            "lines": lines,
        }
        for (name, trial), lines in zip(told.trials, every[count:], strict=True)
    ]
    return {"told": told, "tables": every[:count], "trials": trials}


def _charts(trial: Trial) -> Iterator[charts.Chart]:
    """Draw each target day by day, with what was agreed."""
    for number, level in enumerate(trial.months[0].settled.levels):
        if level.expected is not None and number in trial.months[0].days:
            yield _chart(trial, number, level)


def _chart(trial: Trial, number: int, level: levels.ServiceLevel) -> charts.Chart:
    unit = " s" if entries.BY_NAME[level.measure].unit == "seconds" else " %"
    days = [(month.settled.levels[number], *day) for month in trial.months for day in month.days[number]]
    values = [_float(figure.attained) for _, _, figure in days]
    missed = [
        float(figure.attained)
        if figure.attained is not None and levels.verdict(target, figure.attained) not in (None, "met")
        else None
        for target, _, figure in days
    ]
    traces = [
        charts.Trace("that day", "first", values),
        charts.Trace("missed", "missed", missed, "dots"),
        charts.Trace("expected", "target", [_float(target.expected) for target, _, _ in days], "steps"),
    ]
    if level.minimum is not None:
        bound = [_float(target.minimum) for target, _, _ in days]
        traces.append(charts.Trace("at most" if level.lower_is_better else "minimum", "bound", bound, "steps"))
    count = sum(value is not None for value in missed)
    worked = sum(value is not None for value in values)
    says = f"{charts.said(values, unit)}; missed on {count} of {worked} days with work"
    bounds = (None, 100.0) if unit == " %" and not level.lower_is_better else (0.0, None)
    return charts.chart(level.name, says, traces, day_labels([day for _, day, _ in days]), unit, bounds)


def day_labels(days: Sequence[date]) -> list[charts.Label]:
    """Label at most a dozen of the days, each at its middle."""
    step = -(-len(days) // 12)
    return [((n + 0.5) / len(days), f"{day.day} {day:%b}") for n, day in enumerate(days) if n % step == 0]
