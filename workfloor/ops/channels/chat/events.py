"""Facts about chats and their copies by mail; a chat's beginning and answer are facts about its work item."""

from dataclasses import dataclass
from typing import Any, ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class WidgetAdded(Event):
    name: ClassVar[str] = "chat.widget-added"
    widget: int
    queue: int
    origins: list[str]
    key: str | None = None  # which is public
    settings: str | None = None  # as they were written


@dataclass(frozen=True)
class WidgetChanged(Event):
    name: ClassVar[str] = "chat.widget-changed"
    widget: int
    queue: int
    origins: list[str]
    before: dict[str, Any] | None = None  # the queue by its name, the origins, the settings as they were written
    after: dict[str, Any] | None = None


@dataclass(frozen=True)
class WidgetWithdrawn(Event):
    name: ClassVar[str] = "chat.widget-withdrawn"
    widget: int


@dataclass(frozen=True)
class Closed(Event):
    name: ClassVar[str] = "chat.closed"
    ended_as: str


@dataclass(frozen=True)
class GoneOn(Event):
    name: ClassVar[str] = "chat.gone-on"


@dataclass(frozen=True)
class Turned(Event):
    name: ClassVar[str] = "chat.turned"
    into: str


@dataclass(frozen=True)
class Rated(Event):
    name: ClassVar[str] = "chat.rated"
    score: int


@dataclass(frozen=True)
class TranscriptAsked(Event):
    name: ClassVar[str] = "chat.transcript-asked"
    message: int
