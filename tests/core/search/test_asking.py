"""What was typed becomes words of the index and patterns of names, and nothing else."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.search import asking
from workfloor.core.search.asking import Mark

TODAY = date(2026, 3, 4)
DAY = (TODAY - date(1970, 1, 1)).days
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))


def test_all_of_the_words_are_asked_for_of_any_of_the_clients():
    assert asking.query(["bill", "o'x\\"], [7, 3]) == "'bill' & 'o''x\\\\' & ('=3' | '=7')"
    assert asking.query(["bill"], [3], "chat", ["@1", "@2"], ["bill"]) == "'bill':* & ('=3') & '#chat' & ('@1' | '@2')"


def test_of_no_client_nothing_is_asked_for():
    assert asking.query(["bill"], []) == "'bill' & ('=')", "no passage has a client without a number"


def test_a_search_goes_ever_further_back_and_ends_with_all():
    spans = list(asking.spans(TODAY))

    assert spans[0] == [f"@{DAY}"] and len(spans[1]) == 8 and len(spans[2]) == 64
    assert spans[3][-1] == f"@m{2026 * 12 + 3}" and [len(each) for each in spans[3:]] == [12, 60, 0]


@given(st.integers(0, 10_000))
def test_a_search_from_a_day_on_ends_with_that_day(days):
    since = TODAY - timedelta(days=days)
    last = list(asking.spans(TODAY, since))[-1]

    month = f"@m{since.year * 12 + since.month}"
    assert last == [] or {f"@{DAY - days}", month} & set(last)
    assert all(int(each[1:]) >= DAY - days for span in asking.spans(TODAY, since) for each in span if each[1] != "m")


@given(st.builds(Mark, INSTANTS, *[st.integers(0, asking.EVERYTHING)] * 3))
def test_a_mark_is_read_as_it_is_written(mark):
    assert Mark.read(str(mark)) == mark


@pytest.mark.parametrize("text", ["", "1-2-3", "a-b-c-d", f"{10**19}-1-1-1", f"1-{2**63}-1-1", "1-1-1-1-1"])
def test_what_is_no_mark_is_refused(text):
    with pytest.raises(ValueError):
        Mark.read(text)


def test_names_are_asked_for_in_any_order_and_with_a_letter_wrong():
    assert asking.exactly(["ana"]) == "ana"
    assert set(asking.exactly(["ana", "costa"]).split("|")) == {"ana.*costa", "costa.*ana"}
    assert asking.mistyped(["ana", "fereira"]) == "fer|eira"
    assert asking.mistyped(["costa"]) == ""


def test_no_sign_of_a_pattern_is_one():
    assert asking.exactly(["a.b(c"]) == r"a\.b\(c"
