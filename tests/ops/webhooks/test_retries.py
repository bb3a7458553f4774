"""What is sent and when: worked by hand."""

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests import make
from tests.house.test_rooms import HOUSE
from tests.ops.webhooks.receivers import Came
from workfloor.core.event_log.events import Event
from workfloor.kit.time import clock
from workfloor.ops.webhooks import public_events, retries, signing

GUIDE = (Path(__file__).parents[3] / "docs/guide/webhooks.md").read_text()


# --- signed ----------------------------------------------------------------------------------------------------------


def test_the_signature_is_that_of_the_standard():
    """The example of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md."""
    secret, key, seconds = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    body = b'{"test": 2432232314}'

    assert signing.signature(signing.read(secret), key, seconds, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_the_guides_lines_of_python_know_what_is_ours():
    [lines] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    read = ModuleType("read")
    exec(lines, read.__dict__)
    secret, body, now = b"s" * 32, '{"event":"work.ended","é":1}'.encode(), clock.now()
    written, headers = signing.written(secret), signing.headers([b"t" * 32, secret], "msg_1", now, body)

    assert read.is_ours(written, headers, body)
    assert not read.is_ours(written, headers, body + b" ")
    assert not read.is_ours(signing.written(b"u" * 32), headers, body)
    assert not read.is_ours(written, signing.headers([secret], "msg_1", now - timedelta(minutes=6), body), body)
    assert Came(headers, body).is_signed_by(written)


# --- when it is tried again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "codes"),
    [
        ("accepted", [200, 202, 204]),
        ("gone", [410]),
        ("refused", [301, 400, 401, 404, 422]),
        ("unwell", [None, 408, 425, 429, 500, 503]),
    ],
)
def test_what_an_answer_means(verdict, codes):
    assert {retries.verdict(retries.Answer(code, "", 1)) for code in codes} == {verdict}


def seconds(at: datetime | None, now: datetime = make.NINE) -> float:
    assert at
    return (at - now).total_seconds()


def test_each_wait_is_longer_and_spread_by_a_fifth():
    waits = [seconds(retries.next_try("msg_1", tries, make.NINE, make.NINE)) for tries in range(1, 12)]
    planned = [5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800, 28800]
    assert all(0.8 * plan <= wait <= 1.2 * plan for wait, plan in zip(waits, planned, strict=True))

    spread = [seconds(retries.next_try(f"msg_{n}", 6, make.NINE, make.NINE)) for n in range(1000)]
    assert 2880 <= min(spread) < 2900 and 4300 < max(spread) <= 4320
    assert sum(spread) / len(spread) == pytest.approx(3600, rel=0.02)
    assert waits[5] == seconds(retries.next_try("msg_1", 6, make.NINE, make.NINE)), "the same each time it is asked"


def test_after_three_days_there_is_no_next_try():
    last = make.NINE + timedelta(days=3)

    assert retries.next_try("msg_1", 20, make.NINE, last - timedelta(seconds=1))
    assert retries.next_try("msg_1", 20, make.NINE, last) is None


def test_rests_begin_with_the_third_failure_and_grow_to_half_an_hour():
    rests = [retries.rest_until(failures, make.NINE) for failures in range(1, 13)]

    assert rests[:2] == [None, None]
    assert [seconds(each) for each in rests[2:]] == [15, 30, 60, 120, 300, 600, 900, 1800, 1800, 1800]


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("9" * 400, 86400),
        ("Wed, 04 Mar 2026 09:05:00 GMT", 300),
        ("Thu, 05 Mar 2099 09:05:00 GMT", 86400),
        ("Wed, 04 Mar 2026 08:59:00 GMT", None),
        ("0", None),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("٣", None),
    ],
)
def test_how_long_a_receiver_asks_us_to_wait(written, waits):
    until = retries.asked_until(written, make.NINE)

    assert (seconds(until) if until else None) == waits


# --- what is told -----------------------------------------------------------------------------------------------------

# Fields in which somebody's own words or somebody stand.
NEVER = {"note", "reason", "words", "key", "agent_label", "person", "claimed_name", "known_name", "error", "because"}


def recorded() -> Iterator[type[Event]]:
    for path in HOUSE.rglob("events.py"):
        import_module(".".join(path.relative_to(HOUSE.parent).with_suffix("").parts))
    yield from Event.__subclasses__()


def test_every_public_event_is_recorded_with_the_fields_that_it_says():
    known = {each.name: {field.name for field in fields(each)} for each in recorded() if hasattr(each, "name")}

    for name, event in public_events.EVENTS.items():
        assert event.fields.keys() <= known[name], name
        assert NEVER.isdisjoint(event.fields), name
        assert not name.startswith("webhook."), "what tells of events is no event that is told of"


def test_the_guide_has_every_event_with_its_fields():
    rows = {line.split("|")[1].strip(" `"): line for line in GUIDE.splitlines() if line.startswith("| `")}

    for name, event in public_events.EVENTS.items():
        assert event.words in rows[name]
        assert re.findall(r"`(\w+)`: ", rows[name]) == list(event.fields)


def test_of_a_fact_the_documented_fields_alone_are_told():
    about = public_events.About("alder", {"number": 7, "key": "k"}, 9, {3: "mail"}, {})
    details = {"queue": 3, "note": "She is angry", "extra": 1}

    told = public_events.told("msg_1", "work.transferred", make.NINE, details, about)

    assert told == {
        "version": 1,
        "id": "msg_1",
        "event": "work.transferred",
        "at": "2026-03-04T09:00:00Z",
        "client": "alder",
        "item": {"number": 7, "key": "k"},
        "case": 9,
        "data": {"queue": "mail"},
    }


def test_groups_and_names_choose():
    assert public_events.vetted(["case", "work.ended", "case"]) == ["case", "work.ended"]
    assert public_events.is_chosen("case.merged", ["case"]) and not public_events.is_chosen("case.merged", ["work"])
    assert not public_events.is_chosen("work.declined", ["work"]), "what is not public is in no group"
    for wrong in ([], ["works"], ["work.declined"], ["webhook.test"]):
        with pytest.raises(public_events.Unknown):
            public_events.vetted(wrong)


def test_what_stands_in_one_line():
    assert public_events.line("message.received", 5, 7) == "item:5"
    assert public_events.line("case.resolved", None, 7) == "case:7"
    assert public_events.line("period.closed", None, None) == "period"
