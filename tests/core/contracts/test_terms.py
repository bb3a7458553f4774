"""What a contract asks for, and the checks across its clauses."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make import CONTRACT
from workfloor.core.contracts import checks as contracts_checks
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts import pricing
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.contracts.terms import Queue, Ring
from workfloor.kit.time import calendars

SOUND = contracts_parsing.read(CONTRACT.format(slug="lisbon-light"))
CALLS = Queue("calls", "Calls", {"hebrew": 3, "banking": 2}, (Ring(30, {"banking": 1}), Ring(60, {"banking": 0})))


def places(contract: contracts_terms.Contract) -> list[str]:
    return [fault.place for fault in contracts_checks.check(contract)]


def with_level(**terms) -> contracts_terms.Contract:
    return replace(SOUND, service_levels=(replace(SOUND.service_levels[0], **terms),))


def with_price(**terms) -> contracts_terms.Contract:
    return replace(SOUND, prices=(replace(SOUND.prices[0], **terms),))


def with_queue(**terms) -> contracts_terms.Contract:
    process = SOUND.processes[0]
    return replace(
        SOUND,
        processes=(replace(process, queues=(replace(process.queues[0], **terms),)), *SOUND.processes[1:]),
    )


def with_calendar(**terms) -> contracts_terms.Contract:
    return replace(SOUND, calendars={"office": replace(SOUND.calendars["office"], **terms)})


@pytest.mark.parametrize(
    ("waited", "asked"),
    [
        (0, {"hebrew": 3, "banking": 2}),
        (29.9, {"hebrew": 3, "banking": 2}),
        (30, {"hebrew": 3, "banking": 1}),
        (60, {"hebrew": 3}),
    ],
)
def test_a_wait_lowers_what_is_asked_ring_by_ring(waited, asked):
    assert contracts_terms.requirements(CALLS, waited) == asked


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_longer_wait_never_asks_for_more(one, other):
    short, long = (contracts_terms.requirements(CALLS, waited) for waited in sorted((one, other)))

    assert all(short.get(skill, 0) >= level for skill, level in long.items())


def test_a_sound_contract_has_no_fault():
    assert contracts_checks.check(SOUND) == []


def tiers(*pairs: tuple[int | None, str]) -> tuple[pricing.Tier, ...]:
    return tuple(pricing.Tier(up_to, Decimal(rate)) for up_to, rate in pairs)


@pytest.mark.parametrize(
    ("contract", "place"),
    [
        (replace(SOUND, ends_on=date(2025, 1, 1)), "contract.ends_on"),
        (replace(SOUND, signed_on=date(2040, 1, 1)), "contract.ends_on"),
        (replace(SOUND, starts_on=date(1066, 1, 1)), "contract.starts_on"),
        (replace(SOUND, currency="EUX"), "contract.currency"),
        (replace(SOUND, zone="Europe/Lisbonne"), "contract.zone"),
        (replace(SOUND, country="EU"), "contract.country"),
        (with_calendar(holidays="XX"), "calendars.office.holidays"),
        (with_calendar(zone="Mars/Base"), "calendars.office.zone"),
        (with_calendar(week={}), "calendars.office.week"),
        (with_calendar(open_on=(date(2026, 3, 7),)), "calendars.office.open_on[0]"),  # a Saturday
        (replace(SOUND, calendars={}), "processes[0].calendar"),
        (with_queue(name="mail"), "processes[1].queues[0].name"),
        (with_queue(answer_within_seconds=0), "processes[0].queues[0].answer_within"),
        (with_queue(resolve_within_seconds=10), "processes[0].queues[0].resolve_within"),
        (with_queue(relax=(Ring(30, {"portuguese": 3}),)), "processes[0].queues[0].relax[0].portuguese"),
        (with_queue(relax=(Ring(30, {"latin": 1}),)), "processes[0].queues[0].relax[0].latin"),
        (
            with_queue(relax=(Ring(30, {"portuguese": 2}), Ring(20, {"portuguese": 1}))),
            "processes[0].queues[0].relax[1].after",
        ),
        (with_level(of=("calls", "gone")), "service_levels[0].of[1]"),
        (with_level(of=("calls", "calls")), "service_levels[0].of[1]"),
        (with_level(minimum=Decimal(81)), "service_levels[0].minimum"),
        (with_level(expected=Decimal("100.5")), "service_levels[0].expected"),
        (with_level(weight=Decimal(99)), "service_levels[0].weight"),
        (with_level(weight=None), "credits"),
        (with_level(threshold_seconds=0), "service_levels[0].threshold"),
        (with_level(expected=None, minimum=None), "service_levels[0].weight"),
        (with_level(measure="abandoned", minimum=Decimal(70)), "service_levels[0].minimum"),
        (replace(SOUND, credits=None), "service_levels[0].weight"),
        (replace(SOUND, credits=replace(SOUND.credits, cap=Decimal(101))), "credits.cap"),
        (replace(SOUND, credits=replace(SOUND.credits, at_risk=Decimal(0))), "credits.at_risk"),
        (replace(SOUND, credits=replace(SOUND.credits, pool=Decimal(0))), "credits.pool"),
        (with_price(of=("gone",)), "prices[0].of[0]"),
        (with_price(rate=None), "prices[0]"),
        (with_price(tiers=tiers((None, "1"))), "prices[0]"),
        (with_price(minimum=Decimal("1.005")), "prices[0].minimum"),
        (with_price(rate=None, tiers=tiers((10, "2"), (10, "1"), (None, "0.5"))), "prices[0].tiers[1].up_to"),
        (with_price(rate=None, tiers=tiers((None, "2"), (10, "1"))), "prices[0].tiers[0]"),
        (with_price(rate=None, tiers=tiers((10, "2"), (20, "1"))), "prices[0].tiers[1].up_to"),
        (replace(SOUND, prices=SOUND.prices * 2), "prices[1].title"),
        (replace(SOUND, service_levels=SOUND.service_levels * 2), "service_levels[1].name"),
    ],
)
def test_each_fault_is_found_at_its_place(contract, place):
    assert place in places(contract)


def week(**days: str) -> dict:
    return {day: (contracts_parsing._span(span),) for day, span in days.items()}


@pytest.mark.parametrize(
    ("hours", "fault"),
    [
        (week(mon="09:00-24:00", tue="00:00-09:00"), None),
        (week(mon="22:00-06:00", tue="05:00-09:00"), "calendars.office.week.tue[0]"),
        (week(mon="00:00-24:00", tue="00:00-24:00"), None),
        (week(sun="22:00-06:00", mon="06:00-09:00"), None),
        (week(sun="22:00-06:00", mon="05:59-09:00"), "calendars.office.week.mon[0]"),
    ],
)
def test_spans_may_touch_but_not_overlap_even_across_the_end_of_the_week(hours, fault):
    assert places(with_calendar(week=hours)) == ([fault] if fault else [])


def test_a_calendar_that_opens_only_after_the_term_is_never_open():
    sundays = with_calendar(week=week(sun="09:00-17:00"))

    assert places(replace(sundays, starts_on=date(2026, 1, 5), ends_on=date(2026, 1, 10))) == ["calendars.office.week"]
    assert places(replace(sundays, starts_on=date(2026, 1, 5), ends_on=date(2026, 1, 11))) == []


def test_terms_of_a_calendar_count_working_time():
    office = contracts_terms.calendar(SOUND.calendars["office"])
    friday = calendars.instant(date(2026, 3, 6), contracts_parsing._span("16:00-17:00")[0], "Europe/Lisbon")

    assert calendars.working_seconds(office, friday, calendars.add_working(office, friday, 3 * 3600)) == 3 * 3600
    assert calendars.add_working(office, friday, 3 * 3600).isoformat() == "2026-03-09T10:00:00+00:00"


def test_an_amendment_changes_neither_currency_nor_clock_nor_start_nor_a_queues_process():
    moved = replace(SOUND.processes[1], queues=(*SOUND.processes[1].queues, *SOUND.processes[0].queues))
    after = replace(
        SOUND,
        currency="USD",
        zone="Europe/Madrid",
        starts_on=date(2026, 2, 1),
        processes=(moved,),
    )

    assert [fault.place for fault in contracts_checks.check_amendment(SOUND, after)] == [
        "contract.currency",
        "contract.zone",
        "contract.starts_on",
        "processes[0].queues[1].name",
    ]
    assert contracts_checks.check_amendment(SOUND, replace(SOUND, title="Another", ends_on=date(2031, 12, 31))) == []


def test_what_is_agreed_of_escalations_is_read_and_a_call_for_help_is_always_somebodys():
    example = (Path(__file__).parents[3] / "examples/contracts/escalations.toml").read_text()
    close, complaint, word, help_ = contracts_parsing.read(example).escalations_of("mail")

    assert (close.event, close.before_seconds) == ("at-risk", 1800)
    assert close.steps == (contracts_terms.Step("leader", 600), contracts_terms.Step("manager"))
    assert complaint.steps[1] == contracts_terms.Step("client", None, "quality@escalations.example")
    assert (complaint.dispositions, word.words) == (("complaint",), ("lawyer", "see you in court"))
    assert (help_.title, help_.mail, word.mail) == ("An agent asks for help", "unacknowledged", "at-once")

    chats = '  name = "chats"\n  requires = { portuguese = 2 }\n\n  [[processes.queues]]\n  name = "mail"'
    narrowed = example.replace('event = "help"', 'event = "help"\nof = ["chats"]').replace('  name = "mail"', chats)
    agreed = contracts_parsing.read(narrowed)
    assert agreed.escalations_of("mail")[-1] == contracts_terms.CALL_FOR_HELP
    assert agreed.escalations_of("chats")[-1].title == help_.title
