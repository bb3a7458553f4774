"""Another system handles work and says what happens to it: each thing once, by its own time, in any order."""

import itertools
import json
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import make
from tests.api.test_work import System
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.measures import queries as measures_queries
from workfloor.core.work import legs as work_legs
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item, Report
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.routing import explain
from workfloor.ops.routing import leader as routing_leader

GUIDE = (Path(__file__).parents[2] / "docs/guide/api.md").read_text()


class Dialler(System):
    """A system of a client that handles calls itself: they came to it an hour ago."""

    def __init__(self, **more):
        super().__init__(**more)
        self.came = (clock.now() - timedelta(hours=1)).replace(microsecond=0)

    def sends(self, key="pbx-1", **more):
        return self.send({"key": key, "queue": "calls", "handled_elsewhere_since": self.at(0)} | more)

    def at(self, seconds):
        return (self.came + timedelta(seconds=seconds)).isoformat()

    def says(self, event, seconds, *, id=None, key="pbx-1", **more):
        body = {"id": id or f"{key}-{event}-{seconds}", "event": event, "at": self.at(seconds)} | more
        address = f"/api/work/{quote(key, safe='')}/events"
        answer = self.browser.post(address, json.dumps(body), content_type="application/json")
        rls.enter_every_client()
        return answer

    def item(self, key="pbx-1"):
        return Item.objects.get(key=key)


@pytest.fixture
def dialler(everyone):
    dialler = Dialler()
    assert dialler.sends().status_code == 201
    return dialler


def counted(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()["waits_for"]


def facts_of(item):
    return [fact.event.removeprefix("work.") for fact in event_log_queries.of_item(item.id)]


# By hand, in seconds: 8 to answer; talk 8-68 and 98-158; hold 68-98; 20 to wrap up.
CALL = (
    ("answered", 8, {"agent": "extension 214"}),
    ("held", 68, {}),
    ("resumed", 98, {}),
    ("ended", 158, {}),
    ("disposition", 178, {"disposition": "resolved"}),
)


def is_the_call(dialler):
    item = dialler.item()
    assert (item.state, item.disposition, item.agent_label) == ("done", "resolved", "extension 214")
    assert (item.talk_seconds, item.hold_seconds, item.wrap_seconds) == (120, 30, 20)
    assert (item.connected_at - item.queued_at) == timedelta(seconds=8)
    assert (item.received_at, item.ended_at) == (dialler.came, dialler.came + timedelta(seconds=158))
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_a_call_that_a_dialler_handled_counts_as_it_was(dialler):
    for event, seconds, more in CALL:
        assert counted(dialler.says(event, seconds, **more)) == ""

    is_the_call(dialler)
    item = dialler.item()
    assert facts_of(item)[:5] == ["received", "queued-elsewhere", "reported", "accepted", "connected"]
    told = event_log_queries.of_item(item.id).filter(event="work.reported").first()
    assert told.details == {"report": "pbx-1-answered-8", "said": "answered", "source": "test"}
    assert (told.at, told.recorded_at > told.at) == (dialler.came + timedelta(seconds=8), True)
    assert "Reported: answered, by test" in [each.said for each in work_queries.told(item.id)]


@pytest.mark.parametrize("order", [*itertools.permutations(range(5))][::7])
def test_whatever_the_order_in_which_reports_come_the_call_is_the_same(dialler, order):
    for place in order:
        event, seconds, more = CALL[place]
        assert dialler.says(event, seconds, **more).status_code == 200

    is_the_call(dialler)
    assert not Report.objects.exclude(waits_for="").exists()


def test_what_comes_too_early_says_what_it_waits_for(dialler):
    assert counted(dialler.says("resumed", 98)) == "answered"
    assert counted(dialler.says("disposition", 178, disposition="resolved")) == "answered"
    assert dialler.item().state == "waiting"
    assert counted(dialler.says("answered", 8)) == ""
    assert (dialler.item().state, dialler.item().talk_seconds) == ("held", 0)
    assert counted(dialler.says("disposition", 178, id="again", disposition="resolved")) == "ended"


def test_the_same_report_again_is_answered_as_the_first_time_and_counts_once(dialler):
    first = dialler.says("answered", 8)
    dialler.says("ended", 20)
    before = facts_of(dialler.item())

    again = dialler.says("answered", 8)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.json()["work"]["state"] == "held"
    assert facts_of(dialler.item()) == before
    other = dialler.says("answered", 9, id="pbx-1-answered-8")
    assert (other.status_code, "said something else" in other.json()["detail"]) == (409, True)


def test_a_transfer_and_a_customer_who_leaves(dialler):
    dialler.says("answered", 5)
    dialler.says("transferred", 35, queue="mail", note="wants it in writing")
    item = dialler.item()
    assert (item.state, item.queue.name, item.talk_seconds) == ("waiting", "mail", 30)
    dialler.says("answered", 50)
    dialler.says("ended", 60, disposition="answered")  # of the process to which it belongs now
    assert (dialler.item().state, dialler.item().talk_seconds) == ("done", 40)
    legs = work_queries.legs(item.id)
    assert [each["party"] for each in legs] == ["customer", "agent", "agent"]
    assert work_legs.sums(legs, clock.now()) == (40, 0)

    dialler.sends(key="pbx-2")
    assert dialler.says("abandoned", 12, key="pbx-2").json()["work"]["state"] == "abandoned"


@pytest.mark.parametrize(
    ("event", "seconds", "more", "detail"),
    [
        ("answered", -5, {}, "and that is before"),
        ("answered", 3600 + 120, {}, "still to come"),
        ("answered", 90, {}, "being worked on"),
        ("abandoned", 90, {}, "was connected"),
        ("resumed", 300, {}, "cannot follow"),
        ("held", 170, {}, "cannot follow"),
        ("abandoned", 3, {}, "contradicts"),
        ("ended", 20, {}, "contradicts"),
    ],
)
def test_what_cannot_have_happened_is_refused_with_the_reason(dialler, event, seconds, more, detail):
    for said, at, with_it in CALL:
        dialler.says(said, at, **with_it)
    before = facts_of(dialler.item())

    refused = dialler.says(event, seconds, id="no", **more)
    assert (refused.status_code, detail in refused.json()["detail"]) == (409, True), refused.content
    assert facts_of(dialler.item()) == before
    assert not Report.objects.filter(key="no").exists()
    is_the_call(dialler)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"event": "danced"}, "event"),
        ({"event": "transferred"}, "transferred needs queue"),
        ({"event": "disposition"}, "disposition needs disposition"),
        ({"event": "held", "agent": "x"}, "does not belong to held"),
        ({"event": "transferred", "queue": "nowhere"}, "no queue"),
        ({"event": "ended", "disposition": "danced"}, "choose from resolved"),
        ({"event": "held", "at": "2026-11-23T10:00:00"}, "at"),
        ({"event": "held", "colour": "red"}, "colour"),
    ],
)
def test_what_is_not_understood_is_told_at_its_place(dialler, more, says):
    body = {"id": "r", "event": "held", "at": dialler.at(3)} | more
    refused = dialler.browser.post("/api/work/pbx-1/events", json.dumps(body), content_type="application/json")
    assert (refused.status_code, says in refused.json()["detail"]) == (422, True), refused.content


def test_a_report_needs_its_own_client_and_a_token_that_may_write(dialler):
    other = Dialler(slug="north")
    assert other.says("answered", 8).status_code == 404
    reader = Dialler(scopes=("work:read",))
    assert reader.says("answered", 8).status_code == 404
    assert facts_of(dialler.item()) == ["received", "queued-elsewhere"]
    other.sends(key="pbx-1")
    other.came = dialler.came
    assert other.says("answered", 8, id="same").status_code == 200
    assert dialler.says("answered", 8, id="same").status_code == 200  # each client names its reports alone


def test_work_that_is_offered_here_is_not_reported_on(dialler):
    dialler.send({"key": "ours", "queue": "calls"})
    refused = dialler.says("abandoned", 3600, key="ours")
    assert (refused.status_code, "offered here" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(("name", "at"), [("not_before", "2030-01-01"), ("handled_elsewhere_since", "2020-01-01")])
def test_work_elsewhere_came_there_and_waits_for_nobody_here(dialler, name, at):
    assert dialler.sends(key="other", **{name: f"{at}T00:00:00Z"}).status_code == 422


def test_nobody_here_is_offered_what_another_system_handles(dialler):
    make.agent()
    assert routing_leader.pulse(now=clock.now()) == 0
    dialler.says("answered", 5)
    dialler.says("transferred", 35, queue="mail")
    assert routing_leader.pulse(now=clock.now()) == 0
    with pytest.raises(explain.NoReason, match="another system"):
        explain.why(dialler.item().id, clock.now())


def test_rollups_and_recounts_agree_with_what_was_reported_out_of_order(dialler):
    for place in (4, 2, 0, 3, 1):
        event, seconds, more = CALL[place]
        dialler.says(event, seconds, **more)
    item = dialler.item()
    made = measures_queries.recount(
        item.client_id, dialler.came - timedelta(hours=1), clock.now(), progress=lambda done, of: None
    )

    assert (made.items, [each for each in made.differences if each.place.startswith("item")]) == (1, [])


def test_cancelled_work_takes_no_later_report(dialler):
    assert dialler.cancel("pbx-1").status_code == 200
    refused = dialler.says("answered", 3602)
    assert refused.status_code == 409


def test_what_the_guide_shows_works(everyone):
    """The reports of docs/guide/api.md, as they stand there, for a contract and a day of ours."""
    shown = GUIDE.partition("## Report what happens elsewhere")[2].partition("\n## ")[0]
    calls = re.findall(r"curl \$BASE(\S+) -H \"\$AUTH\" -H \"[^\"]+\" -d '([^']+)'", shown)
    assert [path for path, _ in calls] == ["/work", "/work/pbx-77/events", "/work/pbx-77/events"]
    today = f"{clock.now() - timedelta(days=1):%Y-%m-%d}"
    system = System()

    for path, body in calls:
        body = body.replace("2026-11-23", today).replace("claims-hotline", "calls")
        answer = system.browser.post(f"/api{path}", body, content_type="application/json")
        rls.enter_every_client()
        assert answer.status_code in (200, 201), answer.content
    done = Item.objects.get(key="pbx-77")
    assert (done.state, done.talk_seconds) == ("done", 4 * 60 + 22)
    named = set(re.findall(r"^\| `(\w+)`", shown, re.MULTILINE)) | {"resumed"}
    assert named == {"answered", "held", "resumed", "transferred", "ended", "disposition", "abandoned"}
