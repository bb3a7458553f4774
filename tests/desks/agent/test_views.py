import re
from datetime import UTC, datetime, timedelta

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.people import actions as people
from workfloor.core.people.models import AgentState
from workfloor.core.work import actions as work
from workfloor.core.work import joining
from workfloor.core.work import queries as work_queries
from workfloor.kit.time import clock
from workfloor.ops.routing import leader as routing_leader

pytestmark = pytest.mark.usefixtures("everyone")
LIVE = {"HX-Request": "true"}


@pytest.fixture
def ana(client):
    make.client()
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


def offered(to, title="Where is my parcel", queue="calls", **more):
    item = make.item(queue, title=title, at=clock.now(), **more)
    return work.offer(
        item=item,
        person=to,
        max_concurrency=1 if queue == "calls" else 3,
        offer_seconds=20,
        by=make.ROUTER,
        now=clock.now(),
    )


def held(by, **more):
    return work.accept(item=offered(by, **more), by=by, now=clock.now())


def press(client, item, verb, **entered):
    return client.post(f"/desk/items/{item.id}/{verb}/", entered, headers=LIVE)


def page(client, query=""):
    return client.get(f"/desk/{query}").content.decode()


def state(item):
    return work_queries.item(item.id).state


def test_the_desk_offers_what_the_router_offers_and_what_was_done_is_counted(client, ana):
    call = offered(ana, customer=work.Customer("C-7", "Rui Costa"))

    assert all(words in page(client) for words in ("Where is my parcel", "Rui Costa", "Accept", "Decline"))
    assert press(client, call, "accept").status_code == 204
    assert press(client, call, "hold").status_code == 204
    assert "On hold" in page(client)
    assert press(client, call, "resume").status_code == 204
    assert press(client, call, "end").status_code == 204
    assert "<legend>Disposition</legend>" in page(client)
    assert press(client, call, "wrap-up", disposition="resolved").status_code == 204

    assert state(call) == "done"
    assert "1 done" in page(client)
    assert [fact.by_id for fact in event_log_queries.of_item(call.id) if fact.event == "work.wrapped-up"] == [ana.id]


def test_what_is_not_on_the_line_is_finished_at_once(client, ana):
    mail = held(ana, queue="mail")

    assert press(client, mail, "finish", disposition="answered").status_code == 204
    assert state(mail) == "done"


def test_nothing_is_finished_without_saying_how_it_ended(client, ana):
    mail = held(ana, queue="mail")

    answer = press(client, mail, "finish")

    assert (answer.status_code, state(mail)) == (422, "held")
    assert "Choose a disposition." in answer.content.decode()


def test_a_disposition_that_is_not_the_process_s_own_is_refused_and_the_item_stays_held(client, ana):
    mail = held(ana, queue="mail")

    assert press(client, mail, "finish", disposition="invented").status_code == 409
    assert state(mail) == "held"


def test_an_offer_that_is_gone_says_so(client, ana):
    call = offered(ana)
    work.decline(item=call, by=ana, now=clock.now())

    answer = press(client, call, "accept")

    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#notice")
    assert "not with you any more" in answer.content.decode()


@pytest.mark.parametrize(
    ("queue", "verb", "entered"),
    [
        ("mail", "await-customer", {}),
        ("mail", "snooze", {"at": "in two days"}),
        ("calls", "transfer", {"queue": "mail"}),
        ("calls", "transfer", {"queue": "mail", "to": "Bruno"}),
        ("calls", "escalate", {"note": "May I?"}),
        ("calls", "come-back", {"at": "in two days"}),
        ("calls", "classify", {"kind": "complaint"}),
        ("mail", "finish", {"disposition": "answered"}),
    ],
)
def test_what_lets_go_of_work_is_done_once_too_when_it_is_pressed_twice(client, ana, queue, verb, entered):
    bruno = make.agent("Bruno")
    item = held(ana, queue=queue)
    in_two_days = f"{clock.now() + timedelta(days=2):%Y-%m-%dT%H:%M}"
    known = {"queue": make.queue("mail").id, "to": bruno.id, "at": in_two_days}
    entered = {name: known.get(name, value) for name, value in entered.items()}

    first = press(client, item, verb, **entered)
    facts = [fact.event for fact in event_log_queries.of_item(item.id)]
    again = press(client, item, verb, **entered)

    assert (first.status_code, again.status_code) == (204, 204), again.content.decode()
    assert [fact.event for fact in event_log_queries.of_item(item.id)] == facts
    assert event_log_queries.of_item(item.id).filter(event="case.classified").count() <= 1


def test_what_somebody_else_took_meanwhile_is_not_let_go_of_again(client, ana):
    bruno, item = make.agent("Bruno"), held(ana)
    assert press(client, item, "transfer", queue=item.queue_id).status_code == 204
    offer = {"max_concurrency": 1, "offer_seconds": 20, "by": make.ROUTER, "now": clock.now()}
    work.accept(item=work.offer(item=work_queries.item(item.id), person=bruno, **offer), by=bruno, now=clock.now())

    answer = press(client, item, "transfer", queue=item.queue_id)

    assert (answer.status_code, work_queries.item(item.id).person) == (409, bruno)


def test_what_is_pressed_twice_is_done_once_and_is_no_fault(client, ana):
    call = offered(ana)
    presses = ["accept", "hold", "resume", "end"]

    assert [press(client, call, verb).status_code for verb in presses for _ in range(2)] == [204] * 8
    assert [press(client, call, "wrap-up", disposition="resolved").status_code for _ in range(2)] == [204, 204]
    assert press(client, call, "wrap-up", disposition="called-back").status_code == 409
    facts = [fact.event for fact in event_log_queries.of_item(call.id)]
    assert len(facts) == len(set(facts))


def test_a_second_decline_is_no_fault_whoever_is_offered_it_meanwhile(client, ana):
    call = offered(ana)
    assert press(client, call, "decline").status_code == 204
    assert press(client, call, "decline").status_code == 204
    work.offer(
        item=call, person=make.agent("Bruno"), max_concurrency=1, offer_seconds=20, by=make.ROUTER, now=clock.now()
    )
    assert press(client, call, "decline").status_code == 204
    assert state(call) == "offered"


@pytest.mark.parametrize("verb", ["accept", "decline", "hold", "resume", "await-customer", "end"])
def test_nobody_acts_on_what_a_colleague_holds(client, ana, verb):
    colleague = make.agent("Bruno")

    assert press(client, held(colleague), verb).status_code == 409


def test_another_client_s_item_is_not_there(client, ana):
    make.client("porto-post")
    foreign = make.item(of="porto-post")

    assert press(client, foreign, "accept").status_code == 404


def test_a_declined_offer_goes_back_to_its_queue(client, ana):
    call = offered(ana)

    press(client, call, "decline")

    assert state(call) == "waiting"


def test_presence_follows_the_buttons(client, ana):
    def now():
        agent_state = AgentState.objects.get(person=ana)
        return agent_state.state, agent_state.reason

    client.post("/desk/away/", {"reason": "lunch"}, headers=LIVE)
    assert now() == ("away", "lunch")
    assert client.post("/desk/away/", {"reason": "boredom"}, headers=LIVE).status_code == 422
    client.post("/desk/available/", headers=LIVE)
    assert now() == ("available", "")
    client.post("/desk/leave/", headers=LIVE)
    assert now() == ("signed-out", "")


def badge(client) -> str:
    return re.search(r'class="wf-badge" data-state="([^"]+)">([^<]+)', page(client)).group(1, 2)


def test_the_state_that_is_shown_is_the_one_that_work_is_routed_by(client, ana):
    assert badge(client) == ("available", "Available")
    offered(ana)
    assert badge(client) == ("busy", "Offered, 1 of 1 taken")
    [call] = work_queries.offered_to(ana)
    press(client, call, "accept")
    assert badge(client) == ("busy", "On a call, 1 of 1 taken")
    press(client, call, "hold")
    assert badge(client) == ("busy", "On hold, 1 of 1 taken")
    press(client, call, "resume")
    press(client, call, "end")
    assert badge(client) == ("busy", "Wrap-up (ACW), 1 of 1 taken")
    client.post("/desk/away/", {"reason": "lunch"}, headers=LIVE)
    assert badge(client) == ("away", "Not ready: lunch, 1 in hand")
    press(client, call, "wrap-up", disposition="resolved")
    assert badge(client) == ("away", "Not ready: lunch")
    client.post("/desk/available/", headers=LIVE)
    for taken in ("Available, 1 of 3 taken", "Available, 2 of 3 taken", "Busy, 3 of 3 taken"):
        held(ana, queue="mail")
        assert badge(client)[1] == taken


def test_who_signs_out_of_work_with_work_in_hand_finishes_it_or_hands_it_back(client, ana):
    mail, other = held(ana, queue="mail"), held(ana, queue="mail")
    assert "You have work in hand" in page(client)

    client.post("/desk/leave/", headers=LIVE)
    assert badge(client) == ("signed-out", "Signed out, 2 in hand: finish it")
    press(client, mail, "finish", disposition="answered")
    client.post("/desk/available/", headers=LIVE)
    assert client.post("/desk/leave/", {"hand_back": "on"}, headers=LIVE).status_code == 204

    assert (state(mail), state(other)) == ("done", "waiting")
    assert badge(client) == ("signed-out", "Signed out")


def test_what_is_over_is_not_handed_back_but_wrapped_up(client, ana):
    call = held(ana, title="My bill")
    press(client, call, "end")

    answer = client.post("/desk/leave/", {"hand_back": "on"}, headers=LIVE)

    assert (answer.status_code, "“My bill” is over already" in answer.content.decode()) == (422, True)
    assert AgentState.objects.get(person=ana).state == "available"


def test_help_is_asked_for_with_a_reason(client, ana):
    call = held(ana)

    assert press(client, call, "escalate", note=" ").status_code == 422
    assert press(client, call, "escalate", note="Above my limit").status_code == 204
    assert "Escalated: Above my limit" in page(client)


def test_work_is_passed_on_within_its_client_only(client, ana):
    call = held(ana)
    make.client("porto-post")

    assert press(client, call, "transfer", queue=make.queue("calls", of="porto-post").id).status_code == 422
    assert press(client, call, "transfer", queue=make.queue("mail").id, note="Asks by letter").status_code == 204
    assert (state(call), work_queries.item(call.id).queue.name) == ("waiting", "mail")


def test_what_waits_for_the_customer_lies_aside_until_they_answer(client, ana):
    mail = held(ana, queue="mail", title="Which meter is mine")

    assert press(client, mail, "await-customer").status_code == 204
    assert "The customer answered" in page(client)
    assert press(client, mail, "customer-answered").status_code == 204
    assert "The customer answered" not in page(client)
    assert work_queries.item(mail.id).pending_customer_since is None


def test_one_of_several_items_in_hand_is_open_and_the_others_can_be_chosen(client, ana):
    first, second = held(ana, queue="mail", title="First letter"), held(ana, queue="mail", title="Second letter")

    opened = re.search(r'id="item-title-(\d+)"', page(client, f"?item={second.id}"))

    assert opened[1] == str(second.id)
    assert f"?item={first.id}" in page(client)
    assert "First letter" in page(client, "?item=nonsense")


def test_somebody_whom_no_work_can_reach_is_told_why(client):
    uncleared = make.agent("Uncleared", clear_for=None)
    client.force_login(uncleared.account)

    assert "not cleared for any client" in page(client)


def test_markup_in_what_a_sender_sent_stays_text(client, ana):
    held(ana, title="<script>alert(1)</script>", payload={"<b>x</b>": "<img src=x onerror=alert(1)>"})

    assert "<script>alert" not in page(client)
    assert "<img src=x" not in page(client)


@pytest.mark.parametrize("role", ["leader", "client"])
def test_the_desk_is_for_agents(client, role):
    of = make.client() if role == "client" else None
    client.force_login(make.person(role, of=of).account)

    assert client.get("/desk/").status_code == 403
    assert client.post("/desk/available/", headers=LIVE).status_code == 403


# --- preempted, called back, off shift ---------------------------------------------------------------------------


@pytest.fixture
def interrupted(client, ana):
    """Ana has a letter in hand, and has accepted a call that interrupts it."""
    make.amended(make.PREEMPTIBLE, make.PREEMPTS)
    make.item("mail", title="My bill is wrong", at=clock.now())
    routing_leader.pulse(now=clock.now())
    mail = work.accept(item=work_queries.offered_to(ana).get(), by=ana, now=clock.now())
    make.call(title="Stolen card", at=clock.now())
    routing_leader.pulse(now=clock.now())
    return mail, work.accept(item=work_queries.offered_to(ana).get(), by=ana, now=clock.now())


def test_the_call_is_open_and_the_letter_beside_it_is_put_aside_until_the_call_is_wrapped_up(client, ana, interrupted):
    mail, call = interrupted
    shown = page(client)
    assert f'aria-labelledby="item-title-{call.id}"' in shown
    assert "preempted" in shown

    shown = page(client, f"?item={mail.id}")
    assert all(words in shown for words in ("Preempted", "resumes by itself", "Transfer"))
    assert "<legend>Disposition</legend>" not in shown
    refusal = press(client, mail, "finish", disposition="answered")
    assert (refusal.status_code, "preempted by more urgent work" in refusal.content.decode()) == (409, True)

    press(client, call, "end")
    press(client, call, "wrap-up", disposition="resolved")
    assert "<legend>Disposition</legend>" in page(client)
    assert press(client, mail, "finish", disposition="answered").status_code == 204


def test_a_call_back_is_agreed_by_the_clock_of_the_site_and_is_of_the_same_case(client, ana):
    ana.site = people.open_site(name="Cebu", country="PH", zone="Asia/Manila", by=actors.ROOT, now=make.NINE)
    ana.save()
    call = held(ana, customer=work.Customer("C-7", "Rui Costa"))
    day = clock.now().date() + timedelta(days=2)
    assert press(client, call, "come-back", at=f"{day}T10:30").status_code == 204
    assert press(client, call, "come-back", at=f"{day}T10:30").status_code == 204  # pressed twice

    [callback] = work_queries.items().filter(kind="callback")
    assert callback.queued_at == datetime(day.year, day.month, day.day, 2, 30, tzinfo=UTC)
    assert (callback.case_id, callback.queue_id, callback.title) == (call.case_id, call.queue_id, call.title)
    assert state(call) == "held"


def test_a_task_for_later_says_what_it_is_about_and_brings_a_note(client, ana):
    call = held(ana, customer=work.Customer("C-7", "Rui Costa"))
    later = {"at": f"{clock.now().date() + timedelta(days=2)}T10:30", "kind": "task"}
    for about in ("Check the meter", "Check the meter", "Send the form"):  # the second is the first, pressed twice
        pressed = press(client, call, "come-back", **later, about=about, note="Card 4111 1111 1111 1111 is old")
        assert pressed.status_code == 204

    meter, form = work_queries.items().filter(kind="task").order_by("id")
    assert (meter.title, form.title, meter.case_id) == ("Check the meter", "Send the form", call.case_id)
    assert meter.payload["note"].endswith("is old") and "1111 1111" not in meter.payload["note"]
    assert state(meter) == "waiting" and meter.queued_at > clock.now()


def test_who_agreed_to_call_back_is_asked_first_where_the_contract_says_so_and_sees_it_coming(client, ana):
    make.amended(make.KEEPS)
    mail = held(ana, queue="mail")
    assert "offered to you first" in page(client)
    press(client, mail, "come-back", at=f"{clock.now().date() + timedelta(days=2)}T10:30")

    assert work_queries.items().get(kind="callback").sticky_agent == ana
    assert "Callbacks, follow-ups and snoozed" in page(client)


@pytest.mark.parametrize(
    ("at", "status", "says"),
    [
        ("2020-01-01T10:00", 409, "still to come"),
        ("9999-01-01T10:00", 409, "next 366 days"),
        ("tomorrow", 422, "Choose a day and a time"),
        ("", 422, "Choose a day and a time"),
    ],
)
def test_a_call_back_has_a_time_that_is_to_come(client, ana, at, status, says):
    answer = press(client, held(ana), "come-back", at=at)

    assert (answer.status_code, says in answer.content.decode()) == (status, True)


@pytest.mark.parametrize(
    ("kind", "queue", "may"), [("call", "calls", False), ("callback", "calls", True), ("email", "mail", True)]
)
def test_a_call_cannot_be_laid_aside_while_the_customer_is_there_and_what_is_to_be_done_alone_can(
    client, ana, kind, queue, may
):
    item = held(ana, queue=queue, kind=kind)
    at = f"{clock.now().date() + timedelta(days=2)}T10:30"

    assert ('id="later"' in page(client)) is may
    answer = press(client, item, "snooze", at=at)
    assert (answer.status_code, state(item)) == ((204, "waiting") if may else (409, "held"))


def test_who_ended_a_call_can_still_agree_to_come_back_in_another_queue(client, ana):
    elsewhere, call = make.queue("mail", "porto-power"), held(ana)
    press(client, call, "end")
    assert "Callback or follow-up" in page(client)
    at, calls = f"{clock.now().date() + timedelta(days=2)}T10:30", make.queue("mail")

    assert press(client, call, "come-back", at=at, kind="callback", queue=calls.id).status_code == 204
    assert press(client, call, "come-back", at=at, kind="fax").status_code == 422
    assert press(client, call, "come-back", at=at, queue=elsewhere.id).status_code == 422
    refusal = press(client, call, "come-back", at=at, kind="email")
    assert (refusal.status_code, "No email address" in refusal.content.decode()) == (422, True)
    agreed = work_queries.items().get(kind="callback")
    assert (agreed.queue, agreed.case_id) == (calls, call.case_id)


def test_who_is_off_shift_is_told_so_and_when_the_next_one_begins(client, ana):
    now = clock.now()
    people.plan_shift(
        person=ana, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1), by=actors.ROOT, now=now
    )
    assert "shift until" in page(client)
    people.cancel_shift(shift=ana.shifts.get(), by=actors.ROOT, now=now)
    people.plan_shift(
        person=ana, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2), by=actors.ROOT, now=now
    )
    assert "You are off shift" in page(client)
    assert f"begins on {now + timedelta(hours=1):%-d %B at %H:%M}" in page(client)


def test_who_only_says_to_be_a_customer_is_shown_so_without_their_history_until_an_agent_confirms_it(client, ana):
    known = work.Customer("rui@example.com", "Rui Costa")
    make.item("mail", title="A secret of Rui's", customer=known)
    mail = held(ana, queue="mail", customer=work.Customer("rui@example.com", "Mallory", is_claimed=True))

    shown = page(client)
    assert "Says to be <strong>Mallory</strong>, rui@example.com" in shown and "(not confirmed)" in shown
    assert "secret" not in shown and "Rui Costa" not in shown and "Whole history" not in shown

    assert press(client, mail, "confirm-customer").status_code == 204
    shown = page(client)
    assert "Rui Costa" in shown and "Whole history" in shown and "Mallory" not in shown
    assert press(client, mail, "confirm-customer").status_code == 409


def test_nobody_else_confirms_who_wrote(client, ana):
    mail = held(make.agent("Ben"), queue="mail", customer=work.Customer("rui@example.com", is_claimed=True))

    assert press(client, mail, "confirm-customer").status_code == 409


def test_whose_browser_was_gone_in_the_same_minute_does_not_stay_available(client, ana):
    bruno, ten = make.agent("Bruno"), timedelta(minutes=10)
    people.sign_out_of_work(person=ana, by=ana, now=clock.now())
    assert client.post("/desk/available/", headers=LIVE).status_code == 204
    people.note_heard(person_ids=[bruno.id], now=clock.now() + ten)

    gone = joining.sign_out_the_gone(by=make.ROUTER, now=clock.now() + ten, after=timedelta(minutes=5))

    assert (gone, AgentState.objects.get(person=ana).state) == (1, "signed-out")
