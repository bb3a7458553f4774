"""How fairly a month went, from the journal."""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workfloor.core.journal.models import Fact
from workfloor.core.people.models import Person
from workfloor.ops.fairness import rules

# Work that waits and people who are there when a month begins came before, at most so long ago.
BEFORE = timedelta(days=31)


class NoPeriod(ValueError):
    """What was given is no month."""


@dataclass(frozen=True)
class Fairness:
    """A month: what was passed over, each person's share with their name, mean and spread of occupancy."""

    period: str
    offers: int
    passed_over: list[rules.Passed]
    shares: list[tuple[str, rules.Share]]
    occupancy: tuple[float, float] | None


def fairness(period: str, now: datetime) -> Fairness:
    """Look at a month such as 2026-11, in UTC: the people of several contracts and zones share one floor.

    The caller has entered every client. Raises NoPeriod.
    """
    start, end = _bounds(period)
    end = min(end, max(now, start))
    shares = rules.shares(_facts(start - BEFORE, end), start, end)
    names = dict(Person.objects.filter(id__in=[each.person_id for each in shares]).values_list("id", "name"))
    passed = [each for each in rules.passed_over(_facts(start - BEFORE, end)) if each.at >= start]
    named = sorted((names.get(each.person_id, ""), each) for each in shares)
    return Fairness(period, sum(each.offered for each in shares), passed, named, rules.spread(shares))


def _bounds(period: str) -> tuple[datetime, datetime]:
    if not (found := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", period)) or int(found[1]) < 1900:
        raise NoPeriod(f"“{period}” is no month; write it like 2026-11")
    year, month = int(found[1]), int(found[2])
    start = datetime(year, month, 1, tzinfo=UTC)
    return start, start + timedelta(days=calendar.monthrange(year, month)[1])


def _facts(start: datetime, end: datetime) -> Iterator[Fact]:
    about = Fact.objects.filter(at__gte=start, at__lt=end, event__regex=r"^(work|person)\.").order_by("id")
    return about.iterator(chunk_size=5_000)
