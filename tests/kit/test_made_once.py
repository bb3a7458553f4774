"""A key that is made once: whole or not at all, and one for all who come at once."""

import os
import threading

import pytest

from workfloor.kit import made_once


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    def ends(number):
        raise OSError("the machine ends here")

    monkeypatch.setattr(os, "fsync", ends)
    with pytest.raises(OSError, match="ends here"):
        made_once.make(tmp_path / "key", b"secret")

    assert list(tmp_path.iterdir()) == []


def test_of_those_who_make_it_at_once_all_have_the_same(tmp_path):
    path = tmp_path / "folder" / "key"
    makers = [threading.Thread(target=made_once.make, args=[path, bytes([65 + n]) * 40]) for n in range(8)]
    for each in makers:
        each.start()
    for each in makers:
        each.join()

    found = path.read_bytes()
    made_once.make(path, b"later")
    assert path.read_bytes() == found and len(set(found)) == 1 and len(found) == 40
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key"]
