"""No log grows without bound: one that is written is cut, those that are written no more go."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from workfloor.kit.web import logs

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_a_log_that_grew_too_large_begins_anew_and_its_writer_goes_on(tmp_path):
    log = tmp_path / "worker.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 100)
        assert not logs.cut(log, largest=100)
        writer.write(b"b\n")
        assert logs.cut(log, largest=100)
        writer.write(b"c\n")

    assert log.read_bytes() == b"c\n"  # and no hole before it
    assert logs.before(log).read_bytes() == b"a" * 100 + b"b\n"


def write(folder: Path, name: str, age: timedelta, size: int = 10) -> None:
    (folder / name).write_bytes(b"x" * size)
    at = (NOW - age).timestamp()
    os.utime(folder / name, (at, at))


def test_old_logs_go_and_the_newest_stays_however_old(tmp_path):
    for name, days in (("server-1.log", 30), ("server-2.log", 15), ("server-3.log", 13), ("web.log.1", 20)):
        write(tmp_path, name, timedelta(days=days))
    write(tmp_path, "notes.txt", timedelta(days=90))

    assert logs.forget(tmp_path, NOW - timedelta(days=14)) == 3
    assert {each.name for each in tmp_path.iterdir()} == {"server-3.log", "notes.txt"}
    assert logs.forget(tmp_path, NOW) == 0
    assert logs.forget(tmp_path / "nowhere", NOW) == 0


def test_a_flood_of_logs_takes_no_more_than_it_may(tmp_path):
    for number in range(10):
        write(tmp_path, f"server-{number}.log", timedelta(hours=number), size=100)

    assert logs.forget(tmp_path, NOW - timedelta(days=14), most=300) == 6
    assert {each.name for each in tmp_path.iterdir()} == {f"server-{number}.log" for number in range(4)}
