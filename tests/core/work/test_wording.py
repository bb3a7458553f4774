from workfloor.core.event_log.events import Event
from workfloor.core.work import events as work_events


def test_facts_are_worded_with_what_a_reader_wants_to_know():
    assert work_events.said("work.escalated", {"note": "above my limit"}) == "Escalated: above my limit"
    assert work_events.said("work.queued", {"queue": 3}) == "Queued"
    assert work_events.said("quality.looked-at", {}) == "Quality looked at"


def test_every_fact_of_work_has_words_of_its_own():
    names = {
        each.name
        for each in vars(work_events).values()
        if isinstance(each, type) and issubclass(each, Event) and each is not Event
    }

    assert {name for name in names if name.startswith("work.")} <= set(work_events._SAID)
