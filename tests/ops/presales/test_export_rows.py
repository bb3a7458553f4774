"""What a row of an export says, and what is wrong with it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.ops.presales import export_rows

JERUSALEM = ZoneInfo("Asia/Jerusalem")
WINDOW = export_rows.Window(
    datetime(1999, 1, 1, tzinfo=JERUSALEM),
    datetime(2004, 1, 1, tzinfo=JERUSALEM),
    datetime(2003, 6, 1, tzinfo=UTC),
)
COLUMNS = export_rows.Columns(
    arrived="came",
    menu="menu",
    wait="wait",
    service="talk",
    wrap="after",
    queue="line",
    outcome="end",
    agent="who",
    customer="caller",
    id="no",
)
MAP = export_rows.Map(
    client="first-bank",
    source="switch",
    zone="Asia/Jerusalem",
    columns=COLUMNS,
    identity=("no", "came"),
    queues={"R": "regular"},
    outcomes={"A": "answered", "H": "abandoned", "P": "phantom"},
    keep=("colour",),
)
ANSWERED = {
    "no": "7",
    "came": "1999-02-01T07:02:47",
    "menu": "9",
    "wait": "3",
    "talk": "166",
    "after": "10",
    "line": "R",
    "end": "A",
    "who": "A09",
    "caller": "C1",
    "colour": "red",
}


def read(
    *rows: dict[str, str], how: export_rows.Map = MAP
) -> tuple[list[export_rows.Call | None], list[tuple[int, str, export_rows.Policy]]]:
    """The calls of rows that differ from an answered one, and what was found: line, kind, policy."""
    reader = export_rows.Reader(how, WINDOW)
    results = [reader.read(export_rows.Record(line, ANSWERED | row)) for line, row in enumerate(rows, start=2)]
    found = [(each.line, each.kind, each.policy) for _, findings in results for each in findings]
    return [call for call, _ in results], found


def with_policy(**policies: export_rows.Policy) -> export_rows.Map:
    return replace(MAP, dirt={kind.replace("_", "-"): policy for kind, policy in policies.items()})


def test_an_answered_call_is_received_queued_connected_ended_and_wrapped_up():
    [call], found = read({})

    assert found == []
    assert call is not None
    assert call.received_at == datetime(1999, 2, 1, 5, 2, 47, tzinfo=UTC)  # Jerusalem is two hours ahead in winter
    assert call.queued_at - call.received_at == timedelta(seconds=9)
    assert call.left_queue_at - call.queued_at == timedelta(seconds=3)
    assert call.ended_at is not None
    assert call.ended_at - call.left_queue_at == timedelta(seconds=166)
    assert call.wrapped_up_at is not None
    assert call.wrapped_up_at - call.ended_at == timedelta(seconds=10)
    assert (call.queue, call.outcome, call.agent, call.customer) == ("regular", "answered", "A09", "C1")
    assert call.payload == {"colour": "red"}
    assert call.key == "switch/7/1999-02-01T07:02:47"


@pytest.mark.parametrize(("code", "outcome"), [("H", "abandoned"), ("P", "phantom")])
def test_a_call_that_nobody_answered_ends_when_it_leaves_the_queue(code: str, outcome: str):
    [call], found = read({"end": code, "talk": "0", "who": ""})

    assert found == []
    assert call is not None
    assert call.outcome == outcome
    assert call.over_at == call.queued_at + timedelta(seconds=3)
    assert call.ended_at is None
    assert call.wrapped_up_at is None


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"came": "yesterday"}, "arrival-unreadable"),
        ({"came": "1999-02-01"}, "arrival-unreadable"),
        ({"came": ""}, "arrival-unreadable"),
        ({"came": "0001-01-01T00:00:00"}, "arrival-unreadable"),
        ({"came": "1998-12-31T23:59:59"}, "arrival-outside-contract"),
        ({"came": "9999-12-31T23:59:59"}, "arrival-in-future"),
        ({"came": "2003-07-01T00:00:00"}, "arrival-in-future"),
        (
            {"came": "2003-06-01T02:58:00"},
            "arrival-in-future",
        ),  # came two minutes ago and spoke for nearly three
        ({"wait": "soon"}, "number-unreadable"),
        ({"wait": ""}, "number-unreadable"),
        ({"talk": "1.5"}, "number-unreadable"),
        ({"talk": "9999999"}, "number-unreadable"),
        ({"talk": "٣"}, "number-unreadable"),
        ({"menu": "-57"}, "negative-menu"),
        ({"wait": "-1"}, "negative-wait"),
        ({"talk": "-1"}, "negative-service"),
        ({"after": "-1"}, "negative-wrap"),
        ({"line": "X"}, "unknown-queue"),
        ({"end": ""}, "unknown-outcome"),
        ({"who": "  "}, "answered-without-agent"),
        ({"talk": "0"}, "answered-without-service"),
        ({"end": "H"}, "abandoned-with-service"),
        ({"end": "P"}, "phantom-with-service"),
        ({"no": "7" * 300}, "row-unreadable"),
        ({"came": "1999-04-02T02:30:00"}, "arrival-skipped"),  # clocks went forward at 02:00 that Friday
        ({"came": "1999-09-03T01:30:00"}, "arrival-twice"),  # and back at 02:00 that one
    ],
)
def test_dirt_without_a_policy_is_refused_by_name_and_line(row: dict[str, str], kind: str):
    [call], found = read(row)

    assert call is None
    assert (2, kind, "refuse") in found


def test_an_arrival_after_the_contract_is_none_of_its_calls():
    over = replace(WINDOW, now=datetime(2005, 1, 1, tzinfo=UTC))

    _, [found] = export_rows.Reader(MAP, over).read(export_rows.Record(2, ANSWERED | {"came": "2004-01-01T00:00:00"}))

    assert found.kind == "arrival-outside-contract"


def test_every_fault_of_a_row_is_found_at_once():
    _, found = read({"line": "X", "end": "?", "came": "?", "wait": "?"})

    assert {kind for _, kind, _ in found} == {
        "unknown-queue",
        "unknown-outcome",
        "arrival-unreadable",
        "number-unreadable",
    }


@pytest.mark.parametrize(("column", "kind"), [("menu", "negative-menu"), ("wait", "negative-wait")])
def test_a_negative_time_may_count_as_none_and_what_the_row_said_is_kept(column: str, kind: str):
    [call], found = read({column: "-57"}, how=replace(MAP, dirt={kind: "zero"}))

    assert found == [(2, kind, "zero")]
    assert call is not None
    assert call.payload["as_given"] == {column: "-57"}
    assert {call.queued_at - call.received_at, call.left_queue_at - call.queued_at} & {timedelta(0)}


def test_service_time_of_a_call_that_nobody_answered_counts_nowhere_but_is_kept():
    [call], found = read({"end": "H", "talk": "12", "who": "A09"}, how=with_policy(abandoned_with_service="accept"))

    assert found == [(2, "abandoned-with-service", "accept")]
    assert call is not None
    assert call.ended_at is None
    assert call.payload["as_given"] == {"talk": "12", "who": "A09"}


def test_an_accepted_call_without_agent_stands_as_it_is():
    [call], found = read({"who": ""}, how=with_policy(answered_without_agent="accept"))

    assert found == [(2, "answered-without-agent", "accept")]
    assert call is not None
    assert call.outcome == "answered"
    assert call.agent == ""


def test_a_row_left_out_is_reported_and_becomes_no_call():
    calls, found = read({"line": "X"}, {"no": "8"}, how=with_policy(unknown_queue="leave-out"))

    assert found == [(2, "unknown-queue", "leave-out")]
    assert calls[0] is None
    assert calls[1] is not None


def test_recurring_ids_are_different_calls():
    calls, found = read({}, {"came": "1999-02-02T07:02:47"}, how=with_policy(recurring_id="accept"))

    assert found == [(3, "recurring-id", "accept")]
    assert len({call.key for call in calls if call}) == 2


def test_a_row_whose_identity_repeats_is_refused():
    _, found = read({}, {"talk": "99"}, how=with_policy(recurring_id="accept"))

    assert (3, "repeated-row", "refuse") in found


@pytest.mark.parametrize(
    ("policy", "at"),
    [
        ("first", datetime(1999, 9, 2, 22, 30, tzinfo=UTC)),
        ("second", datetime(1999, 9, 2, 23, 30, tzinfo=UTC)),
    ],
)
def test_an_hour_that_ran_twice_is_read_as_the_map_says(policy: export_rows.Policy, at: datetime):
    [call], _ = read({"came": "1999-09-03T01:30:00"}, how=with_policy(arrival_twice=policy))

    assert call is not None
    assert call.received_at == at


def test_an_hour_that_never_was_may_be_read_later_by_the_jump():
    [call], _ = read({"came": "1999-04-02T02:30:00"}, how=with_policy(arrival_skipped="later"))

    assert call is not None
    assert call.received_at.astimezone(JERUSALEM) == datetime(1999, 4, 2, 3, 30, tzinfo=JERUSALEM)


def test_a_time_with_its_own_offset_needs_no_zone():
    [call], found = read({"came": "1999-09-03T01:30:00+02:00"})

    assert found == []
    assert call is not None
    assert call.received_at == datetime(1999, 9, 2, 23, 30, tzinfo=UTC)


def test_an_export_may_write_its_times_otherwise():
    [call], _ = read({"came": "01/02/1999 07.02"}, how=replace(MAP, arrival_format="%d/%m/%Y %H.%M"))

    assert call is not None
    assert call.received_at == datetime(1999, 2, 1, 5, 2, tzinfo=UTC)


def test_an_export_without_a_queue_column_has_one_code():
    how = replace(MAP, columns=replace(COLUMNS, queue=None), queues={"": "regular"})

    [call], found = read({}, how=how)

    assert found == []
    assert call is not None
    assert call.queue == "regular"


@pytest.mark.parametrize(
    ("text", "length"),
    [("83", 83), ("83.0", 83), ("1:23", 83), ("0:01:23", 83), ("-0:01:23", -83), ("100:00:00", 360000)],
)
def test_durations_are_whole_seconds_or_clock_time(text: str, length: int):
    assert export_rows.seconds(text) == length


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2030, 1, 1)))
def test_a_local_time_means_an_instant_that_reads_so_on_the_wall_unless_it_is_odd(local: datetime):
    first, second, odd = export_rows.instant(str(local), JERUSALEM, None)

    on_the_wall = {at.astimezone(JERUSALEM).replace(tzinfo=None) for at in (first, second)}
    assert (first == second) == (odd == "")
    assert (local in on_the_wall) == (odd != "arrival-skipped")
    assert len(on_the_wall) == 1 or odd == "arrival-skipped"


@given(st.lists(st.text(alphabet="a/%2F", max_size=4), min_size=2, max_size=2), st.data())
def test_two_identities_never_share_a_key(parts: list[str], data: st.DataObject):
    others = data.draw(st.lists(st.text(alphabet="a/%2F", max_size=4), min_size=2, max_size=2))

    assert (export_rows.key_of("switch", parts) == export_rows.key_of("switch", others)) == (parts == others)


@given(st.lists(st.fixed_dictionaries({name: st.text(max_size=12) for name in ANSWERED}), max_size=8))
def test_no_row_is_lost_or_invented(rows: list[dict[str, str]]):
    tally = export_rows.Tally()
    records = [export_rows.Record(line, row) for line, row in enumerate(rows, start=2)]

    calls = list(export_rows.read_all(records, export_rows.Reader(MAP, WINDOW), tally))

    assert tally.rows == len(rows) == len(calls) + tally.left_out
    assert sum(tally.outcomes.values()) == len(calls)
    assert tally.left_out == 0 or tally.refused_count > 0


def test_the_report_counts_every_kind_and_shows_its_first_lines():
    tally = export_rows.Tally()
    reader = export_rows.Reader(with_policy(recurring_id="accept", unknown_queue="leave-out"), WINDOW)
    rows = [ANSWERED | {"came": f"1999-02-01T07:02:{second:02d}"} for second in range(30)] + [ANSWERED | {"line": "X"}]

    list(export_rows.read_all([export_rows.Record(line, row) for line, row in enumerate(rows, start=2)], reader, tally))

    assert [(heap["kind"], heap["policy"], heap["count"], heap["lines"]) for heap in tally.report(reader.how)] == [
        ("recurring-id", "accept", 30, list(range(3, 13))),
        ("unknown-queue", "leave-out", 1, [32]),
    ]


def test_the_schema_offers_exactly_the_policies_that_the_rules_know():
    schema = json.loads(Path(export_rows.__file__).with_name("history.schema.json").read_text())
    offered = schema["properties"]["dirt"]["properties"]
    resolved = {
        kind: schema["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for kind, each in offered.items()
    }

    assert {kind: tuple(each["enum"]) for kind, each in resolved.items()} == {
        kind: dirt.policies for kind, dirt in export_rows.DIRT.items()
    }


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("9999-12-31T23:59:59", "America/New_York"),
        ("0001-01-01T00:00:00", "Asia/Tokyo"),
        ("9999-12-31T23:59:59-12:00", "Asia/Tokyo"),
        ("0001-01-01T00:00:00+14:00", "America/New_York"),
    ],
)
def test_the_ends_of_the_calendar_are_no_time_to_call(text, zone):
    with pytest.raises(ValueError, match="beyond the calendar"):
        export_rows.instant(text, ZoneInfo(zone), None)


@pytest.mark.parametrize("text", ["1e999999", "9" * 400, "nan", "inf", "-inf", "999999999:59:59", "٣", "1_0", "0x1"])
def test_no_extreme_is_a_duration(text):
    with pytest.raises(ValueError, match="whole seconds"):
        export_rows.seconds(text)
