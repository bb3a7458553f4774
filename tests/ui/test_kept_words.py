"""What was kept in English is shown in the language of whoever reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.test import override_settings
from django.utils import translation

from workfloor.ui import kept_words

TEXTS = {
    "a delivery report": "ein Zustellbericht",
    "our reply did not arrive: {reason}": "unsere Antwort kam nicht an: {reason}",
    "no answer within {seconds:.0f} seconds": "keine Antwort binnen {seconds:.0f} Sekunden",
    "{amount} of it from the bonus bank": "davon {amount} aus der Bonusbank",
    "at least {limit}": "mindestens {limit}",
    "in the hours of {calendar}": "in den Zeiten von {calendar}",
    "Credit for {part1}, within the caps": "Gutschrift für {part1}, innerhalb der Grenzen",
    "Credit for {part1}": "Gutschrift für {part1}",
    "{period} is open; close {period} first": "{period} ist offen; erst {period} schließen",
    "{one} of {two}": "nie {one} {two}",
    "rate": "Satz",
}


@pytest.fixture
def _german(tmp_path: Path) -> Iterator[None]:
    """A catalogue of a language that the product does not have, so that no text of its own is meant."""
    catalogue = Catalog(locale="de")
    for text, said in TEXTS.items():
        catalogue.add(text, said)
    made = tmp_path / "de/LC_MESSAGES/django.mo"
    made.parent.mkdir(parents=True)
    with made.open("wb") as file:
        write_mo(file, catalogue)
    with override_settings(LOCALE_PATHS=[tmp_path]), translation.override("de"):
        yield
    kept_words._templates.cache_clear()
    kept_words._said.cache_clear()


@pytest.mark.usefixtures("_german")
@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("a delivery report", "ein Zustellbericht"),
        ("no answer within 10 seconds", "keine Antwort binnen 10 Sekunden"),
        # A value that is such a text itself.
        (
            "our reply did not arrive: no answer within 10 seconds",
            "unsere Antwort kam nicht an: keine Antwort binnen 10 Sekunden",
        ),
        # What says more is preferred.
        ("Credit for calls, within the caps", "Gutschrift für calls, innerhalb der Grenzen"),
        # Made of parts.
        ("at least 80 %, in the hours of office", "mindestens 80 %, in den Zeiten von office"),
        ("12 × 0.50 EUR (rate) = 6.00 EUR", "12 × 0,50 EUR (Satz) = 6,00 EUR"),
        # The same value twice, or no such text.
        ("2026-01 is open; close 2026-01 first", "2026-01 ist offen; erst 2026-01 schließen"),
        ("2026-01 is open; close 2026-02 first", "2026-01 is open; close 2026-02 first"),
        # Too little beside the values to know it by.
        ("3 of 4", "3 of 4"),
        ("550 mailbox unavailable", "550 mailbox unavailable"),
        ("1 May 2026 to noon", "1. Mai 2026 to noon"),
        ("", ""),
    ],
)
def test_a_text_is_found_again_with_its_values(kept: str, shown: str) -> None:
    assert kept_words.translated(kept) == shown


@pytest.mark.usefixtures("_german")
def test_names_in_what_is_kept_stay() -> None:
    kept = {"id": "rate", "rows": [{"id": "rate", "title": "rate", "count": 3}], "none": None}

    shown = kept_words.translated_within(kept, but=("id",))

    assert shown == {"id": "rate", "rows": [{"id": "rate", "title": "Satz", "count": 3}], "none": None}


@pytest.mark.usefixtures("_german")
def test_whoever_reads_english_and_a_paper_have_it_as_it_was_kept() -> None:
    for language in ("en", "en-gb", None):
        with translation.override(language):
            assert kept_words.translated("a delivery report") == "a delivery report"


@pytest.mark.usefixtures("_german")
def test_what_is_too_long_to_be_ours_stays() -> None:
    """It may come from whoever sends us mail."""
    text = "our reply did not arrive: " + "x" * kept_words.LONGEST

    assert kept_words.translated(text) == text
