"""Facts about playbooks and what was done by rule."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class Changed(Event):
    name: ClassVar[str] = "playbook.changed"
    version: int  # the one before it holds no more; each is kept whole


@dataclass(frozen=True)
class ArticleWritten(Event):
    name: ClassVar[str] = "playbook.article-written"
    article: int
    version: int  # each is kept whole
    title: str | None = None
    title_before: str | None = None


@dataclass(frozen=True)
class RuleApplied(Event):
    name: ClassVar[str] = "playbook.rule-applied"
    rule: str
    version: int
    tag: str | None = None
    queue: int | None = None
    priority: int | None = None


@dataclass(frozen=True)
class MacroRun(Event):
    name: ClassVar[str] = "playbook.macro-run"
    macro: str
    version: int
    tag: str | None = None
    message: int | None = None  # that it sent
    snoozed_until: datetime | None = None
    disposition: str | None = None


@dataclass(frozen=True)
class RuleAnswered(Event):
    name: ClassVar[str] = "playbook.rule-answered"
    rule: str
    version: int
    answer: str
