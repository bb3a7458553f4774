"""What an answer quotes of what it answers: as mail programs do, in the language of what is quoted."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from workfloor.kit.quotes import LONGEST_LINE

MOST_LINES: Final = 200
LONGEST: Final = 10_000  # characters
LONGEST_NAME: Final = 80

# How the line above a quote reads, with the date and the time in figures, as kit.quotes tells it again.
HEADS: Final[Mapping[str, str]] = {
    "en": "On {date} at {time}, {name} wrote:", "de": "Am {date} um {time} schrieb {name}:",
    "fr": "Le {date} à {time}, {name} a écrit :", "es": "El {date} a las {time}, {name} escribió:",
    "pt": "Em {date} às {time}, {name} escreveu:", "it": "Il {date} alle {time}, {name} ha scritto:",
    "nl": "Op {date} om {time} schreef {name}:", "pl": "W dniu {date} o {time} {name} napisał(a):",
    "ru": "{date} в {time} {name} написал(а):", "he": "בתאריך {date} בשעה {time}, {name} כתב/ה:",
    "ar": "في {date} الساعة {time}، كتب {name}:",
}  # fmt: skip
# Figures as each language writes dates; the rest as ISO 8601 does, which nobody takes for another day.
_DATES: Final = {"de": "%d.%m.%Y", "pl": "%d.%m.%Y", "ru": "%d.%m.%Y", "fr": "%d/%m/%Y", "es": "%d/%m/%Y",
                 "pt": "%d/%m/%Y", "it": "%d/%m/%Y", "nl": "%d-%m-%Y", "he": "%d.%m.%Y"}  # fmt: skip

# The small words by which a language is told: those that the others lack or seldom use.
_WORDS: Final = {
    "en": "the and you your with have this please is not was my for",
    "de": "ich und die der das nicht ist mit für sie ihre bitte mein",
    "fr": "je vous le les des est pas pour avec une votre bonjour mon",
    "es": "el los las que por para con una está mi usted gracias hola",
    "pt": "não uma com para minha meu você obrigado olá está são foi ao",
    "it": "che non per una con il di sono della grazie mio ho gli",
    "nl": "ik het een niet met voor van mijn uw zijn dat graag heb",
    "pl": "nie jest się na proszę dziękuję mój dzień czy do że",
}  # fmt: skip
_LETTERS: Final = (("HEBREW", "he"), ("ARABIC", "ar"), ("CYRILLIC", "ru"))


def language_of(text: str) -> str:
    """The language that a text is likeliest written in, of those in HEADS; English where none is likelier."""
    letters = [unicodedata.name(each, "") for each in text[:1000] if each.isalpha()]
    for script, language in _LETTERS:
        if letters and sum(name.startswith(script) for name in letters) * 2 > len(letters):
            return language
    words = re.findall(r"\w+", text[:5000].lower())
    counted = {language: sum(word in known.split() for word in words) for language, known in _WORDS.items()}
    likeliest = max(counted, key=lambda language: counted[language])
    return likeliest if counted[likeliest] > counted["en"] else "en"


def quotation(text: str, name: str, at: datetime) -> str:
    """What somebody wrote, quoted: who wrote it and when (by the clock of `at`), and each line after a mark.

    So much of it as anybody reads; what is left out is marked.
    """
    language = language_of(text)
    bare = " ".join(re.sub(r"[:<>\x00-\x1f]", " ", name).split())[:LONGEST_NAME] or "?"
    date = f"{at:{_DATES.get(language, '%Y-%m-%d')}}"
    head = HEADS[language].format(date=date, time=f"{at:%H:%M}", name=bare)
    lines = text[:LONGEST].strip("\n").split("\n")
    kept = [line.rstrip()[: LONGEST_LINE * 5] for line in lines[:MOST_LINES]]
    if len(text.strip("\n")) > LONGEST or len(lines) > MOST_LINES:
        kept.append("[…]")
    return "\n".join([head, *(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in kept)])
