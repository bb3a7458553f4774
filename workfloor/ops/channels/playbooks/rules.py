"""What a playbook says: canned answers with places for names, and what is done when something comes in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from workfloor.kit.text import phrases
from workfloor.kit.text.translation import gettext as _

WHEN = ("received", "message")
VARIABLES = ("customer", "agent", "client", "case", "reference")
MOST_AUTOMATIC = 3  # answers by mail that rules send one customer in a day, in all their cases
A_DAY = timedelta(days=1)
_PLACE = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class Answer:
    """A text that agents send often; `{customer}` and the like stand for names."""

    name: str
    title: str
    text: str
    processes: tuple[str, ...] = ()  # empty: all of the client's


@dataclass(frozen=True)
class Macro:
    """Steps that an agent takes in one press, in this order; empty ones are left out."""

    name: str
    title: str
    tag: str = ""
    answer: str = ""
    snooze: str = ""  # for how long, such as 2d
    disposition: str = ""
    processes: tuple[str, ...] = ()  # empty: all of the client's

    @property
    def lets_go(self) -> bool:
        """Whether the work is in nobody's hands any more after it."""
        return bool(self.disposition or self.snooze)


@dataclass(frozen=True)
class Condition:
    """What must be so for a rule to apply; whatever is not said may be anything."""

    kinds: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # any of them, as whole words, whatever their case
    open_hours: bool | None = None


@dataclass(frozen=True)
class Rule:
    """When, if, then."""

    name: str
    when: str
    condition: Condition
    process: str = ""
    tag: str = ""
    queue: str = ""
    answer: str = ""
    priority: int | None = None

    @property
    def conditions(self) -> list[str]:
        """What must be so, in words."""
        asked = self.condition
        said = [(_("process"), (self.process,) if self.process else ()), (_("kind"), asked.kinds)]
        said += [(_("queue"), asked.queues), (_("words"), asked.words)]
        hours = {None: [], True: [_("in working hours")], False: [_("outside working hours")]}[asked.open_hours]
        return [f"{name}: {', '.join(these)}" for name, these in said if these] + hours

    @property
    def results(self) -> list[str]:
        """What is done, in words."""
        done = [(_("tag"), self.tag), (_("queue"), self.queue), (_("answer"), self.answer)]
        given = [] if self.priority is None else [_("priority {priority}").format(priority=self.priority)]
        return [f"{name} {what}" for name, what in done if what] + given


@dataclass(frozen=True)
class Playbook:
    """All of a client's answers, scripts, macros and rules."""

    answers: tuple[Answer, ...] = ()
    rules: tuple[Rule, ...] = ()
    scripts: tuple[Answer, ...] = ()  # what agents say on the line
    macros: tuple[Macro, ...] = ()

    def answer(self, name: str) -> Answer | None:
        return next((each for each in self.answers if each.name == name), None)


T = TypeVar("T", Answer, Macro)


def of_process(those: Iterable[T], process: str) -> list[T]:
    """Those of a client's answers, scripts or macros that are for a process."""
    return [each for each in those if not each.processes or process in each.processes]


@dataclass(frozen=True)
class Part:
    """A piece of a text: as it was written, or what a place of it stands for; `name` is that place's."""

    text: str
    name: str = ""


def parts(text: str, values: Mapping[str, str]) -> list[Part]:
    """A text in pieces, so that what is filled in can be told from what was written, and what is not known seen."""
    pieces = _PLACE.split(text)  # by turns what stands between the places, and their names
    found = [Part(values.get(each, ""), each) if at % 2 else Part(each) for at, each in enumerate(pieces)]
    return [each for each in found if each.text or each.name]


@dataclass(frozen=True)
class Arrived:
    """What came in, as a rule sees it."""

    when: str
    kind: str
    process: str
    queue: str
    text: str
    open_hours: bool


def unknown_variables(text: str) -> list[str]:
    """The places of a text that stand for nothing known."""
    return [f"{{{name}}}" for name in _PLACE.findall(text) if name not in VARIABLES]


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its places filled in; one for which there is no name becomes empty, and no gap is left before it."""
    whole = _PLACE.sub(lambda place: values.get(place[1], ""), text)
    return re.sub(r" +([,.!?;:])", r"\1", re.sub(r" {2,}", " ", whole))


def applying(playbook: Playbook, arrived: Arrived) -> list[Rule]:
    """The rules that apply to what came in, in the order of the file."""
    return [rule for rule in playbook.rules if applies(rule, arrived)]


def applies(rule: Rule, arrived: Arrived) -> bool:
    """Whether a rule applies to what came in."""
    asked = rule.condition
    return (
        rule.when == arrived.when
        and rule.process in ("", arrived.process)
        and (not asked.kinds or arrived.kind in asked.kinds)
        and (not asked.queues or arrived.queue in asked.queues)
        and (not asked.words or says_any(arrived.text, asked.words))
        and asked.open_hours in (None, arrived.open_hours)
    )


def says_any(text: str, words: Iterable[str]) -> bool:
    """Whether a text has one of these words or phrases, whole, whatever their case."""
    return phrases.first_said(text, words) is not None
