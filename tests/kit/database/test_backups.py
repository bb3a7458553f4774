"""Copies of files that never change: all that is new, nothing twice, and none that a backup still needs is removed."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workfloor.kit.database import backups

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.fixture
def places(tmp_path) -> tuple[Path, Path]:
    source, folder = tmp_path / "files", tmp_path / "backup"
    (source / "1" / "2026-11-30").mkdir(parents=True)
    folder.mkdir()
    return source, folder


def write(source: Path, *names: str) -> None:
    for name in names:
        (source / "1" / "2026-11-30" / name).write_text(name)


def copied(folder: Path, under: str = backups.FILES) -> set[str]:
    return {each.name for each in (folder / under).rglob("*") if each.is_file()}


def settle(source: Path) -> None:
    for each in [source, *source.rglob("*")]:
        os.utime(each, (1e9, 1e9))


def base(folder: Path, at: datetime) -> None:
    (folder / "base" / f"{at:{backups.WRITTEN}}").mkdir(parents=True)


def test_what_is_new_is_copied_and_a_folder_without_news_is_not_looked_into(places, monkeypatch):
    source, folder = places
    write(source, "a", "b", "half#1")
    settle(source)

    assert [backups.keep_files(source, folder, now=NOW), backups.keep_files(source, folder, now=NOW)] == [2, 0]
    monkeypatch.setattr(backups, "_files", lambda place: pytest.fail("it was looked into"))
    assert backups.keep_files(source, folder, now=NOW) == 0
    monkeypatch.undo()
    write(source, "c")
    assert backups.keep_files(source, folder, now=NOW) == 1
    assert copied(folder) == {"a", "b", "c"}


def test_a_folder_that_has_just_changed_is_looked_into_again(places):
    source, folder = places
    write(source, "a")
    day, at = source / "1" / "2026-11-30", NOW.timestamp() - 1
    os.utime(day, (at, at))
    assert backups.keep_files(source, folder, now=NOW) == 1

    write(source, "b")
    os.utime(day, (at, at))  # as where the clock of the disk has not ticked since

    assert backups.keep_files(source, folder, now=NOW) == 1


def test_another_disk_has_whole_copies(places, monkeypatch):
    source, folder = places
    write(source, "a")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(18, "Invalid cross-device link")))

    backups.keep_files(source, folder, now=NOW)

    [copy] = [each for each in (folder / backups.FILES).rglob("*") if each.is_file()]
    assert (copy.name, copy.read_text(), copy.stat().st_nlink) == ("a", "a", 1)


def test_what_is_removed_stays_until_the_oldest_backup_is_of_later(places):
    source, folder = places
    write(source, "a", "b")
    base(folder, NOW - timedelta(days=7))
    backups.keep_files(source, folder, now=NOW)
    (source / "1/2026-11-30/a").unlink()

    backups.forget_files(source, folder, now=NOW)
    assert (copied(folder), copied(folder, backups.GONE)) == ({"b"}, {"a"})
    assert backups.restore_files(folder, source.parent / "again") == 2

    (folder / "base" / f"{NOW - timedelta(days=7):{backups.WRITTEN}}").rmdir()
    base(folder, NOW + timedelta(days=1))
    backups.forget_files(source, folder, now=NOW + timedelta(days=1))
    assert (copied(folder), copied(folder, backups.GONE)) == ({"b"}, set())


def test_a_disk_that_is_not_there_costs_no_copy(places):
    source, folder = places
    write(source, "a")
    base(folder, NOW)
    backups.keep_files(source, folder, now=NOW)
    source.rename(source.with_name("elsewhere"))

    backups.forget_files(source, folder, now=NOW)

    assert copied(folder) == {"a"}


def test_what_is_brought_back_takes_nothings_place(places):
    source, folder = places
    write(source, "a")
    backups.keep_files(source, folder, now=NOW)
    again = source.parent / "again"

    assert [backups.restore_files(folder, again), backups.restore_files(folder, again)] == [1, 0]
    assert (again / "1/2026-11-30/a").read_text() == "a"
