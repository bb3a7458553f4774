"""Reading a playbook from its file, with every fault at its line."""

import json
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Any

from workfloor.kit.text import toml
from workfloor.ops.channels.playbooks import rules as playbooks_rules

# What could be meant, and why it is not done like this.
NOT_HERE = {
    "assign": "who does the work is the router's decision: move the item to a queue that requires what it needs.",
}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a playbook."""
    found: dict[str, Any] = json.loads(resources.files(__package__).joinpath("playbook.schema.json").read_text("utf-8"))
    return found


def read(source: str, queues: Collection[str], processes: Collection[str]) -> playbooks_rules.Playbook:
    """Read a playbook; raises toml.Refused with all that is wrong. Queues and processes are those of its client."""
    document = toml.read(source, schema(), NOT_HERE)
    _check_texts(document, "answers", processes)
    _check_texts(document, "scripts", processes)
    _check_macros(document, processes)
    _check_rules(document, queues, processes)
    document.finish()
    return _playbook(document.data)


def _check_texts(document: toml.Document, kind: str, processes: Collection[str]) -> None:
    seen: set[str] = set()
    for number, answer in enumerate(document.data.get(kind, [])):
        place = f"{kind}[{number}]"
        _once(document, place, answer["name"], seen)
        if unknown := playbooks_rules.unknown_variables(answer["text"]):
            known = ", ".join(f"{{{name}}}" for name in playbooks_rules.VARIABLES)
            document.refuse(f"{place}.text", f"{', '.join(unknown)} stands for nothing. Known here: {known}.")
        for index, name in enumerate(answer.get("processes", [])):
            _known(document, f"{place}.processes[{index}]", name, processes, "process")


def _check_macros(document: toml.Document, processes: Collection[str]) -> None:
    answers = [each["name"] for each in document.data.get("answers", [])]
    seen: set[str] = set()
    for number, macro in enumerate(document.data.get("macros", [])):
        place = f"macros[{number}]"
        _once(document, place, macro["name"], seen)
        for index, name in enumerate(macro.get("processes", [])):
            _known(document, f"{place}.processes[{index}]", name, processes, "process")
        if "answer" in macro["then"]:
            _known(document, f"{place}.then.answer", macro["then"]["answer"], answers, "answer")
        if {"snooze", "disposition"} <= macro["then"].keys():
            document.refuse(f"{place}.then.snooze", "What is done with a disposition cannot be snoozed. Leave one out.")


def _check_rules(document: toml.Document, queues: Collection[str], processes: Collection[str]) -> None:
    answers = [each["name"] for each in document.data.get("answers", [])]
    seen: set[str] = set()
    for number, rule in enumerate(document.data.get("rules", [])):
        place = f"rules[{number}]"
        _once(document, place, rule["name"], seen)
        if "process" in rule:
            _known(document, f"{place}.process", rule["process"], processes, "process")
        for index, name in enumerate(rule.get("if", {}).get("queues", [])):
            _known(document, f"{place}.if.queues[{index}]", name, queues, "queue")
        if "queue" in rule["then"]:
            _known(document, f"{place}.then.queue", rule["then"]["queue"], queues, "queue")
        if "answer" in rule["then"]:
            _known(document, f"{place}.then.answer", rule["then"]["answer"], answers, "answer")


def _once(document: toml.Document, place: str, name: str, seen: set[str]) -> None:
    if name in seen:
        document.refuse(f"{place}.name", f"“{name}” is there twice.")
    seen.add(name)


def _known(document: toml.Document, place: str, name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        document.refuse(place, f"“{name}” is no {what} here. Known: {', '.join(sorted(known)) or 'none'}.")


@cache
def stored(source: str) -> playbooks_rules.Playbook:
    """The playbook of a file that was read before and is known to be right."""
    return _playbook(toml.plain(source))


def _playbook(data: Mapping[str, Any]) -> playbooks_rules.Playbook:
    answers, scripts = (
        tuple(
            playbooks_rules.Answer(
                each["name"], each.get("title", each["name"]), each["text"], tuple(each.get("processes", ()))
            )
            for each in data.get(kind, [])
        )
        for kind in ("answers", "scripts")
    )
    rules = tuple(_rule(each) for each in data.get("rules", []))
    return playbooks_rules.Playbook(answers, rules, scripts, tuple(_macro(each) for each in data.get("macros", [])))


def _macro(data: Mapping[str, Any]) -> playbooks_rules.Macro:
    title, processes = data.get("title", data["name"]), tuple(data.get("processes", ()))
    return playbooks_rules.Macro(data["name"], title, processes=processes, **data["then"])


def _rule(data: Mapping[str, Any]) -> playbooks_rules.Rule:
    asked = data.get("if", {})
    kinds, queues, words = (tuple(asked.get(name, ())) for name in ("kinds", "queues", "words"))
    condition = playbooks_rules.Condition(kinds, queues, words, asked.get("open_hours"))
    return playbooks_rules.Rule(data["name"], data["when"], condition, data.get("process", ""), **data["then"])
