"""An agent calls for help, whoever leads answers, and two who answer at once see each other's act."""

import pytest

from tests import make
from tests.core.work.test_actions import committed, race
from tests.core.work.test_roles import adds_up, in_hand, now_of
from workfloor.core.access import permissions
from workfloor.core.work import actions as work
from workfloor.core.work import lifecycle, supervising
from workfloor.core.work import queries as work_queries

ASKED, ANSWERED = make.later(minutes=1), make.later(minutes=2)


def asked(agent, note="May I refund 40 euros?", at=ASKED):
    return work.escalate(item=in_hand(agent), by=agent, note=note, now=at)


def answer(item, by, text="Yes, up to 50", at=ANSWERED, **more):
    return supervising.answer(item=item, by=by, text=text, now=at, **more)


def said(item):
    return [(each.who, each.said, each.is_answer) for each in work_queries.help_with(now_of(item))]


def test_an_answer_is_read_where_help_was_asked_and_clears_the_flag(everyone):
    ana, lead = make.agent("Ana"), make.in_charge("leader", make.client(), name="Leonor")
    call = asked(ana)

    answered = answer(call, lead, asked_at=ASKED)

    assert (answered.escalated_at, answered.escalation_answered_at) == (None, ANSWERED)
    assert (answered.state, answered.person) == ("held", ana)
    assert said(call) == [("Ana", "May I refund 40 euros?", False), ("Leonor", "Yes, up to 50", True)]
    assert adds_up(call)


def test_whoever_asks_again_is_shown_the_last_call_alone(everyone):
    ana, lead = make.agent("Ana"), make.in_charge("leader", make.client())
    call = asked(ana)
    answer(call, lead)
    work.escalate(item=call, by=ana, note="And the shipping?", now=make.later(minutes=3))

    assert said(call) == [("Ana", "And the shipping?", False)]
    assert now_of(call).escalation_answered_at is None
    with pytest.raises(work.TooLate, match="was quicker"):
        answer(call, lead, at=make.later(minutes=4), asked_at=ASKED)  # what they saw was the first call
    assert adds_up(call)


def test_a_manager_who_answers_what_was_answered_is_told_who_was_quicker_and_what_they_said(everyone):
    lead, boss = make.in_charge("leader", make.client(), name="Leo"), make.in_charge("manager", make.client())
    call = asked(make.agent())
    answer(call, lead)

    with pytest.raises(work.TooLate, match=r"not sent: Leo was quicker\. 09:02:00: Yes, up to 50"):
        answer(call, boss, "No", asked_at=ASKED)
    assert said(call)[-1] == ("Leo", "Yes, up to 50", True)


def test_who_may_not_lead_or_enter_answers_nothing(everyone):
    ana, stranger = make.agent(), make.in_charge("leader", make.client("porto-post"))
    call = asked(ana)
    for by in (ana, stranger, make.in_charge("planner", make.client())):
        with pytest.raises(permissions.Refused):
            answer(call, by)
    with pytest.raises(work.Refused, match="Write the answer"):
        answer(call, make.in_charge("leader", make.client()), "  ")
    assert now_of(call).escalated_at == ASKED


def test_nothing_is_answered_that_is_over_or_that_nobody_asked(everyone):
    ana, lead = make.agent(), make.in_charge("leader", make.client())
    with pytest.raises(work.TooLate, match="Nobody asks for help"):
        answer(in_hand(ana), lead)
    work.end(item=(call := asked(make.agent())), by=call.person, now=ANSWERED)
    supervising.wrap_up(item=call, disposition="resolved", by=lead, now=ANSWERED)
    with pytest.raises(lifecycle.NotNow, match="is done"):
        answer(call, lead)


def test_a_card_number_in_an_answer_is_masked(everyone):
    call = asked(make.agent())
    answer(call, make.in_charge("leader", make.client()), "Try 4111 1111 1111 1111")
    assert "4111 1111 1111 1111" not in said(call)[-1][1]


def test_of_two_who_answer_at_once_one_is_heard(real_database):
    leads = committed(lambda: [make.in_charge("leader", make.client(), name=name) for name in ("Leo", "Lia")])
    call = committed(lambda: asked(make.agent()))

    results = race(*(lambda lead=lead: answer(call, lead, f"{lead.name} says yes") for lead in leads))

    refused = [each for each in results if isinstance(each, work.TooLate)]
    assert len(refused) == 1 and "was quicker" in str(refused[0])
    assert len(committed(lambda: said(call))) == 2
