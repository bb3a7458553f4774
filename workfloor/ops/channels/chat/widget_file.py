"""Reading a widget's settings from its file, and what visitors send from JSON."""

import json
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from workfloor.kit.text import quantities, toml
from workfloor.kit.web import limits
from workfloor.ops.channels.chat import visitors

# The words that the widget has for these kinds of question itself, so that no label is needed.
_WORDED = ("name", "email", "phone")
_TIMES = {"wait_seconds": "max_wait", "silence_seconds": "silent_for", "left_seconds": "left_for"}
# The settings of a widget that comes without any.
USUAL: Final = """[title]
en = "Chat with us"
de = "Chatten Sie mit uns"
es = "Chatee con nosotros"
he = "צ'אט איתנו"
"""


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the settings."""
    text = resources.files(__package__).joinpath("widget.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def texts() -> dict[str, dict[str, str]]:
    """Every word that the widget says, by language."""
    text = resources.files(__package__).joinpath("texts.json").read_text("utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


@cache
def refusals() -> dict[str, dict[str, str]]:
    """Why something that a visitor sends cannot be taken, by language and name."""
    text = resources.files(__package__).joinpath("refusals.json").read_text("utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def worded(refused: visitors.Refused, language: str = "en") -> str:
    """Say in a language why something was refused: all of its faults, each at the question that it is about."""
    return " ".join(_worded(each, visitors.language(language, list(refusals()))) for each in refused.faults)


def _worded(fault: visitors.Fault, language: str) -> str:
    said = refusals()[language][fault.name].format(**fault.values)
    if fault.asked is None:
        return said
    label = fault.asked.label
    own = texts()[language].get(fault.asked.kind, fault.asked.name)
    return f"{label.get(language) or label.get('en') or next(iter(label.values()), own)}: {said}"


def read(source: str, queues: Collection[str]) -> visitors.Settings:
    """Read a widget's settings; raises toml.Refused with all that is wrong. `queues` are those of its client."""
    document = toml.read(source, schema())
    for kind, queue in document.data.get("instead", {}).items():
        if queue not in queues:
            known = ", ".join(sorted(queues))
            document.refuse(f"instead.{kind}", f"“{queue}” is no queue of this client. Its queues: {known}.")
    _refuse_questions(document)
    document.finish()
    return _settings(document.data)


def _refuse_questions(document: toml.Document) -> None:
    seen: set[str] = set()
    for number, question in enumerate(document.data.get("questions", [])):
        place, kind = f"questions[{number}]", question.get("kind", "text")
        if question["name"] in seen:
            document.refuse(f"{place}.name", f"“{question['name']}” is asked twice.")
        seen.add(question["name"])
        if kind not in _WORDED and "label" not in question:
            document.refuse(f"{place}.label", "is missing: say what to ask, by language.")
        if (kind == "choice") != ("choices" in question):
            document.refuse(f"{place}.choices", "go with kind = “choice”, and with it alone.")


@cache
def stored(source: str) -> visitors.Settings:
    """The settings of a file that was read before and is known to be right."""
    return _settings(toml.plain(source))


def _settings(data: Mapping[str, Any]) -> visitors.Settings:
    times = {field: quantities.seconds(data[name]) for field, name in _TIMES.items() if name in data}
    return visitors.Settings(
        title=data.get("title", {}),
        greeting=data.get("greeting", {}),
        questions=tuple(_question(each) for each in data.get("questions", [])),
        instead=data.get("instead", {}),
        **times,  # type: ignore[arg-type]
    )


def _question(data: Mapping[str, Any]) -> visitors.Question:
    return visitors.Question(**{**data, "choices": tuple(data.get("choices", ()))})


def _has_nul(found: Any) -> bool:
    if isinstance(found, dict):
        return limits.has_nul(found) or any(map(_has_nul, found.values()))
    return any(map(_has_nul, found)) if isinstance(found, list) else limits.has_nul([found])


def sent(body: bytes) -> dict[str, Any]:
    """What a visitor's page sent, as a JSON object; raises rules.Refused."""
    if len(body) > visitors.LARGEST_BODY:
        raise visitors.Refused(visitors.Fault("body-too-large", {"most": visitors.LARGEST_BODY}))
    try:
        found = json.loads(body or b"{}")
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as fault:
        raise visitors.Refused(visitors.Fault("malformed", {"what": "JSON"})) from fault
    if not isinstance(found, dict) or _has_nul(found):
        raise visitors.Refused(visitors.Fault("malformed", {"what": "JSON"}))
    return found
