"""A call that is consulted on and transferred, a document keyed twice, a call elsewhere: with a router at work."""

import time
from datetime import timedelta

import httpx
import pytest
from django.db import transaction

from tests import make
from tests.core.work.test_roles import KEYED, adds_up
from tests.stories.test_errand import eventually, post, signed_in
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.people import actions as people
from workfloor.core.work import connecting, joining
from workfloor.core.work import legs as work_legs
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Assignment, Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock


def inside(do):
    with transaction.atomic():
        rls.enter_every_client()
        return do()


def item_of(key):
    return inside(lambda: Item.objects.get(key=key))


@pytest.fixture
def floor(real_database):
    """A client whose letters are documents to key; Ana and Ben, who take no work yet; a token."""

    def made():
        client = make.amended(KEYED)
        ana, ben = (make.agent(name, available=False) for name in ("Ana", "Ben"))
        token = clients.issue_token(
            client=client,
            title="telephone system",
            scopes=["work:write", "work:read", "statement:read"],
            by=actors.ROOT,
            now=make.NINE,
        )
        return ana, ben, token

    return inside(made)


def test_a_call_a_document_and_a_call_elsewhere(floor, installation, real_database):
    ana, ben, token = floor
    api = httpx.Client(base_url=f"{installation}/api", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    ana_desk, ben_desk = signed_in(installation, ana), signed_in(installation, ben)

    # A call comes in: its channel tells of the customer's leg in the transaction that receives it.
    def rings():
        call = make.call(at=clock.now(), key="call-1")
        return connecting.begin(item=call, leg="in", party="customer", by=make.CHANNEL, now=clock.now())

    call = inside(rings)
    inside(lambda: connecting.connect(item=call, leg="in", by=make.CHANNEL, now=clock.now()))
    assert post(ana_desk, "/desk/available/").status_code == 200
    eventually(lambda: item_of("call-1").person_id == ana.id)
    assert post(ana_desk, f"/desk/items/{call.id}/accept/").status_code == 200
    assert (item_of("call-1").state, item_of("call-1").connected_at) == ("held", None)  # accepted is not connected
    inside(lambda: connecting.begin(item=call, leg="ana", party="agent", person=ana, by=make.CHANNEL, now=clock.now()))
    inside(lambda: connecting.connect(item=call, leg="ana", by=make.CHANNEL, now=clock.now()))
    assert item_of("call-1").talking_since is not None

    # Ben comes in as a consultant; while he is, the router gives him nothing, whatever waits.
    inside(lambda: people.go_available(person=ben, by=ben, now=clock.now()))
    inside(lambda: joining.ask(item=call, to=ben, by=ana, now=clock.now()))
    sent = api.post("/work", json={"key": "form-1", "queue": "mail", "title": "Claim form"})
    assert sent.status_code == 201
    inside(lambda: joining.accept(item=call, by=ben, now=clock.now()))
    inside(lambda: connecting.begin(item=call, leg="ben", party="agent", person=ben, by=make.CHANNEL, now=clock.now()))
    inside(lambda: connecting.connect(item=call, leg="ben", by=make.CHANNEL, now=clock.now()))
    time.sleep(2)  # a router offers within a fraction of that
    assert item_of("form-1").state == "waiting"

    # He takes the call over; Ana is free, and it is she who is offered the document.
    inside(lambda: joining.transfer(item=call, to=ben, by=ana, now=clock.now(), note="a complaint"))
    eventually(lambda: item_of("form-1").person_id == ana.id)
    inside(lambda: connecting.end(item=call, leg="in", by=make.CHANNEL, now=clock.now(), cause="hung up"))
    assert item_of("call-1").state == "wrapping"
    assert post(ben_desk, f"/desk/items/{call.id}/wrap-up/", disposition="resolved").status_code == 200
    call = item_of("call-1")
    assert (call.state, call.done_by_id) == ("done", ben.id)
    assert [(each["party"], each["person"]) for each in inside(lambda: work_queries.legs(call.id))] == [
        ("customer", None),
        ("agent", ana.id),
        ("agent", ben.id),
    ]
    assert work_legs.sums(call.legs, clock.now()) == (call.talk_seconds, call.hold_seconds)

    # The document is keyed by both, and done when both are.
    form = item_of("form-1")
    inside(lambda: joining.ask_second_keying(item=form, by=make.ROOT, now=clock.now()))
    assert post(ana_desk, f"/desk/items/{form.id}/accept/").status_code == 200
    inside(lambda: joining.begin_second_keying(item=form, by=ben, now=clock.now()))
    assert post(ana_desk, f"/desk/items/{form.id}/end/").status_code == 200
    assert post(ana_desk, f"/desk/items/{form.id}/wrap-up/", disposition="answered").status_code == 200
    assert (item_of("form-1").state, item_of("form-1").keyed_at is not None) == ("waiting", True)
    time.sleep(2)
    assert item_of("form-1").state == "waiting"  # it is for nobody but Ben
    inside(lambda: joining.finish_second_keying(item=form, by=ben, now=clock.now()))
    assert (item_of("form-1").state, item_of("form-1").done_by_id) == ("done", ana.id)

    # A telephone system of the client's tells of a call of its own, its end first.
    came = clock.now() - timedelta(seconds=300)
    instant = [(came + timedelta(seconds=each)).isoformat() for each in (0, 8, 68)]
    elsewhere = {"key": "pbx-1", "queue": "calls", "handled_elsewhere_since": instant[0]}
    assert api.post("/work", json=elsewhere).status_code == 201
    over = {"id": "2", "event": "ended", "at": instant[2], "disposition": "resolved"}
    assert api.post("/work/pbx-1/events", json=over).json()["waits_for"] == "answered"
    assert api.post("/work/pbx-1/events", json={"id": "1", "event": "answered", "at": instant[1]}).status_code == 200
    assert api.get("/work/pbx-1").json()["state"] == "done"
    assert item_of("pbx-1").talk_seconds == 60

    # All of it is what the facts add up to, nobody has anything in hand, and the statement charges both calls.
    for item in inside(lambda: list(Item.objects.all())):
        assert inside(lambda item=item: adds_up(item))
    assert inside(lambda: not Assignment.objects.exists())
    statement = api.get(f"/statements/{came:%Y-%m}").json()
    assert statement["totals"]["answered"] == 3  # the document was taken up, too
    assert [(line["title"], line["quantity"]) for line in statement["lines"]] == [("Calls answered", 2)]
