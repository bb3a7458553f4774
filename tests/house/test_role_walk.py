"""An agent sees and touches only what is theirs: every address, press and search, tried by a colleague of theirs.

The colleague is cleared for the same client, so no wall hides anything here: what keeps them out is whose it is.
"""

import pytest
from django.test import Client as Browser

from tests import make
from tests.house.test_hands import SENT, idle
from tests.house.test_isolation_of_pages import PAGES, pointing_at, rows_of, signed_in, text_of
from workfloor.core.conversations import actions as conversations
from workfloor.core.people import own_account, qualification
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.work import joining, roles
from workfloor.kit.time import clock

DRAFT, WHISPER, MESSAGE = "quincunx", "rigmarole", "skulduggery"  # in nothing else
PRIVATE = (DRAFT, WHISPER, MESSAGE)


@pytest.fixture
def owner(sides):
    """The agent of the north: a draft of theirs, a whisper and a message of their leader's to them."""
    north, _ = sides
    agent, leader = north.staff["agent"], north.staff["leader"]
    conversations.keep_draft(item=north.held, text=DRAFT, by=agent, now=make.NINE)
    north.held.refresh_from_db()
    if roles.part_of(north.held.beside, leader.id) is None:
        joining.monitor(item=north.held, by=leader, now=make.NINE)
    team_messages.whisper(item=north.held, text=WHISPER, by=leader, now=make.NINE)
    team_messages.send(to=[agent], text=MESSAGE, by=leader, now=make.NINE)
    return agent


def test_what_only_its_owner_reads_is_there_for_the_owner(owner, sides):
    north, _ = sides
    browser = signed_in(owner.account)

    assert browser.get(f"/desk/items/{north.held.id}/draft/").json()["text"] == DRAFT
    assert all(word in text_of(browser.get("/desk/")) for word in (WHISPER, MESSAGE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route or "/")
def test_no_address_shows_a_colleague_what_only_its_owner_reads(page, owner, sides):
    north, _ = sides
    browser = signed_in(idle(north).account)

    for address in page.addresses(north):
        for method in ("get", "post"):
            said = text_of(getattr(browser, method)(address, pointing_at(north) | SENT))
            assert not [word for word in PRIVATE if word in said], (method, address)


OF_ITEMS = [page for page in PAGES if page.name.startswith("agent:") and "item_id" in page.parameters]
# What is asked of the process of an item, not of the item.
OF_PROCESSES = {"agent:articles"}
# What answers as if it was done, since it could not be about anybody else's.
SAYS_NOTHING = {"agent:draft", "agent:decline-to-join", "agent:leave-item"}


@pytest.mark.parametrize("page", OF_ITEMS, ids=lambda page: page.name)
def test_a_colleagues_item_opens_to_nobody_at_the_desk(page, owner, sides):
    north, _ = sides
    browser, before = signed_in(idle(north).account), rows_of(north.client.id)
    sent = pointing_at(north) | SENT | {"into": north.waiting.case_id, "key": "x" * 12}

    for address in page.addresses(north):
        for method in ("get", "post"):
            answer = getattr(browser, method)(address, sent, headers={"HX-Request": "true"})
            if page.name in OF_PROCESSES:
                continue
            if page.name in SAYS_NOTHING:
                assert answer.status_code in {204, 405} or answer.json() == {"text": "", "envelope": {}}
            else:
                assert answer.status_code in {404, 405, 409, 422}, (method, address, answer.status_code)
    changed = {table for table, rows in rows_of(north.client.id).items() if rows != before[table]}
    assert changed <= {"looks_look"}


def test_the_desk_opens_nobody_elses_item_and_takes_nobody_elses_reply_back(owner, sides):
    north, _ = sides
    browser = signed_in(idle(north).account)

    for asked in (north.held.id, north.waiting.id):
        assert north.held.title.lower() not in text_of(browser.get(f"/desk/?item={asked}"))
        assert north.held.title.lower() not in text_of(browser.get(f"/desk/hands/?item={asked}"))
    assert browser.post("/desk/take-back/", {"message": north.reply.id}).status_code == 404


@pytest.mark.parametrize("word", PRIVATE)
def test_no_search_finds_what_only_its_owner_reads(word, owner, sides):
    north, _ = sides
    person = idle(north)
    _, token = own_account.sign_in(person=person, title="a machine", now=clock.now())

    said = text_of(signed_in(person.account).get("/search/", {"words": word}))
    found = Browser(headers={"Authorization": f"Bearer {token}"}).get("/api/search", {"words": word})

    assert "/conversations/cases/" not in said
    assert found.status_code == 200
    assert word not in str({name: each for name, each in found.json().items() if name != "words"})


def test_nobody_hears_a_colleagues_desk_or_the_floor(owner, sides):
    north, _ = sides
    browser, topics = signed_in(idle(north).account), (f"person:{owner.id}", f"messages:{owner.id}", "floor")

    for topic in (*topics, f"typing:{owner.id}:{north.held.id}"):
        assert browser.get("/live/", {"topic": topic}).status_code == 403, topic
    assert all(qualification.may_hear(topic, owner.id, ["agent"], []) for topic in topics[:2])


LEADERS = [page for page in PAGES if page.name.startswith(("leader:", "escalation:", "routing:"))]


@pytest.mark.parametrize("page", LEADERS, ids=lambda page: page.name)
def test_what_leads_the_floor_opens_to_no_agent_not_even_about_their_own_work(page, owner, sides):
    north, _ = sides
    browser, before = signed_in(owner.account), rows_of(north.client.id)

    for address in page.addresses(north):
        answers = {
            getattr(browser, method)(address, pointing_at(north) | SENT).status_code for method in ("get", "post")
        }
        assert answers <= {403, 405}, address
    assert rows_of(north.client.id) == before
