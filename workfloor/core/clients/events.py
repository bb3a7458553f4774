"""Facts about clients."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class ClientOpened(Event):
    name: ClassVar[str] = "client.opened"
    slug: str
    title: str


@dataclass(frozen=True)
class TokenIssued(Event):
    name: ClassVar[str] = "client.token-issued"
    token: int
    title: str
    scopes: list[str]


@dataclass(frozen=True)
class TokenRevoked(Event):
    name: ClassVar[str] = "client.token-revoked"
    token: int
    title: str | None = None
