"""Text that was kept in English, such as the reason of a failure or a statement, in the language of whoever reads it.

What was kept has its values in it. The text of the catalogue that it was made of is found again, and the values are put
into its translation; a part that no text of the catalogue fits stays as it is.
"""

import re
from collections.abc import Collection
from functools import cache
from typing import Any

from django.utils import translation
from django.utils.dates import MONTHS
from django.utils.translation import gettext, trans_real

LEAST_LETTERS = 4  # of a text between its values, without which anything would fit it
_PLACE = re.compile(r"\{(\w+)[^{}]*\}")
_BETWEEN_PARTS = re.compile(r"(: |; |, | \(|\)|\. | [=×÷+−] )")
_MONTH = re.compile(r"\b(January|February|March|April|May|June|July|August|September|October|November|December) (?=\d)")


def translated(text: str) -> str:
    """The text in the reader's language."""
    language = translation.get_language()
    if not text or language is None or language.partition("-")[0] == "en":
        return text
    if (known := _known(text, language)) is not None:
        return known
    parts = _BETWEEN_PARTS.split(text)
    if len(parts) > 1:
        return "".join(_known(part, language) or _dated(part) for part in parts)
    return _dated(text)


def translated_within(kept: Any, *, but: Collection[str] = ()) -> Any:
    """The same dictionaries and lists with every text in the reader's language, `but` what is kept under such names."""
    if isinstance(kept, dict):
        return {name: each if name in but else translated_within(each, but=but) for name, each in kept.items()}
    if isinstance(kept, list | tuple):
        return [translated_within(each, but=but) for each in kept]
    return translated(kept) if isinstance(kept, str) else kept


def _known(text: str, language: str) -> str | None:
    if not any(each.isalpha() for each in text):
        return text
    if (said := gettext(text)) != text:
        return said
    for pattern, template in _templates(language):
        if found := pattern.fullmatch(text):
            return template.format(**{name: translated(value) for name, value in found.groupdict().items()})
    return None


def _dated(text: str) -> str:
    return _MONTH.sub(lambda found: f"{MONTHS[_NUMBERS[found[1]]]} ", text)


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """What texts with values look like, and their translations: the ones that say most first."""
    found = []
    for text, said in vars(trans_real.translation(language))["_catalog"].items():
        if not isinstance(text, str) or not isinstance(said, str) or not _PLACE.search(text):
            continue
        letters = len(re.sub(r"\W", "", _PLACE.sub("", text)))
        if letters >= LEAST_LETTERS:
            found.append((letters, _pattern(text), _PLACE.sub(r"{\1}", said)))
    return [(pattern, said) for _, pattern, said in sorted(found, key=lambda each: -each[0])]


def _pattern(text: str) -> re.Pattern[str]:
    seen: set[str] = set()
    made, end = "", 0
    for place in _PLACE.finditer(text):
        name = place[1]
        made += re.escape(text[end : place.start()]) + (f"(?P={name})" if name in seen else f"(?P<{name}>.+)")
        seen.add(name)
        end = place.end()
    return re.compile(made + re.escape(text[end:]), re.DOTALL)


with translation.override("en"):
    _NUMBERS = {str(name): number for number, name in MONTHS.items()}
