"""Numbers, days and times as a language writes them; in English as they always were."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.text import locales

AT = datetime(2026, 9, 3, 14, 5, 9, tzinfo=UTC)


@pytest.fixture
def speaking() -> Iterator[list[str]]:
    """The language in a list, to be changed by the test."""
    language, before = ["en"], locales._language
    locales.read_in(lambda: language[0])
    yield language
    locales.read_in(before)


@pytest.mark.parametrize(
    ("language", "form", "written"),
    [
        ("en", "moment", "3 Sep 2026 14:05"),
        ("en", "long_day", "3 September 2026"),
        ("en", "second_of_year", "3 Sep 14:05:09"),
        ("es", "moment", "3 sept 2026 14:05"),
        ("es", "long_day", "3 de septiembre de 2026"),
        ("es", "month", "septiembre de 2026"),
        ("es", "clock", "14:05"),
        ("hi", "day", "3 सित॰ 2026"),
    ],
)
def test_an_instant_is_written_as_the_language_does(speaking, language, form, written):
    speaking[0] = language

    assert locales.written(AT, form) == written


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "1,234,567.50"), ("es", "1.234.567,50"), ("hi", "12,34,567.50")],
)
def test_a_number_has_the_marks_of_the_language(speaking, language, written):
    speaking[0] = language

    assert locales.number(Decimal("1234567.5"), 2) == written


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("-1,234.50 EUR", "-1.234,50 EUR"),
        ("2 × 1.50 EUR = 3.00 EUR", "2 × 1,50 EUR = 3,00 EUR"),
        ("2026-11-30 14:05:09, of 2026", "2026-11-30 14:05:09, of 2026"),
        ("10.0.0.24, v1.2.3, m1.5, a@1.example", "10.0.0.24, v1.2.3, m1.5, a@1.example"),
        ("at 99.5 %.", "at 99,5 %."),
    ],
)
def test_numbers_in_a_text_are_rewritten_and_nothing_else(speaking, english, spanish):
    speaking[0] = "es"

    assert locales.numerals(english) == spanish


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15))
def test_no_digit_is_lost(amount):
    before = locales._language
    for language in ("es", "hi"):
        locales.read_in(lambda language=language: language)
        try:
            written = locales.number(amount)
        finally:
            locales.read_in(before)
        assert [each for each in written if each.isdigit()] == [each for each in f"{amount}" if each.isdigit()]
