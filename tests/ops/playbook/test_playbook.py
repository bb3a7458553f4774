"""A playbook is checked like a contract, fills in names, and its rules are applied with a fact each."""

import pytest

from tests import make
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as said
from workfloor.core.conversations.rules import Address, Content
from workfloor.core.journal import queries as facts
from workfloor.core.work import actions as work
from workfloor.core.work import queries as items
from workfloor.kit import toml
from workfloor.ops.playbook import actions, forms, queries, rules

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
    actions.give(client=client, source=PLAYBOOK, now=make.NINE)
    return client


def letter(text="Hello", at=make.NINE):
    item = make.item("mail", title="My bill", customer=work.Customer("rui@example.com", "Rui"), at=at)
    conversations.receive(
        case=item.case, item=item, channel="email", key=item.key, sender=Address("rui@example.com"),
        content=Content(text), now=at,
    )  # fmt: skip
    return items.item(item.id)


def applied(item):
    return [fact.details for fact in facts.of_item(item.id) if fact.event == "playbook.rule-applied"]


@pytest.mark.parametrize(
    ("text", "has"), [("It was FRAUD!", True), ("It was not me", True), ("fraudulent", False), ("note me", False)]
)
def test_words_are_whole_whatever_their_case(text, has):
    assert rules.says_any(text, ["fraud", "not me"]) is has


def test_names_are_filled_in_and_leave_no_gap_where_there_is_none():
    assert rules.filled("Dear {customer} , see {case}.", {"customer": "Rui", "case": "Bill"}) == "Dear Rui, see Bill."
    assert rules.filled("Dear {customer}, hello.", {}) == "Dear, hello."


def test_what_a_rule_finds_is_tagged_and_moved_and_each_application_is_a_fact(client):
    item = letter("That was not me")

    assert actions.apply_rules(item=item, when="message", text="That was not me", now=make.NINE) == 1

    item = items.item(item.id)
    assert (item.queue.name, queries.tags(item.id)) == ("calls", ["fraud"])
    assert applied(item) == [{"rule": "fraud", "version": 1, "tag": "fraud", "queue": item.queue_id}]
    assert items.rebuilt(item.id) == items.state_of(item)


def test_outside_hours_an_email_is_answered_once(client):
    night = make.later(hours=12)
    item = letter(at=night)
    for _ in range(2):
        actions.apply_rules(item=item, when="received", text="", now=night)

    replies = [each.text for each in said.of_case(item.case_id) if each.direction == "out"]
    assert replies == [f"Dear Rui, thank you. This is about My bill, number {item.case_id}."]


def test_in_hours_that_rule_does_nothing(client):
    assert actions.apply_rules(item=letter(), when="received", text="", now=make.NINE) == 0


def test_every_fault_is_told_at_its_line_and_what_is_not_done_says_why():
    source = """[[answers]]
name = "a"
text = "Dear {custmer}"
[[rules]]
name = "r"
when = "received"
then = { priority = 3, queue = "nowhere", answer = "b" }
"""
    with pytest.raises(toml.Refused) as refused:
        forms.read(source, ["mail"], ["letters"])

    told = {fault.place: fault.message for fault in refused.value.faults}
    assert "{custmer} stands for nothing" in told["answers[0].text"]
    assert "priority belongs to the queue" in told["rules[0].then.priority"]
    assert "no queue here" in told["rules[0].then.queue"]
    assert "no answer here" in told["rules[0].then.answer"]


def test_the_same_playbook_again_is_no_new_version_and_a_faulty_one_changes_nothing(client):
    assert actions.give(client=client, source=PLAYBOOK, now=make.NINE).number == 1
    with pytest.raises(toml.Refused):
        actions.give(client=client, source="[[answers]]\n", now=make.NINE)
    assert queries.latest(client.id).number == 1


def test_articles_are_found_by_their_words_best_first_and_every_version_is_kept(client):
    process = make.queue("mail").process
    for name, title, body in (("lost", "Lost card", "Block it"), ("fees", "Fees", "What a card costs")):
        actions.write_article(process=process, name=name, title=title, body=body, now=make.NINE)
    again = actions.write_article(
        process=process, name="lost", title="Lost card", body="Block it at once", now=make.later(days=1)
    )

    assert [each.name for each in queries.found(process.id, "card")] == ["lost", "fees"]
    assert [each.name for each in queries.found(process.id, "card costs")] == ["fees"]
    assert [each.name for each in queries.found(process.id, "")] == ["fees", "lost"]
    assert (again.version, [each.body for each in again.versions.order_by("number")]) == (
        2,
        ["Block it", "Block it at once"],
    )
