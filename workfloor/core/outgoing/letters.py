"""What the installation's own mail says, by its kind: each is declared by the package that it is of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Written:
    """A mail's subject and text."""

    subject: str
    text: str


Compose = Callable[[int], Written | None]
_KINDS: Final[dict[str, Compose]] = {}


def says(kind: str) -> Callable[[Compose], Compose]:
    """Declare what mails of a kind say, by the number of what they are about; None where that is over by now."""

    def declare(compose: Compose) -> Compose:
        _KINDS[kind] = compose
        return compose

    return declare


def written(kind: str, about: int) -> Written | None:
    """What a mail says; None where it is not to be sent any more. Raises KeyError for a kind that nobody declared."""
    return _KINDS[kind](about)
