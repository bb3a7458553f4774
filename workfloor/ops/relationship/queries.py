"""A month as it is gone through with the client: what was agreed and attained, why it was missed, what lies ahead."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures import catalogue
from workfloor.core.periods import presenting as periods_presenting
from workfloor.core.periods import queries as periods_queries
from workfloor.core.work.kinds import BEGUN_BY_US
from workfloor.core.work.models import Item
from workfloor.kit import declarations
from workfloor.kit.time import calendars
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements
from workfloor.ops.relationship import causes as relationship_causes
from workfloor.ops.relationship import models as relationship_models
from workfloor.ops.simulation import projections, scenario_file, scenarios
from workfloor.ops.simulation import queries as simulation_queries
from workfloor.ops.simulation import runs as simulation_runs
from workfloor.ops.simulation.projections import Estimates

MONTHS = 12  # how far back the trend goes
REPLICATIONS = 20
MOST_CONTACTS = 200_000  # of four weeks; beyond it, looking ahead takes longer than anybody waits

Plain = dict[str, Any]


class NotSimulated(ValueError):
    """So much came, or the contract counts so, that nothing is simulated; the message says why."""


@dataclass(frozen=True, slots=True)
class LevelReview:
    """A target of the month: its row of the statement, its figures month by month, its days, why it was missed."""

    level: ServiceLevel
    row: Plain
    trend: tuple[tuple[str, Plain | None], ...]
    days: tuple[tuple[date, int, int], ...]  # counted, missed
    causes: tuple[relationship_causes.Cause, ...]
    week: Mapping[tuple[int, int], tuple[int, int]]  # by weekday and hour: counted, missed
    queues: tuple[Plain, ...]  # its rows by queue


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the four weeks to come come to, when they are as the four before: by target, and the credits."""

    replications: int
    estimates: Estimates
    credits: tuple[float, ...]
    levels: tuple[ServiceLevel, ...]
    counts_all: bool  # also what comes in above the forecast, which the contract would leave out


@dataclass(frozen=True, slots=True)
class Review:
    """A client's month, with what is left to be done."""

    client: Client
    contract: Contract
    period: str
    month: Plain  # its statement
    worded: Plain  # the same in words
    months: tuple[tuple[str, Plain], ...]  # the statements of the trend, this one last
    levels: tuple[LevelReview, ...]
    volumes: tuple[tuple[date, int, float | None], ...]  # day, contacts, forecast
    disputes: tuple[dict[str, str], ...]
    action_items: tuple[relationship_models.ActionItem, ...]


def review(client: Client, period: str, *, now: datetime) -> Review:
    """Put a client's review of a month together; the client must have been entered.

    Raises billing.NoStatement as a statement does.
    """
    stated = billing_presenting.stated(client, period, now=now)
    month: Plain = json.loads(stated.plain)
    months = (*_before(client, period, now), (period, month))
    first = datetime.fromisoformat(month["period"]["from"])
    contract = contracts_queries.in_force(client.id, first).contract
    hours = _Hours(client, contract.zone, *_bounds(month))
    reviewed = tuple(_levels_in_words(client, contract, month, months, hours, now))
    volumes = tuple(
        (day, count, relationship_causes.forecast(contract.forecasts, day)) for day, count in hours.by_day()
    )
    return Review(
        client,
        contract,
        period,
        month,
        stated.printed,
        months,
        reviewed,
        volumes,
        tuple(periods_presenting.worded_dispute(each) for each in periods_queries.disputes(client.id, period)),
        tuple(action_items(client, since=first)),
    )


def _stated(client: Client, period: str, now: datetime) -> Plain:
    found: Plain = json.loads(billing_presenting.stated(client, period, now=now).plain)
    return found


def _bounds(month: Plain) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(month["period"]["from"]), datetime.fromisoformat(month["period"]["to"])


def _before(client: Client, period: str, now: datetime) -> Iterator[tuple[str, Plain]]:
    """The statements of the months before in which work arrived, as far back as the trend goes."""
    earlier = sorted(name for name in statements.months(client) if name < period)[1 - MONTHS :]
    for name in earlier:
        try:
            yield name, _stated(client, name, now)
        except statements.NoStatement:
            continue


def _levels_in_words(
    client: Client,
    contract: Contract,
    month: Plain,
    months: Iterable[tuple[str, Plain]],
    hours: "_Hours",
    now: datetime,
) -> Iterator[LevelReview]:
    every = tuple(months)
    for level in contract.service_levels:
        row = next((each for each in month["measures"] if each["name"] == level.name and not each["queue"]), None)
        if level.expected is None or row is None:
            continue
        trend = tuple((name, _row(stated, level.name)) for name, stated in every)
        own: list[relationship_causes.Hour] = []
        if level.measure in catalogue.SHARES:
            subject = statements.subject(client, month["period"]["name"], row["id"], now=now)
            own = hours.of(level, statements.items_behind(subject))
        days: dict[date, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for hour in own:
            day = calendars.day_of(hour.starts_at, contract.zone)
            counted, missed = days[day]
            days[day] = counted + hour.counted, missed + hour.missed
        queues = tuple(each for each in month["measures"] if each["name"] == level.name and each["queue"])
        yield LevelReview(
            level,
            row,
            trend,
            tuple((day, *each) for day, each in sorted(days.items())),
            tuple(relationship_causes.causes(level, own)),
            relationship_causes.by_time_of_week(own),
            queues,
        )


def _row(stated: Plain, name: str) -> Plain | None:
    return next((each for each in stated["measures"] if each["name"] == name and not each["queue"]), None)


class _Hours:
    """The month's items, read once, by hour."""

    def __init__(self, client: Client, zone: str, starts_at: datetime, ends_at: datetime) -> None:
        self._zone = ZoneInfo(zone)
        columns = (
            "id",
            "queue__name",
            "received_at",
            "connected_at",
            "state",
            "talk_seconds",
            "hold_seconds",
            "wrap_seconds",
            "agent_label",
            "done_by_id",
        )
        found = Item.objects.filter(client=client, received_at__gte=starts_at, received_at__lt=ends_at)
        found = found.exclude(kind__in=BEGUN_BY_US)
        self._items = list(found.order_by("received_at", "id").values_list(*columns))
        self._last = ends_at - timedelta(seconds=1)
        self._first = starts_at

    def by_day(self) -> Iterator[tuple[date, int]]:
        """How many contacts came on each day, those cancelled left out."""
        counts: dict[date, int] = defaultdict(int)
        for item in self._items:
            counts[calendars.day_of(item[2], self._zone)] += item[4] != "cancelled"
        day, last = (calendars.day_of(at, self._zone) for at in (self._first, self._last))
        while day <= last:
            yield day, counts[day]
            day += timedelta(days=1)

    def of(self, level: ServiceLevel, counted: Iterable[Any]) -> list[relationship_causes.Hour]:
        """The hours of a target, with what it counts and missed in each, and who worked for its queues."""
        values = {each.item_id: bool(each.value) == level.lower_is_better for each in counted}
        found: dict[datetime, relationship_causes.Hour] = {}
        for number, queue, received, connected, _disposition, talk, hold, wrap, label, done_by in self._items:
            if queue not in level.of:
                continue
            at = received.astimezone(self._zone).replace(minute=0, second=0, microsecond=0)
            hour = found.setdefault(at, relationship_causes.Hour(at))
            if number in values:
                hour.counted += 1
                hour.missed += values[number]
            if connected:
                hour.answered += 1
                hour.handled_seconds += talk + hold + wrap
                hour.people |= {label or str(done_by)} - {"None", ""}
        return [found[at] for at in sorted(found)]


# --- action_items ---------------------------------------------------------------------------------------------------


def action_items(client: Client, since: datetime | None = None) -> QuerySet[relationship_models.ActionItem]:
    """What was agreed to be done, the most urgent first: all of it, or what was not done before a time."""
    found = relationship_models.ActionItem.objects.filter(client=client).order_by("until", "id")
    return found.exclude(done_at__lt=since) if since else found


def _every_action_item() -> QuerySet[relationship_models.ActionItem]:
    return relationship_models.ActionItem.objects.select_related("client").order_by("until", "id")


declarations.register.name(
    declarations.Handle(
        relationship_models.ActionItem,
        "action item",
        declarations.by_number(_every_action_item),
        lambda: _every_action_item().filter(done_at=None),
        lambda found: str(found.id),
        see="relationship action-item list CLIENT",
    )
)


# --- what lies ahead ------------------------------------------------------------------------------------------------


def outlook(client: Client, period: str, *, advance: Callable[[int], None] = lambda done: None) -> Outlook | None:
    """Simulate the four weeks after a month, as the last four of it were, under the policy that routes.

    None where nothing came in them, or no contract is in force then. Raises NotSimulated.
    """
    zone = contracts_queries.in_force_on(client.id, date.max).contract.zone
    starts_at = calendars.period_bounds(period, zone)[1]
    try:
        contract = contracts_queries.in_force(client.id, starts_at).contract
    except contracts_queries.NoContract:
        return None
    contract, counts_all = relationship_causes.counting_all(contract)
    if unknown := list(scenarios.unknown(contract)):
        raise NotSimulated(_("The contract {unknown}").format(unknown=" It ".join(unknown)))
    began = starts_at - timedelta(seconds=relationship_causes.HORIZON)
    past = list(simulation_queries.past(client, began, starts_at))
    if len(past) > MOST_CONTACTS:
        raise NotSimulated(
            _(
                "{count:,} contacts came in four weeks. Simulate them with a scenario: workfloor presales simulate."
            ).format(count=len(past))
        )
    scenario = relationship_causes.ahead(contract, scenario_file.queues(contract.queues().values()), past, starts_at)
    return _simulated(scenario, counts_all, advance) if scenario else None


def _simulated(scenario: scenarios.Scenario, counts_all: bool, advance: Callable[[int], None]) -> Outlook:
    made, credits = Estimates(), list[float]()
    for number in range(REPLICATIONS):
        tally = simulation_runs.run_one(partial(scenarios.world, scenario), None, number)
        figures = projections.figures(scenario, tally)
        made.add(figures)
        credits.append(figures["money", projections.EVERY, "credits"])
        advance(number + 1)
    return Outlook(REPLICATIONS, made, tuple(credits), scenario.levels, counts_all)
