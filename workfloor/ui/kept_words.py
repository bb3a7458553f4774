"""Text that was kept in English, such as the reason of a failure or a statement, in the language of whoever reads it.

What was kept has its values in it. The text of the catalogue that it was made of is found again, and the values are put
into its translation; a part that no text of the catalogue fits stays as it is.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any

from django.utils import translation
from django.utils.translation import gettext, trans_real

from workfloor.kit.text import locales

LEAST_LETTERS = 4  # of a text beside its values, without which anything would fit it
LONGEST = 1000  # letters of what is looked for; what is longer was not made by us
_PLACE = re.compile(r"\{(\w+)(?:[:!][^{}]*)?\}")
# What stands between the parts of a text, the largest first; and what no value has that a whole text was made with.
_PARTS = tuple(map(re.compile, (r"( · )", r"(; )", r"(: )", r"(, )", r"( \(|\)|\. | [=×÷+−] )")))
_PARTED = re.compile(r"[;:,] ")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY = re.compile(rf"\b(\d{{1,2}}) ({_MONTHS}) (\d{{4}})\b")
_MONTH = re.compile(rf"\b({_MONTHS}) (\d{{4}})\b")
_SPAN = re.compile(rf"({_DAY.pattern}) to ({_DAY.pattern})")
_COUNTED = re.compile(r"(-?[\d.,]+) ([a-z][a-z -]*)")


def translated(text: str) -> str:
    """The text in the reader's language."""
    language = translation.get_language()
    if not text or language is None or language.partition("-")[0] == "en" or len(text) > LONGEST:
        return text
    said = _SPAN.sub(lambda found: gettext("{first} to {last}").format(first=found[1], last=found[5]), text)
    said = _said(said, language)
    said = _DAY.sub(lambda found: locales.written(_day(found[3], found[2], found[1]), "long_day"), said)
    said = _MONTH.sub(lambda found: locales.written(_day(found[2], found[1]), "month"), said)
    return locales.numerals(said)


def translated_within(kept: Any, *, but: Collection[str] = ()) -> Any:
    """The same dictionaries and lists with every text in the reader's language, `but` what is kept under such names."""
    if isinstance(kept, dict):
        return {name: each if name in but else translated_within(each, but=but) for name, each in kept.items()}
    if isinstance(kept, list | tuple):
        return [translated_within(each, but=but) for each in kept]
    return translated(kept) if isinstance(kept, str) else kept


@lru_cache(maxsize=10_000)
def _said(text: str, language: str) -> str:
    """As one text of the catalogue whose values are no parts, else by its parts, else as one whose values are any."""
    if (said := gettext(text)) != text:
        return said
    fitting = [(each, values) for each in _templates(language) if (values := each.values(text)) is not None]
    whole = [each for each in fitting if not any(_PARTED.search(value) for value in each[1].values())]
    if not whole and (said := _by_parts(text, language)) != text:
        return said
    for template, values in (whole or fitting)[:1]:
        return template.said.format(**{name: _said(value, language) for name, value in values.items()})
    counted = _COUNTED.fullmatch(text)
    return f"{counted[1]} {gettext(counted[2])}" if counted else text


def _by_parts(text: str, language: str) -> str:
    for between in _PARTS:
        parts = between.split(text)
        if len(parts) > 1:
            return "".join(part if place % 2 else _said(part, language) for place, part in enumerate(parts))
    return text


def _day(year: str, month: str, day: str = "1") -> date:
    return date(int(year), _MONTHS.split("|").index(month) + 1, int(day))


@dataclass(frozen=True, slots=True)
class _Template:
    """A text of the catalogue with places for values, by what stands between them; and its translation."""

    between: tuple[str, ...]
    names: tuple[str, ...]
    said: str

    def values(self, text: str) -> dict[str, str] | None:
        """What a text that was made of it was filled in with; each value ends where what follows it first comes."""
        found: dict[str, str] = {}
        at = len(self.between[0])
        if not text.startswith(self.between[0]) or not text.endswith(self.between[-1]):
            return None
        for place, name in enumerate(self.names, 1):
            is_last = place == len(self.names)
            end = len(text) - len(self.between[-1]) if is_last else text.find(self.between[place], at + 1)
            if end <= at or found.setdefault(name, text[at:end]) != text[at:end]:
                return None
            at = end + len(self.between[place])
        return found


@cache
def _templates(language: str) -> list[_Template]:
    """The ones that say most first."""
    catalogue = vars(trans_real.translation(language))["_catalog"]
    found = [
        _Template(tuple(_PLACE.split(text)[::2]), tuple(_PLACE.split(text)[1::2]), _PLACE.sub(r"{\1}", said))
        for text, said in catalogue.items()
        if isinstance(text, str) and isinstance(said, str) and _PLACE.search(text)
    ]
    return sorted((each for each in found if _letters(each) >= LEAST_LETTERS), key=_letters, reverse=True)


def _letters(template: _Template) -> int:
    return sum(each.isalpha() for part in template.between for each in part)
