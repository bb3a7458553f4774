"""Files are durable before a row says so, kept once, and gone from the store only after no row says so any more."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.files import actions as files
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import queries as files_queries
from workfloor.core.files import sealing
from workfloor.core.files import tasks as files_tasks
from workfloor.core.files.models import File, Key, Removed
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(settings, "WORKFLOOR_FILES", str(tmp_path / "store"))
    return tmp_path / "store"


def kept(*contents: bytes, client=None) -> list[File]:
    handed = [files.Handed(each, "text/plain") for each in contents]
    return files.keep(client_id=(client or make.client()).id, handed=handed, now=make.NINE)


def in_store(store: Path) -> set[str]:
    return {str(each.relative_to(store)) for each in store.rglob("*") if each.is_file()}


def test_the_same_is_kept_once_for_a_client_and_apart_for_two(everyone, store):
    first, again, other = kept(b"a", b"a", b"b")
    later = kept(b"b")[0]
    elsewhere = kept(b"a", client=make.client("first-bank"))[0]

    assert (first.id, later.id) == (again.id, other.id)
    assert len({first.id, other.id, elsewhere.id}) == len(in_store(store)) == 3
    assert first.digest != elsewhere.digest
    assert files_queries.contents([first, other, elsewhere]) == {first.id: b"a", other.id: b"b", elsewhere.id: b"a"}


def test_nobody_reads_in_the_store_what_is_kept_there(everyone, store):
    kept(b"a very secret letter")

    [name] = in_store(store)
    assert b"secret" not in (store / name).read_bytes()
    assert (store.stat().st_mode & 0o077) == 0


def test_a_file_that_lies_in_anothers_place_is_not_read_for_it(everyone, store):
    mine, other = kept(b"mine", b"other")
    theirs = kept(b"mine", client=make.client("first-bank"))[0]
    for source in (other, theirs):
        (store / mine.name).write_bytes((store / source.name).read_bytes())
        with pytest.raises(sealing.Damaged):
            files_queries.content(mine)


def test_what_nothing_refers_to_is_deleted_and_what_anything_refers_to_is_not(everyone, store):
    used, unused = kept(b"used", b"unused")
    item = make.call()
    conversations.receive(
        case=item.case,
        item=item,
        channel="email",
        key="k",
        sender=Address("rui@example.com"),
        content=Content("See my paper"),
        files=[conversations_messages.File("paper.txt", "text/plain", b"used")],
        by=make.CUSTOMER,
        now=make.NINE,
    )

    files.release(file_ids=[used.id, unused.id, None], now=make.NINE)
    assert files.forget(now=make.NINE) == 2

    assert list(File.objects.values_list("id", "delete_at")) == [(used.id, None)]
    assert [each.name for each in Removed.objects.all()] == [unused.name]
    assert unused.name in in_store(store)  # for whoever restores an earlier moment
    assert files.forget(now=make.NINE) == 0


def test_what_was_deleted_leaves_the_store_after_backups_have_gone(real_database, store):
    with transaction.atomic():
        rls.enter_every_client()
        paper, other = kept(b"paper", b"other")
        files.release(file_ids=[paper.id], now=make.NINE)
    files_tasks.forget()
    files_tasks.sweep(0)
    assert in_store(store) == {paper.name, other.name}

    with transaction.atomic():
        rls.enter_every_client()
        Removed.objects.update(removed_at=clock.now() - timedelta(days=35, minutes=1))
    files_tasks.sweep(0)
    assert in_store(store) == {other.name}
    with transaction.atomic():
        rls.enter_every_client()
        assert not Removed.objects.exists()


def test_what_came_anew_after_it_was_deleted_is_another_file(everyone, store):
    first = kept(b"again")[0]
    files.release(file_ids=[first.id], now=make.NINE)
    files.forget(now=make.NINE)

    second = kept(b"again")[0]

    assert second.name != first.name and second.digest == first.digest
    files.drop(names=[first.name])
    assert files_queries.content(second) == b"again"


def test_what_a_transaction_wrote_that_rolled_back_is_an_orphan_and_swept_after_a_day(real_database, store):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        rls.enter_every_client()
        make.client()
        kept(b"never")
        1 / 0  # noqa: B018
    assert len(in_store(store)) == 1

    assert files_tasks.remove_orphans() == 0  # it is of today
    age(store)
    assert files_tasks.remove_orphans() == 1
    assert in_store(store) == set()


def test_what_was_left_half_written_is_swept_as_well(real_database, store):
    with transaction.atomic():
        rls.enter_every_client()
        file = kept(b"whole")[0]
    half = store / f"{file.name}#1"
    half.write_bytes(b"hal")

    assert files_tasks.remove_orphans() == 0
    age(store)
    assert files_tasks.remove_orphans() == 1
    assert in_store(store) == {file.name}


def test_what_a_transaction_has_written_that_still_runs_is_no_orphan_however_old(real_database, store):
    with transaction.atomic():
        rls.enter_every_client()
        make.client()
        paper = kept(b"of a long import")[0]
        removed = []
        age(store, hours=0)
        sweeper = threading.Thread(target=lambda: removed.append(swept_at_once()))
        sweeper.start()
        sweeper.join()
    assert removed == [0]
    with transaction.atomic():
        rls.enter_every_client()
        assert files_queries.content(paper) == b"of a long import"


def swept_at_once() -> int:
    try:
        return files_tasks.remove_orphans(timedelta(0))
    finally:
        connection.close()


def age(store: Path, hours: int = 25) -> None:
    for name in in_store(store):
        at = (store / name).stat().st_mtime - hours * 3600
        os.utime(store / name, (at, at))


def test_two_who_keep_the_same_at_once_share_a_file(real_database, store):
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
    together, found = threading.Barrier(2), []

    def keep() -> None:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                together.wait(20)
                found.append(kept(*(b"%d" % each for each in range(20)), client=client))
        finally:
            connection.close()

    threads = [threading.Thread(target=keep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.id for each in found[0]] == [each.id for each in found[1]]
    with transaction.atomic():
        rls.enter_every_client()
        assert set(files_queries.contents(found[0]).values()) == {b"%d" % each for each in range(20)}
        assert File.objects.count() == 20


def test_whoever_keeps_a_file_that_is_just_being_deleted_has_it_whole(real_database, store):
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
        first = kept(b"again", client=client)[0]
        files.release(file_ids=[first.id], now=make.NINE)
    found: list[File] = []

    def keep() -> None:
        try:
            with transaction.atomic():
                rls.enter_every_client()
                found.extend(kept(b"again", client=client))
        finally:
            connection.close()

    with transaction.atomic():
        rls.enter_every_client()
        assert files.forget(now=make.NINE) == 1
        waiting = threading.Thread(target=keep)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()  # until it is known whether the row goes
    waiting.join()

    assert found[0].name != first.name
    with transaction.atomic():
        rls.enter_every_client()
        assert files_queries.content(found[0]) == b"again"


def test_a_file_that_somebody_keeps_just_now_is_not_deleted(real_database, store):
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
        first = kept(b"again", client=client)[0]
        files.release(file_ids=[first.id], now=make.NINE)
    with transaction.atomic():
        rls.enter_every_client()
        assert kept(b"again", client=client)[0].id == first.id
        deleting = threading.Thread(target=swept_rows)
        deleting.start()
        deleting.join()
    with transaction.atomic():
        rls.enter_every_client()
        assert File.objects.filter(id=first.id).exists()


def swept_rows() -> None:
    try:
        files_tasks.forget()
    finally:
        connection.close()


KILLED = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from workfloor.core.files import actions as files
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files.models import File
from workfloor.kit.database import rls
from workfloor.kit.time import clock

def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

point, client_id = sys.argv[1], int(sys.argv[2])
if point == "while it is written":
    files_gateway._sync = dies
if point == "before the row":
    File.objects.bulk_create = dies
with transaction.atomic():
    rls.enter_every_client()
    files.keep(client_id=client_id, handed=[files.Handed(b"mail", "text/plain")], now=clock.now())
    if point == "before the commit":
        dies()
dies()
"""


@pytest.mark.parametrize(
    ("point", "rows"),
    [("while it is written", 0), ("before the row", 0), ("before the commit", 0), ("after the commit", 1)],
)
def test_whoever_is_killed_leaves_an_orphan_and_never_a_row_without_its_file(
    real_database, store, tmp_path, point, rows
):
    with transaction.atomic():
        rls.enter_every_client()
        client = make.client()
    env = os.environ | {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_FILES": str(store)}
    ended = subprocess.run([sys.executable, "-c", KILLED, point, str(client.id)], env=env)
    assert ended.returncode == -signal.SIGKILL

    with transaction.atomic():
        rls.enter_every_client()
        assert [files_queries.fault_of(each) for each in File.objects.all()] == [None] * rows
    assert len(in_store(store)) == 1
    age(store)
    assert files_tasks.remove_orphans() == 1 - rows


def test_a_file_is_synced_and_so_is_its_folder_before_its_row_is_written(everyone, store, monkeypatch):
    done: list[str] = []
    sync, write = files_gateway._sync, File.objects.bulk_create
    monkeypatch.setattr(files_gateway, "_sync", lambda path: (sync(path), done.append(os.path.relpath(path, store))))
    monkeypatch.setattr(File.objects, "bulk_create", lambda *a, **k: (done.append("row"), write(*a, **k))[1])

    [file] = kept(b"a")

    folder = str(Path(file.name).parent)
    assert done[:2] == [file.name, folder] and done[-1] == "row"
    assert str(Path(folder).parent) in done and "." in done


def test_a_store_that_takes_nothing_lets_no_row_be_written(everyone, store, monkeypatch):
    kept(b"a")
    monkeypatch.setattr(files_gateway, "_sync", fails(OSError(28, "No space left on device")))
    with pytest.raises(files_gateway.Full):
        kept(b"b")
    monkeypatch.setattr(files_gateway, "_sync", fails(OSError(5, "Input/output error")))
    with pytest.raises(files_gateway.Away, match="Input/output"):
        kept(b"b")

    assert File.objects.count() == 1


def fails(fault: Exception):
    def raising(*_):
        raise fault

    return raising


def test_without_the_key_of_the_installation_nothing_is_read_and_no_other_key_is_made(everyone, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "WORKFLOOR_FILES_KEY", "")
    monkeypatch.setattr(settings, "WORKFLOOR_DATA", tmp_path / "data")
    [file] = kept(b"a")
    key = tmp_path / "data" / "files-key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert files_queries.content(file) == b"a"

    said = key.read_text()
    key.unlink()
    for deed in (lambda: files_queries.content(file), lambda: kept(b"b")):
        with pytest.raises(files_gateway.NoKey, match="is gone"):
            deed()
    assert not key.exists()
    key.write_text("A" * 43 + "=")
    with pytest.raises(files_gateway.NoKey, match="another key"):
        files_queries.content(file)
    key.write_text(said)
    assert files_queries.content(file) == b"a"


def test_once_a_clients_key_is_erased_its_files_are_unreadable_and_no_others(everyone):
    other = kept(b"other", client=make.client("first-bank"))[0]
    mine = kept(b"mine")[0]

    assert files.erase_key(client=make.client(), reason="contract ended", by=actors.ROOT, now=make.NINE) == 1

    with pytest.raises(files_queries.Erased):
        files_queries.content(mine)
    with pytest.raises(files_queries.Erased):
        kept(b"more")
    assert files_queries.content(other) == b"other"
    assert bytes(Key.objects.get(client=make.client()).wrapped) == b""
