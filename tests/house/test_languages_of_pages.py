"""What pages show comes through the catalogues: each is read in a language in which every text stands in brackets."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.translation import trans_real
from lxml import html

from tests import catalogues
from tests.house.test_accessibility import Floor, floor, pages  # noqa: F401
from tests.house.test_languages import FOR_MACHINES, SAID, has_letters
from tests.house.test_rooms import faults_of
from workfloor.ui import kept_words

OPENS, CLOSES = "⟦", "⟧"
WITHIN = re.compile(f"{OPENS}[^{OPENS}{CLOSES}]*{CLOSES}")
# What the floor of this test has put there: names, what people wrote, machine names, and what is the same everywhere.
KNOWN = {
    *re.findall(
        r"[^\W\d_]+",
        """
        Ana Bruno Carla Diogo Esther Fernanda Leonor Rui Costa Lisbon Light lisbon light alder insurance English Español
        Agreement with Answered in seconds Calls answered calls Mail Chats chats Letters Service resolved Resolved
        No answer needed Called back Second letter My bill Yes see Quoted text Body Dear all please Lines Net Bills How
        to read one Above my limit Let me look at Angry hello Hello customer Their CRM work busy Two were tests They no
        such user Sample Floor Lda Rua do Ouro Lisboa Lindenstr Berlin PO VAT of days from the day issue Billing Europe
        en de es he key webhook test case message period dispute invoice Portuguese portuguese mail
        """,
    ),
    *"ABCDEFLml",
}
# What leaders and agents of the floor wrote to each other, whole, for its words are of every page; and people whom
# nothing but a number tells apart.
WROTE = re.compile(
    r"Stay on, please|Until six|Can you stay\?|May I refund 40 euros\?|Yes, up to 50|\bPerson \d+|\bP\d\b"
)
NAMES = re.compile(r"\S+@\S+|https?://\S*|\b\w+\.(?:example|txt)\b|\b[A-Z]{2,}\d*\b|\b[A-Z]{2}\d[\d ]*")
DAYS = re.compile(r"\b[a-z]+ de \d{4}\b|\b\d{1,2}(?: de)? [a-z]+(?: de)? \d{4}\b|\b\d{1,2} [a-z]{3,4}\b")
UNITS = re.compile(r"\d (?:s|ms|h|min|MB)\b")
# Elements whose text is another's: what people wrote, and a mail's own page.
NOT_OURS = {*FOR_MACHINES, "time", "iframe", "textarea"}


def in_brackets(text: str) -> str:
    """A text as this language has it: its own words in brackets, what is filled in or marked up outside of them."""
    own = catalogues.PLACES.split(text)
    rest = catalogues.PLACES.findall(text)
    between = [f"{OPENS}{each}{CLOSES}" if has_letters(each) else each for each in own]
    return "".join(a + b for a, b in zip(between, [*rest, ""], strict=True))


class Catalogue(dict[Any, str]):
    """What Django asks a catalogue for."""

    def plural(self, text: str, number: float) -> str:
        return self[text, int(number != 1)]


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every text of the Spanish catalogue stands in brackets; what is in no catalogue does not."""
    made = copy.copy(trans_real.translation("es"))
    made._catalog = Catalogue((text, in_brackets(str(said))) for text, said in made._catalog.items() if text)
    monkeypatch.setitem(trans_real._translations, "es", made)
    kept_words._templates.cache_clear()
    yield
    kept_words._templates.cache_clear()


def outside(page: str) -> Iterator[str]:
    """What a page says in letters that did not come by gettext."""
    tree = html.document_fromstring(page)
    for element in tree.iter():
        if not isinstance(element.tag, str) or element.xpath("ancestor-or-self::*[@lang][not(self::html)]"):
            continue
        said = [value for name, value in element.attrib.items() if name in SAID]
        if element.tag not in NOT_OURS:
            said.append(element.text or "")
        said.append(element.tail or "")
        for text in said:
            rest = text
            while (shorter := WITHIN.sub(" ", rest)) != rest:
                rest = shorter
            for pattern in (WROTE, NAMES, DAYS, UNITS):
                rest = pattern.sub(" ", rest)
            if not {*re.findall(r"[^\W\d_]+", rest)} <= KNOWN:
                yield " ".join(text.split())


def test_every_page_says_what_it_says_by_the_catalogues(floor: Floor, bracketed: None) -> None:  # noqa: F811
    found = pages(floor, "es")
    said: dict[str, str] = {}
    for name, page in found.items():
        for text in outside(page):
            said.setdefault(text, name)
    faults_of(*(f"{name}: {text[:150]!r}" for text, name in said.items()))


def test_what_programs_read_of_a_page_has_a_point_in_every_language(floor: Floor) -> None:  # noqa: F811
    """Numbers among attributes: of drawings, clocks and bars."""
    found = {
        f"{name}: {element.tag} {attribute}={value!r}"
        for name, page in pages(floor, "es").items()
        for element in html.document_fromstring(page).iter()
        if isinstance(element.tag, str)
        for attribute, value in element.attrib.items()
        if attribute not in SAID and re.fullmatch(r"[MHVLZ\d\s.-]*\d,\d[MHVLZ\d\s.,-]*", value)
    }
    faults_of(*sorted(found))
