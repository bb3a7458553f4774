"""The map file, and what is said of a wrong one."""

import re
from pathlib import Path

import pytest

from workfloor.kit.text import toml
from workfloor.ops.presales import export_rows, map_file
from workfloor.ops.presales import gateway as presales_gateway

BANK = Path(__file__).parents[3] / "examples/bank/history.toml"

MAP = """
[history]
client = "first-bank"
source = "switch"

[file]
encoding = "windows-1255"
delimiter = ";"
open_end = true

[time]
zone = "Asia/Jerusalem"
format = "%d/%m/%Y %H:%M:%S"

[columns]
arrived = "came"
wait = "queued"
service = "talked"

[rows]
identity = ["came", "line"]
keep = ["colour"]

[queues]
"" = "regular"

[outcomes]
"" = "answered"

[dirt]
negative-wait = "zero"
"""


def faults(text: str) -> list[tuple[int, str]]:
    with pytest.raises(toml.Refused) as refused:
        map_file.read(text)
    return [(fault.line, fault.place) for fault in refused.value.faults]


def test_a_map_says_how_to_read_an_export():
    how = map_file.read(MAP).map

    assert (how.encoding, how.delimiter, how.open_end) == ("windows-1255", ";", True)
    assert (how.zone, how.arrival_format) == ("Asia/Jerusalem", "%d/%m/%Y %H:%M:%S")
    assert how.columns == export_rows.Columns(arrived="came", wait="queued", service="talked")
    assert how.used_columns() == ["came", "queued", "talked", "line", "colour"]
    assert (how.queues, how.outcomes) == ({"": "regular"}, {"": "answered"})
    assert how.policy("negative-wait") == "zero"


def test_what_a_map_does_not_allow_is_refused():
    how = map_file.read(MAP).map

    assert {how.policy(kind) for kind in export_rows.DIRT if kind != "negative-wait"} == {"refuse"}


def test_the_bank_map_is_sound():
    assert map_file.read(presales_gateway.map_text(BANK)).map.client == "first-bank"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('client = "first-bank"', 'client = "First Bank"', "history.client"),
        ('source = "switch"', "", "history.source"),
        ('encoding = "windows-1255"', 'encoding = "utf-16"', "file.encoding"),
        ('delimiter = ";"', 'delimiter = "ab"', "file.delimiter"),
        ('"Asia/Jerusalem"', '"Asia/Nowhere"', "time.zone"),
        ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y", "time.format"),
        ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %I:%M", "time.format"),
        ("%d/%m/%Y %H:%M:%S", "%Q", "time.format"),
        ('wait = "queued"', 'waits = "queued"', "columns.waits"),
        ('identity = ["came", "line"]', "identity = []", "rows.identity"),
        ('"" = "regular"', '"" = 3', 'queues.""'),
        ('"" = "answered"', '"" = "lost"', 'outcomes.""'),
        ('negative-wait = "zero"', 'negative-wait = "accept"', "dirt.negative-wait"),
        ('negative-wait = "zero"', 'negative-wit = "zero"', "dirt.negative-wit"),
    ],
)
def test_a_fault_is_told_with_its_line_and_place(old: str, new: str, place: str):
    text = MAP.replace(old, new)
    line = next((number for number, each in enumerate(text.splitlines(), 1) if new and new in each), None)

    found = faults(text)

    assert place in [where for _, where in found]
    assert line is None or (line, place) in found


def test_all_faults_are_told_at_once():
    text = re.sub("Asia/Jerusalem", "Asia/Nowhere", MAP).replace('"zero"', '"never"')

    assert [place for _, place in faults(text)] == ["time.zone", "dirt.negative-wait"]


@pytest.mark.parametrize("text", ["", "[history", "a" * 2_000_000, "history = 3", "[[history]]\n[time]\nzone = {}"])
def test_what_is_no_map_is_refused(text: str):
    assert faults(text)
