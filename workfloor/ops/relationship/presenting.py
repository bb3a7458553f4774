"""A review as plain values for programs, and in words and charts for the page and the paper."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.utils import dateformat
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.kit.figures import charts
from workfloor.kit.text import locales
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


NOTHING = gettext_noop("Nothing came in the last four weeks that projections could be made from.")


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
        "nothing_ahead": _(nothing),
    }


def _last_day(review: Review) -> date:
    return review.volumes[-1][0]


def _summary(review: Review) -> Iterator[str]:
    """What one would say first."""
    judged = [each for each in review.levels if each.row["verdict"]]
    missed = [each for each in judged if each.row["verdict"] != "met"]
    if judged:
        yield _("{met} of {judged} service levels were met.").format(met=len(judged) - len(missed), judged=len(judged))
    owed = list(review.worded["credits"])
    if owed:
        yield _("Credits: {credits}, of charges of {charges}.").format(
            credits=", ".join(each["amount"] for each in owed), charges=review.worded["charges"]
        )
    for each in missed:
        if each.causes and each.causes[0].name != "chance":
            first, whole = each.causes[0], sum(cause.missed for cause in each.causes)
            share = f"{100 * first.missed / whole:.0f} %"
            yield _("{level}: {share} of what bad hours missed is put down to {cause}.").format(
                level=each.level.name, share=share, cause=_because(first)
            )
    yield _volume_says(review)


TITLES = {
    "volume": gettext_noop("More contacts"),
    "handling": gettext_noop("Longer handling"),
    "people": gettext_noop("Fewer people"),
    "chance": gettext_noop("No more than usual"),
}


def _because(cause: Cause) -> str:
    """Word what was different in the hours that a cause stands for."""
    if cause.name == "people":
        return _("{share:.0f} % fewer people than in hours that met it").format(
            share=100 - 10000 / (100 + cause.differed)
        )
    what = {"volume": _("more contacts"), "handling": _("longer handling")}.get(cause.name)
    return (
        _("{differed:.0f} % {what} than in hours that met it").format(differed=cause.differed, what=what)
        if what
        else _("hours no harder than others")
    )


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
                "title": _(TITLES[each.name]),
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
            yield _("{day}: {missed:,} of {counted:,} missed").format(
                day=dateformat.format(day, "l j F"), missed=missed, counted=counted
            )


def _unit(target: LevelReview) -> str:
    return " %" if target.row["unit"] == "percent" else " s"


def _trend(target: LevelReview) -> charts.Chart:
    unit, names = _unit(target), [name for name, _row in target.trend]
    values = [row["attained"] if row else None for _name, row in target.trend]
    missed = [row["attained"] if row and row["verdict"] not in (None, "met") else None for _name, row in target.trend]
    expected = [row["expected"] if row else None for _name, row in target.trend]
    traces = [
        charts.Trace(_("attained"), "first", values),
        charts.Trace(
            _("met"), "first", [None if bad is not None else v for v, bad in zip(values, missed, strict=True)], "dots"
        ),
        charts.Trace(_("missed"), "missed", missed, "dots"),
        charts.Trace(_("expected"), "target", expected, "steps"),
    ]
    down = [((n + 0.5) / len(names), name) for n, name in enumerate(names)]
    title = _("{level}, month by month").format(level=target.level.name)
    return charts.chart(title, charts.said(values, unit), traces, down, unit, _bounds(target))


def _days(target: LevelReview) -> charts.Chart:
    level, unit = target.level, _unit(target)

    def share(counted: int, missed: int) -> float | None:
        return None if not counted else 100 * (missed if level.lower_is_better else counted - missed) / counted

    values = [share(counted, missed) for _day, counted, missed in target.days]
    expected = target.row["expected"]
    bad = [
        value if value is not None and (value > expected if level.lower_is_better else value < expected) else None
        for value in values
    ]
    traces = [
        charts.Trace(_("that day"), "first", values),
        charts.Trace(_("missed"), "missed", bad, "dots"),
        charts.Trace(_("expected"), "target", [expected] * len(values), "steps"),
    ]
    count = sum(value is not None for value in bad)
    says = _("{range}; missed on {missed} of {days} days").format(
        range=charts.said(values, unit), missed=count, days=len(values)
    )
    days = [day for day, _counted, _missed in target.days]
    return charts.chart(
        _("{level}, day by day").format(level=level.name), says, traces, _day_labels(days), unit, _bounds(target)
    )


def _bounds(target: LevelReview) -> tuple[float | None, float | None]:
    return (None, 100.0) if _unit(target) == " %" and not target.level.lower_is_better else (0.0, None)


def _day_labels(days: Sequence[date]) -> list[charts.Label]:
    step = -(-len(days) // 12)
    return [((n + 0.5) / len(days), locales.written(day, "day_of_year")) for n, day in enumerate(days) if n % step == 0]


def _heat(target: LevelReview) -> dict[str, Any] | None:
    """Lay the misses out by weekday and hour; `heat` is how far an hour's share of misses goes, 0 to 4."""
    hours = sorted({hour for (_day, hour), (counted, _missed) in target.week.items() if counted})
    if not hours:
        return None
    rows = []
    for day, name in WEEKDAYS_ABBR.items():
        cells = [target.week.get((day, hour), (0, 0)) for hour in hours]
        if any(counted for counted, _missed in cells):
            worded = [
                {"text": f"{missed:,}" if counted else "", "heat": _degree(counted, missed)}
                for counted, missed in cells
            ]
            rows.append({"day": str(name), "cells": worded})
    return {"hours": [f"{hour:02}" for hour in hours], "rows": rows}


def _degree(counted: int, missed: int) -> int:
    return min(4, int(5 * missed / counted)) if counted else 0


def _money(name: str, stated: dict[str, Any]) -> dict[str, str]:
    owed = sum(float(each["amount"]) for each in stated["credits"])
    return {
        "month": name,
        "contacts": f"{stated['totals']['received']:,}",
        "charges": locales.number(float(stated["charges"]), 2),
        "credits": locales.number(owed, 2),
        "total": locales.number(float(stated["total"]), 2),
    }


def _volumes(review: Review) -> charts.Chart:
    counts = [float(count) for _day, count, _expected in review.volumes]
    traces = [charts.Trace(_("contacts"), "first", counts, "bars")]
    if any(expected is not None for _day, _count, expected in review.volumes):
        traces.append(
            charts.Trace(_("forecast"), "target", [expected for _day, _count, expected in review.volumes], "steps")
        )
    labels = _day_labels([day for day, _count, _expected in review.volumes])
    return charts.chart(
        _("Contacts by day"), _("{range} contacts a day").format(range=charts.said(counts, digits=0)), traces, labels
    )


def _volume_says(review: Review) -> str:
    came = sum(count for _day, count, _expected in review.volumes)
    agreed = [(count, expected) for _day, count, expected in review.volumes if expected is not None]
    words = _("{came:,} contacts came").format(came=came)
    if agreed:
        count, expected = sum(each for each, _of in agreed), sum(each for _of, each in agreed)
        words += (
            _(", {change:+.1f} % against the forecast").format(change=100 * (count / expected - 1)) if expected else ""
        )
    if len(review.months) > 1:
        before = review.months[-2][1]["totals"]["received"] - review.months[-2][1]["totals"]["cancelled"]
        words += (
            _(", {change:+.1f} % against the month before").format(change=100 * (came / before - 1)) if before else ""
        )
    return words + ("." if agreed else _("; no forecast is agreed."))


def worded_action_item(found: relationship_models.ActionItem, on: date) -> dict[str, str]:
    """Word what was agreed to be done, as it stands on a day."""
    late = found.done_at is None and found.until < on
    done = _("done {day}").format(day=locales.written(found.done_at, "long_day")) if found.done_at else ""
    state = done or (_("late") if late else _("open"))
    return {
        "id": str(found.id),
        "who": found.who,
        "what": found.what,
        "until": locales.written(found.until, "long_day"),
        "state": state,
        "mood": "calm" if found.done_at else "late" if late else "close",
        "note": found.note,
    }


def ahead(outlook: Outlook, currency: str) -> dict[str, Any]:
    """Word what lies ahead: how likely each target is to be missed, and the credits."""
    credits = _credits(outlook)
    return {
        "about": (
            _(
                "The next four weeks, simulated {replications} times under the rules that route: contacts come, "
                "last and give up as in the last four weeks, and the same people are there at the same hours. "
                "That is a little kinder than life: the event log does not say what else people were busy with."
            ).format(replications=outlook.replications)
            + (_(" What comes in above the forecast counts here, though it is excluded from SLA.") * outlook.counts_all)
        ),
        "levels": [_risk(outlook, level.name) for level in outlook.levels if level.expected is not None],
        "credits": f"{locales.number(credits['expected'], 2)} {currency}",
        "any": f"{credits['any_percent']:.0f} %",
        "worst": f"{locales.number(credits['at_most_in_19_of_20'], 2)} {currency}",
        "charges": _amount(outlook.estimates.of("money", EVERY, "charges"), currency),
    }


def _risk(outlook: Outlook, name: str) -> dict[str, str]:
    attained, met = (outlook.estimates.of("level", name, measure) for measure in ("attained", "met"))
    if attained is None or met is None:
        return {"name": name, "attained": _("not simulated"), "risk": "–", "mood": ""}
    risk = 100 - met.mean
    mood = "late" if risk > RISKY else "calm" if risk < SAFE else "close"
    words = f"{locales.number(attained.mean, 2)} ± {locales.number(attained.half, 2)}"
    return {"name": name, "attained": words, "risk": f"{risk:.0f} %", "mood": mood}


def _amount(found: Estimate | None, currency: str) -> str:
    return f"{locales.number(found.mean, 2)} {currency}" if found else "–"
