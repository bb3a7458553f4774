"""Where in a text the words stand that were looked for: the part to show, in pieces, found ones marked.

Pieces are plain text. Whoever shows them escapes them, so that nothing of a message can become part of a page.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Final, NamedTuple

AROUND: Final = 60  # characters before the first word that was found
LONGEST: Final = 240  # characters of an excerpt
READ: Final = 100_000  # characters of a text, as in the index


class Piece(NamedTuple):
    """A part of an excerpt."""

    text: str
    is_found: bool


def excerpt(text: str, words: Collection[str], longest: int = LONGEST) -> list[Piece]:
    """The part of a text around the first of the words (folded), on one line, in pieces; its beginning without any.

    A word is marked where a word of the text begins with it.
    """
    text = " ".join(text[:READ].split())
    found = [(each.start(), each.end()) for each in _pattern(words).finditer(folded(text))] if words else []
    begins = max(0, found[0][0] - AROUND) if found and found[0][0] > longest // 2 else 0
    if begins and (space := text.find(" ", begins, found[0][0])) > 0:
        begins = space + 1
    ends = min(len(text), begins + longest)
    pieces = [Piece("… ", False)] if begins else []
    at = begins
    for first, last in found:
        if first >= ends:
            break
        pieces += [Piece(text[at:first], False), Piece(text[first : min(last, ends)], True)]
        at = min(last, ends)
    pieces.append(Piece(text[at:ends], False))
    if ends < len(text):
        pieces.append(Piece(" …", False))
    return [each for each in pieces if each.text]


def _pattern(words: Collection[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})")


def folded(text: str) -> str:
    """A text without accents and capitals, each character in its place; near to what the index does with it."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """One character for one: its base, in lower case."""
    return unicodedata.normalize("NFKD", character)[0].lower()[0]
