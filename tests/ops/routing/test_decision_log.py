"""A decision log replays to the same bytes, whatever was told."""

import json

from hypothesis import given

from tests.ops.routing.test_state import HAPPENINGS, told
from workfloor.ops.routing import decision_log


def log_of(happenings, first=1):
    lines = []
    for step, (news, offers, _, _) in enumerate(told(happenings)):
        lines += decision_log.written(first + len(lines), news, offers, begins=step == 0)
    return lines


@given(HAPPENINGS)
def test_it_replays_to_the_same_bytes(happenings):
    lines = log_of(happenings)

    assert [json.loads(line)["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert list(decision_log.replayed(lines)) == lines


@given(HAPPENINGS, HAPPENINGS)
def test_a_router_that_begins_anew_knows_nothing_of_the_one_before(before, after):
    lines = log_of(before)
    lines += log_of(after, first=len(lines) + 1)

    assert list(decision_log.replayed(lines)) == lines


def test_another_decision_than_the_policys_shows():
    lines = log_of([("arrive", 1), ("arrive", 2)])
    offer = next(line for line in lines if "offer" in line)
    forged = [line.replace('"offer":[1,', '"offer":[7,') for line in lines]

    assert offer in lines
    assert list(decision_log.replayed(forged)) != forged
