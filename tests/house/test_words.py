"""The trade's words: docs/words.md explains every fact, and the words that they took the place of are read nowhere."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
import pytest

from workfloor import cli
from workfloor.core.event_log.events import Event

HOUSE = Path(__file__).parents[2] / "workfloor"
WORDS = (HOUSE.parent / "docs/words.md").read_text()

# What may not be read any more, what is said instead, and a text in which it stood. Exact, for most have innocent uses.
OLD: Final = (
    (r"\bpromis(e|es|ed|ing)\b", "target, service level", "40 seconds are promised"),
    (r"\bjournals?\b", "event log", "replay the journal"),
    (
        r"\bleft_out\b|\blevels?\b[^.]{0,40}\bleaves? out\b|\b(left|leaves?) out\b[^.]{0,40}\blevels?\b",
        "excluded from SLA",
        "what service levels leave out",
    ),
    (r"\bundertakings?\b", "action item", "add an undertaking"),
    (
        r"(?<!legal )(?<!legal-)(?<!request )(?<!unprocessable )\bentit(y|ies)\b",
        "legal entity",
        "which entity issues it",
    ),
    (r"\bseries\b", "number range", "the series that numbers it"),
    (r"\b(put|lay|laid|lies?|lying) aside\b", "preempted; snooze; pending customer", "laid aside by you"),
    (r"\byields?\b|\binterrupts?\b", "preemptible, preempts", "yields = true"),
    (
        r"\bkeep_for\b|\bkept (a while )?for (a while|whoever|somebody|another|one)\b",
        "sticky agent",
        "kept for another",
    ),
    (r"\bat_once\b|\b(items|many) at once\b", "max concurrency", "at_once = 3"),
    (r"\bawait\w*[- ]customer\b|\bwait(s|ing)? for the customer\b", "pending customer", "Wait for the customer"),
    (r"\bcovered\b", "masked", "with its numbers covered"),
    (r"\bkeep_clear\b|\bkept clear\b", "unmasked", "Numbers kept clear"),
    (r"\bpresence\b", "agent state", "Your presence"),
    (
        r"\baway(:| reason)|\bare (you )?away\b|\b(go|goes|going|went|were set) away\b|^\W*away\W*$",
        "not ready",
        "Why are you away?",
    ),
    (r"\blapse[sd]?\b", "RONA; expires", "lapses in 0:12"),
    (r"\bquarters? of an hour\b|\bonly quarters\b", "15-minute bucket", "rollups by quarter of an hour"),
    (r"\btall(y|ies)\b", "counters", "a tally of dirt"),
    (r"\bstakes\b", "SLA exposure", "the stakes"),
    (r"\bestimate[sd]?\b", "projections", "what the estimates are made of"),
    (r"\bwhat lies ahead\b", "projections", "What lies ahead"),
    (r"\bhow did it end\b|\bended as\b", "disposition", "How did it end?"),
    (r"^\W*say so\W*$", "save", "Say so"),
    (r"\benclose[sd]?\b", "attach", "Enclose a file"),
    (r"\bpass(es|ed|ing)? (it )?on to\b", "transfer", "Pass on to a queue"),
    (r"\bfor us alone\b", "internal note", "Note for us alone"),
    (r"\bmake them one\b", "merge", "Make them one"),
    (r"\bask(s|ed|ing)? for help\b|\bhelp asked for\b", "escalate", "Help asked for"),
    (r"\bagree to come back\b", "callback, follow-up", "Agree to come back"),
    (r"\b(gave|gives?|given) up\b", "abandon", "before they give up"),
    (r"\bmean (wait|handling)\b", "ASA, AHT", "Mean wait"),
    (
        r"\b(levels?|targets?) (is|was|are|were) (kept|broken)\b|\b(taken as )?kept in\b|\btaken as kept\b",
        "met, missed",
        "its level was kept",
    ),
    (r"--(words|most|series)(?![\w-])", "--reason, --limit, --number-range", "--words TEXT"),
)
INNOCENT: Final = (
    "The document is kept, and what a reader gets is kept with the fact.",
    "It is printed once and kept nowhere: pass it on safely. --most-per-sender 30",
    "Set aside: delivery reports. A kind left out is refused, and the file with it.",
    "quarter or year of the contract; a rolling quarter",
    "We are not here at the moment, and will come back to you.",
    "the provider's legal entity; legal entities",
    "Request Entity Too Large; Unprocessable Entity",
    "One without any takes work while they say so.",
)


def blame(place: str, texts: Iterator[str] | list[str]) -> list[str]:
    """Each old word in these texts, with what is said instead."""
    return [
        f"{place}: “{found[0]}” is {new} now, in: {' '.join(text.split())[:160]}"
        for text in texts
        for old, new, _ in OLD
        if (found := re.search(old, text, re.IGNORECASE))
    ]


def shown(path: Path) -> Iterator[str]:
    """What people read of a template: the text between its tags, and what attributes say aloud; of paper all of it."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    if path.suffix == ".typ":
        yield from text.splitlines()
        return
    text = re.sub(r"<(style|script)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"\{[{%].*?[}%]\}", lambda tag: "".join(f" {said} " for said in _said(tag[0])), text, flags=re.DOTALL)
    yield from re.findall(r"\b(?:aria-label|title|placeholder|alt|data-label|data-attached)=\"([^\"]*)\"", text)
    yield from re.split(r"<[^>]*>", text)


def _said(tag: str) -> list[str]:
    """The words that a tag of a template says or hands on: `translate "Hold"`, `default:_("nothing")`."""
    found = re.findall(r"""(?:translate |(?:text|title|empty)=|default:|_\()("[^"]*"|'[^']*')""", tag)
    return [each[1:-1] for each in found]


def helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The help of a command and of all commands below it, each with how it is called."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from helps(below, click.Context(below, parent=context, info_name=name))


def strings(value: Any) -> Iterator[str]:
    """All texts of a JSON document, keys and values."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value


TEMPLATES = sorted(path for path in HOUSE.rglob("templates/**/*") if path.suffix in (".html", ".typ", ".txt", ".svg"))
SCHEMAS = sorted(HOUSE.rglob("*.schema.json"))
WORDED = [HOUSE / "ops/channels/chat" / name for name in ("texts.json", "words.json", "refusals.json")]


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@pytest.mark.parametrize(("old", "new", "text"), OLD)
def test_an_old_word_is_found(old, new, text):
    assert any(f"is {new} now" in each for each in blame("here", [text]))


@pytest.mark.parametrize("text", INNOCENT)
def test_an_innocent_word_is_none(text):
    assert blame("here", [text]) == []


def test_no_old_word_is_on_a_page():
    assert len(TEMPLATES) > 60
    assert any("Not-ready reason" in text for text in shown(HOUSE / "desks/agent/templates/agent/_agent_state.html"))
    assert [each for path in TEMPLATES for each in blame(named(path), shown(path))] == []


def test_no_old_word_is_in_a_help():
    told = dict(helps(cli.main, click.Context(cli.main, info_name="workfloor")))

    assert "workfloor billing legal-entity add" in told
    assert [each for path, text in told.items() for each in blame(path, text.split("\n\n"))] == []


def test_no_old_word_is_in_a_schema():
    assert len(SCHEMAS) == 5
    # `entity` of [billing] is a key of signed contracts, and names a legal entity.
    read = {path: [text for text in strings(json.loads(path.read_text())) if text != "entity"] for path in SCHEMAS}
    assert [each for path, texts in read.items() for each in blame(named(path), texts)] == []


def test_no_old_word_is_said_to_visitors():
    for path in WORDED:
        told = json.loads(path.read_text())
        english = told["en"] if "en" in told else {key: each["en"] for key, each in told.items()}
        assert blame(named(path), list(english.values())) == []


def test_no_old_word_is_in_the_api():
    from workfloor.urls import api

    told = list(strings(json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/"), default=str))))

    assert "sticky_for" in " ".join(told)
    assert blame("openapi.json", [text for text in told if text not in ("entity", "Entity")]) == []


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
