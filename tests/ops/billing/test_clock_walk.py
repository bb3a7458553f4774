"""The clocks of an item's whole life, against a walk minute by minute over the wall of the contract's zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item

pytestmark = pytest.mark.usefixtures("everyone")

SIGNED = datetime(2025, 12, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLOSED = date(2026, 3, 30)
# Hours of each weekday as the file writes them, and as the walk reads them; a span that ends at or before its start
# lies over midnight.
HOURS = {
    "day": ['"09:00-18:00"'],
    "split": ['"08:00-12:00"', '"16:00-20:00"'],
    "night": ['"22:00-06:00"'],
    "always": ['"00:00-24:00"'],
}
WEEKS = {"week": ("mon", "tue", "wed", "thu", "fri"), "every day": ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
# A few days before the clock changes: in spring and in autumn, in the north and in the south.
CHANGES = [
    ("Europe/Berlin", (2026, 3, 27)),
    ("Europe/Berlin", (2026, 10, 23)),
    ("America/New_York", (2026, 3, 6)),
    ("Australia/Sydney", (2026, 4, 3)),
    ("Australia/Sydney", (2026, 10, 2)),
]
NEXT = {"waiting": ("ask", "reply", "resolve", "resolve"), "asked": ("told",), "resolved": ("reopen",)}


@st.composite
def lives(draw) -> list[tuple[str, int]]:
    """What happens to an item, each after so many minutes; it ends resolved."""
    state, steps = "waiting", []
    for _ in range(draw(st.integers(0, 6))):
        step = draw(st.sampled_from(NEXT[state]))
        steps.append((step, draw(st.integers(1, 1500))))
        state = {"ask": "asked", "told": "waiting", "reply": "waiting", "resolve": "resolved", "reopen": "waiting"}[
            step
        ]
    return steps + {"waiting": [("resolve", 77)], "asked": [("told", 600), ("resolve", 77)], "resolved": []}[state]


def shows_work(shown: datetime, spans, weekdays) -> bool:
    for day in (shown.date(), shown.date() - timedelta(days=1)):
        if f"{day:%a}".lower() not in weekdays or day == CLOSED:
            continue
        for span in spans:
            opens, closes = (time.fromisoformat(text.replace("24:00", "00:00")) for text in span.strip('"').split("-"))
            ends = day if closes > opens else day + timedelta(days=1)
            if datetime.combine(day, opens) <= shown < datetime.combine(ends, closes):
                return True
    return False


def walk(steps, start, zone, spans, weekdays) -> tuple[int, int]:
    """Count the minutes of work until the first reply and in all: none while the customer thinks, or while resolved."""
    running, worked, replied, at, shown = True, 0, None, start, datetime.min
    for step, minutes in steps:
        for _ in range(minutes):
            # A clock that never runs backwards: it waits where the zone's own is set back.
            shown = max(shown, at.astimezone(zone).replace(tzinfo=None, fold=0))
            worked += running and shows_work(shown, spans, weekdays)
            at += MINUTE
        if step in ("ask", "reply", "resolve") and replied is None:
            replied = worked
        running = step in ("told", "reply", "reopen")
    assert replied is not None
    return replied, worked


def signed(zone: str, hours: str, week: str) -> Client:
    """The client with these hours; each has a contract of its own."""
    slug = f"{zone.lower().replace('/', '-').replace('_', '-')}-{hours}-{week.replace(' ', '-')}"
    if known := Client.objects.filter(slug=slug).first():
        return known
    days = "\n".join(f"{day} = [{', '.join(HOURS[hours])}]" for day in WEEKS[week])
    text = make.CONTRACT.format(slug=slug).replace("Europe/Lisbon", zone)
    calendar = f"[calendars.office]\nclosed_on = [{CLOSED}]\n[calendars.office.week]\n{days}\n\n"
    text = re.sub(r"\[calendars\.office\]\n.*?\n\n", calendar, text, count=1, flags=re.DOTALL)
    contracts.sign(source=text, effective_on=None, by=actors.ROOT, now=SIGNED)
    return Client.objects.get(slug=slug)


def lived(client: Client, agent, steps, start) -> Item:
    """Let it happen, by the very actions of the desk."""
    people.clear(person=agent, client=client, by=actors.ROOT, now=SIGNED)
    item, now = make.item("mail", of=client.slug, at=start), start

    def in_hand():
        if item.state == "held":
            return item
        work.offer(item=item, person=agent, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=now)
        return work.accept(item=item, by=agent, now=now)

    for step, minutes in steps:
        now += minutes * MINUTE
        if step == "ask":
            item = work.set_pending_customer(item=in_hand(), by=agent, now=now)
        elif step == "told":
            item = work.customer_answered(item=item, by=make.CUSTOMER, now=now)
        elif step == "reply":
            item = work.send_reply(item=in_hand(), by=agent, now=now)
        elif step == "resolve":
            work.end(item=in_hand(), by=agent, now=now)
            item = work.wrap_up(item=item, by=agent, disposition="answered", now=now)
        else:
            item = work.reopen(item=item, reason="came back", by=make.CUSTOMER, now=now)
    return item


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hours=st.sampled_from(sorted(HOURS)),
    week=st.sampled_from(sorted(WEEKS)),
    begins=st.integers(0, 1440),
    steps=lives(),
)
def test_every_clock_shows_the_minutes_of_a_walk(zone, day, hours, week, begins, steps):
    event_log.make_partitions(first=datetime(2026, 3, 1, tzinfo=UTC), count=10)
    Item.objects.all().delete()
    spans, weekdays = HOURS[hours], WEEKS[week]
    client = signed(zone, hours, week)
    start = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(UTC) + begins * MINUTE
    item = lived(client, make.agent(clear_for=None), steps, start)

    replied, worked = walk(steps, start, ZoneInfo(zone), spans, weekdays)
    assert (item.reply_seconds, item.working_seconds) == (60 * replied, 60 * worked)
