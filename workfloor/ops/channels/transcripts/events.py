"""Facts about transcripts; to whom one went stands in its message and not in its fact, which cannot be deleted."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.journal.rules import Event


@dataclass(frozen=True)
class TranscriptAsked(Event):
    name: ClassVar[str] = "chat.transcript-asked"
    message: int
