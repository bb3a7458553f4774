"""What is looked for, put into the words of PostgreSQL's full text and patterns."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Final

LONGEST: Final = 200  # characters of what is looked for
MOST_WORDS: Final = 12
SHORTEST: Final = 3  # letters of a name, or of the beginning of a word
SHORTEST_MISTYPED: Final = 6  # letters of a name that is found with a letter wrong in it
EVERYTHING: Final = 2**63 - 1  # a number after every passage's own
DAYS, MONTHS = (1, 8, 64), (12, 60)  # how far a search goes back, step by step
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a list of what was found is read on: in passages not later than one, below a case with a score."""

    at: datetime
    number: int = EVERYTHING  # the passage's; those of the same instant have lower ones
    score: int = EVERYTHING
    case_id: int = EVERYTHING

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.number}-{self.score}-{self.case_id}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        """A mark as `str` writes it; raises ValueError for what is none."""
        at, number, score, case_id = (int(part) for part in text.split("-"))
        try:
            instant = _EPOCH + timedelta(microseconds=at)
        except OverflowError as fault:
            raise ValueError(text) from fault
        if max(number, score, case_id) > EVERYTHING:
            raise ValueError(text)
        return cls(instant, number, score, case_id)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: all of these words, of these clients, from one day to another (UTC), by one channel."""

    words: str
    client_ids: tuple[int, ...]
    since: datetime | None = None
    until: datetime | None = None
    channel: str = ""
    after: Mark | None = None


def query(
    words: Sequence[str],
    client_ids: Collection[int],
    channel: str = "",
    span: Collection[str] = (),
    beginnings: Collection[str] = (),
) -> str:
    """A tsquery as text: all of the words (folded, as the index has them), those in `beginnings` as beginnings.

    Clients, channel and a span of days or months are words of the index too, which no text can hold.
    """
    parts = [_quoted(each) + (":*" if each in beginnings else "") for each in words]
    parts.append(_any_of([f"={each}" for each in sorted(client_ids)] or ["="]))
    if channel:
        parts.append(_quoted(f"#{channel}"))
    if span:
        parts.append(_any_of(span))
    return " & ".join(parts)


def _any_of(words: Collection[str]) -> str:
    return f"({' | '.join(map(_quoted, words))})"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def spans(until: date, since: date | None = None) -> Iterator[list[str]]:
    """The days or months to look through, ever more of them back from one day; at last none, which is all of them.

    Nobody reads more than the newest of what is said every day, and what is said rarely is looked up in no time: so a
    search begins with a day and stops when it has enough.
    """
    day, month = (until - _FIRST_DAY).days, until.year * 12 + until.month
    first_day = (since - _FIRST_DAY).days if since else None
    first_month = since.year * 12 + since.month if since else None
    for days in DAYS:
        begins = day - days + 1
        if first_day is not None and begins <= first_day:
            yield [f"@{each}" for each in range(max(first_day, begins), day + 1)]
            return
        yield [f"@{each}" for each in range(begins, day + 1)]
    for months in MONTHS:
        begins = month - months + 1
        if first_month is not None and begins <= first_month:
            yield [f"@m{each}" for each in range(first_month, month + 1)]
            return
        yield [f"@m{each}" for each in range(begins, month + 1)]
    yield []


def exactly(words: Sequence[str]) -> str:
    """A pattern that a name with all of these words in it has, in any order; of more than three the longest count."""
    longest = sorted(set(words), key=len, reverse=True)[:3]
    return "|".join(".*".join(map(_literal, each)) for each in permutations(longest))


def mistyped(words: Sequence[str]) -> str:
    """A pattern of names in which the longest word may have a letter wrong: half is right; empty for short ones."""
    longest = max(words, key=len)
    if len(longest) < SHORTEST_MISTYPED:
        return ""
    half = len(longest) // 2
    return f"{_literal(longest[:half])}|{_literal(longest[half:])}"


def _literal(word: str) -> str:
    return "".join(each if each.isalnum() or not each.isascii() else f"\\{each}" for each in word)
