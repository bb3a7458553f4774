"""Facts about the journal's own readers."""

from dataclasses import dataclass
from typing import ClassVar

from workfloor.core.journal.rules import Event


@dataclass(frozen=True)
class EveryClientEntered(Event):
    """A process that works across the walls has begun to."""

    name: ClassVar[str] = "engine.entered-every-client"
    engine: str
