"""Why a target was missed, hour by hour; and the month ahead as a scenario made of the weeks just past."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from workfloor.core.contracts.levels import Forecast, ServiceLevel
from workfloor.core.contracts.terms import Contract
from workfloor.ops.routing.pools import Queue
from workfloor.ops.simulation import scenarios
from workfloor.ops.simulation.scenarios import Past, Scenario, Work

# What makes an hour harder than those in which the target was met.
CAUSES = ("volume", "handling", "people")
WEEKS = 4  # how much of the past says what lies ahead
HORIZON = WEEKS * 7 * 86400.0


@dataclass(slots=True)
class Hour:
    """What came in one hour for the queues of a target, as far as the level counts it, and who worked."""

    starts_at: datetime  # local
    counted: int = 0
    missed: int = 0
    answered: int = 0
    handled_seconds: int = 0
    people: set[str] = field(default_factory=set)

    @property
    def handling(self) -> float:
        """Mean handling time in seconds, 0 where nothing was handled."""
        return self.handled_seconds / self.answered if self.answered else 0.0


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for misses: how many of them are put down to it, and by how much those hours differed, in percent."""

    name: str
    missed: float
    differed: float


def is_short(level: ServiceLevel, counted: int, missed: int) -> bool:
    """Say whether so many misses of so many miss a target that is a share."""
    if not counted or level.expected is None:
        return False
    share = 100 * missed / counted
    return share > level.expected if level.lower_is_better else 100 - share < level.expected


def causes(level: ServiceLevel, hours: Iterable[Hour]) -> list[Cause]:
    """Put the misses of the hours that missed a target down to what was different in them, the most first.

    The load on each person is contacts times handling time by people. Its logarithm is a sum, so that of each hour's
    load against that of the hours that met the target (those at the same time of day, where there are some), each
    part has its share. The misses of an hour go by the parts that made it harder; what no part explains, as in hours
    that were no harder than others, is left over as "chance".
    """
    every = [hour for hour in hours if hour.counted]
    short = [hour for hour in every if is_short(level, hour.counted, hour.missed)]
    kept = [hour for hour in every if not is_short(level, hour.counted, hour.missed)]
    missed, differed = dict.fromkeys((*CAUSES, "chance"), 0.0), dict.fromkeys((*CAUSES, "chance"), 0.0)
    for hour in short:
        parts = _harder(hour, [each for each in kept if each.starts_at.hour == hour.starts_at.hour] or kept)
        whole = sum(each for each in parts.values() if each > 0)
        for name, part in parts.items() if whole > 0 else [("chance", 0.0)]:
            weight = hour.missed * (max(part, 0.0) / whole if whole > 0 else 1.0)
            missed[name] += weight
            differed[name] += weight * part
    found = [
        Cause(name, weight, 100 * (math.exp(differed[name] / weight) - 1)) for name, weight in missed.items() if weight
    ]
    return sorted(found, key=lambda each: -each.missed)


def _harder(hour: Hour, others: Sequence[Hour]) -> dict[str, float]:
    """Return by how much each part makes an hour harder than others, as logarithms; nothing without others."""
    if not others:
        return {}
    count = len(others)
    usual = {
        "volume": sum(each.counted for each in others) / count,
        "handling": _mean(each.handling for each in others if each.answered),
        "people": sum(len(each.people) for each in others) / count,
    }
    here = {"volume": float(hour.counted), "handling": hour.handling, "people": float(len(hour.people))}
    parts = {name: math.log(here[name] / usual[name]) for name in CAUSES if here[name] > 0 and usual[name] > 0}
    return parts | ({"people": -parts["people"]} if "people" in parts else {})


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found) if found else 0.0


def by_time_of_week(hours: Iterable[Hour]) -> dict[tuple[int, int], tuple[int, int]]:
    """Add up what was counted and missed by weekday (Monday is 0) and hour of the day."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for hour in hours:
        key = hour.starts_at.weekday(), hour.starts_at.hour
        counted, missed = found.get(key, (0, 0))
        found[key] = counted + hour.counted, missed + hour.missed
    return found


def forecast(forecasts: Sequence[Forecast], day: date) -> float | None:
    """Return how much was expected on a day in all queues together; None where nothing was agreed for it.

    A forecast by the month is spread evenly over its days.
    """
    groups: dict[tuple[str, ...], Forecast] = {}
    for each in forecasts:
        if each.starts_on <= day:
            groups[tuple(sorted(each.of))] = each
    amounts = [_of_day(each, day) for each in groups.values()]
    known = [each for each in amounts if each is not None]
    return math.fsum(known) if known else None


def _of_day(agreed: Forecast, day: date) -> float | None:
    if agreed.month is not None:
        first = day.replace(day=1)
        return agreed.month / ((first + timedelta(days=31)).replace(day=1) - first).days
    return float(agreed.week[day.weekday()]) if day.weekday() in agreed.week else None


# --- what lies ahead ------------------------------------------------------------------------------------------------


def counting_all(contract: Contract) -> tuple[Contract, bool]:
    """Return the contract as if nothing above a forecast were left out, and whether that differs from it.

    A simulation does not know which contacts those are; with them, a target can only look harder to keep.
    """
    levels = tuple(replace(level, above_forecast=None) for level in contract.service_levels)
    return replace(contract, service_levels=levels), levels != contract.service_levels


def ahead(
    contract: Contract, queues: Mapping[str, Queue], past: Sequence[Past], starts_at: datetime
) -> Scenario | None:
    """Return four weeks from a time on, as the four before it were: what came by hour of the week, how long it took,
    who was there and when. None where nothing came.
    """
    began = starts_at - timedelta(seconds=HORIZON)
    recorded = [each for each in past if began <= each.queued_at < starts_at and each.queue in queues]
    names = [name for name in queues if any(each.queue == name for each in recorded)]
    asked = {name: queues[name].requires for name in names}
    groups = scenarios.recorded_groups(recorded, asked, began, HORIZON)
    if not names or not groups:
        return None
    wrap_ups = scenarios.wrap_ups(recorded)
    terms = contract.queues()
    works = tuple(
        Work(
            name=name,
            queue=queues[name],
            target=float(terms[name].answer_within_seconds or scenarios.TARGET_SECONDS),
            cycle=3600.0,
            rates=_rates(recorded, name, began),
            handling=scenarios.handling_times(recorded, name),
            wrap_up=wrap_ups.get(name, scenarios.Spread()),
            patience=scenarios.patience(recorded, name),
        )
        for name in names
    )
    more: dict[str, Any] = {"every": 3600.0, "contract": contract, "currency": contract.currency}
    return Scenario("What lies ahead", starts_at, contract.zone, HORIZON, works, tuple(groups), **more)


def _rates(past: Iterable[Past], queue: str, began: datetime) -> tuple[float, ...]:
    """Return arrivals a second for each hour of a week, as they were in the mean of the weeks."""
    came = [0.0] * (7 * 24)
    for each in past:
        if each.queue == queue:
            came[int((each.queued_at - began) / timedelta(hours=1)) % len(came)] += 1
    return tuple(contacts / WEEKS / 3600 for contacts in came)
