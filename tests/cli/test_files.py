"""The command that proves that no file is missing, the one that erases a client's, and for how long things are kept."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.conf import settings
from django.db import connection, transaction

from tests import mail, make
from workfloor.cli import main
from workfloor.core.files import actions as files
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import tasks as files_tasks
from workfloor.kit.database import rls
from workfloor.ops.channels.email import tasks as email_tasks
from workfloor.ops.channels.email.models import Arrival

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(settings, "WORKFLOOR_FILES", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def run(real_database: str, store: Path) -> Iterator[Run]:
    with transaction.atomic():
        post = mail.Post()
        for number in range(3):
            post.writes(f"Mail {number}", Message_ID=f"<{number}@example.com>")
    yield lambda *arguments: CliRunner().invoke(main, ["admin", *arguments])
    connection.close()


def stored(store: Path) -> list[Path]:
    return sorted(each for each in store.rglob("*") if each.is_file())


def test_all_is_there_and_whole(run):
    told = run("files", "check")

    assert (told.exit_code, told.stdout.startswith("3 files of ")) == (0, True)
    assert "none missing, none damaged" in told.stdout and "belong" not in told.stdout


def test_what_is_missing_or_damaged_is_named_and_shows_in_the_exit_status(run, store):
    missing, damaged, _ = stored(store)
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")

    told = run("files", "check")

    assert told.exit_code == 1
    assert "3 files of" in told.stdout and "1 missing, 1 damaged" in told.stdout
    assert missing.name in told.stderr and damaged.name in told.stderr
    found = json.loads(run("files", "check", "--format", "json").stdout)
    assert (len(found["missing"]), len(found["damaged"]), found["sound"]) == (1, 1, False)


def test_orphans_are_counted_and_removed_on_request_and_so_is_what_nothing_refers_to(run, store):
    folder = stored(store)[0].parent
    for name, age in (("old", 90_000), ("new", 0)):
        (folder / name).write_bytes(b"orphan")
        at = (folder / name).stat().st_mtime - age
        os.utime(folder / name, (at, at))
    with transaction.atomic():
        rls.enter_every_client()
        files.keep(client_id=make.client().id, handed=[files.Handed(b"unused", "text/plain")], now=make.NINE)

    told = run("files", "check")
    assert told.exit_code == 0
    assert "1 in the store belong to nothing, and nothing refers to 1." in told.stdout
    assert "1 in the store are too new" in told.stdout
    assert "removed" in run("files", "check", "--repair-orphans").stdout
    files_tasks.forget()

    assert not (folder / "old").exists() and (folder / "new").exists()
    assert run("files", "check").stdout.startswith("3 files of ")


def test_a_store_that_is_away_is_no_proof_of_anything(run, store):
    store.rename(store.with_name("elsewhere"))
    store.write_bytes(b"")
    files_gateway._at.cache_clear()

    told = run("files", "check")

    assert told.exit_code == 2
    assert "cannot go on" in told.stderr
    doctor = json.loads(run("doctor", "--format", "json").stdout)
    assert [each["state"] for each in doctor if each["check"] == "files"] == ["wrong"]


def test_while_the_store_is_away_mail_waits_and_none_has_failed(run, store, monkeypatch):
    with transaction.atomic():
        rls.enter_every_client()
        Arrival.objects.update(state="waiting")
    monkeypatch.setattr(files_gateway.Store, "get", lambda *_: (_ for _ in ()).throw(files_gateway.Away("away")))
    email_tasks.take_arrivals()

    with transaction.atomic():
        rls.enter_every_client()
        assert set(Arrival.objects.values_list("state", flat=True)) == {"waiting"}
    monkeypatch.undo()


def test_an_erased_clients_files_are_unreadable_and_not_missing(run):
    assert run("files", "erase", "lisbon-light", "--reason", "left", "--yes").exit_code == 0

    told = run("files", "check")
    assert told.exit_code == 0
    assert "3 of them were erased with their client's key." in told.stdout


def test_how_long_things_are_kept_is_shown_and_set(run):
    assert run("retention", "set", "raw-mail", "30", "--client", "lisbon-light").stdout == (
        "raw-mail: 30 days, 180 before.\n"
    )
    shown = run("retention", "show", "lisbon-light").stdout
    assert "raw-mail           30 days *" in shown and "sessions" not in shown
    assert "raw-mail          180 days  " in run("retention", "show").stdout
    assert "30 days before" in run("retention", "reset", "raw-mail", "--client", "lisbon-light").stdout
    refused = run("retention", "set", "invoices", "30")
    assert (refused.exit_code, "cannot be shortened" in refused.stderr) == (1, True)
    assert run("retention", "set", "raw-mail", "-1").exit_code == 2
