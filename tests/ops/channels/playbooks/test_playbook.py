"""A playbook is checked like a contract, fills in names, and its rules are applied with a fact each."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client

from tests import make
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.kit.text import toml
from workfloor.kit.time import clock
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks import playbook_file
from workfloor.ops.channels.playbooks import queries as playbooks_queries
from workfloor.ops.channels.playbooks import rules as playbooks_rules
from workfloor.ops.routing import queries as routing_queries
from workfloor.ops.routing import state, utilisation

PLAYBOOK = """
[[answers]]
name = "thanks"
text = "Dear {customer} , thank you. This is about {case}, number {reference}."

[[rules]]
name = "fraud"
when = "message"
if = { words = ["fraud", "not me"] }
then = { tag = "fraud", queue = "calls" }

[[rules]]
name = "closed"
when = "received"
if = { kinds = ["email"], open_hours = false }
then = { answer = "thanks" }
"""


@pytest.fixture
def client(everyone):
    client = make.client()
    playbooks.give(client=client, source=PLAYBOOK, by=actors.ROOT, now=make.NINE)
    return client


def letter(text="Hello", at=make.NINE):
    item = make.item("mail", title="My bill", customer=work.Customer("rui@example.com", "Rui"), at=at)
    conversations.receive(
        case=item.case,
        item=item,
        channel="email",
        key=item.key,
        sender=Address("rui@example.com"),
        content=Content(text),
        by=make.CUSTOMER,
        now=at,
    )
    return work_queries.item(item.id)


def follow(item, at):
    """Let what follows from the rules that applied to an item follow."""
    for details in applied(item):
        playbooks.answer(item=item, rule_name=details["rule"], version=details["version"], now=at)


def applied(item):
    return [fact.details for fact in event_log_queries.of_item(item.id) if fact.event == "playbook.rule-applied"]


@pytest.mark.parametrize(
    ("text", "has"), [("It was FRAUD!", True), ("It was not me", True), ("fraudulent", False), ("note me", False)]
)
def test_words_are_whole_whatever_their_case(text, has):
    assert playbooks_rules.says_any(text, ["fraud", "not me"]) is has


def test_names_are_filled_in_and_leave_no_gap_where_there_is_none():
    assert (
        playbooks_rules.filled("Dear {customer} , see {case}.", {"customer": "Rui", "case": "Bill"})
        == "Dear Rui, see Bill."
    )
    assert playbooks_rules.filled("Dear {customer}, hello.", {}) == "Dear, hello."


def test_what_a_rule_finds_is_tagged_and_moved_and_each_application_is_a_fact(client):
    item = letter("That was not me")

    assert (item.queue.name, playbooks_queries.tags(item.id)) == ("calls", ["fraud"])
    assert applied(item) == [{"rule": "fraud", "version": 1, "tag": "fraud", "queue": item.queue_id}]
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_nobody_ever_sees_work_in_the_queue_that_a_rule_takes_it_out_of(client):
    make.agent("Ana")
    item = letter("That was not me")

    moved = event_log_queries.of_item(item.id).filter(event__in=["work.received", "work.transferred"])
    assert [each.event for each in moved] == ["work.received", "work.transferred"]
    lines = state.Mind().hear(routing_queries.everything("main", make.NINE))
    assert [offer.item_id for offer in lines] == [item.id]
    assert work_queries.item(item.id).queue.name == "calls"


def test_work_comes_in_as_it_is_when_the_rules_fail_and_a_fact_says_so(client, monkeypatch):
    def broken(**_):
        raise ValueError("no such rule")

    monkeypatch.setattr(playbooks, "apply_rules", broken)
    item = letter("That was not me")

    assert (item.queue.name, item.state) == ("mail", "waiting")
    failed = event_log_queries.of_item(item.id).filter(event="engine.decision-failed")
    assert [each.details["error"] for each in failed] == ["ValueError: no such rule"] * 2
    assert applied(item) == []


def test_outside_hours_an_email_is_answered_once(client):
    night = make.later(hours=12)
    item = letter(at=night)
    for _ in range(2):
        follow(item, night)

    replies = [each.text for each in conversations_queries.of_case(item.case_id) if each.direction == "out"]
    assert replies == [f"Dear Rui, thank you. This is about My bill, number {item.case_id}."]
    assert applied(item) == [{"rule": "closed", "version": 1}]
    answered = event_log_queries.of_item(item.id).get(event="playbook.rule-answered")
    assert answered.details == {"rule": "closed", "version": 1, "answer": "thanks"}


def test_in_hours_that_rule_does_nothing(client):
    assert playbooks.apply_rules(item=letter(), when="received", text="", now=make.NINE) == 0


def test_every_fault_is_told_at_its_line_and_what_is_not_done_says_why():
    source = """[[answers]]
name = "a"
text = "Dear {custmer}"
[[rules]]
name = "r"
when = "received"
then = { assign = "ana", queue = "nowhere", answer = "b" }
"""
    with pytest.raises(toml.Refused) as refused:
        playbook_file.read(source, ["mail"], ["letters"])

    told = {fault.place: fault.message for fault in refused.value.faults}
    assert "{custmer} stands for nothing" in told["answers[0].text"]
    assert "the router's decision" in told["rules[0].then.assign"]
    assert "no queue here" in told["rules[0].then.queue"]
    assert "no answer here" in told["rules[0].then.answer"]


def test_the_same_playbook_again_is_no_new_version_and_a_faulty_one_changes_nothing(client):
    assert playbooks.give(client=client, source=PLAYBOOK, by=actors.ROOT, now=make.NINE).number == 1
    with pytest.raises(toml.Refused):
        playbooks.give(client=client, source="[[answers]]\n", by=actors.ROOT, now=make.NINE)
    assert playbooks_queries.latest(client.id).number == 1


def test_articles_are_found_by_their_words_best_first_and_every_version_is_kept(client):
    process = make.queue("mail").process
    for name, title, body in (("lost", "Lost card", "Block it"), ("fees", "Fees", "What a card costs")):
        playbooks.write_article(process=process, name=name, title=title, body=body, by=actors.ROOT, now=make.NINE)
    again = playbooks.write_article(
        process=process, name="lost", title="Lost card", body="Block it at once", by=actors.ROOT, now=make.later(days=1)
    )

    assert [each.name for each in playbooks_queries.found(process.id, "card")] == ["lost", "fees"]
    assert [each.name for each in playbooks_queries.found(process.id, "card costs")] == ["fees"]
    assert [each.name for each in playbooks_queries.found(process.id, "")] == ["fees", "lost"]
    assert (again.version, [each.body for each in again.versions.order_by("number")]) == (
        2,
        ["Block it", "Block it at once"],
    )


# --- priority --------------------------------------------------------------------------------------------------------

URGENT = """
[[rules]]
name = "urgent"
when = "message"
if = { words = ["water everywhere"] }
then = { priority = 2 }

[[rules]]
name = "after-all-not"
when = "message"
if = { words = ["dry again"] }
then = { priority = 0 }
"""
FOUR_HOURS = 4 * 3600  # what the queue "mail" targets


@pytest.fixture
def with_urgent(everyone):
    client = make.client()
    playbooks.give(client=client, source=URGENT, by=actors.ROOT, now=make.NINE)
    return client


def hears(item, text, at=make.NINE):
    playbooks.apply_rules(item=item, when="message", text=text, now=at)
    return work_queries.item(item.id)


def test_a_rule_gives_an_item_a_priority_as_a_fact_and_its_state_is_what_the_facts_add_up_to(with_urgent):
    item = hears(letter(), "There is water everywhere")

    # Two steps, each as long as the queue targets: 2 x 14,400 s.
    assert (item.priority, item.ahead_seconds) == (2, 2 * FOUR_HOURS)
    given = event_log_queries.of_item(item.id).filter(event="work.prioritised").get()
    assert given.details == {"priority": 2, "ahead_seconds": 2 * FOUR_HOURS}
    assert [each["rule"] for each in applied(item)] == ["urgent"]
    assert applied(item)[0]["priority"] == 2
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)
    assert item.queued_at == make.NINE  # every target runs on as before


def test_the_router_offers_it_before_older_work_and_why_says_the_same(with_urgent):
    older = letter()
    newer = hears(letter(at=make.later(minutes=5)), "There is water everywhere", make.later(minutes=5))
    ana = make.agent("Ana")
    now = make.later(minutes=6)

    mind = state.Mind()
    offers = mind.hear(routing_queries.everything("main", now))

    assert [offer.item_id for offer in offers][:2] == [newer.id, older.id]
    assert {offer.person_id for offer in offers} == {ana.id}


def test_what_is_told_while_the_router_runs_moves_the_item_at_once(with_urgent):
    older, newer = letter(), letter(at=make.later(minutes=5))
    mind = state.Mind()
    assert mind.hear(routing_queries.everything("main", make.later(minutes=6))) == []  # nobody is here

    hears(newer, "There is water everywhere", make.later(minutes=7))
    ana = make.agent("Ana")
    told = state.News(
        make.later(minutes=8).timestamp(),
        workers=routing_queries.workers(make.later(minutes=8)),
        things=routing_queries.things([newer.id]),
    )

    assert [offer.item_id for offer in mind.hear(told)] == [newer.id, older.id]
    assert ana.id in mind.workers


def test_a_priority_passes_nothing_over_and_one_that_is_taken_back_waits_in_its_old_place(with_urgent):
    older = letter()
    newer = hears(letter(at=make.later(minutes=5)), "There is water everywhere", make.later(minutes=5))
    back = hears(newer, "It is dry again", make.later(minutes=6))

    assert (back.priority, back.place_at) == (0, make.later(minutes=5))
    make.agent("Ana")
    offers = state.Mind().hear(routing_queries.everything("main", make.later(minutes=7)))
    assert [offer.item_id for offer in offers] == [older.id, newer.id]


def test_the_month_s_look_back_counts_no_urgent_item_as_passing_others_over(with_urgent):
    letter()
    newer = hears(letter(at=make.later(minutes=5)), "There is water everywhere", make.later(minutes=5))
    ana = make.agent("Ana")

    work.offer(item=newer, person=ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=make.later(minutes=6))

    assert utilisation.passed_over(journal_facts()) == []


def test_an_item_without_priority_would_pass_the_older_one_over(with_urgent):
    older, newer = letter(), letter(at=make.later(minutes=5))

    work.offer(
        item=newer,
        person=make.agent("Ana"),
        max_concurrency=3,
        offer_seconds=30,
        by=make.ROUTER,
        now=make.later(minutes=6),
    )

    assert [(each.offered, each.passed_over) for each in utilisation.passed_over(journal_facts())] == [
        (newer.id, older.id)
    ]


def journal_facts():
    """All facts, as if each had been recorded when it happened."""
    return [
        SimpleNamespace(
            event=each.event,
            at=each.at,
            recorded_at=each.at,
            item_id=each.item_id,
            person_id=each.person_id,
            details=each.details,
        )
        for each in Fact.objects.order_by("id")
    ]


def test_what_is_laid_aside_until_later_does_not_come_earlier_for_its_priority(with_urgent):
    ana = make.agent("Ana")
    item = hears(letter(), "There is water everywhere")
    work.offer(item=item, person=ana, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=make.NINE)
    work.accept(item=item, by=ana, now=make.NINE)
    work.snooze(item=item, until=make.later(hours=1), by=ana, now=make.NINE)

    mind = state.Mind()
    assert mind.hear(routing_queries.everything("main", make.later(minutes=30))) == []
    assert [offer.item_id for offer in mind.hear(state.News(make.later(hours=1).timestamp()))] == [item.id]


def test_a_rule_that_moves_and_raises_goes_by_what_the_new_queue_promises(everyone):
    source = URGENT.replace("{ priority = 2 }", '{ priority = 2, queue = "calls" }')
    playbooks.give(client=make.client(), source=source, by=actors.ROOT, now=make.NINE)

    item = hears(letter(), "There is water everywhere")

    assert (item.queue.name, item.ahead_seconds) == ("calls", 2 * 20)  # answered within 20 s
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


@pytest.mark.parametrize("given", ["-1", "10", '"high"', "1.5"])
def test_a_priority_that_is_none_is_refused_at_its_line(everyone, given):
    make.client()
    with pytest.raises(toml.Refused, match=r"priority"):
        playbook_file.read(URGENT.replace("priority = 2", f"priority = {given}"), ["mail"], [])


def test_two_programs_that_answer_each_other_stop_after_three_answers_a_day(client):
    """One that says nothing of being a program answers each of ours with a new mail, as slowly as it likes."""
    night = make.later(hours=12)
    sent = []
    for number in range(5):
        at = night + timedelta(minutes=20 * number)
        item = letter(f"I am away ({number})", at=at)
        follow(item, at)
        sent.append(conversations_queries.of_case(item.case_id).filter(direction="out").count())
    assert sent == [1, 1, 1, 0, 0]

    a_day_later = night + timedelta(days=1, minutes=1)
    again = letter("Still away", at=a_day_later)
    follow(again, a_day_later)
    assert conversations_queries.of_case(again.case_id).filter(direction="out").count() == 1


# --- the page of who leads -------------------------------------------------------------------------------------------


def page(client, *roles):
    """What the page says to somebody with these roles, who is cleared for the client."""
    person = make.person(*roles, name="Teresa")
    people.clear(person=person, client=client, by=actors.ROOT, now=make.NINE)
    browser = Client()
    browser.force_login(person.account)
    return browser.get("/playbooks/")


def test_who_leads_sees_the_rules_in_force_how_often_they_were_applied_and_every_version(with_urgent):
    hears(letter(), "There is water everywhere", clock.now())
    playbooks.write_article(
        process=with_urgent.processes.get(name="letters"),
        name="leak",
        title="A leak",
        body="Call",
        by=actors.ROOT,
        now=make.NINE,
    )

    told = " ".join(page(with_urgent, "leader").content.decode().split())

    row = ["urgent", "the customer wrote", "words: water everywhere", "priority 2", "1"]
    assert " ".join(f"<td>{each}</td>" for each in row) in told
    assert "Version 1 since" in told
    assert "A leak" in told
    assert "workfloor channels playbook give" in told


def test_a_client_without_a_playbook_says_so_and_agents_do_not_see_the_page(everyone):
    client = make.client()

    assert "No playbook was given." in page(client, "leader").content.decode()
    assert page(client, "agent").status_code == 403


def test_texts_are_told_in_pieces_so_that_what_is_filled_in_and_what_is_not_known_is_seen():
    found = playbooks_rules.parts("Dear {customer}, it is {case}.", {"customer": "Rui"})
    assert [(each.text, each.name) for each in found] == [
        ("Dear ", ""),
        ("Rui", "customer"),
        (", it is ", ""),
        ("", "case"),
        (".", ""),
    ]


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ('{ answer = "nothing" }', "“nothing” is no answer here"),
        ('{ snooze = "2d", disposition = "answered" }', "cannot be snoozed"),
        ('{ snooze = "soon" }', "snooze"),
        ("{}", "then"),
    ],
)
def test_a_macro_whose_steps_cannot_be_is_refused_at_its_line(then, says):
    with pytest.raises(toml.Refused, match=says):
        playbook_file.read(f'[[macros]]\nname = "wait"\nthen = {then}\n', [], [])
