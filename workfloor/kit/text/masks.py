"""Card and account numbers in what people write: found by their check digits, and covered but for the last four."""

import html
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

COVER: Final = "•"
SHOWN: Final = 4
KINDS: Final = ("card", "account")
CARD_LENGTHS: Final = range(13, 20)

# Which numbers the card networks issue, as they publish it: what they begin with, and how long they are. Narrower than
# Luhn's check alone, which one in ten of all numbers passes, and every telephone's IMEI.
_ISSUED: Final = (
    (r"4", {13, 16, 19}),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),  # Mastercard
    (r"3[47]", {15}),  # American Express
    (r"30[0-5]|3095|3[689]", {14, 15, 16, 17, 18, 19}),  # Diners Club
    (r"352[89]|35[3-8]|220[0-4]|6|81|82", {16, 17, 18, 19}),  # JCB, Mir, Discover, UnionPay, RuPay
    (r"50|5[6-8]|6304|6759|67[67]|63", {13, 14, 15, 16, 17, 18, 19}),  # Maestro and what came of it
    (r"9792", {16}),  # Troy
)
_NETWORKS: Final = tuple((re.compile(begins), lengths) for begins, lengths in _ISSUED)

# What stands between the groups of a number: never the end of a line, or columns of figures would run together.
_GAP = "(?:[ \u00a0\u2009\u202f]{1,2}|[ \u00a0]?[.\u2011\u2013-][ \u00a0]?)"
_GAPS: Final = " \u00a0\u2009\u202f.\u2011\u2013-"
_DIGITS = re.compile(rf"(?<![\w+])\d++(?!\w)(?:{_GAP}\d++(?!\w))*+")
_IBAN = re.compile(rf"(?<!\w)[A-Za-z]{{2}}\d{{2}}(?:{_GAP}?[A-Za-z0-9]){{11,30}}")
SMALLEST_GROUP: Final = 3  # digits, but for the last; smaller ones are telephone numbers' and dates'


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without the numbers that it held, and how many those were."""

    text: str
    found: int


def mask(text: str, kinds: Collection[str] = KINDS) -> Masked:
    """Cover every payment card and account number in a text, leaving its last four characters to know it by.

    The text keeps its length, and what is covered once is covered for good: masking again changes nothing.
    """
    found = [*(_accounts(text) if "account" in kinds else ()), *(_cards(text) if "card" in kinds else ())]
    covered, end, count = [], 0, 0
    for low, high in sorted(found):
        if low >= end:
            covered += [text[end:low], _covered(text[low:high])]
            end, count = high, count + 1
    return Masked("".join([*covered, text[end:]]), count)


def worded(fault: BaseException) -> str:
    """What went wrong, fit to be kept and shown: without the numbers that it may have met."""
    return mask(f"{type(fault).__name__}: {fault}").text


def _covered(number: str) -> str:
    places = [place for place, each in enumerate(number) if each.isalnum()]
    hidden = set(places[:-SHOWN])
    return "".join(COVER if place in hidden else each for place, each in enumerate(number))


# --- cards --------------------------------------------------------------------------------------------------------


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand; a number before or after one, such as a house's, does not hide it."""
    for run in _DIGITS.finditer(text):
        if len(run[0]) < CARD_LENGTHS.start:
            continue
        groups = [(run.start() + each.start(), run.start() + each.end()) for each in re.finditer(r"\d+", run[0])]
        first = _after_covered(text, run.start(), groups)
        while first < len(groups):
            last = _last_of_card(text, groups, first)
            if last >= 0:
                yield groups[first][0], groups[last][1]
            first = max(first, last) + 1


def _after_covered(text: str, start: int, groups: list[tuple[int, int]]) -> int:
    """How many groups are what is shown of a number that was covered before; they begin no other number."""
    if not text[max(0, start - 3) : start].rstrip(_GAPS).endswith(COVER):
        return 0
    digits = accumulate(high - low for low, high in groups)
    return next((number for number, many in enumerate(digits, 1) if many >= SHOWN), len(groups))


def _last_of_card(text: str, groups: list[tuple[int, int]], first: int) -> int:
    """The last of the groups that make a card's number from the first on, the longest such number; -1 for none."""
    digits, found = "", -1
    for number in range(first, len(groups)):
        low, high = groups[number]
        digits += _plain(text[low:high]) if high - low < CARD_LENGTHS.stop else "0" * CARD_LENGTHS.stop
        if len(digits) >= CARD_LENGTHS.stop:
            break
        found = number if is_card(digits) else found
        if high - low < SMALLEST_GROUP:
            break
    return found


def _plain(digits: str) -> str:
    return "".join(str(unicodedata.digit(each)) for each in digits)


def is_card(digits: str) -> bool:
    """Whether digits without gaps are a payment card's number: a network issues such, and Luhn's check holds."""
    if len(digits) not in CARD_LENGTHS or _luhn(digits) % 10:
        return False
    return any(len(digits) in lengths and begins.match(digits) for begins, lengths in _NETWORKS)


def _luhn(digits: str) -> int:
    doubled = (sum(divmod(2 * int(each), 10)) for each in digits[-2::-2])
    return sum(map(int, digits[-1::-2])) + sum(doubled)


# --- accounts -----------------------------------------------------------------------------------------------------


def _accounts(text: str) -> Iterator[tuple[int, int]]:
    for each in _IBAN.finditer(text):
        length = iban_length(each[0][:2].upper())
        places = [each.start() + place for place, letter in enumerate(each[0]) if letter.isalnum()]
        if not length or len(places) < length:
            continue
        end = places[length - 1] + 1
        if is_iban("".join(text[place] for place in places[:length])) and not text[end : end + 1].isalnum():
            yield each.start(), end


def is_iban(account: str) -> bool:
    """Whether characters without gaps are an account number by ISO 13616: its country's length, and 1 modulo 97."""
    written = account.upper()
    if not (written.isascii() and written.isalnum()) or len(written) != iban_length(written[:2]):
        return False
    from stdnum.iso7064 import mod_97_10  # here and below, for few commands see a number and all would load it

    return mod_97_10.checksum(written[4:] + written[:4]) == 1


@cache
def iban_length(country: str) -> int:
    """How many characters an account number of a country has, by SWIFT's registry; 0 for a country that has none."""
    from stdnum import numdb

    [(_, known)] = numdb.get("iban").info(country) or [("", {})]
    parts = re.findall(
        r"(?<!\d)(\d++)!", known.get("bban", "")
    )  # such as 4!a6!n8!n, after the country and two check digits
    return 4 + sum(map(int, parts)) if parts else 0


# --- HTML ---------------------------------------------------------------------------------------------------------

_PIECE = re.compile(
    r"""<!--.*?(?:-->|\Z)|<(?:[^<>"']|"[^"]*+"|'[^']*+')*+>|&(?:\#?\w{1,31}+);?|[^<&]++|.""", re.DOTALL
)  # a comment (to the end if nothing ends it), a tag, an entity, plain text; whatever else is text as it stands
_VALUE = re.compile(r""""[^"]*+"|'[^']*+'""")
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
_WITHIN_LINES: Final = {
    "a",
    "abbr",
    "b",
    "code",
    "del",
    "em",
    "font",
    "i",
    "ins",
    "mark",
    "q",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "tt",
    "u",
    "wbr",
}


def mask_html(markup: str, kinds: Collection[str] = KINDS) -> Masked:
    """The same for HTML, safe or not: numbers are found as they are shown, whatever tags and entities they are made of.

    Those in what tags say, such as an address that a link leads to, are covered too.
    """
    if not kinds:
        return Masked(markup, 0)
    pieces = [(each[0], _shown(each[0])) for each in _PIECE.finditer(markup)]
    shown = mask("".join(text for _, text in pieces), kinds)
    written, at, found = [], 0, shown.found
    for source, text in pieces:
        if source.startswith("<") and len(source) > 1:
            values = mask_values(source, kinds)
            written.append(values.text)
            found += values.found
        else:
            now = shown.text[at : at + len(text)]
            written.append(source if now == text else now if len(source) == len(text) else html.escape(now))
        at += len(text)
    return Masked("".join(written), found)


def _shown(piece: str) -> str:
    """What a piece of HTML shows; a tag that ends a line, or a cell, ends it here too."""
    if piece.startswith("<") and len(piece) > 1:
        name = _NAME.match(piece)
        return "" if piece.startswith("<!--") or (name and name[1].lower() in _WITHIN_LINES) else "\n"
    return html.unescape(piece) if piece.startswith("&") else piece


def mask_values(tag: str, kinds: Collection[str] = KINDS) -> Masked:
    """A tag or a comment with the numbers in it covered."""
    if tag.startswith("<!--"):
        return mask(tag, kinds)
    found = [mask(each[0], kinds) for each in _VALUE.finditer(tag)]
    texts = iter([each.text for each in found])
    return Masked(_VALUE.sub(lambda _: next(texts), tag), sum(each.found for each in found))
