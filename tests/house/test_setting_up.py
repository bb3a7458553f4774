"""Setting the installation up, by text as people type it: each change is a fact of theirs, and secrets are in none."""

import json
import logging

import pytest
from django.db import connection

from tests import make
from tests.house import two_clients
from workfloor.core.event_log.models import Fact
from workfloor.core.people import own_account
from workfloor.core.people.models import Person
from workfloor.desks.console import action_forms
from workfloor.desks.console import queries as console_queries
from workfloor.kit.database import jobs, rls
from workfloor.kit.time import clock
from workfloor.ops.channels.chat.models import Widget
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Arrival, Mailbox
from workfloor.ops.webhooks.models import Delivery, Endpoint

ACTIONS = console_queries.declared()
PACKAGES = ("email", "chat", "playbooks", "routing", "retention", "files", "webhooks", "event_log")
PASSWORD = "correct horse battery"
SOURCE = "imaps://help%40north.example@mail.example/INBOX"
PLAYBOOK = '[[answers]]\nname = "thanks"\ntitle = "Thanks"\ntext = "Thank you."\n'

# Each action once, with what people would type; {name} is a number or a key that only the moment knows.
WEEK = (
    ("email.open_mailbox", {"address": "Help@North.example", "queue": "north/mail", "password": PASSWORD}),
    ("email.change_mailbox", {"mailbox": "help@north.example", "source_url": SOURCE, "password": f"new {PASSWORD}"}),
    ("email.close_mailbox", {"mailbox": "help@north.example"}),
    ("email.run_again", {"arrivals": ["{failed}"]}),
    ("email.discard", {"arrivals": "{failed}"}),
    ("email.send_again", {"message": "{reply}"}),
    ("chat.add_widget", {"queue": "north/chats", "origins": "https://north.example\nhttps://www.north.example"}),
    ("chat.change_widget", {"widget": "{widget}", "origins": ["https://shop.north.example"]}),
    ("chat.withdraw_widget", {"widget": "{widget}"}),
    ("playbooks.give", {"client": "north", "source": PLAYBOOK}),
    (
        "playbooks.write_article",
        {"process": "north/{process}", "name": "lost-card", "body": "# Lost card\n\nBlock it."},
    ),
    ("routing.put_into_pool", {"queue": "north/mail", "pool": "night"}),
    ("routing.even_out", {"pool": "night", "seconds": "600"}),
    ("retention.set_days", {"kind": "raw-mail", "days": "45", "client": "north"}),
    ("retention.reset_days", {"kind": "raw-mail", "client": "north"}),
    ("webhooks.add", {"client": "north", "title": "CRM", "url": "https://crm.example.com/in", "events": ["work"]}),
    ("webhooks.pause", {"endpoint": "{endpoint}"}),
    ("webhooks.resume", {"endpoint": "{endpoint}"}),
    ("webhooks.rotate", {"endpoint": "{endpoint}"}),
    ("webhooks.send_test", {"endpoint": "{endpoint}"}),
    ("webhooks.send_again", {"delivery": "{delivery}"}),
    ("webhooks.remove", {"endpoint": "{endpoint}"}),
    ("event_log.run_again", {"failures": "fact-{parked}"}),
    ("event_log.drop", {"failure": "fact-{parked}"}),
    ("files.erase_key", {"client": "north", "reason": "contract ended"}),
)


@pytest.fixture
def north(everyone):
    """A client with everything, and who manages it."""
    side = two_clients.side("north", "north")
    make_failed(side)
    return side


def make_failed(side) -> None:
    Arrival.objects.filter(id=side.arrival.id).update(state="failed")
    side.reply.__class__.objects.filter(id=side.reply.id).update(channel="email", state="failed")


def number(name: str, side) -> str:
    newest = {
        "failed": lambda: Arrival.objects.get(id=side.arrival.id).id,
        "reply": lambda: side.reply.id,
        "widget": lambda: Widget.objects.latest("id").key,
        "process": lambda: side.waiting.process.name,
        "endpoint": lambda: Endpoint.objects.latest("id").id,
        "delivery": lambda: Delivery.objects.latest("id").id,
        "parked": lambda: console_parked(),
    }
    return str(newest[name]())


def console_parked() -> int:
    from workfloor.core.event_log.models import Parked

    return Parked.objects.latest("id").id


def filled(written, side):
    """What is typed, with the numbers of this moment."""
    if isinstance(written, list):
        return [filled(each, side) for each in written]
    for name in ("failed", "reply", "widget", "process", "endpoint", "delivery", "parked"):
        if "{" + name + "}" in written:
            written = written.replace("{" + name + "}", number(name, side))
    return written


def perform(name: str, written: dict, side, by: Person) -> str:
    action = ACTIONS[name]
    values = action.read({field: filled(text, side) for field, text in written.items()})
    return action.told(values, action.perform(**values, by=by, now=clock.now()))


def test_the_week_is_of_every_action_that_sets_something_up():
    assert {name for name, _ in WEEK} == {name for name in ACTIONS if name.partition(".")[0] in PACKAGES}


def test_each_change_of_a_week_is_a_fact_that_says_who(north):
    by = north.staff["manager"]

    for name, written in WEEK:
        if name == "email.discard":
            make_failed(north)
        if name == "webhooks.send_again":
            Delivery.objects.filter(id=Delivery.objects.latest("id").id).update(state="failed")
        told = set(Fact.objects.values_list("id", flat=True))
        perform(name, written, north, by)
        facts = [each for each in Fact.objects.all() if each.id not in told]
        assert by.id in {each.by_id for each in facts}, (name, facts)


def test_what_was_changed_of_a_mailbox_says_from_what_to_what(north):
    perform(*WEEK[0], north, north.staff["manager"])
    perform("email.change_mailbox", {"mailbox": "help@north.example", "title": "North"}, north, north.staff["manager"])

    fact = Fact.objects.filter(event="record.changed").latest("id")
    assert (fact.details["before"], fact.details["after"]) == ({"title": ""}, {"title": "North"})
    assert fact.client_id == north.client.id


# --- secrets ----------------------------------------------------------------------------------------------------------
def test_a_mailboxs_password_is_in_no_fact_no_log_no_answer_and_no_column_as_it_is(north, caplog):
    caplog.set_level(logging.DEBUG)

    said = [perform(name, written, north, north.staff["manager"]) for name, written in WEEK[:2]]

    mailbox = Mailbox.objects.get(address="help@north.example")
    assert email_queries.password(mailbox) == f"new {PASSWORD}"
    assert PASSWORD.encode() not in bytes(mailbox.password)
    assert PASSWORD not in " ".join(said) + caplog.text
    assert PASSWORD not in str(list(Fact.objects.values_list("details", flat=True)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE args::text LIKE %s", [f"%{PASSWORD}%"])
        assert cursor.fetchone()[0] == 0
    assert Fact.objects.filter(event="mail.mailbox-password-set").count() == 1


def test_the_api_takes_a_password_and_shows_it_to_nobody(north, client):
    _, token = own_account.sign_in(person=north.staff["manager"], title="a script", now=clock.now())
    shown = {"Authorization": f"Bearer {token}"}
    asked = {"address": "a@north.example", "queue": "north/mail", "source_url": SOURCE}

    for password in (PASSWORD, PASSWORD * 20, [PASSWORD], {"secret": PASSWORD}):
        answer = client.post(
            "/api/actions/email.open_mailbox", asked | {"password": password}, "application/json", headers=shown
        )
        assert PASSWORD not in answer.content.decode()
        assert (answer.status_code == 200) == (password == PASSWORD)

    schemas = client.get("/api/openapi.json").json()["components"]["schemas"].values()
    asked_for = [each["properties"]["password"] for each in schemas if "password" in each.get("properties", ())]
    assert len(asked_for) == 2 and all('"writeOnly": true' in json.dumps(each) for each in asked_for)


def test_a_form_asks_for_a_password_unseen_and_does_not_show_it_again():
    form = action_forms.form_of(ACTIONS["email.open_mailbox"], {"address": "x", "password": PASSWORD})

    assert 'type="password"' in str(form["password"])
    assert PASSWORD not in form.as_p()


def test_a_password_that_is_refused_is_not_said_again(north):
    action = ACTIONS["email.open_mailbox"]

    with pytest.raises(ValueError) as refused:
        action.read({"address": "a@north.example", "queue": "north/mail", "password": "\x00" + PASSWORD * 20})

    assert PASSWORD not in str(refused.value)


def test_a_source_without_a_password_is_refused_and_one_with_the_known_password_is_not(north):
    by = north.staff["manager"]
    with pytest.raises(ValueError, match="Give the password"):
        perform(
            "email.open_mailbox", {"address": "a@north.example", "queue": "north/mail", "source_url": SOURCE}, north, by
        )

    perform(*WEEK[0], north, by)
    perform("email.change_mailbox", {"mailbox": "help@north.example", "source_url": SOURCE}, north, by)


# --- the wall ---------------------------------------------------------------------------------------------------------
def test_an_address_of_a_client_whom_nobody_may_see_is_refused_without_saying_whose(north):
    make.client("hidden")
    perform(
        "email.open_mailbox",
        {"address": "a@hidden.example", "queue": "hidden/mail"},
        north,
        make.in_charge("manager", make.client("hidden")),
    )
    rls.enter(north.client.id)

    with pytest.raises(ValueError, match=r"a@hidden\.example is a mailbox already") as refused:
        perform(
            "email.open_mailbox", {"address": "a@hidden.example", "queue": "north/mail"}, north, north.staff["manager"]
        )

    assert "hidden;" not in str(refused.value)


def test_a_queue_of_another_client_is_no_place_for_a_mailbox_or_a_widget(north):
    make.client("other", chats=True)
    by = make.in_charge("manager", north.client, make.client("other"))
    perform(*WEEK[0], north, by)
    perform("chat.add_widget", {"queue": "north/chats", "origins": "https://north.example"}, north, by)

    for name, written in (
        ("email.change_mailbox", {"mailbox": "help@north.example", "queue": "other/mail"}),
        ("chat.change_widget", {"widget": "{widget}", "queue": "other/chats"}),
    ):
        with pytest.raises(ValueError, match="choose a queue of theirs"):
            perform(name, written, north, by)


def test_mails_of_two_clients_take_the_clearance_for_both(north):
    south = two_clients.side("south", "south")
    make_failed(south)

    with pytest.raises(ValueError, match="not cleared"):
        perform(
            "email.discard", {"arrivals": [str(north.arrival.id), str(south.arrival.id)]}, north, north.staff["leader"]
        )

    assert Arrival.objects.get(id=north.arrival.id).state == "failed"


def test_failed_jobs_belong_to_no_client_and_are_for_who_runs_the_installation(north, monkeypatch):
    dropped: list[int] = []
    monkeypatch.setattr(jobs, "failed", lambda: [jobs.Failed(7, "email.deliver", 3, make.NINE)])
    monkeypatch.setattr(jobs, "drop", dropped.append)

    with pytest.raises(ValueError, match="that takes the role manager"):
        perform("event_log.drop", {"failure": "job-7"}, north, north.staff["leader"])
    assert dropped == []

    perform("event_log.drop", {"failure": "job-7"}, north, north.staff["manager"])
    assert dropped == [7]
    assert Fact.objects.get(event="engine.job-dropped").details == {"job": 7, "task": "email.deliver"}
