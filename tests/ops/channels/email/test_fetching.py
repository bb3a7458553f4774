"""Mail is fetched once and none is skipped, whatever becomes of the server, its folder, the line and ourselves."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from django.db import connection

from tests import mail, make
from tests.ops.channels.email import folders, servers
from tests.ops.channels.email.test_real_servers import _entered, wait_for
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import Fact
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import gateway as email_gateway
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.runtime import mail_in

pytestmark = pytest.mark.installation
dovecot = pytest.mark.skipif(bool(servers.missing()), reason=servers.missing())


def open_mailbox(port: int, address: str = "help@lisbon.example", scheme="imap", name="INBOX"):
    with _entered():
        event_log.make_partitions(first=clock.now())
        return email.open_mailbox(
            queue=make.queue("mail"),
            address=address,
            by=actors.ROOT,
            now=clock.now(),
            password="secret",
            source_url=f"{scheme}://box@127.0.0.1:{port}/{name}",
        )


@contextmanager
def fetching(mailbox):
    """A fetcher of one mailbox in a thread, as `workfloor channels mail fetch` has one for each."""
    stop = threading.Event()
    thread = threading.Thread(target=mail_in._fetch, args=[mailbox, stop], daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()


def came() -> int:
    with _entered():
        return email_models.Arrival.objects.count()


def uids() -> list[tuple[int, int]]:
    with _entered():
        return list(email_models.Arrival.objects.order_by("id").values_list("uid_validity", "uid"))


def fault() -> str:
    return next((each.place.fault for each in email_queries.not_fetched()), "")


def faults_told() -> list[str]:
    with _entered():
        return list(Fact.objects.filter(event__startswith="mail.fetch").order_by("id").values_list("event", flat=True))


@pytest.fixture
def box(real_database, tmp_path, monkeypatch):
    """Dovecot with a box into which mail is put, and a way to it."""
    monkeypatch.setattr(mail_in, "LONGEST_PAUSE_SECONDS", 0.2)
    with servers.dovecot() as found:
        way = folders.Way(found.imap)
        with folders.serving(way.talk) as port:
            yield Box(found, way, open_mailbox(port))
    connection.close()


class Box:
    def __init__(self, mta, way, mailbox) -> None:
        self.mta, self.way, self.mailbox, self.count = mta, way, mailbox, 0

    def put(self, many: int = 1, folder: str = "", size: int = 10) -> None:
        for _ in range(many):
            self.count += 1
            raw = mail.letter("x" * size, Message_ID=f"<{self.count}@x>", From=f"{self.count}@customer.example")
            self.mta.put("box", raw, folder)

    def waits_for(self, many: int) -> None:
        wait_for(lambda: email_models.Arrival.objects.count() >= many, f"{many} mails", self.mta)
        assert came() == many


# --- the moment between a look and waiting --------------------------------------------------------------------------


def test_a_mail_that_a_server_tells_of_before_anybody_listens_is_fetched_before_anybody_waits(real_database, tmp_path):
    """It tells of each mail once: of the second while it is searched, of the third as it says yes to IDLE."""
    script = folders.Script()
    with folders.serving(script.talk) as port, fetching(open_mailbox(port)):
        assert script.idle.wait(300)

    assert uids() == [(7, 1), (7, 2), (7, 3)]
    assert [each for each in script.asked if each in ("UID SEARCH", "IDLE")] == [
        "UID SEARCH",
        "UID SEARCH",
        "IDLE",
        "UID SEARCH",
        "IDLE",
    ]


@dovecot
def test_a_mail_that_comes_between_the_look_and_the_wait_is_told_of_in_the_wait(box):
    url = email_gateway.source(box.mailbox.source_url)
    with email_gateway.folder(url, "secret") as folder:
        assert mail_in.fetch_once(folder, box.mailbox) == 0
        box.put()
        waited, check = [], folder.client.idle_check
        folder.client.idle_check = lambda timeout: waited.append(check(timeout=timeout))
        folder.wait(60)
        assert [] not in waited  # which would say that the time ran out
        assert mail_in.fetch_once(folder, box.mailbox) == 1


# --- the line, the server, ourselves --------------------------------------------------------------------------------


@dovecot
def test_a_line_that_breaks_while_it_is_waited_on_loses_nothing(box):
    lines = []
    box.way.when = lambda said, client: lines.append(client) or True
    with fetching(box.mailbox):
        box.put()
        box.waits_for(1)
        for round_ in range(2):
            before = box.way.connections
            with suppress(OSError):
                lines[-1].shutdown(2)
            wait_for(lambda b=before: box.way.connections > b, "another connection", box.mta)
            box.put()
            box.waits_for(2 + round_)


@dovecot
def test_a_fetcher_killed_in_the_middle_of_a_mail_fetches_it_once_when_it_is_back(box, real_database, tmp_path):
    stuck = threading.Event()

    def hold_back_the_body(said: bytes, client) -> bool:
        """Half of what holds the body goes through, and nothing after it."""
        if stuck.is_set():
            return False
        if b"BODY[]" in said:
            client.sendall(said[: len(said) // 2])
            stuck.set()
            return False
        return True

    box.put(3, size=5000)
    box.way.when = hold_back_the_body
    process = _program(real_database, tmp_path)
    assert stuck.wait(300)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert came() == 0

    box.way.when = lambda said, client: True
    with fetching(box.mailbox):
        box.waits_for(3)
    assert [uid for _, uid in uids()] == [1, 2, 3]


def _program(database: str, folder: Path) -> "subprocess.Popen[bytes]":
    env = os.environ | {"WORKFLOOR_DATABASE_URL": database, "WORKFLOOR_DATA": str(folder)}
    with (folder / "fetch.log").open("wb") as log:
        program = Path(sys.executable).with_name("workfloor")
        return subprocess.Popen([program, "channels", "mail", "fetch"], env=env, stdout=log, stderr=log)


@dovecot
def test_two_fetchers_at_once_fetch_each_mail_once(box):
    with fetching(box.mailbox), fetching(box.mailbox):
        for _ in range(4):
            box.put(10)
        box.waits_for(40)
    assert sorted(uid for _, uid in uids()) == list(range(1, 41))


@dovecot
def test_large_mails_are_fetched_a_few_at_a_time_and_the_largest_not_at_all(box, monkeypatch, settings):
    monkeypatch.setattr(email_gateway, "BYTES_AT_A_TIME", 12_000)
    settings.WORKFLOOR_MAIL_LARGEST = 20_000
    for size in (5000, 5000, 5000, 30_000, 5000, 15_000):
        box.put(size=size)

    with email_gateway.folder(email_gateway.source(box.mailbox.source_url), "secret") as folder:
        batches = [[(each.uid, each.raw is not None) for each in batch] for batch in folder.after(0, 20_000)]

    assert batches == [[(1, True), (2, True)], [(3, True), (4, False), (5, True)], [(6, True)]]


@dovecot
def test_a_folder_of_very_many_is_asked_about_in_parts(box, monkeypatch):
    monkeypatch.setattr(email_gateway, "UIDS_AT_A_TIME", 3)
    box.put(8)

    with email_gateway.folder(email_gateway.source(box.mailbox.source_url), "secret") as folder:
        found = [each.uid for batch in folder.after(1, 20_000) for each in batch]

    assert found == [2, 3, 4, 5, 6, 7, 8]


# --- the folder -----------------------------------------------------------------------------------------------------


@dovecot
def test_a_server_that_numbers_anew_doubles_and_loses_nothing(box):
    box.put(3)
    with fetching(box.mailbox):
        box.waits_for(3)
    [before] = {validity for validity, _ in uids()}
    box.mta.number_anew("box", before + 1)
    box.put()

    with fetching(box.mailbox):
        box.waits_for(3 + 4)  # all four come again, as they are numbered now
    mailing_tasks()

    assert [uid for validity, uid in uids() if validity == before + 1] == [1, 2, 3, 4]
    with _entered():
        assert email_models.Arrival.objects.filter(reason="it came before").count() == 3
        assert email_models.Place.objects.get().uid_validity == before + 1


def mailing_tasks() -> None:
    from workfloor.ops.channels.email import tasks as email_tasks

    email_tasks.take_arrivals()


@dovecot
@pytest.mark.parametrize("gone", ["renamed", "deleted"])
def test_a_folder_that_is_gone_is_told_of_and_fetched_when_it_is_back(box, gone, monkeypatch):
    monkeypatch.setattr(email_gateway, "IDLE_SECONDS", 5)  # a server need not tell of it: the next look finds out
    with _entered():
        email_models.Mailbox.objects.update(source_url=box.mailbox.source_url.replace("INBOX", "Work"))
    box.mta.make_folder("box", "Work")
    box.put(2, folder="Work")
    with fetching(box.mailbox):
        box.waits_for(2)
        box.mta.rename_folder("box", "Work", "Other" if gone == "renamed" else None)
        wait_for(fault, "word of it", box.mta)
        assert came() == 2
        box.mta.make_folder("box", "Work")
        box.put(folder="Work")
        box.waits_for(3)
        wait_for(lambda: not fault(), "word that it is back", box.mta)
    assert faults_told() == ["mail.fetching-failed", "mail.fetched-again"]


# --- who may not come in --------------------------------------------------------------------------------------------


def is_now(password: str, mailbox: email_models.Mailbox) -> None:
    with _entered():
        email.change_mailbox(mailbox=mailbox, password=password, by=actors.ROOT, now=clock.now())


@dovecot
def test_a_password_that_is_wrong_later_on_is_told_of_and_nothing_is_lost(box):
    with fetching(box.mailbox):
        box.put()
        box.waits_for(1)
        is_now("changed", box.mailbox)
        lines: list = []
        box.way.when = lambda said, client: lines.append(client) or True
        box.put()
        box.waits_for(2)
        lines[-1].shutdown(2)
        wait_for(lambda: "auth" in fault().lower(), "word of the password", box.mta)
        box.put()
        is_now("secret", box.mailbox)
        box.waits_for(3)
        wait_for(lambda: not fault(), "word that it is back", box.mta)


@dovecot
@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_a_server_without_a_certificate_that_is_trusted_is_told_no_password(box, scheme, tmp_path):
    said = bytearray()
    up = folders.Way._up

    def listen(client, server):
        with suppress(OSError):
            while heard := client.recv(65536):
                said.extend(heard)
                server.sendall(heard)

    folders.Way._up = staticmethod(listen)
    try:
        port = box.mta.tls if scheme == "imaps" else box.mta.imap
        way = folders.Way(port)
        with ExitStack() as stack:
            reached = stack.enter_context(folders.serving(way.talk))
            other = open_mailbox(reached, "other@lisbon.example", scheme)
            stack.enter_context(fetching(other))
            wait_for(fault, "word of it", box.mta)
            assert "certificate" in fault_now().lower()
    finally:
        folders.Way._up = staticmethod(up)
    assert b"secret" not in said


def fault_now() -> str:
    with _entered():
        return fault()


# --- one does not delay another -------------------------------------------------------------------------------------


@dovecot
def test_servers_that_hang_keep_no_other_from_being_fetched(box, tmp_path):
    """Twenty of them, more than there are connections to the database."""
    hanging = threading.Event()
    with ExitStack() as stack:
        port = stack.enter_context(folders.serving(lambda client: hanging.wait(60)))
        stack.callback(hanging.set)
        for number in range(20):
            stack.enter_context(fetching(open_mailbox(port, f"h{number}@lisbon.example")))
        box.put(2)
        stack.enter_context(fetching(box.mailbox))
        box.waits_for(2)
