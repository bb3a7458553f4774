"""Exports as they come: CSV with all its faults, and Parquet."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from workfloor.ops.presales import export_rows
from workfloor.ops.presales import gateway as presales_gateway

MAP = export_rows.Map(
    client="first-bank",
    source="switch",
    zone="UTC",
    columns=export_rows.Columns(arrived="came", wait="wait", service="talk", agent="who"),
    identity=("came",),
    queues={"": "regular"},
    outcomes={"": "answered"},
)
HEADER = b"came,wait,talk,who,colour\n"
ROW = b"1999-02-01T07:02:47,3,166,A09,red\n"


@pytest.fixture
def records(tmp_path: Path):
    """Write bytes to a file and read its records."""

    def read(content: bytes, how: export_rows.Map = MAP) -> list[export_rows.Record]:
        path = tmp_path / "calls.csv"
        path.write_bytes(content)
        with presales_gateway.opened(path) as export:
            return list(export.records(how))

    return read


def refusal(records, content: bytes, how: export_rows.Map = MAP) -> tuple[int | None, str]:
    with pytest.raises(export_rows.Refused) as refused:
        records(content, how)
    return refused.value.line, refused.value.reason


def test_a_record_has_the_mapped_columns_and_its_line(records):
    values = {"came": "1999-02-01T07:02:47", "wait": "3", "talk": "166", "who": "A09"}

    assert records(HEADER + ROW + ROW) == [export_rows.Record(2, values), export_rows.Record(3, values)]


def test_columns_that_the_map_does_not_name_are_told(tmp_path: Path):
    path = tmp_path / "calls.csv"
    path.write_bytes(HEADER + ROW)

    with presales_gateway.opened(path) as export:
        assert export.unused_columns(MAP) == ["colour"]


def test_a_byte_order_mark_windows_line_ends_and_padded_names_are_nothing(records):
    content = b"\xef\xbb\xbf" + HEADER.replace(b"wait", b" wait ") + ROW
    assert records(content.replace(b"\n", b"\r\n")) == records(HEADER + ROW)


def test_a_quoted_field_may_hold_line_breaks_and_the_next_record_knows_its_line(records):
    found = records(HEADER + b'1999-02-01T07:02:47,3,166,"A\n\n09",red\n' + ROW)

    assert [(each.line, each.values["who"]) for each in found] == [(2, "A\n\n09"), (5, "A09")]


def test_other_delimiters_and_encodings(records):
    content = (HEADER + ROW).decode().replace(",", ";").replace("A09", "Łucja").encode("windows-1250")

    found = records(content, replace(MAP, delimiter=";", encoding="windows-1250"))

    assert found[0].values["who"] == "Łucja"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"1999-02-01T07:02:47,3,166\n", "3 fields where the header has 5"),
        (ROW.replace(b"red", b"red,blue"), "6 fields where the header has 5"),
        (b"\n", "an empty line"),
        (ROW.replace(b"A09", b"A\x009"), "a NUL byte"),
        (
            ROW.replace(b"A09", b"\xfc"),
            "bytes that are not of the file's encoding: see encoding under [file]",
        ),
        (ROW.replace(b"A09", b"A" * 10_001), "a field longer than 10,000 characters"),
    ],
)
def test_a_row_that_cannot_be_read_is_kept_with_its_fault(records, row: bytes, fault: str):
    found = records(HEADER + ROW + row + ROW)

    assert [(each.line, each.fault) for each in found] == [(2, ""), (3, fault), (4, "")]


@pytest.mark.parametrize("cut", range(1, len(ROW)))
def test_a_file_that_breaks_off_within_its_last_line_is_refused_wherever_it_does(records, cut: int):
    line, reason = refusal(records, HEADER + ROW + ROW[:cut])

    assert line == 3
    assert "cut short" in reason


def test_an_export_that_never_ends_its_last_line_may_say_so(records):
    assert len(records(HEADER + ROW + ROW.rstrip(), replace(MAP, open_end=True))) == 2


def test_an_open_quote_is_refused_with_the_line_it_stands_on(records):
    line, reason = refusal(records, HEADER + ROW + b'1999-02-01T07:02:47,3,166,"A09,red\n' + ROW * 5)

    assert line == 3
    assert "open quote" in reason


def test_an_open_quote_does_not_swallow_a_large_file(records):
    line, reason = refusal(records, HEADER + ROW.replace(b"A09", b'"A09') + ROW * 5_000)

    assert line == 2
    assert "open quote" in reason


def test_a_line_without_end_is_refused_before_it_fills_the_memory(records):
    line, reason = refusal(records, HEADER + b"x" * 1_500_000)

    assert line == 2
    assert "longer than" in reason


def test_missing_columns_are_named(records):
    assert refusal(records, b"came,wait,who\n") == (
        1,
        "no column 'talk': the map names it, the file has 'came', 'wait', 'who'",
    )


def test_a_header_that_names_a_mapped_column_twice_is_refused(records):
    line, reason = refusal(records, HEADER.replace(b"colour", b"wait") + ROW)

    assert line == 1
    assert "'wait' more than once" in reason


def test_a_header_may_repeat_a_column_that_nobody_reads(records):
    assert len(records(b"x,x," + HEADER + b",," + ROW)) == 1


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00binary", b"\xff\xfec\x00a\x00m\x00e\x00", b"PK\x03\x04"])
def test_what_is_not_csv_is_refused(records, content: bytes):
    refusal(records, content)


def test_an_empty_file_is_refused(tmp_path: Path):
    (tmp_path / "calls.csv").touch()

    with pytest.raises(export_rows.Refused, match="empty"), presales_gateway.opened(tmp_path / "calls.csv"):
        pass


@pytest.mark.parametrize("make", [lambda path: None, os.mkdir, os.mkfifo])
def test_only_a_plain_file_is_opened(tmp_path: Path, make):
    make(tmp_path / "calls.csv")

    with pytest.raises(export_rows.Refused), presales_gateway.opened(tmp_path / "calls.csv"):
        pass


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """The same export as typed Parquet, with nulls and times."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as writer

    table = pyarrow.table(
        {
            "came": [
                datetime(1999, 2, 1, 7, 2, 47),
                datetime(1999, 2, 1, 7, 3, tzinfo=UTC).replace(tzinfo=None),
            ],
            "wait": [3.0, None],
            "talk": [Decimal("166"), Decimal("12.5")],
            "who": ["A09", None],
            "colour": [1, 2],
        }
    )
    writer.write_table(table, tmp_path / "calls.parquet")
    return tmp_path / "calls.parquet"


def test_parquet_reads_as_the_csv_of_the_same_export(parquet: Path, records):
    csv = HEADER + ROW + b"1999-02-01T07:03:00,,12.5,,2\n"
    with presales_gateway.opened(parquet) as export:
        found = list(export.records(MAP))
        assert export.unused_columns(MAP) == ["colour"]

    assert [each.values for each in found] == [each.values for each in records(csv)]
    assert [each.line for each in found] == [1, 2]


def test_parquet_cut_short_is_refused(parquet: Path):
    parquet.write_bytes(parquet.read_bytes()[:-20])

    with presales_gateway.opened(parquet) as export, pytest.raises(export_rows.Refused, match="cut short"):
        list(export.records(MAP))


def test_damaged_parquet_is_refused(parquet: Path):
    content = parquet.read_bytes()
    parquet.write_bytes(content[:4] + bytes(len(content) - 12) + content[-8:])

    with presales_gateway.opened(parquet) as export, pytest.raises(export_rows.Refused):
        list(export.records(MAP))


def test_the_reading_says_how_far_it_is(tmp_path: Path):
    path = tmp_path / "calls.csv"
    path.write_bytes(HEADER + ROW * 5_000)
    done: list[int] = []

    with presales_gateway.opened(path) as export:
        list(export.records(MAP, done.append))
        assert done == sorted(done)
        assert len(done) > 2
        assert done[-1] == export.size
