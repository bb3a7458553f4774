"""What is kept of webhooks, for how long, and what tells that something is wrong with them."""

import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.db import connection, transaction

from tests import make
from tests.ops.webhooks import floors, receivers
from workfloor.cli import admin, main
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import events as event_log_events
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact, Parked
from workfloor.core.files import gateway as files_gateway
from workfloor.core.retention import actions as retention
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.kit.web import metrics
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import models as webhooks_models
from workfloor.ops.webhooks import tasks as webhooks_tasks

TOLD = """workfloor_webhook_lag_seconds{{endpoint="{0}"}} 1200.0
workfloor_webhook_waiting{{endpoint="{0}"}} 2.0
workfloor_webhook_dead{{endpoint="{0}"}} 1.0"""


@pytest.fixture
def receiver():
    with receivers.running() as found:
        yield found


@pytest.fixture
def floor(real_database, settings):
    settings.WORKFLOOR_WEBHOOKS_INSIDE = ["127.0.0.0/8", "::1"]
    yield floors.Floor()
    connection.close()


def run(*arguments):
    return CliRunner().invoke(main, ["admin", "webhook", *map(str, arguments)])


def test_a_fact_that_was_parked_and_comes_again_is_sent_once(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    floor.mail("letter-1")
    floor.follows()
    follower = event_log_events.register.followers["webhooks.post"]
    with transaction.atomic():
        rls.enter_every_client()
        [fact] = event_log_queries.after(0, ["work.received"], 1)
        parked = Parked.objects.create(
            follower=follower.name,
            position=fact.position,
            event=fact.event,
            client_id=fact.client_id,
            error="the network was away",
            parked_at=make.NINE,
        )
        event_log.run_parked(parked, now=make.NINE)
    floor.sends(endpoint)

    assert receiver.events() == ["work.received"]


def test_deliveries_go_after_their_time_and_what_waits_stays(floor, receiver):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    floor.mail("letter-1")
    floor.follows()
    floor.sends(endpoint)
    floor.does(webhooks.pause, endpoint=endpoint, by=actors.ROOT, now=make.NINE)
    floor.mail("letter-2")
    floor.follows()
    floor.does(
        retention.set_days, kind="webhook-deliveries", days=10, client=floor.client, by=actors.ROOT, now=make.NINE
    )

    for days, left in ((9, 2), (11, 1), (400, 1)):
        with clock.frozen(make.later(days=days)):
            webhooks_tasks.delete_expired(0)
        assert len(floor.rows()) == left
    with transaction.atomic():
        rls.enter_every_client()
        assert not webhooks_models.Attempt.objects.exists()
        expired = Fact.objects.get(event="retention.expired")
    assert expired.details == {"kind": "webhook-deliveries", "count": 1, "days": 10}


def test_each_minute_what_should_be_on_its_way_is_asked_for_and_lags_are_told(floor):
    endpoint, _ = floor.endpoint(f"http://127.0.0.1:{receivers.free_port()}/", "work.received")
    floor.mail("letter-1")
    floor.mail("letter-2")
    floor.follows()
    floor.sends(endpoint)
    jobs = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'webhooks.send' AND status = 'todo'"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        with clock.frozen(make.later(minutes=20)):
            webhooks_tasks.look_after(0)
        cursor.execute(jobs)
        assert cursor.fetchone()[0] == 1

    counted = metrics.text()[0].decode()
    assert all(line in counted for line in TOLD.format(endpoint.id).splitlines())


def test_the_doctor_names_what_has_failed_for_a_while(floor):
    with clock.frozen(make.NINE):
        assert admin._webhooks().state == "ok"
    endpoint, _ = floor.endpoint(f"http://127.0.0.1:{receivers.free_port()}/", "work.received")
    floor.mail("letter-1")
    floor.follows()
    floor.sends(endpoint)

    with clock.frozen(make.later(minutes=9)):
        assert admin._webhooks().state == "ok"
    with clock.frozen(make.later(minutes=11)):
        found = admin._webhooks()
    assert (found.state, found.says) == ("look", "CRM of lisbon-light is failing, 1 wait")


def test_without_the_key_nothing_is_sent_and_the_endpoint_says_so(floor, receiver, settings, tmp_path):
    endpoint, _ = floor.endpoint(receiver.url, "work.received")
    floor.mail("letter-1")
    floor.follows()
    key, settings.WORKFLOOR_FILES_KEY, settings.WORKFLOOR_DATA = settings.WORKFLOOR_FILES_KEY, "", tmp_path
    floor.sends(endpoint)

    assert receiver.came == []
    assert files_gateway.KEY_FILE in floor.now(endpoint).fault
    settings.WORKFLOOR_FILES_KEY = key
    floor.sends(endpoint, make.NINE + timedelta(minutes=5))
    assert receiver.events() == ["work.received"]


def test_the_commands(floor, receiver):
    added = run("add", "lisbon-light", receiver.url, "--title", "their CRM", "--event", "work.received")
    [secret] = re.findall(r"whsec_\S+", added.stdout)
    [row] = json.loads(run("list", "--format", "json").stdout)
    number = row["number"]
    assert (row["client"], row["events"], row["state"], row["waiting"]) == (
        "lisbon-light",
        ["work.received"],
        "well",
        0,
    )

    assert run("test", number).exit_code == 0
    endpoint = floor.rows()[0].endpoint_id
    webhooks_tasks.send(endpoint)
    assert receiver.events() == ["webhook.test"]
    assert receiver.came[0].is_signed_by(secret)
    [delivery] = json.loads(run("deliveries", number, "--format", "json").stdout)
    assert (delivery["id"], delivery["state"], delivery["attempts"][0]["code"]) == (
        receiver.came[0].key,
        "accepted",
        200,
    )
    assert "200" in run("deliveries", number).stdout and "webhook.test" in run("deliveries", number).stdout

    assert run("send-again", delivery["number"]).exit_code == 0
    webhooks_tasks.send(endpoint)
    assert len(receiver.came) == 2
    assert [run(name, number).exit_code for name in ("pause", "pause", "resume", "resume")] == [0, 1, 0, 1]
    assert "whsec_" in run("rotate", number).stdout
    assert "their CRM" in run("list").stdout
    assert run("remove", number, "--yes").exit_code == 0
    assert "There is no endpoint" in run("pause", number).stderr
    assert "work.wrapped-up" in run("events").stdout


def test_a_command_says_what_is_wrong(floor):
    told = run("add", "lisbon-light", "https://10.0.0.1/", "--title", "CRM", "--event", "work")
    assert (told.exit_code, "10.0.0.1, which is not in the public internet" in told.stderr) == (1, True)
    told = run("add", "lisbon-light", "https://crm.example/", "--title", "CRM", "--event", "works")
    assert (told.exit_code, "'works' is not one of" in told.stderr) == (2, True)
