"""Cases that were one, or two; work that is handed to a colleague or snoozed."""

import pytest

from tests import make
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries

RUI, ANA = work.Customer("C-1", "Rui"), work.Customer("C-2", "Ana")


def letter(by=None, customer=RUI, text="My bill"):
    item = make.item("mail", customer=customer, title=text)
    conversations.receive(
        case=item.case,
        item=item,
        channel="email",
        key=item.key,
        sender=Address("rui@example.com"),
        content=Content(text),
        by=make.CUSTOMER,
        now=make.NINE,
    )
    if by:
        work.offer(item=item, person=by, max_concurrency=3, offer_seconds=20, by=make.ROUTER, now=make.NINE)
        item = work.accept(item=item, by=by, now=make.NINE)
    return item


def test_two_cases_of_one_customer_become_one_with_all_that_was_said(everyone):
    agent = make.agent()
    one, other = letter(agent), letter(text="My bill again")

    into = conversations.merge(case=other.case, into=one.case, by=agent, now=make.later(minutes=5))

    other.refresh_from_db()
    assert other.case_id == into.id
    assert [each.text for each in conversations_queries.of_case(into.id)] == ["My bill", "My bill again"]


def test_what_one_customer_wrote_is_never_put_before_another(everyone):
    agent = make.agent()
    rui, ana = letter(agent), letter(customer=ANA)

    with pytest.raises(conversations.Refused, match="two customers"):
        conversations.merge(case=ana.case, into=rui.case, by=agent, now=make.NINE)


def test_an_item_about_something_else_gets_a_case_of_its_own_with_its_messages(everyone):
    agent = make.agent()
    one, other = letter(agent), letter(agent, text="And my meter")
    conversations.merge(case=other.case, into=one.case, by=agent, now=make.NINE)
    other.refresh_from_db()

    new = conversations.split(item=other, subject="Meter", by=agent, now=make.later(minutes=1))

    other.refresh_from_db()
    assert (other.case_id, new.customer_id, new.subject) == (new.id, one.case.customer_id, "Meter")
    assert [each.text for each in conversations_queries.of_case(new.id)] == ["And my meter"]
    assert [each.text for each in conversations_queries.of_case(one.case_id)] == ["My bill"]
    with pytest.raises(conversations.Refused, match="nothing else"):
        conversations.split(item=other, subject="Meter", by=agent, now=make.later(minutes=1))


def test_a_case_turns_out_to_be_a_complaint(everyone):
    agent = make.agent()
    item = letter(agent)

    conversations.classify(case=item.case, kind="complaint", by=agent, now=make.NINE)
    with pytest.raises(conversations.Refused):
        conversations.classify(case=item.case, kind="grumble", by=agent, now=make.NINE)

    item.case.refresh_from_db()
    assert item.case.kind == "complaint"


def test_nothing_is_handed_to_whoever_is_not_cleared(everyone):
    agent, stranger = make.agent(), make.agent("Carla", clear_for=None)
    item = letter(agent)

    with pytest.raises(work.Refused, match="Carla is not cleared"):
        work.transfer(item=item, queue=item.queue, to=stranger, by=agent, now=make.NINE)


def test_handed_to_a_colleague_it_is_kept_for_them_a_quarter_of_an_hour(everyone):
    agent, bruno = make.agent(), make.agent("Bruno")
    item = work.transfer(item=letter(agent), queue=make.queue("mail"), to=bruno, by=agent, now=make.NINE)

    assert (item.state, item.sticky_agent_id, item.sticky_until) == ("waiting", bruno.id, make.later(minutes=15))
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_laid_aside_it_waits_again_at_its_time_first_for_who_laid_it_aside(everyone):
    agent = make.agent()
    item = work.snooze(item=letter(agent), until=make.later(hours=3), by=agent, now=make.NINE)

    assert (item.state, item.queued_at, item.sticky_agent_id) == ("waiting", make.later(hours=3), agent.id)
    assert item.sticky_until == make.later(hours=3, minutes=15)
    assert item.due_at == letter().due_at  # the target runs on
    assert work_queries.rebuilt(item.id) == work_queries.state_of(item)
    assert "work.snoozed" in [fact.event for fact in event_log_queries.of_item(item.id)]
    assert [each.id for each in work_queries.agreed(agent, make.NINE)] == [item.id]
    with pytest.raises(work.Refused):
        work.snooze(item=letter(agent), until=make.NINE, by=agent, now=make.NINE)
