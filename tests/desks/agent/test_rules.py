from hypothesis import given
from hypothesis import strategies as st

from workfloor.desks.agent import rules

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
trees = st.recursive(
    leaves, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3)
)


def values(tree):
    if isinstance(tree, dict):
        return [leaf for each in tree.values() for leaf in values(each)]
    return [leaf for each in tree for leaf in values(each)] if isinstance(tree, list) else [tree]


def shown(fields):
    return "\n".join(f"{field.text}\n{shown(field.within)}" for field in fields)


@given(st.dictionaries(st.text(max_size=8), trees, max_size=5))
def test_nothing_that_a_sender_sent_is_lost(payload):
    text = shown(rules.readable(payload))

    for value in values(payload):
        if isinstance(value, int) and not isinstance(value, bool):
            assert str(value) in text
        if isinstance(value, str):
            assert value in text


def test_content_reads_as_labelled_lines_the_short_ones_first():
    payload = {
        "body": "Dear all,\nplease check.",
        "invoiceNumber": "7",
        "paid": False,
        "lines": [{"net": 12}],
        "tags": ["a", "b"],
    }

    fields = rules.readable(payload)

    assert [(field.label, field.text) for field in fields] == [
        ("Invoice number", "7"), ("Paid", "no"), ("Tags", "a, b"), ("Body", "Dear all,\nplease check."), ("Lines", ""),
    ]  # fmt: skip
    assert fields[-1].within[0].within == (rules.Field("Net", "12"),)


def test_a_name_in_capitals_stays_one_word():
    assert [rules.label(name) for name in ("IBAN", "due_date", "callerNumber", "")] == [
        "Iban",
        "Due date",
        "Caller number",
        "",
    ]


def test_facts_are_worded_with_what_a_reader_wants_to_know():
    assert rules.said("work.escalated", {"note": "above my limit"}) == "Help asked for: above my limit"
    assert rules.said("work.queued", {"queue": 3}) == "Queued"
    assert rules.said("quality.looked-at", {}) == "Quality looked at"


def test_every_fact_of_work_has_words_of_its_own():
    from workfloor.core.journal.rules import Event
    from workfloor.core.work import events

    names = {
        each.name
        for each in vars(events).values()
        if isinstance(each, type) and issubclass(each, Event) and each is not Event
    }

    assert {name for name in names if name.startswith("work.")} <= set(rules._SAID)


def test_a_day_is_what_was_done_and_how_long_each_took_on_average():
    assert rules.day([60, 120, 30]) == rules.Day(3, 70)
    assert rules.day([]) == rules.Day(0, None)
