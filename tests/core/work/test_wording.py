from workfloor.core.journal.rules import Event
from workfloor.core.work import events, forms


def test_facts_are_worded_with_what_a_reader_wants_to_know():
    assert forms.said("work.escalated", {"note": "above my limit"}) == "Help asked for: above my limit"
    assert forms.said("work.queued", {"queue": 3}) == "Queued"
    assert forms.said("quality.looked-at", {}) == "Quality looked at"


def test_every_fact_of_work_has_words_of_its_own():
    names = {
        each.name
        for each in vars(events).values()
        if isinstance(each, type) and issubclass(each, Event) and each is not Event
    }

    assert {name for name in names if name.startswith("work.")} <= set(forms._SAID)
