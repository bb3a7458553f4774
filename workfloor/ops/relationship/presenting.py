"""A review as plain values for programs, and in words and charts for the page and the paper."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from workfloor.kit.figures import charts
from workfloor.ops.relationship import models as relationship_models
from workfloor.ops.relationship.causes import Cause
from workfloor.ops.relationship.queries import LevelReview, Outlook, Review
from workfloor.ops.simulation.projections import EVERY, Estimate

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
RISKY, SAFE = 50.0, 10.0  # percent: above and below, a risk is called high and low

# --- for programs ----------------------------------------------------------------------------------------------------


def plain(review: Review, outlook: Outlook | None) -> dict[str, Any]:
    """Return a review as JSON values; figures and money as a statement has them."""
    return {
        "client": review.client.slug,
        "period": review.period,
        "statement": review.month,
        "levels": [_plain_level(each) for each in review.levels],
        "volumes": [
            {"day": day.isoformat(), "contacts": count, "forecast": expected} for day, count, expected in review.volumes
        ],
        "disputes": list(review.disputes),
        "action_items": [plain_action_item(each) for each in review.action_items],
        "ahead": _plain_outlook(outlook) if outlook else None,
    }


def _plain_level(target: LevelReview) -> dict[str, Any]:
    return {
        "name": target.level.name,
        "measure": target.row["id"],
        "attained": target.row["attained"],
        "verdict": target.row["verdict"],
        "trend": [{"period": name, "attained": row and row["attained"]} for name, row in target.trend],
        "days": [
            {"day": day.isoformat(), "counted": counted, "missed": missed} for day, counted, missed in target.days
        ],
        "causes": [
            {"cause": each.name, "missed": round(each.missed, 1), "differed_percent": round(each.differed, 1)}
            for each in target.causes
        ],
        "hours": [
            {"weekday": DAYS[day], "hour": hour, "counted": counted, "missed": missed}
            for (day, hour), (counted, missed) in sorted(target.week.items())
        ],
    }


def plain_action_item(found: relationship_models.ActionItem) -> dict[str, Any]:
    """Return what was agreed to be done."""
    return {
        "id": found.id,
        "who": found.who,
        "what": found.what,
        "until": found.until.isoformat(),
        "done_at": found.done_at.isoformat() if found.done_at else None,
        "note": found.note,
    }


def _plain_outlook(outlook: Outlook) -> dict[str, Any]:
    every, levels = outlook.estimates, []
    for level in outlook.levels:
        met, attained = every.of("level", level.name, "met"), every.of("level", level.name, "attained")
        if level.expected is not None:
            risk = None if met is None else 100 - met.mean
            levels.append({"name": level.name, "missed_percent": risk, "attained": attained and attained.mean})
    return {"replications": outlook.replications, "levels": levels, "credits": _credits(outlook)}


def _credits(outlook: Outlook) -> dict[str, float]:
    ordered = sorted(outlook.credits)
    return {
        "expected": sum(ordered) / len(ordered),
        "any_percent": 100 * sum(each > 0 for each in ordered) / len(ordered),
        "at_most_in_19_of_20": ordered[-(-95 * len(ordered) // 100) - 1],
    }


# --- for readers -----------------------------------------------------------------------------------------------------


NOTHING = "Nothing came in the last four weeks that projections could be made from."


def printed(review: Review, outlook: Outlook | None, nothing: str = NOTHING) -> dict[str, Any]:
    """Word a review, with its charts; the same for the page and the paper. `nothing` says why nothing lies ahead."""
    worded = review.worded
    return {
        "client": worded["client"],
        "slug": review.client.slug,
        "month": worded["month"],
        "period": worded["period"],
        "version": worded["version"],
        "notice": worded["notice"],
        "summary": list(_summary(review)),
        "levels": [_target(review, each, number) for number, each in enumerate(review.levels, 1)],
        "credits": worded["credits"],
        "charges": worded["charges"],
        "total": worded["total"],
        "money": [_money(name, stated) for name, stated in review.months],
        "volume": _volumes(review),
        "volume_says": _volume_says(review),
        "disputes": list(review.disputes),
        "action_items": [worded_action_item(each, _last_day(review)) for each in review.action_items],
        "ahead": ahead(outlook, review.contract.currency) if outlook else None,
        "nothing_ahead": nothing,
    }


def _last_day(review: Review) -> date:
    return review.volumes[-1][0]


def _summary(review: Review) -> Iterator[str]:
    """What one would say first."""
    judged = [each for each in review.levels if each.row["verdict"]]
    missed = [each for each in judged if each.row["verdict"] != "met"]
    if judged:
        yield f"{len(judged) - len(missed)} of {len(judged)} service levels were met."
    owed = list(review.worded["credits"])
    if owed:
        yield f"Credits: {', '.join(each['amount'] for each in owed)}, of charges of {review.worded['charges']}."
    for each in missed:
        if each.causes and each.causes[0].name != "chance":
            first, whole = each.causes[0], sum(cause.missed for cause in each.causes)
            share = f"{100 * first.missed / whole:.0f} %"
            yield f"{each.level.name}: {share} of what bad hours missed is put down to {_because(first)}."
    yield _volume_says(review)


TITLES = {
    "volume": "More contacts",
    "handling": "Longer handling",
    "people": "Fewer people",
    "chance": "No more than usual",
}


def _because(cause: Cause) -> str:
    """Word what was different in the hours that a cause stands for."""
    if cause.name == "people":
        return f"{100 - 10000 / (100 + cause.differed):.0f} % fewer people than in hours that met it"
    what = {"volume": "more contacts", "handling": "longer handling"}.get(cause.name)
    return f"{cause.differed:.0f} % {what} than in hours that met it" if what else "hours no harder than others"


def _target(review: Review, target: LevelReview, number: int) -> dict[str, Any]:
    words = next(each for each in review.worded["measures"] if each["id"] == target.row["id"])
    whole = sum(each.missed for each in target.causes) or 1.0
    return {
        **{key: words[key] for key in ("name", "counts", "attained", "target", "verdict", "mood")},
        "number": str(number),
        "trend": _trend(target) if len(target.trend) > 1 else None,
        "days": _days(target) if target.days else None,
        "causes": [
            {
                "title": TITLES[each.name],
                "missed": f"{each.missed:,.0f}",
                "share": f"{100 * each.missed / whole:.0f} %",
                "says": _because(each),
            }
            for each in target.causes
        ],
        "worst": list(_worst(target)),
        "heat": _heat(target),
        "queues": [
            {"queue": row["queue"], "counted": f"{row['counted']:,}", "attained": _figure(row)} for row in target.queues
        ]
        if len(target.queues) > 1
        else [],
    }


def _figure(row: dict[str, Any]) -> str:
    if row["attained"] is None:
        return "–"
    return f"{row['attained']:,.4f} {'%' if row['unit'] == 'percent' else 's'}"


def _worst(target: LevelReview) -> Iterator[str]:
    """Name the days on which most was missed."""
    for day, counted, missed in sorted(target.days, key=lambda each: -each[2])[:3]:
        if missed:
            yield f"{day:%A} {day.day} {day:%B}: {missed:,} of {counted:,} missed"


def _unit(target: LevelReview) -> str:
    return " %" if target.row["unit"] == "percent" else " s"


def _trend(target: LevelReview) -> charts.Chart:
    unit, names = _unit(target), [name for name, _ in target.trend]
    values = [row["attained"] if row else None for _, row in target.trend]
    missed = [row["attained"] if row and row["verdict"] not in (None, "met") else None for _, row in target.trend]
    expected = [row["expected"] if row else None for _, row in target.trend]
    traces = [
        charts.Trace("attained", "first", values),
        charts.Trace(
            "met", "first", [None if bad is not None else v for v, bad in zip(values, missed, strict=True)], "dots"
        ),
        charts.Trace("missed", "missed", missed, "dots"),
        charts.Trace("expected", "target", expected, "steps"),
    ]
    down = [((n + 0.5) / len(names), name) for n, name in enumerate(names)]
    title = f"{target.level.name}, month by month"
    return charts.chart(title, charts.said(values, unit), traces, down, unit, _bounds(target))


def _days(target: LevelReview) -> charts.Chart:
    level, unit = target.level, _unit(target)

    def share(counted: int, missed: int) -> float | None:
        return None if not counted else 100 * (missed if level.lower_is_better else counted - missed) / counted

    values = [share(counted, missed) for _, counted, missed in target.days]
    expected = target.row["expected"]
    bad = [
        value if value is not None and (value > expected if level.lower_is_better else value < expected) else None
        for value in values
    ]
    traces = [
        charts.Trace("that day", "first", values),
        charts.Trace("missed", "missed", bad, "dots"),
        charts.Trace("expected", "target", [expected] * len(values), "steps"),
    ]
    count = sum(value is not None for value in bad)
    says = f"{charts.said(values, unit)}; missed on {count} of {len(values)} days"
    days = [day for day, _, _ in target.days]
    return charts.chart(f"{level.name}, day by day", says, traces, _day_labels(days), unit, _bounds(target))


def _bounds(target: LevelReview) -> tuple[float | None, float | None]:
    return (None, 100.0) if _unit(target) == " %" and not target.level.lower_is_better else (0.0, None)


def _day_labels(days: Sequence[date]) -> list[charts.Label]:
    step = -(-len(days) // 12)
    return [((n + 0.5) / len(days), f"{day.day} {day:%b}") for n, day in enumerate(days) if n % step == 0]


def _heat(target: LevelReview) -> dict[str, Any] | None:
    """Lay the misses out by weekday and hour; `heat` is how far an hour's share of misses goes, 0 to 4."""
    hours = sorted({hour for (_, hour), (counted, _) in target.week.items() if counted})
    if not hours:
        return None
    rows = []
    for day, name in enumerate(DAYS):
        cells = [target.week.get((day, hour), (0, 0)) for hour in hours]
        if any(counted for counted, _ in cells):
            worded = [
                {"text": f"{missed:,}" if counted else "", "heat": _degree(counted, missed)}
                for counted, missed in cells
            ]
            rows.append({"day": name[:3], "cells": worded})
    return {"hours": [f"{hour:02}" for hour in hours], "rows": rows}


def _degree(counted: int, missed: int) -> int:
    return min(4, int(5 * missed / counted)) if counted else 0


def _money(name: str, stated: dict[str, Any]) -> dict[str, str]:
    owed = sum(float(each["amount"]) for each in stated["credits"])
    return {
        "month": name,
        "contacts": f"{stated['totals']['received']:,}",
        "charges": f"{float(stated['charges']):,.2f}",
        "credits": f"{owed:,.2f}",
        "total": f"{float(stated['total']):,.2f}",
    }


def _volumes(review: Review) -> charts.Chart:
    counts = [float(count) for _, count, _ in review.volumes]
    traces = [charts.Trace("contacts", "first", counts, "bars")]
    if any(expected is not None for _, _, expected in review.volumes):
        traces.append(charts.Trace("forecast", "target", [expected for _, _, expected in review.volumes], "steps"))
    labels = _day_labels([day for day, _, _ in review.volumes])
    return charts.chart("Contacts by day", charts.said(counts, digits=0) + " contacts a day", traces, labels)


def _volume_says(review: Review) -> str:
    came = sum(count for _, count, _ in review.volumes)
    agreed = [(count, expected) for _, count, expected in review.volumes if expected is not None]
    words = f"{came:,} contacts came"
    if agreed:
        count, expected = sum(each for each, _ in agreed), sum(each for _, each in agreed)
        words += f", {100 * (count / expected - 1):+.1f} % against the forecast" if expected else ""
    if len(review.months) > 1:
        before = review.months[-2][1]["totals"]["received"] - review.months[-2][1]["totals"]["cancelled"]
        words += f", {100 * (came / before - 1):+.1f} % against the month before" if before else ""
    return words + ("." if agreed else "; no forecast is agreed.")


def worded_action_item(found: relationship_models.ActionItem, on: date) -> dict[str, str]:
    """Word what was agreed to be done, as it stands on a day."""
    late = found.done_at is None and found.until < on
    state = f"done {found.done_at.day} {found.done_at:%B %Y}" if found.done_at else "late" if late else "open"
    return {
        "id": str(found.id),
        "who": found.who,
        "what": found.what,
        "until": f"{found.until.day} {found.until:%B %Y}",
        "state": state,
        "mood": "calm" if found.done_at else "late" if late else "close",
        "note": found.note,
    }


def ahead(outlook: Outlook, currency: str) -> dict[str, Any]:
    """Word what lies ahead: how likely each target is to be missed, and the credits."""
    credits = _credits(outlook)
    return {
        "about": (
            f"The next four weeks, simulated {outlook.replications} times under the rules that route: contacts come, "
            "last and give up as in the last four weeks, and the same people are there at the same hours. That is a "
            "little kinder than life: the event log does not say what else people were busy with."
            + (" What comes in above the forecast counts here, though it is excluded from SLA." * outlook.counts_all)
        ),
        "levels": [_risk(outlook, level.name) for level in outlook.levels if level.expected is not None],
        "credits": f"{credits['expected']:,.2f} {currency}",
        "any": f"{credits['any_percent']:.0f} %",
        "worst": f"{credits['at_most_in_19_of_20']:,.2f} {currency}",
        "charges": _amount(outlook.estimates.of("money", EVERY, "charges"), currency),
    }


def _risk(outlook: Outlook, name: str) -> dict[str, str]:
    attained, met = (outlook.estimates.of("level", name, measure) for measure in ("attained", "met"))
    if attained is None or met is None:
        return {"name": name, "attained": "not simulated", "risk": "–", "mood": ""}
    risk = 100 - met.mean
    mood = "late" if risk > RISKY else "calm" if risk < SAFE else "close"
    words = f"{attained.mean:,.2f} ± {attained.half:,.2f}"
    return {"name": name, "attained": words, "risk": f"{risk:.0f} %", "mood": mood}


def _amount(found: Estimate | None, currency: str) -> str:
    return f"{found.mean:,.2f} {currency}" if found else "–"
