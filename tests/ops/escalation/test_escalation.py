"""What contracts say is escalated: raised once, told step by step until somebody acknowledges it, answered, closed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import mail, make
from tests.core.work.test_actions import committed, race
from tests.core.work.test_followers import follow as follow_for_real
from tests.core.work.test_roles import in_hand, now_of
from workfloor.core.access import actors, permissions
from workfloor.core.contracts import actions as contracts
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import supervising
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation import followers
from workfloor.ops.escalation import letters as escalation_letters
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ops.escalation import tasks as escalation_tasks
from workfloor.ops.escalation.models import Escalation, Notice

ASKED = make.later(minutes=1)
TO_CLIENT = '\n  [[escalations.steps]]\n  tell = "client"\n'
ALONE = '\n  [[escalations.steps]]\n  tell = "leader"\n'
CHAIN = f'{ALONE}  timeout = "10 min"\n' + ALONE.replace("leader", "manager")


def rule(title, event, more="", steps=ALONE):
    return f'\n[[escalations]]\ntitle = "{title}"\nevent = "{event}"\n{more}\n{steps}'


def agreed(*rules):
    """The client with a contract that says so."""
    found = make.client()
    contracts.sign(
        source=make.CONTRACT.format(slug=found.slug) + "".join(rules),
        effective_on=date(2026, 1, 1),
        by=actors.ROOT,
        now=datetime(2025, 12, 2, 9, tzinfo=UTC),
    )
    return found


@pytest.fixture
def follow(everyone):
    """Let what has happened since the last time be followed, in the order in which it happened."""
    told = {"last": 0}

    def step(now=ASKED):
        wanted = event_log_events.register.followers["escalation.escalate"].events
        facts = event_log_queries.every().filter(id__gt=told["last"], event__in=wanted).order_by("id")
        found = list(facts)
        told["last"] = max((fact.id for fact in found), default=told["last"])
        followers.escalate(
            [
                event_log_events.Followed(
                    0, f.id, f.at, f.event, f.client_id, f.item_id, f.case_id, f.person_id, f.by_id, f.details
                )
                for f in found
            ],
            now,
        )
        return list(Escalation.objects.order_by("id"))

    return step


def look(at):
    """The clock looks, as it does each minute."""
    with clock.frozen(at):
        escalation_tasks.look(0)
    rls.enter_every_client()  # it goes from wall to wall, and this test is one transaction


def asks(agent, note="May I refund 40 euros?", at=ASKED):
    return work.escalate(item=in_hand(agent), by=agent, note=note, now=at)


def told():
    """Who was told so far, by step."""
    return [(each.step, each.person.name if each.person else each.to) for each in Notice.objects.order_by("id")]


def facts(item, of="escalation."):
    return [each.event for each in event_log_queries.of_item(item.id) if each.event.startswith(of)]


def test_what_fails_of_one_client_holds_no_other_up_and_is_not_silent(everyone, monkeypatch):
    broken, other = make.client().id, make.client("porto-post").id
    seen = []

    def look_at_targets(client_id, now):
        if client_id == broken:
            raise ValueError("its terms cannot be computed")
        seen.append(client_id)

    monkeypatch.setattr(escalation_tasks, "_look_at_targets", look_at_targets)
    with pytest.raises(ValueError, match="cannot be computed"):
        look(ASKED)

    assert seen == [other]


# --- calls for help ---------------------------------------------------------------------------------------------------


def test_without_a_word_in_the_contract_the_teams_leader_is_told_of_a_call_and_managers_after_two_minutes(follow):
    lead, _other = (make.in_charge("leader", make.client(), name=name) for name in ("Leo", "Lia"))
    make.in_charge("manager", make.client(), name="Mia")
    make.in_charge("manager", make.client("porto-post"), name="Of others")
    site = people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=actors.ROOT, now=make.NINE)
    team = people.form_team(name="Reds", site=site, leader=lead, by=actors.ROOT, now=make.NINE)
    ana = make.agent("Ana")
    ana.team = team
    ana.save()

    call = asks(ana)
    [raised] = follow()
    assert (raised.title, raised.said, raised.item) == ("Call for help", "May I refund 40 euros?", call)
    assert told() == [(1, "Leo")]

    look(ASKED + timedelta(seconds=119))
    assert told() == [(1, "Leo")]
    look(ASKED + timedelta(seconds=120))
    look(ASKED + timedelta(minutes=30))
    assert told() == [(1, "Leo"), (2, "Mia")]
    assert facts(call) == ["escalation.raised", "escalation.step-told", "escalation.step-told"]


def test_what_is_raised_while_the_end_of_its_work_is_being_read_does_not_stay_open(follow):
    make.in_charge("leader", make.client(), name="Leo")
    ana = make.agent()
    call = asks(ana)
    [raised] = follow()
    work.end(item=call, by=ana, now=make.later(minutes=2))
    work.wrap_up(item=call, by=ana, disposition="resolved", now=make.later(minutes=2))

    for minute in (3, 4):  # no follower has read that
        look(make.later(minutes=minute))

    raised.refresh_from_db()
    assert raised.closed_as == Escalation.WORK_DONE
    assert facts(call) == ["escalation.raised", "escalation.step-told", "escalation.closed"]


def test_whose_team_has_no_leader_who_is_cleared_asks_all_leaders_who_are(follow):
    for name in ("Leo", "Lia"):
        make.in_charge("leader", make.client(), name=name)
    asks(make.agent())
    follow()
    assert told() == [(1, "Leo"), (1, "Lia")]


def test_a_step_that_nobody_is_in_is_passed_over_and_the_fact_says_so(follow):
    make.in_charge("manager", make.client(), name="Mia")
    call = asks(make.agent())
    follow()

    assert told() == [(2, "Mia")]
    steps = [each.details for each in event_log_queries.of_item(call.id) if each.event == "escalation.step-told"]
    assert [(each["step"], each["tell"], len(each["people"])) for each in steps] == [
        (1, "leader", 0),
        (2, "manager", 1),
    ]


def test_where_nobody_is_to_be_told_it_stays_open_for_whoever_comes(follow):
    asks(make.agent())
    [raised] = follow()
    assert (raised.steps_told, raised.due_at, raised.closed_at) == (2, None, None)


def test_what_is_acknowledged_goes_no_further_and_the_agent_is_told_who_sees_to_it(follow):
    lead, boss = make.in_charge("leader", make.client(), name="Leo"), make.in_charge("manager", make.client())
    call = asks(make.agent())
    [raised] = follow()
    assert escalation_queries.seen_by(call) == ""

    escalation.acknowledge(escalation=raised, by=lead, now=ASKED)
    escalation.acknowledge(escalation=raised, by=lead, now=make.later(minutes=2))  # pressed twice is pressed once
    look(make.later(hours=1))

    assert told() == [(1, "Leo")] and escalation_queries.seen_by(call) == "Leo"
    assert facts(call)[-1] == "escalation.acknowledged"
    assert event_log_queries.of_item(call.id).last().person_id == call.person_id  # whose desk hears of it
    with pytest.raises(work.TooLate, match=r"Leo has acknowledged it at 09:01:00"):
        escalation.acknowledge(escalation=raised, by=boss, now=make.later(minutes=3))


def test_an_answer_closes_it_and_is_the_answer_to_the_agent(follow):
    lead = make.in_charge("leader", make.client(), name="Leo")
    call = asks(make.agent())
    [raised] = follow()

    done = escalation.answer(escalation=raised, text="Yes, up to 50", by=lead, now=make.later(minutes=2))

    assert (done.closed_as, done.closed_by, done.answer, done.due_at) == ("answered", lead, "Yes, up to 50", None)
    assert now_of(call).escalated_at is None
    assert "work.escalation-answered" in facts(call, "work.")
    assert follow() == [done]  # what follows finds it closed
    with pytest.raises(work.TooLate, match=r"Leo was quicker\. 09:02:00: Yes, up to 50"):
        escalation.answer(escalation=raised, text="No", by=make.in_charge("manager", make.client()), now=ASKED)


def test_a_call_that_is_answered_on_the_floor_is_closed_with_the_answer_and_who_gave_it(follow):
    lead = make.in_charge("leader", make.client(), name="Leo")
    call = asks(make.agent())
    follow()
    supervising.answer(item=call, text="Yes", by=lead, now=make.later(minutes=2))
    [raised] = follow(make.later(minutes=2))

    assert (raised.closed_as, raised.answer, raised.closed_by) == ("answered", "Yes", lead)


def test_a_call_that_was_answered_before_anybody_followed_it_is_not_raised(follow):
    lead = make.in_charge("leader", make.client())
    supervising.answer(item=asks(make.agent()), text="Yes", by=lead, now=ASKED)
    assert follow() == []


def test_whoever_asks_again_begins_the_chain_anew(follow):
    lead = make.in_charge("leader", make.client(), name="Leo")
    ana = make.agent()
    call = asks(ana)
    escalation.acknowledge(escalation=follow()[0], by=lead, now=ASKED)
    work.escalate(item=call, by=ana, note="It is urgent now", now=make.later(minutes=5))
    first, second = follow(make.later(minutes=5))

    assert first.closed_as == "asked again" and (second.said, second.acknowledged_at) == ("It is urgent now", None)
    assert told() == [(1, "Leo"), (1, "Leo")]


def test_a_call_for_help_ends_with_its_work(follow):
    ana = make.agent()
    call = asks(ana)
    follow()
    work.wrap_up(
        item=work.end(item=call, by=ana, now=make.later(minutes=2)),
        by=ana,
        disposition="resolved",
        now=make.later(minutes=3),
    )
    [raised] = follow(make.later(minutes=3))
    assert (raised.closed_as, raised.due_at) == ("the work is over", None)


# --- what contracts say -----------------------------------------------------------------------------------------------


def writes(item, text, at=ASKED):
    return conversations.receive(
        case=item.case,
        item=item,
        channel="email",
        key=f"{at}",
        sender=Address("rui@example.com", "Rui"),
        content=Content(text, "Re"),
        by=make.CUSTOMER,
        now=at,
    )


def test_a_word_is_escalated_once_in_the_queues_that_are_meant(follow):
    agreed(rule("A lawyer", "word", 'of = ["mail"]\nwords = ["lawyer", "see you in court"]'))
    make.in_charge("leader", make.client(), name="Leo")
    letter = make.item("mail", customer=work.Customer("C-1"))
    writes(letter, "My lawyers think so")
    assert follow() == []
    writes(letter, "Talk to my LAWYER.", make.later(minutes=2))
    writes(letter, "We will see you in court", make.later(minutes=3))
    writes(make.item("calls", customer=work.Customer("C-2")), "lawyer", make.later(minutes=4))

    [raised] = follow()
    assert (raised.title, raised.said, raised.item) == ("A lawyer", "lawyer", letter)
    assert told() == [(1, "Leo")]


def test_a_customer_of_the_list_is_escalated_when_they_come(follow):
    agreed(rule("Very important", "customer", 'customers = ["C-1"]'))
    make.item("mail", customer=work.Customer("C-10"))
    make.item("mail")
    first = make.item("mail", customer=work.Customer("C-1"))
    [raised] = follow()
    assert (raised.item, raised.said) == (first, "C-1")


def test_a_complaint_is_one_by_its_case_or_by_how_its_work_ended(follow):
    agreed(rule("Complaint", "complaint", 'dispositions = ["called-back"]'))
    lead, ana = make.in_charge("leader", make.client()), make.agent()
    born = make.item("mail", case_kind="complaint", customer=work.Customer("C-1"))
    [first] = follow()
    assert first.item == born

    became = make.item("mail", customer=work.Customer("C-2"))
    conversations.classify(case=became.case, kind="complaint", by=lead, now=ASKED)
    ended = mail.finish(in_hand(ana), ana, make.later(minutes=2), "called-back")
    raised = follow()
    assert [each.item for each in raised] == [born, became, ended]
    assert [each.said for each in raised] == ["", "", "called-back"]
    assert all(each.closed_at is None for each in raised)  # until somebody answers them, though the work is done


def test_a_thousand_facts_ask_the_database_no_more_than_one(follow):
    agreed(rule("A lawyer", "word", 'words = ["lawyer"]'), rule("Complaint", "complaint"))

    def questions(letters):
        for number in range(letters):
            letter = make.item("mail", customer=work.Customer(f"C-{letters}-{number}"))
            writes(letter, "Good morning", make.later(seconds=letters + number))
        with CaptureQueriesContext(connection) as asked:
            assert follow() == []
        return len(asked)

    assert questions(12) == questions(1)


def test_what_a_batch_raised_is_known_to_the_rest_of_it(follow):
    agreed(rule("A lawyer", "word", 'words = ["lawyer"]'), rule("Very important", "customer", 'customers = ["C-1"]'))
    letter, ana = make.item("mail", customer=work.Customer("C-1")), make.agent()
    writes(letter, "my lawyer")
    writes(letter, "my lawyer, again", make.later(minutes=2))
    mail.finish(mail.hold(letter, ana, make.later(minutes=3)), ana, make.later(minutes=4))

    assert [each.title for each in follow(make.later(minutes=5))] == ["Very important", "A lawyer"]


def test_targets_are_escalated_before_they_are_missed_and_when_they_are(follow):
    agreed(rule("Soon due", "at-risk", 'before = "30 min"', CHAIN), rule("Missed", "missed", 'of = ["mail"]'))
    make.in_charge("leader", make.client(), name="Leo")
    ana = make.agent()
    letter, other = make.item("mail"), make.item("mail")  # due at one in the afternoon, four working hours on
    due_at = letter.due_at
    assert due_at == make.later(hours=4)
    mail.finish(mail.hold(other, ana, ASKED), ana, make.later(hours=1))

    look(due_at - timedelta(minutes=31))
    assert follow() == []
    look(due_at - timedelta(minutes=30))
    look(due_at - timedelta(minutes=29))
    [close] = follow()
    assert (close.title, close.item) == ("Soon due", letter)

    look(due_at)
    look(due_at + timedelta(minutes=1))
    assert [each.title for each in follow()] == ["Soon due", "Missed"]

    mail.finish(mail.hold(letter, ana, due_at), ana, due_at + timedelta(hours=1))
    assert {each.closed_as for each in follow(due_at + timedelta(hours=1))} == {"the work is over"}


def test_a_call_is_at_risk_until_it_is_answered_and_what_waits_for_the_customer_is_not(follow):
    agreed(rule("Waits long", "missed"))
    call = make.call()
    resting = mail.hold(make.item("mail"), make.agent(), ASKED)
    work.set_pending_customer(item=resting, by=resting.person, now=ASKED)
    look(make.later(hours=6))
    look(make.later(minutes=5))
    [raised] = follow()
    assert raised.item == call

    in_hand_now = mail.hold(call, make.agent(), make.later(minutes=6))
    assert in_hand_now.connected_at
    [raised] = follow(make.later(minutes=6))
    assert raised.closed_as == "the customer is answered"


def test_the_clients_own_people_and_the_address_of_the_contract_are_told_at_last(follow):
    steps = '\n  [[escalations.steps]]\n  tell = "client"\n  email = "duty@lisbon.example"\n'
    client = agreed(rule("Help", "help", "", steps))
    make.person("client", name="Clara", of=client)
    make.person("client", name="Of others", of=make.client("porto-post"))
    asks(make.agent())
    follow()
    assert told() == [(1, "Clara"), (1, "duty@lisbon.example")]


def test_an_engine_alone_raises_and_whoever_leads_alone_answers(follow):
    ana, call = make.agent(), None
    call = asks(ana)
    [raised] = follow()
    for by in (ana, make.in_charge("planner", make.client()), make.in_charge("leader", make.client("porto-post"))):
        with pytest.raises(permissions.Refused):
            escalation.acknowledge(escalation=raised, by=by, now=ASKED)
        with pytest.raises(permissions.Refused):
            escalation.answer(escalation=raised, text="Yes", by=by, now=ASKED)
        with pytest.raises(permissions.Refused):
            escalation.close(escalation=raised, because="answered", by=by, now=ASKED)
    assert now_of(call).escalated_at and Escalation.objects.get().closed_at is None


# --- mails ------------------------------------------------------------------------------------------------------------


def test_a_mail_says_what_is_asked_to_ours_and_not_to_the_client(follow, settings):
    settings.WORKFLOOR_URL = "https://floor.porto.example"
    steps = CHAIN.replace('"manager"\n', '"manager"\n  timeout = "1 min"\n') + (
        '\n  [[escalations.steps]]\n  tell = "client"\n'
    )
    client = agreed(rule("An agent asks", "help", "", steps))
    make.in_charge("leader", client), make.in_charge("manager", client), make.person("client", of=client)
    call = asks(make.agent("Ana"))
    [raised] = follow()
    assert mails(ASKED + timedelta(minutes=9)) == []
    look(ASKED + timedelta(minutes=10))
    look(ASKED + timedelta(minutes=11))

    first, second, third = (escalation_letters.told(notice.id) for notice in Notice.objects.order_by("id"))
    assert first.subject == "Escalation: An agent asks (Lisbon Light)"
    assert "Ana asks: May I refund 40 euros?" in first.text
    assert f"https://floor.porto.example/escalations/#escalation-{raised.id}" in first.text
    assert "Nobody has acknowledged it so far" not in first.text
    assert "Nobody has acknowledged it so far" in second.text
    assert call.key in third.text and "refund" not in third.text and "https" not in third.text

    lead = Notice.objects.order_by("id").first().person
    escalation.answer(escalation=raised, text="Yes", by=lead, now=make.later(minutes=20))
    assert escalation_letters.told(Notice.objects.first().id) is None  # what is answered is no news


def mails(at):
    """The clock looks; to whom a mail went out, and of how many notices."""
    before = set(Mail.objects.values_list("id", flat=True))
    look(at)
    found = Mail.objects.exclude(id__in=before).order_by("id")
    return [(each.to, Notice.objects.filter(mail_id=each.id).count()) for each in found]


def test_a_call_for_help_is_mailed_only_to_whom_the_time_for_it_passed_unacknowledged(follow):
    lead, boss = make.in_charge("leader", make.client(), name="Leo"), make.in_charge("manager", make.client())
    asks(make.agent())
    [raised] = follow()
    assert mails(ASKED + timedelta(seconds=119)) == []
    assert mails(ASKED + timedelta(seconds=120)) == [(lead.account.email, 1)]
    escalation.acknowledge(escalation=raised, by=boss, now=ASKED + timedelta(seconds=180))
    assert mails(ASKED + timedelta(hours=1)) == []  # the manager, who read it on the page


def test_what_one_person_is_told_within_a_minute_is_one_mail(follow):
    seen = {}
    for slug in ("lisbon-light", "porto-post"):
        found = make.client(slug)
        contracts.sign(
            source=make.CONTRACT.format(slug=found.slug) + rule("A lawyer", "word", 'words = ["lawyer"]'),
            effective_on=date(2026, 1, 1),
            by=actors.ROOT,
            now=datetime(2025, 12, 2, 9, tzinfo=UTC),
        )
        seen[slug] = found
    lead = make.in_charge("leader", seen["lisbon-light"], name="Leo")
    people.clear(person=lead, client=seen["porto-post"], by=actors.ROOT, now=make.NINE)
    other = make.in_charge("leader", seen["porto-post"], name="Lia")
    for number, of in enumerate(("lisbon-light", "lisbon-light", "porto-post")):
        writes(make.item("mail", of=of, customer=work.Customer(f"C-{number}")), "my lawyer", make.later(seconds=number))
    first, second, third = follow()
    escalation.answer(escalation=second, text="Seen", by=lead, now=ASKED)

    assert mails(make.later(minutes=2)) == [(lead.account.email, 2), (other.account.email, 1)]
    assert mails(make.later(minutes=3)) == []
    told = escalation_letters.told(Notice.objects.order_by("id").first().id)
    assert told.subject == f"2 escalations: A lawyer ({first.client.title}), and more"
    assert all(f"#escalation-{each.id}\n" in told.text for each in (first, third))
    assert f"#escalation-{second.id}\n" not in told.text


def test_a_rule_may_leave_mails_out_and_the_client_is_mailed_all_the_same_at_once(follow):
    client = agreed(
        rule("Never mailed", "word", 'words = ["lawyer"]\nmail = "never"'),
        rule("Mailed late", "complaint", 'mail = "unacknowledged"', f'{ALONE}  timeout = "5 min"\n{TO_CLIENT}'),
    )
    lead, clara = make.in_charge("leader", client), make.person("client", name="Clara", of=client)
    writes(make.item("mail", case_kind="complaint", customer=work.Customer("C-1")), "my lawyer")
    assert [each.title for each in follow()] == ["Mailed late", "Never mailed"]

    assert mails(ASKED + timedelta(minutes=4)) == []
    assert mails(ASKED + timedelta(minutes=5)) == [(lead.account.email, 1), (clara.account.email, 1)]


def test_where_no_mail_can_be_sent_the_page_says_so(follow, settings):
    settings.WORKFLOOR_SMTP_URL = ""
    make.in_charge("leader", make.client(), name="Leo")
    asks(make.agent())
    follow()
    look(ASKED + timedelta(minutes=2))
    assert Mail.objects.get().state == "failed"
    [shown] = escalation_queries.inbox(ASKED).open
    assert shown.chain[0].names == ["Leo"] and "No mail server is set up" in shown.chain[0].fault


# --- at once ----------------------------------------------------------------------------------------------------------


def test_of_two_who_answer_at_once_one_is_heard_and_the_other_told(real_database):
    leads = committed(lambda: [make.in_charge("leader", make.client(), name=name) for name in ("Leo", "Lia")])
    committed(lambda: asks(make.agent()))
    follow_for_real()
    raised = committed(lambda: Escalation.objects.get())

    results = race(
        *(
            lambda lead=lead: escalation.answer(escalation=raised, text=f"{lead.name} says yes", by=lead, now=ASKED)
            for lead in leads
        )
    )

    refused = [each for each in results if isinstance(each, work.TooLate)]
    assert len(refused) == 1 and "was quicker" in str(refused[0])
    assert committed(lambda: Escalation.objects.get().answer).endswith("says yes")
