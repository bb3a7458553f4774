"""Every fact that the product can record is explained in docs/words.md, and nothing else is."""

import re
from importlib import import_module
from pathlib import Path

from workfloor.core.event_log.events import Event

HOUSE = Path(__file__).parents[2] / "workfloor"
WORDS = (HOUSE.parent / "docs/words.md").read_text()


def recorded() -> set[str]:
    """The names of all events of the product, each in its package's events.py."""
    for path in HOUSE.rglob("events.py"):
        import_module(".".join(path.relative_to(HOUSE.parent).with_suffix("").parts))
    return {event.name for event in Event.__subclasses__() if event.__module__.startswith("workfloor.")}


def explained() -> set[str]:
    """The names in the table of facts."""
    rows = [line.split("|")[1] for line in WORDS.partition("## Facts")[2].splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_the_words_and_the_events_are_the_same():
    assert "work.received" in recorded()
    assert recorded() - explained() == set(), "say in docs/words.md what these facts mean"
    assert explained() - recorded() == set(), "docs/words.md names facts that nothing records"
