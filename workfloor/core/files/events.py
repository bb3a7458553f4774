"""Facts about files."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class KeyMade(Event):
    name: ClassVar[str] = "files.key-made"


@dataclass(frozen=True)
class KeyErased(Event):
    name: ClassVar[str] = "files.key-erased"
    files: int
    reason: str
