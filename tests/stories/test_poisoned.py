"""What can no longer be dealt with is listed and waits for its repair; everybody else's work goes on."""

from datetime import date

import pytest
from django.test import Client as Browser

from tests import mail, make
from workfloor.cli import admin
from workfloor.core.access import actors
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Version
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log import tasks as event_log_tasks
from workfloor.core.event_log.models import Fact
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.kit.database import jobs, rls
from workfloor.ops.billing import statements
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import tasks as email_tasks
from workfloor.ops.routing import models as routing_models
from workfloor.ops.routing import queries as routing_queries

pytestmark = pytest.mark.usefixtures("everyone")

HEALTHY, POISONED = "lisbon-light", "porto-water"


@pytest.fixture
def poison() -> Version:
    """Porto Water's contract has a version, in force, that no rule of ours can read."""
    make.client()
    client = make.client(POISONED)
    return Version.objects.create(
        client=client,
        number=2,
        effective_on=date(2026, 1, 2),
        source=make.CONTRACT.format(slug=POISONED).replace("starts_on", "begins_on"),
        digest="of-what-was-altered",
        signed_at=make.NINE,
    )


def signed_in(*roles: str, cleared_for: tuple[str, ...] = (HEALTHY, POISONED)) -> Browser:
    person = make.person(*roles)
    for slug in cleared_for:
        people.clear(person=person, client=make.client(slug), by=actors.ROOT, now=make.NINE)
    browser = Browser()
    browser.force_login(person.account)
    return browser


def test_the_router_serves_everybody_else(poison):
    served = routing_queries.everything(routing_models.MAIN, make.NINE).lines

    assert {line.client_id for line in served} == {make.client().id}


def test_statements_of_others_are_made_and_its_own_says_why_not(poison):
    assert statements.statement(make.client(), "2026-03", now=make.NINE)
    with pytest.raises(statements.NoStatement, match="version 2 of the contract cannot be read"):
        statements.statement(poison.client, "2026-03", now=make.NINE)


def test_mail_of_others_is_read_and_its_own_waits_for_the_repair(poison, monkeypatch):
    box = mail.Post()
    rls.enter(poison.client_id)
    rls.enter_every_client()
    other = email.open_mailbox(
        queue=make.queue("mail", POISONED), address="help@porto.example", by=actors.ROOT, now=make.NINE
    )
    for mailbox in (other, box.mailbox):
        rls.enter(mailbox.client_id)
        incoming = email.Incoming(mailbox, mail.letter(to=mailbox.address), "", mailbox.address)
        email.store(mails=[incoming], now=make.NINE)

    email_tasks.take_arrivals()

    rls.enter_every_client()
    states = dict(email_models.Arrival.objects.values_list("mailbox__address", "state"))
    assert states == {"help@porto.example": "failed", "help@lisbon.example": "taken"}

    repaired(poison, monkeypatch)
    email.run_again(arrivals=[email_models.Arrival.objects.get(state="failed")], by=make.ROOT, now=make.NINE)
    email_tasks.take_arrivals()
    assert set(email_models.Arrival.objects.values_list("state", flat=True)) == {"taken"}


def repaired(poison: Version, monkeypatch) -> None:
    """What the version said comes back; no text of a version is changed, so it is what every process has read."""
    healthy = contracts_queries.terms(Version.objects.get(client=poison.client, number=1))
    monkeypatch.setitem(contracts_queries._read, poison.digest, healthy)


@pytest.mark.parametrize("address", ["/floor/", "/floor/failures/", "/mail/", "/statements/"])
def test_pages_for_both_clients_are_there(poison, address):
    assert signed_in("leader", "manager").get(address).status_code == 200


def test_the_desk_of_whoever_has_its_work_in_hand_is_there(poison, monkeypatch):
    ana = make.agent("Ana", clear_for=POISONED)
    with monkeypatch.context() as before:
        repaired(poison, before)
        item = work.offer(
            item=make.item("mail", of=POISONED),
            person=ana,
            max_concurrency=3,
            offer_seconds=20,
            by=make.ROUTER,
            now=make.NINE,
        )
        work.accept(item=item, by=ana, now=make.NINE)
    browser = Browser()
    browser.force_login(ana.account)

    assert browser.get(f"/desk/?item={item.id}").status_code == 200


def test_it_is_listed(poison):
    [(version, error)] = contracts_queries.unreadable()

    assert (version, "KeyError" in error) == (poison, True)
    assert [row["what"] for row in admin._unreadable()] == ["version 2 of the contract"]
    assert b"porto-water version 2" in signed_in("leader").get("/floor/failures/").content


# --- facts and jobs, for those without a command line ---------------------------------------------------------------


@pytest.fixture
def fragile(monkeypatch):
    """A follower that fails over whatever it is given, until it is mended."""
    is_mended, seen = [], []

    def react(facts, now):
        if not is_mended:
            raise ValueError("no such rule")
        seen.extend(each.event for each in facts)

    follower = event_log_events.Follower("test.fragile", frozenset({"work.received"}), react)
    monkeypatch.setitem(event_log_events.register.followers, follower.name, follower)
    make.call()
    event_log.place()
    parked = event_log.park(follower, error="ValueError: no such rule", now=make.NINE)
    return parked, is_mended, seen


def test_a_parked_fact_is_run_again_by_a_leader_from_a_page(fragile):
    parked, is_mended, seen = fragile
    leader = signed_in("leader", cleared_for=(HEALTHY,))
    assert b"no such rule" in leader.get("/floor/failures/").content

    leader.post("/floor/failures/", {"name": f"fact-{parked.id}", "do": "run-again"})
    event_log_tasks.run_parked(parked.id)
    assert event_log_queries.parked().get().tries == 2

    is_mended.append(True)
    event_log_tasks.run_parked(parked.id)
    assert (seen, event_log_queries.parked().count()) == (["work.received"], 0)


def test_dropping_one_is_a_fact(fragile):
    parked, _, _ = fragile

    signed_in("leader", cleared_for=(HEALTHY,)).post("/floor/failures/", {"name": f"fact-{parked.id}", "do": "drop"})

    rls.enter_every_client()
    assert event_log_queries.parked().count() == 0
    dropped = Fact.objects.get(event="engine.dropped")
    assert (dropped.details["follower"], dropped.by_id is not None) == ("test.fragile", True)


def test_nobody_else_may(fragile):
    parked, _, _ = fragile
    drop = {"name": f"fact-{parked.id}", "do": "drop"}

    for browser in (signed_in("agent", cleared_for=(HEALTHY,)), signed_in("planner", cleared_for=(HEALTHY,))):
        assert browser.post("/floor/failures/", drop).status_code == 403
    signed_in("leader", cleared_for=()).post("/floor/failures/", drop)  # of another client: not there for them

    rls.enter_every_client()
    assert event_log_queries.parked().count() == 1


def test_failed_jobs_are_a_managers(monkeypatch):
    make.client()
    failed = jobs.Failed(7, "email.deliver", 3, make.NINE)
    done: list[int] = []
    monkeypatch.setattr(jobs, "failed", lambda: [failed])
    monkeypatch.setattr(jobs, "run_again", done.append)
    leader, manager = signed_in("leader", cleared_for=(HEALTHY,)), signed_in("manager", cleared_for=(HEALTHY,))

    assert b"email.deliver" not in leader.get("/floor/failures/").content
    leader.post("/floor/failures/", {"name": "job-7", "do": "run-again"})
    assert done == []

    assert b"email.deliver" in manager.get("/floor/failures/").content
    manager.post("/floor/failures/", {"name": "job-7", "do": "run-again"})
    assert done == [7]
