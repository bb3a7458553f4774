"""Months, their order and states, and what is kept of their items."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as some

from workfloor.core.periods import months as period_months

months = some.builds(lambda year, month: f"{year:04}-{month:02}", some.integers(1900, 2200), some.integers(1, 12))


@given(months)
def test_months_follow_one_another_as_their_names_do(name: str):
    following = period_months.next_month(name)

    assert following > name
    assert (int(following[:4]) * 12 + int(following[5:])) - (int(name[:4]) * 12 + int(name[5:])) == 1


@given(months, some.lists(some.sampled_from(["open", "provisional", "closed", "restated"]), max_size=30))
def test_a_correction_goes_into_the_first_month_after_it_that_is_open(name: str, following: list[period_months.State]):
    states, month = {}, name
    for state in following:
        month = period_months.next_month(month)
        states[month] = state

    into = period_months.into(name, states)

    assert into > name and states.get(into, "open") == "open"
    assert all(state != "open" for month, state in states.items() if name < month < into)


values = some.none() | some.booleans() | some.integers() | some.text()


@given(some.lists(some.tuples(some.integers(), some.text(), some.sampled_from("ab"), values)))
def test_what_is_kept_of_a_figure_is_what_it_counted_whole_or_of_one_queue(rows: list[tuple]):
    items = [[number, key, queue] for number, key, queue, _ in rows]
    packed = period_months.packed(items), period_months.packed([value for *_, value in rows])

    def kept(queue: str | None) -> list[tuple]:
        return [
            (*item, value)
            for item, value in period_months.chosen(
                period_months.unpacked(packed[0]), period_months.unpacked(packed[1]), queue
            )
        ]

    counted = [row for row in rows if row[3] is not None]
    assert kept(None) == counted
    assert kept("a") == [row for row in counted if row[2] == "a"]


def test_states_follow_from_the_facts_in_their_order():
    told = [
        ("period.proposed", "2026-03"),
        ("period.reopened", "2026-03"),
        ("work.ended", "2026-03"),
        ("period.proposed", "2026-03"),
        ("period.closed", "2026-03"),
        ("period.proposed", "2026-04"),
        ("period.restated", "2026-03"),
    ]
    facts = [SimpleNamespace(event=event, details={"period": period}) for event, period in told]

    assert period_months.replay(facts) == {"2026-03": "restated", "2026-04": "provisional"}


def test_the_digest_is_that_of_the_text_as_it_is_printed():
    text = period_months.written({"total": "1.00", "title": "Überblick"})

    assert text == '{\n  "total": "1.00",\n  "title": "Überblick"\n}\n'
    # printf '{\n  "total": "1.00",\n  "title": "Überblick"\n}\n' | sha256sum
    assert period_months.digest(text) == DIGEST


DIGEST = "f5b5999ac18a849852227063adec327366f85160f9c673a4df229b1f85c963b7"
