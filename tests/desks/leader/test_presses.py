"""A leader opens a queue, an item and a person, and presses."""

import re

import pytest
from django.test import Client

from tests import make
from tests.desks.leader.test_leader_queries import accepted, done
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState
from workfloor.core.team_messages.models import TeamMessage
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.core.work import supervising
from workfloor.kit.time import clock

pytestmark = pytest.mark.usefixtures("everyone")
LIVE = {"HX-Request": "true"}


@pytest.fixture
def leader(client):
    leader = make.in_charge("leader", make.client(), name="Leonor")
    client.force_login(leader.account)
    return leader


def press(client, item, verb, **entered):
    entered = {"as_seen": str(supervising.seen(item)), **entered}
    return client.post(f"/floor/items/{item.id}/{verb}/", entered, headers=LIVE)


def page(client, path):
    return client.get(f"/floor/{path}").content.decode()


def test_a_queue_opens_to_its_items_in_line_and_an_item_to_its_presses(client, leader):
    ana = make.agent("Ana")
    accepted(make.item("mail", title="In hand", at=clock.now()), ana, clock.now(), 3)
    waiting = [make.item("mail", title=f"Letter {n}", at=clock.now()) for n in (1, 2)]
    supervising.prioritise(item=waiting[1], priority=1, by=leader, now=clock.now())

    shown = page(client, f"queues/{make.queue('mail').id}/")
    assert shown.index("Letter 2") < shown.index("Letter 1") < shown.index("In hand")
    assert f"/floor/queues/{make.queue('mail').id}/" in page(client, "")
    assert "Put back into the queue" in page(client, f"items/{ana.assignments.get().item_id}/")


def test_a_person_opens_to_state_skills_hand_and_day(client, leader):
    ana = make.agent("Ana", portuguese=4)
    done(make.call(at=clock.now()), ana, clock.now())
    accepted(make.item("mail", title="In hand", at=clock.now()), ana, clock.now(), 3)

    shown = page(client, f"people/{ana.id}/")

    assert all(words in shown for words in ("Available", "Portuguese 4", "In hand", "1 done", "1:00"))
    assert client.get(f"/floor/people/{leader.id}/").status_code == 404  # no agent


def test_whoever_monitors_reads_what_is_said_and_what_is_being_written(client, leader):
    ana = make.agent("Ana")
    mail = accepted(make.item("mail", title="Bill", at=clock.now()), ana, clock.now(), 3)
    conversations.note(case=mail.case, item=mail, text="Promised a refund", by=ana, now=clock.now())
    assert "Promised a refund" not in page(client, f"items/{mail.id}/")

    assert press(client, mail, "monitor").status_code == 204
    conversations.keep_draft(item=work_queries.item(mail.id), text="Dear Rui, we", by=ana, now=clock.now())
    shown = page(client, f"items/{mail.id}/")
    assert all(words in shown for words in ("Promised a refund", "Being written", "Dear Rui, we"))
    assert press(client, mail, "stop-monitoring").status_code == 204
    assert "Dear Rui" not in page(client, f"items/{mail.id}/")
    assert [fact.event for fact in event_log_queries.of_item(mail.id) if "monitor" in fact.event] == [
        "work.monitor-joined",
        "work.monitor-left",
    ]


def test_each_press_does_it_and_a_second_leader_is_told_by_whom(client, leader):
    ana, ben = make.agent("Ana"), make.agent("Ben")
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    both_saw = str(supervising.seen(call))

    assert press(client, call, "assign", to=ben.id, as_seen=both_saw).status_code == 204
    client.force_login(make.in_charge("leader", make.client(), name="Rui").account)
    late = press(client, call, "put-back", as_seen=both_saw)

    assert (late.status_code, late.headers["HX-Retarget"]) == (409, "#notice")
    assert "Leonor was quicker" in late.content.decode()
    assert work_queries.item(call.id).person == ben
    assert press(client, work_queries.item(call.id), "put-back").status_code == 204
    assert press(client, work_queries.item(call.id), "prioritise", priority=1).status_code == 204
    assert press(client, work_queries.item(call.id), "assign").status_code == 422
    assert work_queries.item(call.id).priority == 1


def test_a_leader_ends_a_call_and_its_wrap_up(client, leader):
    call = accepted(make.call(at=clock.now()), make.agent("Ana"), clock.now())

    assert press(client, call, "end").status_code == 204
    assert "Finish the wrap-up" in page(client, f"items/{call.id}/")
    assert press(client, work_queries.item(call.id), "wrap-up").status_code == 422
    assert press(client, work_queries.item(call.id), "wrap-up", disposition="resolved").status_code == 204
    assert work_queries.item(call.id).state == "done"


def test_an_absent_one_is_signed_out_and_their_work_goes_back(client, leader):
    ana = make.agent("Ana")
    site = people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=actors.ROOT, now=make.NINE)
    team = people.form_team(site=site, name="Days", leader=leader, by=actors.ROOT, now=make.NINE)
    people.change_person(person=ana, team=team, by=actors.ROOT, now=make.NINE)
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    as_seen = re.search(r'name="as_seen" value="([^"]+)"', page(client, f"people/{ana.id}/"))[1]
    address = f"/floor/people/{ana.id}/state/"

    sent = {"state": "signed-out", "hand_back": "on", "as_seen": as_seen}
    assert client.post(address, sent, headers=LIVE).status_code == 204
    assert (AgentState.objects.get(person=ana).state, work_queries.item(call.id).state) == ("signed-out", "waiting")
    assert client.post(address, sent, headers=LIVE).status_code == 409
    assert client.post(address, {"state": "available"}, headers=LIVE).status_code == 422


def test_work_is_cancelled_with_a_reason_and_a_customer_who_answered_is_told_of(client, leader):
    ana = make.agent("Ana")
    mail = accepted(make.item("mail", at=clock.now()), ana, clock.now(), 3)
    work.set_pending_customer(item=mail, by=ana, now=clock.now())
    mail = work_queries.item(mail.id)
    assert "The customer has answered" in page(client, f"items/{mail.id}/")

    assert press(client, mail, "customer-answered").status_code == 204
    assert press(client, work_queries.item(mail.id), "cancel").status_code == 422
    assert press(client, work_queries.item(mail.id), "cancel", reason="Twice").status_code == 204
    assert work_queries.item(mail.id).state == "cancelled"
    assert "Cancel this work" not in page(client, f"items/{mail.id}/")


def test_whoever_leads_and_works_answers_from_the_floor_at_their_own_desk(client, leader):
    people.assign_roles(person=leader, roles=["agent", "leader"], by=actors.ROOT, now=make.NINE)
    mail = accepted(make.item("mail", at=clock.now()), make.agent("Ana"), clock.now(), 3)
    people.certify(
        person=leader,
        skill="portuguese",
        level=3,
        proof="test",
        valid_from=make.NINE.date(),
        by=actors.ROOT,
        now=make.NINE,
    )

    answered = press(client, mail, "answer")

    assert (answered.status_code, answered.headers["HX-Redirect"]) == (204, f"/desk/?item={mail.id}")
    assert (work_queries.item(mail.id).state, work_queries.item(mail.id).person) == ("held", leader)


def test_somebody_is_let_work_in_another_queue_for_hours_from_their_page(client, leader):
    ana = make.agent("Ana", portuguese=2)
    move = f"/floor/people/{ana.id}/move/"
    assert "Lisbon Light: Calls" in page(client, f"people/{ana.id}/")

    assert client.post(move, {"hours": 2}, headers=LIVE).status_code == 422
    assert client.post(move, {"queue": make.queue().id, "hours": 2}, headers=LIVE).status_code == 204
    assert client.post(move, {"queue": make.queue().id, "hours": 2}, headers=LIVE).status_code == 409

    shown = page(client, f"people/{ana.id}/")
    assert "Granted for a while" in shown and "Lisbon Light: Calls" not in shown
    assert client.post(f"/floor/people/{ana.id}/end-move/", headers=LIVE).status_code == 204
    assert "Granted for a while" not in page(client, f"people/{ana.id}/")


def test_a_message_to_the_floor_stands_on_every_desk_until_it_is_read_and_can_be_answered(client, leader):
    ana, ben = make.agent("Ana"), make.agent("Ben")
    gone = make.agent("Gone", available=False)
    assert client.post("/floor/message/", {"text": " "}, headers=LIVE).status_code == 422
    assert client.post("/floor/message/", {"text": "Stay on, please"}, headers=LIVE).status_code == 204
    assert "read by 0 of 2" in page(client, "")

    for agent, sees in ((ana, True), (ben, True), (gone, False)):
        client.force_login(agent.account)
        assert ("Stay on, please" in client.get("/desk/").content.decode()) == sees
    number = TeamMessage.objects.get().id
    assert client.post(f"/messages/{number}/read/", headers=LIVE).status_code == 404  # not hers who was not there
    client.force_login(ana.account)
    assert client.post(f"/messages/{number}/answer/", {"text": ""}, headers=LIVE).status_code == 422
    assert client.post(f"/messages/{number}/answer/", {"text": "Until six"}, headers=LIVE).status_code == 204
    assert "Stay on, please" not in client.get("/desk/").content.decode()

    client.force_login(leader.account)
    assert all(words in page(client, "") for words in ("read by 1 of 2", "Until six"))
    shown = page(client, f"messages/{number}/")
    assert shown.index("Ben") < shown.index("Ana") and "not read yet" in shown
    client.force_login(ben.account)
    assert client.get(f"/floor/messages/{number}/").status_code == 403


def test_one_is_written_to_from_their_page_and_whispered_to_while_they_are_monitored(client, leader):
    ana = make.agent("Ana")
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    assert client.post(f"/floor/people/{ana.id}/message/", {"text": "Well done"}, headers=LIVE).status_code == 204
    assert press(client, call, "whisper", text="Offer a refund").status_code == 409

    press(client, call, "monitor")
    assert "Whisper to Ana" in page(client, f"items/{call.id}/")
    assert press(client, call, "whisper", text="Offer a refund").status_code == 204

    client.force_login(ana.account)
    shown = client.get("/desk/").content.decode()
    assert all(words in shown for words in ("Well done", "Offer a refund", "whispers about"))


@pytest.mark.parametrize("role", ["planner", "agent"])
def test_presses_are_for_those_who_lead(client, role):
    ana = make.agent("Ana")
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    client.force_login(make.in_charge(role, make.client()).account)

    for verb in ("monitor", "end", "put-back", "take-over", "answer", "cancel", "whisper", "key-twice"):
        assert press(client, call, verb, reason="Twice", text="x").status_code in (403, 409)
    for path, entered in (
        ("state", {"state": "signed-out"}),
        ("move", {"queue": make.queue().id, "hours": 1}),
        ("message", {"text": "x"}),
    ):
        assert client.post(f"/floor/people/{ana.id}/{path}/", entered, headers=LIVE).status_code in (403, 409)
    assert work_queries.item(call.id).state == "held"
    if role == "planner":
        assert "Put back" not in page(client, f"items/{call.id}/")


def test_a_call_for_help_is_answered_where_it_is_seen_and_the_agent_reads_it(client, leader):
    ana = make.agent("Ana")
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    work.escalate(item=call, by=ana, note="May I refund 40 euros?", now=clock.now())
    desk = Client()
    desk.force_login(ana.account)

    assert "Nobody has answered yet" in desk.get("/desk/").content.decode()
    for path in ("", f"items/{call.id}/"):
        assert all(words in page(client, path) for words in ("May I refund 40 euros?", "Answer the call for help"))
    assert press(client, call, "answer-call", text=" ").status_code == 422
    assert press(client, call, "answer-call", text="Yes, up to 50").status_code == 204

    shown = desk.get("/desk/").content.decode()
    assert all(words in shown for words in ("May I refund 40 euros?", "Yes, up to 50", "Leonor"))
    assert "Nobody has answered yet" not in shown
    assert "May I refund 40 euros?" not in page(client, "")
    assert "Yes, up to 50" in page(client, f"items/{call.id}/")


def test_of_two_leaders_who_answer_the_second_is_told_who_was_quicker(client, leader):
    ana, other = make.agent("Ana"), make.in_charge("leader", make.client(), name="Lia")
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    call = work.escalate(item=call, by=ana, note="May I?", now=clock.now())
    on_the_page = re.search(r'name="asked_at" value="([^"]+)"', page(client, ""))[1]
    assert press(client, call, "answer-call", text="No", asked_at="2026-03-04T09:00:00+00:00").status_code == 409
    supervising.answer(item=call, by=other, text="Yes", now=clock.now())

    refused = press(client, call, "answer-call", text="No", asked_at=on_the_page)

    assert refused.status_code == 409 and "Lia was quicker" in refused.content.decode()


def test_a_planner_sees_the_call_and_is_offered_no_answer(client):
    planner = make.in_charge("planner", make.client())
    client.force_login(planner.account)
    ana = make.agent("Ana")
    call = accepted(make.call(at=clock.now()), ana, clock.now())
    call = work.escalate(item=call, by=ana, note="May I?", now=clock.now())

    assert "May I?" in page(client, "") and "Answer the call for help" not in page(client, "")
    assert press(client, call, "answer-call", text="Yes").status_code == 409
    assert work_queries.item(call.id).escalated_at is not None
