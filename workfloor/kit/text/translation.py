"""Text in the language of whoever reads it, for code that knows no framework.

The names are those of gettext, so that what collects texts finds them. Until `speak` says how, all text is English.
"""

from collections.abc import Callable

_one: Callable[[str], str] = str
_by_number: Callable[[str, str, int], str] = lambda one, many, number: one if number == 1 else many  # noqa: E731


def speak(one: Callable[[str], str], by_number: Callable[[str, str, int], str]) -> None:
    """Say how a text is translated, and one that has a number in it."""
    global _one, _by_number
    _one, _by_number = one, by_number


def gettext(text: str) -> str:
    """The text in the reader's language."""
    return _one(text) if text else text


def ngettext(one: str, many: str, number: int) -> str:
    """The text for so many, in the reader's language."""
    return _by_number(one, many, number)


def gettext_noop(text: str) -> str:
    """Text that is translated where it is shown: itself."""
    return text
