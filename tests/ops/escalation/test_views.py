"""The page of escalations: what is open first, acknowledged and answered there, each client behind its wall."""

import pytest

from tests import make
from tests.core.work.test_roles import in_hand
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.work import actions as work
from workfloor.core.work import queries as work_queries
from workfloor.kit.time import clock
from workfloor.ops.escalation import actions as escalation

pytestmark = pytest.mark.usefixtures("everyone")
LIVE = {"HX-Request": "true"}


@pytest.fixture
def lead(client):
    found = make.in_charge("leader", make.client(), name="Leo")
    client.force_login(found.account)
    return found


def raised(said="May I refund 40 euros?", of="lisbon-light", agent="Ana"):
    ana = make.agent(agent, clear_for=of)
    call = in_hand(ana, make.item("calls", of=of, title=f"About {said}"))
    call = work.escalate(item=call, by=ana, note=said, now=clock.now())
    return escalation.escalate(
        item=call, agreed=contracts_terms.CALL_FOR_HELP, said=said, by=escalation.ENGINE, now=clock.now()
    )


def press(client, found, verb, **entered):
    return client.post(f"/escalations/{found.id}/{verb}/", entered, headers=LIVE)


def page(client):
    return client.get("/escalations/").content.decode()


def test_what_nobody_has_acknowledged_stands_first_with_its_chain_and_leads_to_the_item(client, lead):
    first, second = raised("First"), raised("Second")
    assert press(client, first, "acknowledge").status_code == 204

    shown = page(client)

    assert shown.index("Second") < shown.index("First")
    assert all(words in shown for words in ("told: Leo", "acknowledged by Leo", "Not acknowledged", "Ana:"))
    assert f"/floor/items/{second.item_id}/" in shown
    assert client.get(f"/floor/items/{second.item_id}/").status_code == 200
    assert 'href="/escalations/"' in client.get("/floor/").content.decode()


def test_an_answer_is_given_on_the_page_and_moves_it_to_those_that_are_closed(client, lead):
    found = raised()
    assert "Write the answer first" in press(client, found, "answer", text=" ").content.decode()
    assert press(client, found, "answer", text="Yes, up to 50").status_code == 204

    shown = page(client)
    assert shown.index("Closed in the last 7 days") < shown.index("Yes, up to 50")
    assert "Nothing is open" in shown
    assert work_queries.item(found.item_id).escalated_at is None
    assert press(client, found, "answer", text="No").status_code == 409
    assert press(client, found, "acknowledge").status_code == 409


def test_what_other_clients_escalate_is_not_there(client, lead):
    theirs = raised("Secret", of="porto-post")
    assert "Secret" not in page(client)
    for verb in ("acknowledge", "answer"):
        assert press(client, theirs, verb, text="Yes").status_code == 404


def test_an_agent_and_a_planner_have_no_such_page(client):
    found = raised()
    for role in ("agent", "planner", "administrator"):
        client.force_login(make.person(role).account)
        assert client.get("/escalations/").status_code == 403
        assert press(client, found, "acknowledge").status_code == 403
