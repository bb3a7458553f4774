"""Numbers, money and times as people write them in the language of whoever reads (CLDR, by babel).

Until `read_in` says whose language it is, that is English, which commands, documents and everything stored keep to.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_time

# How much of an instant is said, in the CLDR's skeletons: the day, then the time.
FORMS: Final = {
    "day": ("yMMMd", ""),
    "long_day": ("yMMMMd", ""),
    "day_of_year": ("MMMd", ""),
    "month": ("yMMMM", ""),
    "moment": ("yMMMd", "Hm"),
    "moment_of_year": ("MMMd", "Hm"),
    "second_of_year": ("MMMd", "Hms"),
    "clock": ("", "Hm"),
    "clock_seconds": ("", "Hms"),
}
# The British order, which `en` alone does not have, with the months' short names of three letters, which `en-GB` lacks.
_BRITISH: Final = {"yMMMd": "d MMM y", "yMMMMd": "d MMMM y", "MMMd": "d MMM"}
# A number by itself, and none in a name, an address, a version or a day.
_NUMBER: Final = re.compile(r"(?<![\w.,/@:])(?<!\w-)(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w/@:-]|[.,]\d)", re.ASCII)

_language: Callable[[], str] = lambda: "en"  # noqa: E731


def read_in(language: Callable[[], str]) -> None:
    """Say how to know the reader's language: a code such as `es`."""
    global _language
    _language = language


@lru_cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def number(value: int | float | Decimal, digits: int | None = None) -> str:
    """Write a number with the marks of the language; `digits` after that for decimals, else all it has."""
    written = f"{value:,}" if digits is None else f"{value:,.{digits}f}"
    return numerals(written)


def numerals(written: str) -> str:
    """Rewrite the numbers of a text that writes them as `1,234.50`, such as an amount of money."""
    language = _language()
    return written if language == "en" else _NUMBER.sub(lambda found: _rewritten(found.group(), language), written)


def _rewritten(written: str, language: str) -> str:
    locale = _locale(language)
    whole, _, rest = written.partition(".")
    shown = str(locale.decimal_formats[None].apply(Decimal(whole.replace(",", "")), locale))
    if "," not in whole:
        shown = whole  # what was not grouped, such as a year, stays as it is
    return f"{shown}{locale.number_symbols['latn']['decimal']}{rest}" if rest else shown


def written(at: date | datetime | time, form: str) -> str:
    """Write an instant, day or time in one of FORMS, by the clock that it has."""
    days, times = FORMS[form]
    language = _language()
    said = []
    if days:
        assert isinstance(at, date), at
        said.append(format_date(at, _pattern(days, language), _locale(language)))
    if times:
        assert not isinstance(at, date) or isinstance(at, datetime), at
        said.append(
            format_time(
                at.timetz() if isinstance(at, datetime) else at, _pattern(times, language), locale=_locale(language)
            )
        )
    return " ".join(said)


def _pattern(skeleton: str, language: str) -> str:
    if language == "en" and skeleton in _BRITISH:
        return _BRITISH[skeleton]
    return str(_locale(language).datetime_skeletons[skeleton].pattern)
