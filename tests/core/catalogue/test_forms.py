"""Every form of a measure comes to the same: its rule, SQL over the items, rollups, the counters of a simulation."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import make
from tests.core.catalogue import lives
from tests.ops.simulation import floors
from workfloor.core.catalogue import entries
from workfloor.core.catalogue.declaring import Measure, Without
from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.claims.rules import Event
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.levels import ServiceLevel
from workfloor.core.contracts.models import Queue
from workfloor.core.contracts.terms import Contract
from workfloor.core.measures import actions as measures
from workfloor.core.measures import catalogue
from workfloor.core.measures import queries as measures_queries
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.time import calendars
from workfloor.kit.time.calendars import Window
from workfloor.ops.simulation import counters, projections, scenarios

pytestmark = pytest.mark.usefixtures("everyone")

ZONES = ("Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Australia/Sydney", "Pacific/Apia")
THRESHOLDS = {"answered-within": 20, "first-response-within": 3600, "resolved-within": 3600}
BASES = {
    "answered-within": ("answered", "offered", "offered-less-short-abandons"),
    "abandoned": ("offered", "offered-less-short-abandons"),
}


@st.composite
def levels(draw: st.DrawFn, measure: Measure) -> ServiceLevel:
    """A level of a measure as a contract may have it."""
    per = draw(st.sampled_from(BASES[measure.name])) if measure.name in BASES else None
    days = draw(st.sampled_from([3600, 86400, 2 * 86400]))
    has_threshold = measure.name.endswith(("-within", "-older-than")) or measure.name == "first-contact-resolution"
    return ServiceLevel(
        "Level",
        measure.name,
        tuple(draw(st.lists(st.sampled_from(list(lives.QUEUES)), min_size=1, unique=True))),
        THRESHOLDS.get(measure.name, days) if has_threshold else None,
        per,
        5 if per == "offered-less-short-abandons" else None,
        window="month" if measure.shape == "count-at-end" else draw(st.sampled_from(["day", "week", "month"])),
        exclude=() if measure.looks_at_ends else draw(st.sampled_from([(), ("client-outage",)])),
    )


outages = st.builds(
    lambda after, minutes, queues: Event(
        1,
        "client-outage",
        lives.FIRST + timedelta(minutes=after),
        lives.FIRST + timedelta(minutes=after + minutes),
        queues,
    ),
    st.integers(0, 7000),
    st.sampled_from([15, 31, 600]),
    st.sampled_from([(), ("calls",), ("mail", "chats")]),
)


def in_zone(contract: Contract, zone: str) -> Contract:
    """The same contract with its months and working hours by another clock."""
    moved = {name: replace(terms, zone=zone) for name, terms in contract.calendars.items()}
    return replace(contract, zone=zone, calendars=moved)


def windows(contract: Contract, level: ServiceLevel) -> list[Window]:
    """The windows in which anything happened."""
    every = (each for month in ("2026-03", "2026-04") for each in catalogue.windows(contract, level, month, lives.NOW))
    return [each for each in every if each.ends_at > lives.FIRST]


def working(contract: Contract, queue: str):
    return partial(calendars.working_seconds, contracts_terms.calendar_of(contract, queue))


# --- the four forms ------------------------------------------------------------------------------------------------


def by_rule(
    contract: Contract, level: ServiceLevel, window: Window, month: Sequence[Outcome], out: Sequence[Event]
) -> catalogue.Figure:
    if entries.BY_NAME[level.measure].looks_at_ends:
        return catalogue.backlog(level, month, catalogue.ends_of(contract, level, window, lives.NOW))
    own = [item for item in month if window.starts_at <= item.received_at < window.ends_at]
    excluded = catalogue.excluded(level, own, out, ())
    late = {
        item.item_id
        for item in own
        if not (item.done or item.abandoned_at or item.cancelled_at)
        and catalogue.is_late(level, item, lives.NOW, working(contract, item.queue))
    }
    return catalogue.figure(level, own, late, excluded, lives.NOW)


def scope_of(contract: Contract, window: Window, out: Sequence[Event], by_items: bool) -> measures_queries.Scope:
    client = make.client()
    queues = dict(Queue.objects.filter(client=client).values_list("name", "id"))
    return measures_queries.Scope(client.id, contract, queues, lives.NOW, by_items, _events={window: list(out)})


def opens_to_what_it_counts(
    scope: measures_queries.Scope, level: ServiceLevel, window: Window, figure: catalogue.Figure
) -> bool:
    """Whether the items behind a figure are as many as it counts, and as many of them met it."""
    asked = measures_queries.items_of_level(scope, level, window, level.of)
    values = [value for *_, value in measures_queries.rows(asked)]
    if entries.BY_NAME[level.measure].shape == "share-at-ends":
        return sum(values) == figure.met
    return len(values) == figure.counted and figure.met in (None, values.count(True))


def counted_by_a_simulation(contract: Contract, level: ServiceLevel, month: Iterable[Outcome]) -> list[float]:
    """Count contacts as the twin does: those that it could have had."""
    names = list(lives.QUEUES)
    works = [floors.work(name, number) for number, name in enumerate(names)]
    scenario = floors.floor(
        works, [floors.group(1)], hours=200, contract=replace(contract, service_levels=(level,)), starts_at=lives.FIRST
    )
    world = scenarios.world(scenario, 0)
    for item in month:
        queue, since = names.index(item.queue), (item.received_at - lives.FIRST).total_seconds()
        if item.connected_at:
            talk = float(item.talk_seconds + item.hold_seconds)
            waited = item.waited(item.connected_at).total_seconds()
            counters.count_answered(world, queue, since, waited, talk, float(item.wrap_seconds))
        else:
            fate = counters.ABANDONED if item.abandoned_at else counters.OFFERED
            waited = item.waited(item.abandoned_at).total_seconds() if item.abandoned_at else float("inf")
            counters.count_unanswered(world, queue, since, waited, fate)
    return projections.sums_of_level(scenario, counters.Tally(world.counts, world.busy, world.levels), 0)


def could_be_simulated(item: Outcome) -> bool:
    return not item.cancelled_at and (item.done or not item.connected_at)


often = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def talking_to(ana: Person) -> Item:
    """A call that somebody has in hand."""
    call = make.item("calls", at=lives.FIRST + timedelta(hours=9))
    at = call.received_at + timedelta(seconds=20)
    call = work.offer(item=call, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=at)
    return work.accept(item=call, by=ana, now=at)


@pytest.fixture
def ana(everyone) -> Person:
    return make.agent()


@pytest.fixture
def agreed(everyone) -> Contract:
    return contracts_queries.in_force(make.client(chats=True).id, lives.NOW).contract


# Availability counts time and has no forms of items.
@pytest.mark.parametrize(
    "measure", [each for each in entries.AGREED if isinstance(each.sql, str)], ids=lambda each: each.name
)
@often
@given(
    month=st.lists(lives.lives, max_size=25),
    out=st.lists(outages, max_size=2),
    zone=st.sampled_from(ZONES),
    folded=st.booleans(),
    in_hand=st.booleans(),
    data=st.data(),
)
def test_every_form_of_a_measure_comes_to_the_same(agreed, ana, measure, month, out, zone, folded, in_hand, data):
    items = lives.store(make.client(), month)
    if in_hand:
        items = [*items, talking_to(ana)]
    if folded:
        measures.fold(client_id=make.client().id)
    contract, level = in_zone(agreed, zone), data.draw(levels(measure))
    outcomes = [lives.outcome(item, items) for item in items]
    out = sorted(out, key=lambda event: event.starts_at)

    window = data.draw(st.sampled_from(windows(contract, level)))
    items_alone, rolled_up = (scope_of(contract, window, out, by_items=each) for each in (True, False))
    by_items, by_rollups = (measures_queries.figures(scope, level, window) for scope in (items_alone, rolled_up))
    for queue in (None, *level.of):
        alone = replace(level, of=(queue,)) if queue else level
        figure = by_rule(contract, alone, window, outcomes, out)
        assert by_items.get(queue, catalogue.nothing(level)) == figure
        assert by_rollups.get(queue, catalogue.nothing(level)) == figure
    assert opens_to_what_it_counts(items_alone, level, window, by_items[None])
    if not isinstance(measure.simulation, Without):
        _holds_for_a_simulation(contract, replace(level, exclude=()), outcomes)


def _holds_for_a_simulation(contract: Contract, level: ServiceLevel, outcomes: Sequence[Outcome]) -> None:
    measure = entries.BY_NAME[level.measure]
    had = [item for item in outcomes if could_be_simulated(item)]
    waiting = {item.item_id for item in had if not (item.done or item.abandoned_at)}
    if measure.shape == "longest":  # who waits without end in a simulation is left, and not the longest
        had = [item for item in had if item.item_id not in waiting]
    figure = catalogue.figure(level, had, waiting)
    counted, met, total, longest = counted_by_a_simulation(contract, level, had)

    assert counted == figure.counted
    if measure.unit == "percent":
        assert met == figure.met
    elif figure.counted and measure.shape == "longest":
        assert longest == pytest.approx(float(figure.attained), abs=1e-4)
    elif figure.counted and measure.unit == "seconds":
        assert total / counted == pytest.approx(float(figure.attained), abs=1e-4)


@pytest.mark.parametrize(
    ("name", "met"), [("first-contact-resolution", {0: 0, 1: 1}), ("repeat-contact-within", {0: 1, 1: 0})]
)
@pytest.mark.parametrize("late", [0, 1])
def test_who_comes_again_in_the_last_instant_of_the_days_has_come_within_them(agreed, name, met, late):
    """A call that ends as it begins, and another of the same case a day later to the microsecond, or one later."""
    again = lives.FIRST + timedelta(days=1, microseconds=late)
    items = lives.store(
        make.client(),
        [
            lives.Life(lives.FIRST, 0, "calls", 1, [("accept", 0, 0), ("end", 0, 0), ("wrap-up", 0, 0)]),
            lives.Life(again, 0, "calls", 1, []),
        ],
    )
    level = ServiceLevel("Level", name, ("calls",), 86400)
    [window] = [each for each in windows(agreed, level) if each.name.startswith("2026-03")]
    figure = measures_queries.figures(scope_of(agreed, window, (), by_items=True), level, window)[None]

    assert (figure.counted, figure.met) == (1, met[late])
    assert figure == by_rule(agreed, level, window, [lives.outcome(item, items) for item in items], ())


def test_the_lives_reach_what_the_measures_tell_apart():
    """Were nobody ever to abandon or be passed on, the forms would be equal of nothing."""
    queues = {name: Queue(id=number, process_id=1) for number, name in enumerate(lives.QUEUES, 1)}

    def ends(*steps: str) -> str:
        life = lives.Life(lives.FIRST, 0, "calls", 0, [(step, 1, 3600) for step in steps])
        return lives.lived(life, queues, 1).state

    assert ends() == "waiting"
    assert ends("accept", "hold", "resume", "transfer") == "waiting"
    assert ends("accept", "hold", "resume", "transfer", "accept", "end") == "done"
    assert ends("abandon") == "abandoned"
    assert ends("accept", "end", "wrap-up", "reopen", "cancel") == "cancelled"
    assert datetime.fromisoformat("2026-04-01T09:07:30+00:00") == lives.NOW
