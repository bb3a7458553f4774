"""Facts about where events are sent, and about those that never arrived."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class EndpointAdded(Event):
    """Of its address only the host, for the rest may hold what lets people in."""

    name: ClassVar[str] = "webhook.endpoint-added"
    endpoint: int
    host: str
    events: list[str]
    title: str | None = None  # what the endpoint is called, here and below


@dataclass(frozen=True)
class EndpointPaused(Event):
    name: ClassVar[str] = "webhook.endpoint-paused"
    endpoint: int
    title: str | None = None


@dataclass(frozen=True)
class EndpointResumed(Event):
    name: ClassVar[str] = "webhook.endpoint-resumed"
    endpoint: int
    title: str | None = None


@dataclass(frozen=True)
class EndpointRemoved(Event):
    name: ClassVar[str] = "webhook.endpoint-removed"
    endpoint: int
    title: str | None = None


@dataclass(frozen=True)
class EndpointGone(Event):
    """The receiver said that it takes nothing there any more (410)."""

    name: ClassVar[str] = "webhook.endpoint-gone"
    endpoint: int
    title: str | None = None


@dataclass(frozen=True)
class SecretRotated(Event):
    name: ClassVar[str] = "webhook.secret-rotated"
    endpoint: int
    title: str | None = None


@dataclass(frozen=True)
class TestSent(Event):
    """Somebody had an event sent that says nothing."""

    name: ClassVar[str] = "webhook.test-sent"
    endpoint: int
    delivery: int
    title: str | None = None


@dataclass(frozen=True)
class NotDelivered(Event):
    """So many events will not be tried again by themselves."""

    name: ClassVar[str] = "webhook.not-delivered"
    endpoint: int
    count: int
    reason: str


@dataclass(frozen=True)
class SentAgain(Event):
    """Somebody had an event sent once more that had not arrived."""

    name: ClassVar[str] = "webhook.sent-again"
    endpoint: int
    delivery: int
