"""An answer quotes what it answers, and our own reader of answers cuts that off again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.mail import quoting

AT = datetime(2026, 3, 4, 9, 5, tzinfo=UTC)
WRITTEN = {
    "en": "Hello, my bill is wrong and you owe me the money.",
    "de": "Guten Tag, ich bin mit der Rechnung nicht zufrieden, bitte prüfen Sie das.",
    "fr": "Bonjour, je ne comprends pas les montants de la facture, merci pour votre aide.",
    "es": "Hola, no entiendo por qué la factura es tan alta, gracias por su ayuda con los datos.",
    "pt": "Olá, não percebo a minha fatura, está errada e são 12 euros a mais para mim.",
    "it": "Buongiorno, non capisco il mio conto, che è sbagliato per gli importi della luce.",
    "nl": "Goedemorgen, ik begrijp het bedrag van mijn rekening niet, graag uw hulp.",
    "pl": "Dzień dobry, rachunek nie jest poprawny, proszę o pomoc, dziękuję.",
    "ru": "Здравствуйте, счёт неверный, помогите, пожалуйста.",
    "he": "שלום, החשבון שלי שגוי, אנא בדקו.",
    "ar": "مرحبا، فاتورتي خاطئة، يرجى التحقق.",
}


def test_who_wrote_and_when_stands_above_and_a_mark_before_each_line():
    assert quoting.quotation("My bill is wrong.\n\n> You said\nPlease look.", "Rui Costa", AT).split("\n") == [
        "On 2026-03-04 at 09:05, Rui Costa wrote:",
        "> My bill is wrong.",
        ">",
        ">> You said",
        "> Please look.",
    ]


def test_every_language_has_its_words():
    assert WRITTEN.keys() == quoting.HEADS.keys()


@pytest.mark.parametrize("language", WRITTEN)
def test_it_is_in_the_language_of_the_letter_and_our_reader_cuts_it_off_again(language):
    letter = WRITTEN[language]
    quoted = quoting.quotation(letter, "Rui Costa", AT)

    assert quoting.language_of(letter) == language
    date = dict.fromkeys(("fr", "es", "pt", "it"), "04/03/2026") | dict.fromkeys(("de", "pl", "ru", "he"), "04.03.2026")
    date |= {"nl": "04-03-2026", "en": "2026-03-04", "ar": "2026-03-04"}
    head = quoting.HEADS[language].format(date=date[language], time="09:05", name="Rui Costa")
    assert quoted.split("\n")[0] == head
    assert quoting.fold(f"We look into it.\n\n{quoted}") == ("We look into it.", quoted)


@pytest.mark.parametrize("language", WRITTEN)
def test_what_a_customer_answers_to_our_answer_is_theirs_alone(language):
    ours = f"We look into it.\n\n{quoting.quotation(WRITTEN[language], 'Rui Costa', AT)}"
    theirs = f"Thank you!\n\n{quoting.quotation(ours, 'Lisbon Light', AT)}"

    assert quoting.fold(theirs).text == "Thank you!"


@given(st.text(max_size=400), st.text(max_size=100))
def test_whatever_is_quoted_is_cut_off_again(text, name):
    quoted = quoting.quotation(text, name, AT)

    assert quoting.fold(f"We look into it.\n\n{quoted}").text == "We look into it."


def test_no_more_is_quoted_than_anybody_reads():
    for text in ("x" * 1_000_000, "line\n" * 5_000):
        quoted = quoting.quotation(text, "Rui", AT)
        assert len(quoted) < quoting.LONGEST + 1_000 and quoted.endswith("> […]")
        assert quoted.count("\n") <= quoting.MOST_LINES + 1
