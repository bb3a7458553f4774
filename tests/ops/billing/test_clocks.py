"""The clock of a target over a letter's whole life: from its facts to the figure on the statement."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import make
from tests.make import CONTRACT
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.time import calendars
from workfloor.ops.billing import statements

pytestmark = pytest.mark.usefixtures("everyone")

SIGNED = datetime(2025, 12, 1, tzinfo=UTC)
LEVEL = """
[[service_levels]]
name = "Letters"
measure = "resolved-within"
of = ["mail"]
threshold = "4 working hours"
"""


def agreed(zone="Europe/Berlin", hours='mon = ["09:00-18:00"]', more="") -> Client:
    """A client whose letters are to be resolved in four working hours; `hours` are Monday's, and further days."""
    text = CONTRACT.format(slug="letters").replace("Europe/Lisbon", zone).replace('mon = ["09:00-18:00"]', hours)
    text = text.replace("[calendars.office.week]", f"{more}\n[calendars.office.week]")
    contracts.sign(source=text + LEVEL, effective_on=None, by=actors.ROOT, now=SIGNED)
    return Client.objects.get(slug="letters")


@pytest.fixture
def ana(db):
    return make.agent(clear_for=None)


class Letter:
    """One letter, worked on by one agent, in local time."""

    def __init__(self, client, agent, zone="Europe/Berlin"):
        self.client, self.agent, self.zone = client, agent, ZoneInfo(zone)
        people.clear(person=agent, client=client, by=actors.ROOT, now=SIGNED)

    def at(self, *parts):
        return datetime(*parts, tzinfo=self.zone).astimezone(UTC)

    def received(self, *parts):
        self.item = make.item("mail", of="letters", at=self.at(*parts))
        return self

    def _in_hand(self, now):
        if self.reloaded().state == "held":
            return
        work.offer(item=self.item, person=self.agent, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=now)
        work.accept(item=self.item, by=self.agent, now=now)

    def asked(self, *parts):
        self._in_hand(self.at(*parts))
        work.set_pending_customer(item=self.item, by=self.agent, now=self.at(*parts))
        return self

    def told(self, *parts):
        work.customer_answered(item=self.item, by=make.CUSTOMER, now=self.at(*parts))
        return self

    def replied(self, *parts):
        self._in_hand(self.at(*parts))
        work.send_reply(item=self.item, by=self.agent, now=self.at(*parts))
        return self

    def resolved(self, *parts):
        self._in_hand(self.at(*parts))
        work.end(item=self.item, by=self.agent, now=self.at(*parts))
        self.item = work.wrap_up(item=self.item, by=self.agent, disposition="answered", now=self.at(*parts))
        return self

    def reopened(self, *parts):
        work.reopen(item=self.item, reason="came back", by=make.CUSTOMER, now=self.at(*parts))
        return self

    def reloaded(self):
        return Item.objects.get(id=self.item.id)

    def figure(self, period, *now):
        made = statements.statement(self.client, period, now=self.at(*now))
        return next(row.figure for row in made.measures if row.level.name == "Letters")

    def met(self, period="2026-03", *now):
        figure = self.figure(period, *(now or (2026, 5, 1)))
        return (figure.counted, figure.met)


def test_a_weekend_is_not_on_the_clock(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 6, 16).resolved(2026, 3, 9, 11)  # Friday to Monday

    assert (letter.item.working_seconds, letter.met()) == (4 * 3600, (1, 1))  # 16 to 18, 9 to 11: not 67 hours


def test_a_second_more_is_missed(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 6, 16).resolved(2026, 3, 9, 11, 0, 1)

    assert letter.met() == (1, 0)


def test_no_day_is_lost_at_midnight(ana):
    letter = Letter(agreed(hours='mon = ["22:00-06:00"]'), ana)  # Monday night; Tuesday has its own 09:00 to 18:00
    letter.received(2026, 3, 9, 23).resolved(2026, 3, 10, 2, 30)

    assert (letter.item.working_seconds, letter.met()) == (3.5 * 3600, (1, 1))


def test_the_gap_of_a_split_day_is_not_on_the_clock(ana):
    letter = Letter(agreed(hours='mon = ["08:00-12:00", "16:00-20:00"]'), ana)
    letter.received(2026, 3, 9, 11).resolved(2026, 3, 9, 18, 30)

    assert letter.item.working_seconds == 3.5 * 3600  # 11 to 12, 16 to 18:30


def test_a_closed_day_is_not_on_the_clock(ana):
    letter = Letter(agreed(more="closed_on = [2026-03-10]"), ana).received(2026, 3, 9, 17).resolved(2026, 3, 11, 10)

    assert letter.item.working_seconds == 2 * 3600


@pytest.mark.parametrize(
    ("zone", "received", "resolved", "hours"),
    [
        ("Europe/Berlin", (2026, 3, 29, 1), (2026, 3, 29, 4), 2),  # the clock skips from 2 to 3
        ("Europe/Berlin", (2026, 10, 25, 1), (2026, 10, 25, 4), 4),  # and shows 2 to 3 twice
        ("Australia/Sydney", (2026, 4, 5, 1), (2026, 4, 5, 4), 4),  # autumn in the south
        ("Australia/Sydney", (2026, 10, 4, 1), (2026, 10, 4, 4), 2),
    ],
)
def test_where_the_clock_changes_hours_are_real_in_both_hemispheres(ana, zone, received, resolved, hours):
    event_log.make_partitions(first=datetime(2026, 9, 1, tzinfo=UTC))
    letter = Letter(agreed(zone, hours='mon = ["09:00-18:00"]\nsun = ["00:00-24:00"]'), ana, zone)
    letter.received(*received).resolved(*resolved)

    assert letter.item.working_seconds == hours * 3600


def test_the_clock_stands_while_the_customer_owes_an_answer(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9).asked(2026, 3, 9, 10).told(2026, 3, 11, 15)
    letter.resolved(2026, 3, 11, 18)

    # 9 to 10 on Monday, 15 to 18 on Wednesday; the two days and a half between are the customer's
    assert (letter.item.working_seconds, letter.met()) == (4 * 3600, (1, 1))


def test_an_open_letter_is_missed_once_it_is_late_and_not_while_the_customer_thinks(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9)

    assert letter.met("2026-03", 2026, 3, 9, 13) == (0, 0)
    assert letter.met("2026-03", 2026, 3, 9, 13, 0, 1) == (1, 0)
    letter.asked(2026, 3, 9, 10)
    assert letter.met("2026-03", 2026, 3, 20, 9) == (0, 0)


def test_the_clock_stops_at_resolution_and_runs_on_for_nobody(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9).resolved(2026, 3, 9, 12)

    assert letter.met("2026-03", 2026, 3, 9, 13) == letter.met("2026-03", 2026, 12, 1) == (1, 1)


def test_what_is_reopened_was_not_resolved(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9).resolved(2026, 3, 9, 10).reopened(2026, 3, 9, 14)

    # An hour before, and the time since 14: its four hours are over at 17, not at 13.
    assert letter.item.due_at != letter.reloaded().due_at == letter.at(2026, 3, 9, 17)
    assert letter.met("2026-03", 2026, 3, 9, 17) == (0, 0)
    assert letter.met("2026-03", 2026, 3, 9, 17, 0, 1) == (1, 0)
    assert letter.resolved(2026, 3, 9, 16).item.working_seconds == 3 * 3600


@pytest.mark.parametrize(
    ("zone", "received", "period"),
    [
        ("Europe/London", (2026, 3, 31, 23, 59, 59), "2026-03"),  # 22:59:59 in UTC
        ("Europe/London", (2026, 4, 1, 0, 0, 0), "2026-04"),  # still March in UTC
        ("America/New_York", (2026, 3, 31, 21, 0, 0), "2026-03"),  # April in UTC
        ("Pacific/Auckland", (2026, 4, 1, 9, 0, 0), "2026-04"),  # March in UTC
    ],
)
def test_a_letter_falls_into_the_month_of_the_contracts_zone(ana, zone, received, period):
    letter = Letter(agreed(zone), ana, zone).received(*received)
    other = "2026-04" if period == "2026-03" else "2026-03"

    assert letter.met(period, 2026, 4, 20) == (1, 0)
    assert letter.met(other, 2026, 4, 20) == (0, 0)


def test_an_october_in_london_holds_what_came_in_on_each_of_its_days(ana):
    event_log.make_partitions(first=datetime(2026, 9, 1, tzinfo=UTC))
    letter = Letter(agreed("Europe/London"), ana, "Europe/London")
    for day in range(1, 32):  # half an hour after midnight: in summer time that is the day before in UTC
        letter.received(2026, 10, day, 0, 30)
    letter.received(2026, 10, 31, 23, 59, 59)
    letter.received(2026, 11, 1, 0, 0, 0)

    months = {
        period: statements.statement(letter.client, period, now=letter.at(2026, 12, 1)).totals.received
        for period in ("2026-09", "2026-10", "2026-11")
    }
    assert months == {"2026-09": 0, "2026-10": 32, "2026-11": 1}


def test_days_of_23_and_25_hours_are_days_like_others(ana):
    # In Berlin the 29th of March lasts until 22:00 of UTC, and begins at 23:00 the day before
    march = calendars.windows("day", "2026-03", "Europe/Berlin", date(2026, 1, 1), date(2026, 12, 31))
    october = calendars.windows("day", "2026-10", "Europe/Berlin", date(2026, 1, 1), date(2026, 12, 31))

    hours = {window.name: (window.ends_at - window.starts_at) / timedelta(hours=1) for window in march + october}
    assert len(hours) == 62
    assert {name: length for name, length in hours.items() if length != 24} == {"2026-03-29": 23, "2026-10-25": 25}


# --- the first response -----------------------------------------------------------------------------------------------


def test_the_first_reply_stops_the_clock_of_the_first_response_and_later_ones_do_not(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 6, 17).replied(2026, 3, 9, 10)  # Friday to Monday

    assert letter.reloaded().reply_seconds == 2 * 3600  # 17 to 18, and 9 to 10
    letter.replied(2026, 3, 9, 12).resolved(2026, 3, 9, 15)
    assert (letter.item.reply_seconds, letter.item.working_seconds) == (2 * 3600, 7 * 3600)


def test_to_ask_is_to_reply_and_what_the_customer_takes_is_on_no_clock(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9).asked(2026, 3, 9, 11).told(2026, 3, 11, 11)

    assert letter.reloaded().reply_seconds == 2 * 3600
    letter.replied(2026, 3, 11, 12).resolved(2026, 3, 11, 13)
    assert (letter.item.reply_seconds, letter.item.working_seconds) == (2 * 3600, 4 * 3600)  # 9 to 11, 11 to 13


def test_whoever_resolves_without_a_word_has_replied_then(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9).resolved(2026, 3, 9, 12)
    assert letter.item.reply_seconds == 3 * 3600

    letter.reopened(2026, 3, 10, 9).resolved(2026, 3, 10, 11)  # the first response was and stays three hours
    assert (letter.item.reply_seconds, letter.item.working_seconds) == (3 * 3600, 5 * 3600)


def test_a_caller_had_a_response_when_somebody_answered_not_when_the_call_was_over(ana):
    letter = Letter(agreed(), ana)
    letter.item = make.item("mail", of="letters", at=letter.at(2026, 3, 9, 9), kind="call")
    letter._in_hand(letter.at(2026, 3, 9, 9, 5))
    work.end(item=letter.item, by=ana, now=letter.at(2026, 3, 9, 9, 45))

    assert letter.reloaded().reply_seconds == 5 * 60


# --- what lies resolved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolved", "reopened", "again", "hours"),
    [
        ((9, 11), (9, 15), (9, 17), 2 + 2),  # on one day: 9 to 11, and 15 to 17
        ((9, 11), (11, 10), (11, 12), 2 + 2),  # two days later, with two nights between
        ((13, 17), (14, 12), (16, 10), 4 * 9 + 8 + 1),  # Monday to Friday at 17, back on Saturday, an hour of Monday
    ],
)
def test_the_time_for_which_it_lay_resolved_is_on_nobodys_clock(ana, resolved, reopened, again, hours):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9)
    letter.resolved(2026, 3, *resolved).reopened(2026, 3, *reopened).resolved(2026, 3, *again)

    assert letter.item.working_seconds == hours * 3600


def test_what_is_reopened_twice_lay_resolved_twice(ana):
    letter = Letter(agreed(), ana).received(2026, 3, 9, 9)
    letter.resolved(2026, 3, 9, 10).reopened(2026, 3, 9, 13).resolved(2026, 3, 9, 14)
    letter.reopened(2026, 3, 10, 9).resolved(2026, 3, 10, 10)

    # An hour each time; it lay from 10 to 13, and from 14 over night
    assert (letter.item.working_seconds, letter.item.paused_seconds) == (3 * 3600, 7 * 3600)
    assert letter.item.came_back_seconds == 3 * 3600  # how long the first resolution lasted


def test_a_day_of_rest_in_the_lands_own_calendar_is_on_no_clock(ana):
    # Good Friday and Easter Monday of 2026 are the 3rd and the 6th of April
    letter = Letter(agreed(more='holidays = "DE"'), ana).received(2026, 4, 2, 16).resolved(2026, 4, 7, 11)

    assert letter.item.working_seconds == 4 * 3600  # 16 to 18 on Thursday, 9 to 11 on Tuesday
