"""The installation's own mail: stored with what it tells of, sent by the worker, tried again, its failures seen."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from tests import make
from tests.ops.channels.email import sink as sinks
from workfloor.core.access import actors
from workfloor.core.event_log.models import Fact
from workfloor.core.outgoing import actions as outgoing
from workfloor.core.outgoing import queries as outgoing_queries
from workfloor.core.outgoing import tasks as outgoing_tasks
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import actions as people
from workfloor.core.people import links as people_links
from workfloor.core.people import own_account
from workfloor.core.people import queries as people_queries
from workfloor.core.people import tasks as people_tasks
from workfloor.kit.database import rls
from workfloor.kit.time import clock

JOAO = "joao@example.com"


@pytest.fixture
def sink():
    with sinks.running() as found:
        yield found


@pytest.fixture
def floor(real_database, settings, sink):
    """A database where transactions really commit, and a mail server."""
    settings.WORKFLOOR_SMTP_URL, settings.WORKFLOOR_MAIL_FROM = sink.url, "floor@porto.example"
    settings.WORKFLOOR_URL = "https://floor.porto.example"
    return Floor()


class Floor:
    def invites(self, at=make.NINE):
        with transaction.atomic():
            rls.enter_every_client()
            people.take_on(name="Joao Reis", email=JOAO, roles=["agent"], by=actors.ROOT, now=at)
            return Mail.objects.get()

    def delivers(self, mail, at=make.NINE):
        """The job runs; gives the mail as it is then."""
        with clock.frozen(at):
            outgoing_tasks.deliver(mail.id)
        return self.now(mail)

    def now(self, mail):
        with transaction.atomic():
            return Mail.objects.get(id=mail.id)

    def says(self, at=make.NINE):
        """What is shown of how Joao gets in."""
        with transaction.atomic():
            rls.enter_every_client()
            [row] = [each for each in people_queries.profiles(at) if each["email"] == JOAO]
            return row["way_in"]

    def facts(self):
        with transaction.atomic():
            rls.enter_every_client()
            found = Fact.objects.filter(event__startswith="own-mail").order_by("id")
            return [(each.event, each.acted_as, each.details.get("reason", "")) for each in found]

    def jobs(self, task=outgoing.DELIVER):
        with transaction.atomic():
            return list(ProcrastinateJob.objects.filter(task_name=task).values_list("args", "scheduled_at"))


def link_in(letter):
    text = letter.get_payload(decode=True).decode()
    return re.search(r"https://\S+", text.split("Choose your password here:")[1])[0]


def test_an_invitation_goes_to_its_person_with_a_link_that_opens_and_is_nobody_elses(floor, sink, client):
    mail = floor.delivers(floor.invites())

    [(sender, to, _)] = sink.mails
    letter = sink.last()
    assert (sender, to) == ("floor@porto.example", [JOAO])
    assert (letter["Subject"], letter["Auto-Submitted"]) == ("Your account at Workfloor", "auto-generated")
    assert (mail.state, mail.answer, mail.tries) == ("sent", "250 taken", 1)
    assert floor.says() == "Invitation delivered, good until 2026-03-11 09:00 UTC"
    assert floor.facts() == [("own-mail.sent", "worker", "")]
    address = urlsplit(link_in(letter))
    assert (
        f"{address.scheme}://{address.netloc}{address.path}" == "https://floor.porto.example/accounts/password/choose/"
    )
    with clock.frozen(make.later(hours=1)):
        link = parse_qs(address.query)["link"][0]
        sent = {"link": link, "new_password1": "a boat on the river", "new_password2": "a boat on the river"}
        with transaction.atomic():
            assert client.post(address.path, sent).status_code == 302


def test_a_mail_is_stored_with_what_it_tells_of_and_sent_by_nobody_before_that_is_kept(floor, sink):
    with transaction.atomic():
        rls.enter_every_client()
        people.take_on(name="Joao Reis", email=JOAO, roles=["agent"], by=actors.ROOT, now=make.NINE)
        transaction.set_rollback(True)
    assert (sink.mails, floor.jobs()) == ([], [])

    mail = floor.invites()

    assert sink.mails == []
    assert [args for args, _ in floor.jobs()] == [{"mail_id": mail.id}]


def test_a_server_that_is_away_is_tried_again_later_and_the_delay_is_seen(floor, sink):
    sink.answers = ["451 4.3.0 busy", "451 4.3.0 busy"]
    mail = floor.delivers(floor.invites())

    assert (mail.state, mail.answer, mail.due_at) == ("waiting", "451 4.3.0 busy", make.NINE + timedelta(minutes=1))
    assert floor.says() == "Invitation delayed, tried again: 451 4.3.0 busy"
    mail = floor.delivers(mail, at=make.NINE + timedelta(seconds=30))
    assert mail.tries == 1  # not before its time
    mail = floor.delivers(mail, at=mail.due_at)
    mail = floor.delivers(mail, at=mail.due_at)
    assert (mail.state, mail.tries, len(sink.mails)) == ("sent", 3, 1)


def test_a_refusal_for_good_is_seen_with_the_servers_words(floor, sink):
    sink.refuse = {JOAO: "550 5.1.1 no such user"}

    mail = floor.delivers(floor.invites())

    assert mail.state == "failed"
    assert floor.says() == "Invitation not delivered: 550 5.1.1 no such user"
    assert floor.facts() == [("own-mail.undelivered", "worker", "550 5.1.1 no such user")]


def test_without_a_server_a_mail_fails_at_once_and_says_what_to_set(floor, sink, settings):
    settings.WORKFLOOR_SMTP_URL = ""

    mail = floor.invites()

    assert (mail.state, floor.jobs()) == ("failed", [])
    assert "No mail server is set up" in floor.says()
    assert "WORKFLOOR_SMTP_URL" in floor.says() and "WORKFLOOR_MAIL_FROM" not in floor.says()


def test_an_invitation_that_was_withdrawn_before_it_went_is_not_sent(floor, sink):
    mail = floor.invites()
    with transaction.atomic():
        rls.enter_every_client()
        joao = people_queries.by_email(JOAO)
        people.withdraw_invitation(person=joao, by=actors.ROOT, now=make.NINE)

    assert floor.delivers(mail).state == "withdrawn"
    assert sink.mails == []


def test_a_worker_that_dies_before_the_last_line_has_sent_nothing_and_another_sends_it_once(floor, sink):
    mail = floor.invites()
    with transaction.atomic():
        outgoing.begin(mail_id=mail.id, now=make.NINE)  # and dies
    with transaction.atomic():
        assert outgoing_queries.overdue(make.NINE) == [mail.id]

    mail = floor.delivers(mail, at=make.later(minutes=1))

    assert (mail.state, mail.tries, mail.in_doubt, len(sink.mails)) == ("sent", 2, 0, 1)
    assert floor.delivers(mail, at=make.later(minutes=2)).tries == 2  # and no job that comes late sends it again
    assert len(sink.mails) == 1


def test_a_line_that_breaks_after_the_last_line_leaves_a_doubt_that_is_counted_and_the_same_name(floor, sink):
    sink.answers = ["breaks"]
    mail = floor.delivers(floor.invites())
    assert (mail.state, mail.in_doubt) == ("waiting", 1)

    mail = floor.delivers(mail, at=mail.due_at)

    assert (mail.state, len(sink.mails)) == ("sent", 2)
    names = {re.search(rb"Message-ID: (\S+)", raw)[1] for _, _, raw in sink.mails}
    assert len(names) == 1  # so that whoever has it twice can tell


def test_whoever_forgot_a_password_is_sent_a_link_by_the_worker_alone(floor, sink, client):
    with transaction.atomic():
        rls.enter_every_client()
        email = make.agent("Ana").account.email
    with transaction.atomic():
        assert client.post("/accounts/password/reset/", {"email": f" {email.upper()} "}).status_code == 302
    [(args, _)] = floor.jobs(own_account.RESET)

    people_tasks.send_reset(**args)
    with transaction.atomic():
        mail = Mail.objects.get()
    floor.delivers(mail, at=clock.now())

    assert sink.mails[0][1] == [email]
    assert "If it was not you, do nothing" in sink.last().get_payload(decode=True).decode()


def test_a_link_is_in_no_row_but_the_mail_that_carries_it(floor, sink):
    mail = floor.delivers(floor.invites())

    with transaction.atomic():
        rls.enter_every_client()
        secret = people_links.written(people_queries.by_email(JOAO).links.get()).partition("-")[2]
        kept = str(list(Mail.objects.values())) + str(list(Fact.objects.values_list("details")))
    assert secret in link_in(sink.last())
    assert mail.state == "sent" and secret not in kept
