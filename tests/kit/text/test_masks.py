"""Card and account numbers are covered wherever they were typed, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.text import masks

# The networks' own test numbers, and the examples of the IBAN registry.
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"]
# Visa of 13 and of 19 digits, Diners Club, Mastercard's newer ones, UnionPay, Maestro, Dankort.
CARDS += ["4222222222222", "4000000000000000006", "30569309025904", "2223003122003222", "6200000000000005"]
CARDS += ["6304000000000000", "5019717010103742", "6759649826438453"]
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
        ("4111  1111  1111  1111", "••••  ••••  ••••  1111"),
        ("4111 - 1111 - 1111 - 1111", "•••• - •••• - •••• - 1111"),
        ("4111.1111.1111.1111", "••••.••••.••••.1111"),
        ("4111\u00a01111\u00a01111\u00a01111", "••••\u00a0••••\u00a0••••\u00a01111"),
        ("3782 822463 10005", "•••• •••••• •0005"),
        ("> > my card: 4111 1111 1111 1111", "> > my card: •••• •••• •••• 1111"),
        ("https://shop.example/pay?card=4111111111111111&x=1", "https://shop.example/pay?card=••••••••••••1111&x=1"),
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
        "+49 1511 2345678",  # 13 digits that begin like a card's and pass Luhn's check, and a telephone
        "+4915112345678",
        "call 06 12 34 56 78 or 06 98 76 54 32",
        "IMEI 356938035643809",  # every IMEI passes Luhn's check; no network issues cards of 15 digits that begin so
        "order 7100000000000004",  # passes Luhn's check, and no network issues it
        "4111 1111\n1111 1111",  # lines are never put together
        "4111\t1111\t1111\t1111",  # nor columns
        "2221.00 2221.00 1122.33",
        "1764144353123",  # a time in milliseconds
        "9783161484100",
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


NETWORKS = [("4", 16), ("51", 16), ("2720", 16), ("34", 15), ("36", 14), ("6011", 16), ("62", 19), ("3528", 16)]


@given(st.sampled_from(NETWORKS), st.text(alphabet="0123456789", min_size=18, max_size=18), st.sampled_from(" -.–"))
def test_any_number_that_a_network_issues_is_found_however_it_is_grouped(network, body, gap):
    # The check digit lifts Luhn's sum to a multiple of ten; here all ten are tried, and exactly one fits.
    begins, length = network
    some = (begins + body)[: length - 1]
    fitting = [digit for digit in "0123456789" if masks.is_card(some + digit)]

    assert len(fitting) == 1
    number = some + fitting[0]
    grouped = gap.join(number[at : at + 4] for at in range(0, length, 4))
    assert masks.mask(f"it is {number}.").text == f"it is {'•' * (length - 4)}{number[-4:]}."
    assert masks.mask(f"it is {grouped}.").found == 1


@given(st.text(alphabet="0123456789", min_size=13, max_size=19), st.sampled_from(["+", "x", "_"]))
def test_what_begins_with_a_plus_or_a_letter_is_no_card(digits, before):
    assert masks.mask(before + digits).found == 0


@given(st.lists(st.integers(0, 99), min_size=1, max_size=40))
def test_no_two_lines_make_a_number_together(figures):
    column = "\n".join(f"{each:02}" * 3 for each in figures)

    assert masks.mask(column) == masks.Masked(column, 0)


@pytest.mark.parametrize("length", [1_000, 100_000])
def test_a_long_row_of_short_figures_is_read_through_once(length):
    row = "1 " * length  # with every pair of ends tried this would not end

    assert masks.mask(row) == masks.Masked(row, 0)


@given(st.text(max_size=200))
def test_any_text_can_be_masked(text):
    assert len(masks.mask(text).text) == len(text)


# --- HTML ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("<p>4111 1111 1111 1111</p>", "<p>•••• •••• •••• 1111</p>"),
        ("<b>4111</b> 1111 <i>1111</i> 1111", "<b>••••</b> •••• <i>••••</i> 1111"),
        ("4111&nbsp;1111&#160;1111&nbsp;1111", "••••&nbsp;••••&#160;••••&nbsp;1111"),
        ("&#52;111 1111 1111 1111", "••• •••• •••• 1111".replace("•••", "••••", 1)),
        (
            '<a href="https://x.example/?c=4111111111111111">pay</a>',
            '<a href="https://x.example/?c=••••••••••••1111">pay</a>',
        ),
        ("<img alt='4111111111111111'>", "<img alt='••••••••••••1111'>"),
        ("<!-- 4111111111111111 -->", "<!-- ••••••••••••1111 -->"),
        ("<td>DE89 3704 0044 0532 0130 00</td>", "<td>•••• •••• •••• •••• ••30 00</td>"),
        ("<td>4111 1111</td><td>1111 1111</td>", "<td>4111 1111</td><td>1111 1111</td>"),  # two cells, two figures
        ("4111 1111<br>1111 1111", "4111 1111<br>1111 1111"),
        ("a < b & 4111111111111111", "a < b & ••••••••••••1111"),
        ("<p>R&amp;D &lt;1&gt; 4111111111111111", "<p>R&amp;D &lt;1&gt; ••••••••••••1111"),
    ],
)
def test_a_number_is_covered_as_html_shows_it(written, left):
    assert masks.mask_html(written).text == left


@given(st.text(alphabet="4111 <>\"'&;b/=#nsp!-", max_size=120))
def test_html_without_a_number_stays_as_it_is_and_covered_html_holds_none(markup):
    covered = masks.mask_html(markup)

    assert covered.found or covered.text == markup
    assert masks.mask_html(covered.text) == masks.Masked(covered.text, 0)


def test_only_the_kinds_that_are_asked_for_are_covered():
    both = "4111111111111111 and DE89370400440532013000"

    assert masks.mask(both, ["card"]).text == "••••••••••••1111 and DE89370400440532013000"
    assert masks.mask(both, ["account"]).text == "4111111111111111 and ••••••••••••••••••3000"
    assert masks.mask(both, []) == masks.Masked(both, 0)


@pytest.mark.parametrize(
    ("country", "characters"),
    [("NO", 15), ("BE", 16), ("DE", 22), ("PT", 25), ("LC", 32), ("RU", 33), ("US", 0), ("", 0)],
)
def test_an_account_number_is_as_long_as_its_country_has_it(country, characters):
    assert masks.iban_length(country) == characters
