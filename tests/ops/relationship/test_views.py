"""A review as leaders see it: figures of the statement, hours that add up to it, a paper that can be read aloud."""

import io
import json
from datetime import datetime, timedelta

import pytest
from django.test import Client as Browser
from pypdf import PdfReader

from tests import make
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.ops.relationship import presenting as relationship_presenting
from workfloor.ops.relationship import queries as relationship_queries

pytestmark = pytest.mark.usefixtures("everyone")

FEBRUARY = datetime.fromisoformat("2026-02-04T09:00Z")
APRIL = datetime.fromisoformat("2026-04-02T09:00Z")


@pytest.fixture
def client():
    """Two months of calls: February kept its target, March missed it in the afternoon, when twice as many came."""
    event_log.make_partitions(first=FEBRUARY)
    found, ana = make.client(), make.agent()
    for begun, waits in ((FEBRUARY, (5, 5)), (make.NINE, (5, 9)), (make.later(hours=6), (50, 60, 70, 80))):
        for number, wait in enumerate(waits):
            at = begun + timedelta(minutes=10 * number)
            item, taken = make.call(at), at + timedelta(seconds=wait)
            work.offer(item=item, person=ana, max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=taken)
            work.accept(item=item, by=ana, now=taken)
            work.end(item=item, by=ana, now=taken + timedelta(minutes=2))
            work.wrap_up(item=item, by=ana, disposition="resolved", now=taken + timedelta(minutes=3))
    return found


def test_a_review_has_the_statements_figures_and_the_hours_behind_them(client):
    found = relationship_queries.review(client, "2026-03", now=APRIL)

    [target] = found.levels
    # Two of six in time; all four misses at three in the afternoon, in twice the contacts of the morning.
    assert target.row["attained"] == 33.3333
    assert [(name, row and row["attained"]) for name, row in target.trend] == [
        ("2026-02", 100.0),
        ("2026-03", 33.3333),
    ]
    assert target.days == ((make.NINE.date(), 6, 4),)
    assert target.week == {(2, 9): (2, 0), (2, 15): (4, 4)}
    assert [(each.name, each.missed, round(each.differed)) for each in target.causes] == [("volume", 4.0, 100)]
    assert sum(count for _, count, _ in found.volumes) == 6

    made = json.loads(json.dumps(relationship_presenting.plain(found, relationship_queries.outlook(client, "2026-03"))))
    assert made["levels"][0]["hours"][1] == {"weekday": "Wednesday", "hour": 15, "counted": 4, "missed": 4}
    assert 0 <= made["ahead"]["levels"][0]["missed_percent"] <= 100
    assert made["ahead"]["replications"] == relationship_queries.REPLICATIONS


def test_the_page_the_paper_and_what_lies_ahead(client):
    leader = make.person("leader")
    people.clear(person=leader, client=client, by=actors.ROOT, now=make.NINE)
    browser = Browser()
    browser.force_login(leader.account)
    address = f"/clients/{client.slug}/reviews/2026-03/"

    assert address in browser.get("/reviews/").content.decode()
    page = browser.get(address).content.decode()
    assert "0 of 1 service levels were met." in page
    assert "100 % more contacts" in page
    assert "Simulate the next four weeks" in page
    assert "Risk of missing it" in browser.get(f"{address}ahead/").content.decode()
    paper = PdfReader(io.BytesIO(browser.get(f"{address}review.pdf").content))
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert "Service review, March 2026" in paper.pages[0].extract_text()
    assert browser.get(f"/clients/{client.slug}/reviews/2025-11/").status_code == 404


def test_reviews_are_for_leaders_alone(client):
    browser = Browser()
    browser.force_login(make.agent().account)

    assert browser.get(f"/clients/{client.slug}/reviews/2026-03/").status_code == 403


def test_after_the_last_month_of_a_term_nothing_lies_ahead(client):
    assert relationship_queries.outlook(client, "2029-12") is None


def test_what_no_simulation_knows_is_said_instead_of_guessed(client):
    contracts.sign(
        source=make.CONTRACT.format(slug=client.slug).replace('window = "month"', 'window = "week"'),
        effective_on=APRIL.date().replace(day=1),
        by=actors.ROOT,
        now=make.NINE,
    )

    with pytest.raises(
        relationship_queries.NotSimulated, match="The contract counts “Answered in 20 seconds” by window"
    ):
        relationship_queries.outlook(client, "2026-03")
