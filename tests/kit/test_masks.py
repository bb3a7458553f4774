"""Card and account numbers are covered wherever they were typed, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit import masks

# The networks' own test numbers, and the examples of the IBAN registry.
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"]
IBANS = ["GB29NWBK60161331926819", "DE89370400440532013000", "ES9121000418450200051332", "IL620108000000099999999"]


@pytest.mark.parametrize("number", CARDS + IBANS)
def test_a_number_is_covered_but_for_its_last_four(number):
    masked = masks.mask(f"it is {number}, thanks")

    assert masked == masks.Masked(f"it is {'•' * (len(number) - 4)}{number[-4:]}, thanks", 1)


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("4111 1111 1111 1111", "•••• •••• •••• 1111"),
        ("4111-1111-1111-1111.", "••••-••••-••••-1111."),
        ("card 12 4111 1111 1111 1111 12/29", "card 12 •••• •••• •••• 1111 12/29"),
        ("4111 1111 1111 1111 737", "•••• •••• •••• 1111 737"),
        ("٤١١١١١١١١١١١١١١١", "••••••••••••١١١١"),
        ("DE89 3704 0044 0532 0130 00 and more", "•••• •••• •••• •••• ••30 00 and more"),
        ("de89370400440532013000", "••••••••••••••••••3000"),
        ("IBAN:GB29 NWBK 6016 1331 9268 19", "IBAN:•••• •••• •••• •••• ••68 19"),
    ],
)
def test_it_is_found_as_people_type_it(typed, left):
    assert masks.mask(typed).text == left


@pytest.mark.parametrize(
    "typed",
    [
        "4111111111111112",  # the check digit is wrong
        "+351 912 345 678",
        "order 1234567890123",
        "2026-03-04 09:00",
        "DE89370400440532013001",
        "ISBN 978-3-16-148410-0",
        "41111111111111111111111111",  # longer than any card
        "ref-x4111111111111111y",
    ],
)
def test_other_numbers_stay(typed):
    assert masks.mask(typed) == masks.Masked(typed, 0)


def test_two_numbers_in_one_text_are_both_covered():
    masked = masks.mask("from 4111111111111111 to 5555 5555 5555 4444")

    assert masked == masks.Masked("from ••••••••••••1111 to •••• •••• •••• 4444", 2)


@given(st.text(alphabet="0123456789 -.", max_size=80))
def test_a_masked_text_holds_no_number_any_more_and_keeps_its_length(text):
    masked = masks.mask(text)

    assert len(masked.text) == len(text)
    assert masks.mask(masked.text) == masks.Masked(masked.text, 0)


@given(st.text(alphabet="0123456789", min_size=14, max_size=18), st.sampled_from("3456"))
def test_any_number_with_the_right_check_digit_is_found(body, first):
    # By hand: the digit that lifts Luhn's sum to a multiple of ten; here all ten are tried, and exactly one fits.
    fitting = [digit for digit in "0123456789" if masks.is_card(first + body[1:] + digit)]

    assert len(fitting) == 1
    assert masks.mask(first + body[1:] + fitting[0]).found == 1


@given(st.text(max_size=200))
def test_any_text_can_be_masked(text):
    assert len(masks.mask(text).text) == len(text)
