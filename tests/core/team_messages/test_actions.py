"""What a leader writes to the floor: who sees it, who has read it, who may."""

import pytest

from tests import make
from tests.core.work.test_roles import in_hand
from workfloor.core.access import actors, permissions
from workfloor.core.event_log.models import Fact
from workfloor.core.people import actions as people
from workfloor.core.people.models import Person
from workfloor.core.retention import actions as retention
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.team_messages import queries as team_messages_queries
from workfloor.core.team_messages.models import TeamMessage
from workfloor.core.work import joining
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import rls

pytestmark = pytest.mark.usefixtures("everyone")
AT = make.later(minutes=1)


@pytest.fixture
def leader():
    return make.in_charge("leader", make.client(), name="Leonor")


def monitored(ana, leader):
    call = in_hand(ana)
    joining.monitor(item=call, by=leader, now=make.NINE)
    return work_queries.item(call.id)


def words(messages):
    return [each.text for each in messages]


def test_whoever_is_written_to_sees_it_until_they_have_read_it_and_the_leader_sees_who_has(leader):
    ana, ben, cia = make.agent("Ana"), make.agent("Ben"), make.agent("Cia")

    message = team_messages.send(to=[ana, ben], text="Stay on, please", by=leader, now=make.NINE)

    assert [words(team_messages_queries.unread(each)) for each in (ana, ben, cia)] == [["Stay on, please"]] * 2 + [[]]
    team_messages.read(received=message, by=ana, now=AT)
    team_messages.read(received=message, by=ana, now=make.later(minutes=5))  # again: nothing more
    assert words(team_messages_queries.unread(ana)) == []
    [sent] = team_messages_queries.sent(leader, AT)
    assert (sent.to_whom, sent.read_by) == (2, 1)
    assert [(each.person.name, each.read_at) for each in team_messages_queries.receipts(sent)] == [
        ("Ben", None),
        ("Ana", AT),
    ]
    assert (team_messages_queries.own(leader, sent.id), team_messages_queries.own(ana, sent.id)) == (sent, None)
    assert [
        (each.event, each.by_id) for each in Fact.objects.filter(event__startswith="team-message").order_by("id")
    ] == [
        ("team-message.sent", leader.id),
        ("team-message.read", ana.id),
    ]


def test_an_answer_reaches_the_leader_and_the_question_is_read_with_it(leader):
    ana = make.agent("Ana")
    message = team_messages.send(to=[ana], text="Can you stay?", by=leader, now=make.NINE)

    answer = team_messages.answer(received=message, text="Yes", by=ana, now=AT)

    assert words(team_messages_queries.unread(ana)) == []
    assert words(team_messages_queries.unread(leader)) == ["Yes"]
    assert (answer.answers, answer.sender) == (message, ana)
    team_messages.answer(received=answer, text="Thanks", by=leader, now=AT)
    assert words(team_messages_queries.unread(ana)) == ["Thanks"]


def test_a_whisper_is_for_the_agent_alone_and_from_whoever_monitors(leader):
    ana, ben = make.agent("Ana"), make.agent("Ben")
    other = make.in_charge("leader", make.client())
    call = monitored(ana, leader)

    whispered = team_messages.whisper(item=call, text="Offer a refund", by=leader, now=AT)

    assert (whispered.item, words(team_messages_queries.unread(ana))) == (call, ["Offer a refund"])
    assert team_messages_queries.unread(ben) == team_messages_queries.unread(other) == []
    assert not call.case.messages.exists()  # the customer's conversation knows nothing of it
    for by in (other, ben):
        with pytest.raises(permissions.Refused):
            team_messages.whisper(item=call, text="x", by=by, now=AT)


def test_card_numbers_are_masked_and_nothing_is_not_sent(leader):
    ana = make.agent("Ana")

    sent = team_messages.send(to=[ana], text="Her card is 4111 1111 1111 1111", by=leader, now=make.NINE)

    assert "4111 1111 1111 1111" not in sent.text
    for text in ("  ", "x" * 2001):
        with pytest.raises(permissions.Refused):
            team_messages.send(to=[ana], text=text, by=leader, now=make.NINE)


def test_nobody_reads_answers_or_writes_what_is_not_theirs(leader):
    ana, ben = make.agent("Ana"), make.agent("Ben")
    message = team_messages.send(to=[ana], text="Hello", by=leader, now=make.NINE)

    assert team_messages_queries.received(ben, message.id) is None
    for refused in (team_messages.read, lambda **given: team_messages.answer(text="x", **given)):
        with pytest.raises(permissions.Refused, match="not written to you"):
            refused(received=message, by=ben, now=AT)
    with pytest.raises(permissions.Refused, match="role"):
        team_messages.send(to=[ben], text="x", by=ana, now=AT)
    with pytest.raises(permissions.Refused, match="Nobody"):
        team_messages.send(to=[], text="x", by=leader, now=AT)


def test_people_who_work_for_others_clients_are_not_written_to(leader):
    other = make.client("porto-post")
    stranger = make.agent("Zoe", clear_for=other.slug)

    rls.enter(make.client().id)

    with pytest.raises(permissions.Refused, match="none of your clients"):
        team_messages.send(to=[stranger], text="x", by=leader, now=AT)


def test_messages_are_kept_for_so_many_days_and_an_answer_goes_before_what_it_answers(leader):
    ana = make.agent("Ana")
    message = team_messages.send(to=[ana], text="Hello", by=leader, now=make.NINE)
    team_messages.answer(received=message, text="Hi", by=ana, now=make.NINE)
    team_messages.whisper(item=monitored(ana, leader), text="Slowly", by=leader, now=make.NINE)
    retention.set_days(kind="team-messages", days=30, client=make.client(), by=actors.ROOT, now=make.NINE)

    assert team_messages.delete_expired(client_id=make.client().id, now=make.later(days=31)) == 1
    assert [team_messages.delete_expired(client_id=None, now=make.later(days=91)) for _ in range(3)] == [1, 1, 0]
    assert not TeamMessage.objects.exists()


def test_an_agent_writes_to_whoever_leads_them_and_is_answered(leader):
    ana, rita = make.agent("Ana"), make.person("leader", name="Rita")
    site = people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", by=actors.ROOT, now=make.NINE)
    team = people.form_team(name="Porto team", site=site, leader=rita, by=actors.ROOT, now=make.NINE)
    Person.objects.filter(id=ana.id).update(team=team, site=site)
    ana.refresh_from_db()

    message = team_messages.write_to_leader(text="May I leave at five?", by=ana, now=make.NINE)

    assert [words(team_messages_queries.unread(each)) for each in (rita, leader)] == [["May I leave at five?"], []]
    team_messages.answer(received=message, text="You may", by=rita, now=AT)
    assert words(team_messages_queries.unread(ana)) == ["You may"]


def test_who_is_in_no_team_writes_to_the_leaders_of_their_clients(leader):
    ana, stranger = make.agent("Ana"), make.in_charge("leader", make.client("porto-post"))

    team_messages.write_to_leader(text="Hello", by=ana, now=make.NINE)

    assert [words(team_messages_queries.unread(each)) for each in (leader, stranger)] == [["Hello"], []]


def test_whom_nobody_leads_is_told_so_and_nobody_but_an_agent_writes_so(leader):
    alone = make.person("agent")

    with pytest.raises(permissions.Refused, match="nobody leads work of your clients"):
        team_messages.write_to_leader(text="Hello", by=alone, now=make.NINE)
    for role in set(permissions.ROLES) - {"agent", "client"}:
        with pytest.raises(permissions.Refused):
            team_messages.write_to_leader(text="Hello", by=make.person(role), now=make.NINE)
