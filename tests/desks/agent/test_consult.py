"""Colleagues on one item, as the desk shows and presses it."""

import pytest

from tests import make
from tests.desks.agent.test_views import held, page, press, state
from workfloor.core.access import actors
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.core.work import joining
from workfloor.core.work import queries as work_queries
from workfloor.desks.agent import queries as agent_queries
from workfloor.kit.time import clock

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture
def ana(client):
    make.client()
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


@pytest.fixture
def ben():
    return make.agent("Ben", portuguese=4)


def as_(client, person):
    client.force_login(person.account)
    return client


def test_a_colleague_is_asked_by_name_reads_along_notes_and_is_handed_the_item(client, ana, ben):
    mail = held(ana, queue="mail", title="Double charge")

    assert press(client, mail, "consult", to=ben.id).status_code == 204
    assert "Consult, asked" in page(client)
    theirs = page(as_(client, ben))
    assert all(words in theirs for words in ("Ana asks you in", "Double charge", "Accept", "Decline"))
    assert press(client, mail, "join").status_code == 204
    assert press(client, mail, "join").status_code == 204  # pressed twice is pressed once
    theirs = page(client)
    assert all(words in theirs for words in ("Ana asked you in", "Owner", "Leave", "Write an internal note"))
    assert "Pending customer</button>" not in theirs
    assert press(client, mail, "note", text="Refund it", key="k" * 12).status_code == 204
    assert press(client, mail, "keep-draft", text="And then").status_code == 204
    assert press(client, mail, "reply", text="Dear customer", key="r" * 12).status_code == 422

    assert "Refund it" in page(as_(client, ana))
    assert press(client, mail, "hand-over", consultant=ben.id, note="Knows refunds").status_code == 204
    assert work_queries.item(mail.id).person == ben
    assert "Double charge" not in page(client)
    assert "Knows refunds" in page(as_(client, ben))
    assert conversations_queries.draft(mail.id, ben.id).text == "And then"


def test_a_colleague_is_asked_by_skill_the_best_at_it_with_room(client, ana, ben):
    best = make.agent("Carla", portuguese=5)
    held(best, queue="calls")
    mail = held(ana, queue="mail")

    assert press(client, mail, "consult", skill="portuguese").status_code == 204
    assert [each["person"] for each in work_queries.item(mail.id).beside] == [ben.id]


def test_who_is_best_at_a_skill():
    def colleague(name, level, taken=0, has_room=True):
        person = make.agent(name)
        return agent_queries.Colleague(person, {"portuguese": level} if level else {}, taken, has_room)

    ana, ben = colleague("Ana", 3), colleague("Ben", 5, has_room=False)
    carla, dora = colleague("Carla", 4, taken=15), colleague("Dora", 4)

    assert agent_queries.best_at([ana, ben, carla, dora], "portuguese") == dora.person
    assert agent_queries.best_at([ana, carla], "french") is None


def test_nothing_chosen_and_nobody_able_are_said_at_the_form(client, ana, ben):
    mail = held(ana, queue="mail")

    nothing = press(client, mail, "consult")
    assert (nothing.status_code, "Choose a colleague or a skill" in nothing.content.decode()) == (422, True)
    nobody = press(client, mail, "consult", skill="french")
    assert (nobody.status_code, "Nobody with this skill has room" in nobody.content.decode()) == (422, True)
    people.go_away(person=ben, reason="lunch", by=ben, now=clock.now())
    gone = press(client, mail, "consult", to=ben.id)
    assert (gone.status_code, "cannot be asked any more" in gone.content.decode()) == (422, True)
    assert work_queries.item(mail.id).beside is None


def test_either_ends_the_consult_and_who_declines_is_asked_no_more(client, ana, ben):
    mail = held(ana, queue="mail")
    press(client, mail, "consult", to=ben.id)
    assert press(client, mail, "end-consult", consultant=ben.id).status_code == 204
    assert work_queries.item(mail.id).beside is None

    press(client, mail, "consult", to=ben.id)
    assert press(as_(client, ben), mail, "decline-to-join").status_code == 204
    assert "asks you in" not in page(client)
    press(as_(client, ana), mail, "consult", to=ben.id)
    press(as_(client, ben), mail, "join")
    assert press(client, mail, "leave").status_code == 204
    assert press(client, mail, "leave").status_code == 204
    assert work_queries.item(mail.id).beside is None
    assert press(as_(client, ana), mail, "hand-over", consultant=ben.id).status_code == 422
    assert state(mail) == "held"


def test_only_who_is_on_it_reads_along(client, ana, ben):
    mail = held(ana, queue="mail")
    address = f"/desk/items/{mail.id}/talk/"
    press(client, mail, "consult", to=ben.id)

    assert as_(client, ben).get(address).status_code == 404  # asked, and not there yet
    press(client, mail, "join")
    assert client.get(address).status_code == 200
    assert as_(client, make.agent("Carla")).get(address).status_code == 404


def test_capacity_is_kept_with_work_of_a_client_that_the_owner_may_not_see(client, ana, ben):
    people.clear(person=ben, client=make.client("porto-post"), by=make.actors.ROOT, now=make.NINE)
    one, two = held(ana, queue="mail"), held(ana, queue="mail")
    hidden = [make.item("mail", of="porto-post") for _ in range(2)]
    for item in hidden:
        work.offer(
            item=item, person=ben, max_concurrency=3, offer_seconds=600, by=actors.engine("router"), now=clock.now()
        )

    assert press(client, one, "consult", to=ben.id).status_code == 204  # 15 of the 20 that are left
    assert press(client, two, "consult", to=ben.id).status_code == 409
    assert work_queries.item(two.id).beside is None


# --- keyed twice -----------------------------------------------------------------------------------------------------


def test_a_document_is_keyed_by_two_who_see_nothing_of_each_other(client, ana, ben):
    make.amended(('kind = "email"', 'kind = "data-capture"'), slug="porto-post")
    for each in (ana, ben):
        people.clear(person=each, client=make.client("porto-post"), by=make.actors.ROOT, now=make.NINE)
    form = make.item("mail", of="porto-post", title="Form 7", payload={"scan": "form-7.tif"}, at=clock.now())
    joining.ask_second_keying(item=form, by=actors.ROOT, now=clock.now())
    work.offer(item=form, person=ana, max_concurrency=3, offer_seconds=20, by=actors.engine("router"), now=clock.now())
    work.accept(item=form, by=ana, now=clock.now())
    press(client, form, "note", text="The date is illegible", key="n" * 12)

    theirs = page(as_(client, ben))
    assert "To be keyed by a second person" in theirs
    assert press(client, form, "key-again").status_code == 204
    theirs = page(client)
    assert all(words in theirs for words in ("Second keying", "form-7.tif", "as if nobody had"))
    assert "illegible" not in theirs and "Accepted" not in theirs
    assert client.get(f"/desk/items/{form.id}/talk/").status_code == 404
    assert press(client, form, "keyed-again").status_code == 204
    assert state(form) == "held"

    assert press(as_(client, ana), form, "finish", disposition="answered").status_code == 204
    assert (state(form), work_queries.item(form.id).second_keying) == ("done", "done")
