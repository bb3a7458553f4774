"""The commands of mail: mailboxes, and what became no work."""

import json

import pytest
from click.testing import CliRunner
from django.db import transaction

from tests import mail, make
from workfloor.cli.channels import mail as mail_command
from workfloor.cli.channels import mailbox
from workfloor.core.event_log.models import Fact
from workfloor.kit.database import rls
from workfloor.kit.mail import mime
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email import reading, sorting
from workfloor.ops.channels.email import tasks as email_tasks


@pytest.fixture
def run(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        make.client()

    def run(command, *arguments):
        return CliRunner().invoke(command, arguments)

    return run


def test_a_mailbox_is_added_listed_and_removed(run):
    added = run(mailbox, "add", "Help@Lisbon.example", "lisbon-light/mail")
    listed = json.loads(run(mailbox, "list", "--format", "json").stdout)
    removed = run(mailbox, "remove", "help@lisbon.example")

    assert added.output == "Mail to Help@Lisbon.example waits in mail.\n"
    assert [(each["address"], each["queue"]) for each in listed] == [("help@lisbon.example", "lisbon-light/mail")]
    assert removed.output == "help@lisbon.example takes no more mail.\n"
    assert "No mailbox yet" in run(mailbox, "list").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["help", "lisbon-light/mail"], "no address that mail can come to"),
        (["help+x@lisbon.example", "lisbon-light/mail"], "no address that mail can come to"),
        (["help@lisbon.example", "lisbon-light/none"], "There is no queue “lisbon-light/none”"),
        (["help@lisbon.example", "lisbon-light/mail", "--fetch", "pop3://x"], "begins with imaps://"),
        (
            ["help@lisbon.example", "lisbon-light/mail", "--fetch", "imaps://a@b/INBOX"],
            "Give the password with which mail is fetched",
        ),
    ],
)
def test_a_faulty_mailbox_is_refused_in_words(run, arguments, says):
    found = run(mailbox, "add", *arguments)

    assert found.exit_code == 1 and says in found.output


def test_a_password_is_read_from_a_file_and_is_told_nowhere(run, tmp_path):
    (tmp_path / "secret").write_text("correct horse\n")
    source = "imaps://help@mail.example/INBOX"

    words = ("add", "help@lisbon.example", "lisbon-light/mail", "--fetch", source, "--password-file")
    added = run(mailbox, *words, str(tmp_path / "secret"))
    listed = run(mailbox, "list", "--format", "json").output

    assert added.exit_code == 0
    assert "correct horse" not in added.output + listed
    with transaction.atomic():
        rls.enter_every_client()
        found = email_queries.mailbox("help@lisbon.example")
        assert email_queries.password(found) == "correct horse"
        assert "correct horse" not in str(list(Fact.objects.values_list("details", flat=True)))
    assert "does not exist" in run(mailbox, *words, str(tmp_path / "none")).output


def test_an_address_is_one_clients_alone(run):
    run(mailbox, "add", "help@lisbon.example", "lisbon-light/mail")

    again = run(mailbox, "add", "help@lisbon.example", "lisbon-light/calls")

    assert again.exit_code == 1 and "is a mailbox of lisbon-light already" in again.output


def test_a_mail_that_cannot_be_read_waits_as_it_came_is_looked_at_and_read_again(run, monkeypatch):
    with transaction.atomic():
        post = mail.Post()
        broken, whole = mail.letter("one"), mail.letter("two", Message_ID="<2@x>")
        sent = [email.Incoming(post.mailbox, raw, "", post.mailbox.address) for raw in (broken, whole)]
        email.store(mails=sent, now=make.NINE)
    read = mime.read

    def stumbles(raw):
        if raw == broken:
            raise ValueError("a fault of ours")
        return read(raw)

    monkeypatch.setattr(sorting, "read", stumbles)
    monkeypatch.setattr(email.READERS, "ask", lambda *asked, seconds: reading.answer(*asked))  # in this very process
    email_tasks.take_arrivals()

    [row] = json.loads(run(mail_command, "list", "--format", "json").stdout)
    assert (row["state"], row["reason"]) == ("failed", "ValueError: a fault of ours")
    assert run(mail_command, "show", str(row["number"])).stdout_bytes == broken
    monkeypatch.undo()
    assert run(mail_command, "retry", str(row["number"])).output == "Read again in a moment.\n"
    email_tasks.take_arrivals()
    assert "No such mail" in run(mail_command, "list").output
    taken = json.loads(run(mail_command, "list", "--state", "taken", "--format", "json").stdout)
    assert len(taken) == 2
    assert "dealt with already" in run(mail_command, "discard", str(row["number"])).output
    assert "There is no mail 99" in run(mail_command, "show", "99").output
