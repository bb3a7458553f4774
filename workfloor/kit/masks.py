"""Card and account numbers in what people write: found by their check digits, and covered but for the last four."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

COVER = "•"
SHOWN = 4
CARD_LENGTHS = range(13, 20)
_CARD_BEGINS = frozenset("23456")  # ISO/IEC 7812: what the issuers of payment cards begin with

_GAP = "[ .\u00a0\u2009\u202f-]"
_DIGITS = re.compile(rf"(?<!\w)\d+(?:{_GAP}\d+)*(?!\w)")
_IBAN = re.compile(rf"(?<!\w)[A-Za-z]{{2}}\d{{2}}(?:{_GAP}?[A-Za-z0-9]){{11,30}}")

# SWIFT's IBAN registry: how many characters an account number of each country has.
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20,
    "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without the numbers that it held, and how many those were."""

    text: str
    found: int


def mask(text: str) -> Masked:
    """Cover every payment card and account number in a text, leaving its last four characters to know it by."""
    found = sorted({*_accounts(text), *_cards(text)})
    covered, end, count = [], 0, 0
    for low, high in found:
        if low >= end:
            covered += [text[end:low], _covered(text[low:high])]
            end, count = high, count + 1
    return Masked("".join([*covered, text[end:]]), count)


def _covered(number: str) -> str:
    places = [place for place, each in enumerate(number) if each.isalnum()]
    hidden = set(places[:-SHOWN])
    return "".join(COVER if place in hidden else each for place, each in enumerate(number))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand; a number before or after one, such as a house's, does not hide it."""
    for run in _DIGITS.finditer(text):
        groups = [(run.start() + each.start(), run.start() + each.end()) for each in re.finditer(r"\d+", run[0])]
        first = 0
        while first < len(groups):
            last = next(
                (each for each in range(len(groups) - 1, first - 1, -1) if _card(text, groups, first, each)), -1
            )
            if last >= 0:
                yield groups[first][0], groups[last][1]
            first = max(first, last) + 1


def _card(text: str, groups: list[tuple[int, int]], first: int, last: int) -> bool:
    digits = "".join(_plain(text[low:high]) for low, high in groups[first : last + 1])
    return is_card(digits)


def _plain(digits: str) -> str:
    return "".join(str(unicodedata.digit(each)) for each in digits)


def is_card(digits: str) -> bool:
    """Whether digits without gaps are a payment card's number: its length, its first digit, and Luhn's check."""
    return len(digits) in CARD_LENGTHS and digits[0] in _CARD_BEGINS and _luhn(digits) % 10 == 0


def _luhn(digits: str) -> int:
    doubled = (sum(divmod(2 * int(each), 10)) for each in digits[-2::-2])
    return sum(map(int, digits[-1::-2])) + sum(doubled)


def _accounts(text: str) -> Iterator[tuple[int, int]]:
    for each in _IBAN.finditer(text):
        length = IBAN_LENGTHS.get(each[0][:2].upper(), 0)
        places = [each.start() + place for place, letter in enumerate(each[0]) if letter.isalnum()]
        if not length or len(places) < length:
            continue
        end = places[length - 1] + 1
        if is_iban("".join(text[place] for place in places[:length])) and not text[end : end + 1].isalnum():
            yield each.start(), end


def is_iban(account: str) -> bool:
    """Whether characters without gaps are an account number by ISO 13616: its country's length, and 1 modulo 97."""
    written = account.upper()
    if len(written) != IBAN_LENGTHS.get(written[:2], 0) or not (written.isascii() and written.isalnum()):
        return False
    return int("".join(str(int(each, 36)) for each in written[4:] + written[:4])) % 97 == 1
