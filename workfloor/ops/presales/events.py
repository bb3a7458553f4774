"""Facts about imports of past work."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.event_log.events import Event


@dataclass(frozen=True)
class HistoryImported(Event):
    name: ClassVar[str] = "history.imported"
    source: str
    file: str
    sha256: str
    map_sha256: str
    rows: int
    answered: int
    abandoned: int
    phantom: int
    left_out: int
