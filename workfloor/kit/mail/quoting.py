"""What somebody wrote in a mail apart from what they quoted and signed, and what an answer quotes."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

LONGEST_LINE: Final = 400  # of a line that is looked at; longer ones are nobody's quote head


class Folded(NamedTuple):
    """A text in two: what was written, and what is folded away. Every line is in one of them."""

    text: str
    folded: str


def fold(text: str) -> Folded:
    """Cut an answer where a person would: before the quoted mail and the signature, or after a quote on top."""
    lines = text.split("\n")
    start = _begin(lines)
    end = _end(lines, start)
    signature = _signature(lines, start, end)
    fresh, rest = lines[start:signature], lines[:start] + lines[signature:]
    if not any(line.strip() for line in fresh):  # nothing of their own: then the whole is what they sent
        return Folded(text.strip("\n"), "")
    return Folded("\n".join(fresh).strip("\n").rstrip(), "\n".join(rest).strip("\n"))


def _begin(lines: list[str]) -> int:
    """Where their own text begins: after a quote that stands on top with everything below it theirs, else at once."""
    quote = next((at for at, line in enumerate(lines[:10]) if _is_quoted(line)), None)
    if quote is None:
        return 0
    above = [at for at in range(quote) if lines[at].strip()]
    if above and _head_start(lines, above[-1]) != above[0]:
        return 0
    end = quote
    while end < len(lines) and (_is_quoted(lines[end]) or not lines[end].strip()):
        end += 1
    below = [line for line in lines[end:] if line.strip()]
    return end if below and not any(_is_quoted(line) for line in below) else 0


def _head_start(lines: list[str], end: int) -> int | None:
    """Where the head of a quote begins that ends with this line, three lines long at most; None if none does."""
    for start in range(end, max(end - 3, -1), -1):
        head = " ".join(line.strip() for line in lines[start : end + 1])
        if not lines[start].strip() or len(head) > LONGEST_LINE:
            return None
        if is_head(head):
            above = lines[start - 1] if start else ""
            goes_on = not _DATED.search(head) and bool(_DATED.search(above)) and len(above) <= LONGEST_LINE
            return start - 1 if goes_on else start
    return None


_WROTE = re.compile(
    r"(wrote|writes|schrieb|geschrieben|a écrit|écrit|escribió|escreveu|ha scritto|scrisse|schreef|skrev"
    r"|napisał\(?a?\)?|napsal\(?a?\)?|написала?"
    r"|пише|כתב(?:/ה|ה)?|كتب|kirjoitti|írta|a scris|yazdı|έγραψε|написа|写道|のメール|작성|viết)\b[^:]*:$",
    re.IGNORECASE,
)

_DATED = re.compile(r"\d{1,4}[.:/\-年]|\b(19|20)\d\d\b")
# Without a year.
_DAY = re.compile(r"\b\d{1,2}(st|nd|rd|th)?(\s+(de|of))?\s+[^\W\d]{3,}|(?<![^\W\d])[^\W\d]{3,}+\s++\d{1,2}\b")


def begins_a_head(text: str) -> bool:
    """Whether a text begins as a quoted mail's head does: with who it is from."""
    return bool(_FROM.match(text))


def is_head(line: str) -> bool:
    """Whether a line announces a quote: "On ... wrote:" in whichever language, with a date or an address in it."""
    line = line.strip().rstrip("\u200e ").lstrip("> ")
    if not line.endswith((":", "：")) or len(line) < 8:
        return False
    dated, addressed = bool(_DATED.search(line)), "@" in line
    return (dated and addressed) or (bool(_WROTE.search(line)) and (dated or addressed or bool(_DAY.search(line))))


def _is_quoted(line: str) -> bool:
    return line.lstrip(" \t").startswith(">")


_RULED = re.compile(r"^\s*[-_*=]{3,60}\s*([^-_*=]{3,60}?)\s*[-_*=]{3,60}\s*$")
_RULE = re.compile(r"^\s*[_\-*=]{10,}\s*$")

_FROM = re.compile(
    r"^[\s>*]*(from|von|de|da|van|od|från|fra|lähettäjä|feladó|от|від|发件人"
    r"|寄件者|差出人|보낸 사람|gönderen|από)\s*\*?\s*[:：]",
    re.IGNORECASE,
)

_FIELD = re.compile(r"^[\s>*]*[^\s:：][^:：]{0,30}[:：]\*?(\s|$)")


def _end(lines: list[str], start: int) -> int:
    """Where their own text ends: the first line from which on all is a quoted mail; len(lines) if none is."""
    last_own = _last_own(lines)
    for at in range(start, len(lines)):
        if not lines[at].strip() or len(lines[at]) > LONGEST_LINE:
            continue
        if _is_forwarded_head(lines, at) or (at > last_own and _is_quoted(lines[at])):
            return at
        head = _head_start(lines, at)
        if head is not None and head >= start and _quote_follows(lines, at, last_own):
            return head
    return len(lines)


def _last_own(lines: list[str]) -> int:
    """The last line that is theirs: answers between the quotes keep the quotes that they answer."""
    own = (at for at in range(len(lines) - 1, -1, -1) if lines[at].strip() and not _is_quoted(lines[at]))
    return next((at for at in own if not _is_trailer(lines[at])), -1)


def _quote_follows(lines: list[str], at: int, last_own: int) -> bool:
    """Whether the mail quoted below this head goes to the end; without marks it does where the head says who wrote."""
    after = next((line for line in lines[at + 1 : at + 6] if line.strip()), "")
    return at >= last_own if _is_quoted(after) else bool(_WROTE.search(lines[at].strip()))


def _is_trailer(line: str) -> bool:
    bare = line.strip()
    return is_head(bare) or bare in ("--", "—") or bool(_SENT_FROM.match(bare)) or len(bare) < 2


def _is_forwarded_head(lines: list[str], at: int) -> bool:
    """Whether a mail's head stands here as programs write it: after a rule or alone, From and two more fields."""
    ruled = _RULED.match(lines[at]) or _RULE.match(lines[at])
    first = at + 1 if ruled else at
    while ruled and first < len(lines) and not lines[first].strip():
        first += 1
    block = [line for line in lines[first : first + 8] if line.strip()][:5]
    fields = 0
    for line in block:
        if len(line) > LONGEST_LINE or not _FIELD.match(line):
            break
        fields += 1
    if not block or not _FROM.match(block[0]):
        return bool(_RULED.match(lines[at])) and fields >= 2
    return fields >= (2 if ruled else 3)


_SENT_FROM = re.compile(
    r"^(sent|get|envoyé|enviado|gesendet|von meinem|inviato|verzonden|verstuurd|skickat|sendt|wysłane|odesláno"
    r"|отправлено|lähetetty)\b.{0,20}\b(from|with|using|depuis|de|desde|von|vom|mit|da|via|van|från|fra|z|ze|с|из|iphone|outlook)\b"
    r".{0,60}$",
    re.IGNORECASE,
)


def _signature(lines: list[str], start: int, end: int) -> int:
    """Where the signature begins: "-- " or a line by which a device signs; `end` if there is none."""
    for at in range(start, end):
        bare = lines[at].rstrip()
        if bare in ("--", "—", "–") and any(line.strip() for line in lines[start:at]):
            return at
    last = next((at for at in range(end - 1, start - 1, -1) if lines[at].strip()), None)
    return last if last is not None and last > start and _SENT_FROM.match(lines[last].strip()) else end


MOST_LINES: Final = 200
LONGEST: Final = 10_000  # characters
LONGEST_NAME: Final = 80

# How the line above a quote reads, with the date and the time in figures, as kit.quotes tells it again.
HEADS: Final[Mapping[str, str]] = {
    "en": "On {date} at {time}, {name} wrote:",
    "de": "Am {date} um {time} schrieb {name}:",
    "fr": "Le {date} à {time}, {name} a écrit :",
    "es": "El {date} a las {time}, {name} escribió:",
    "pt": "Em {date} às {time}, {name} escreveu:",
    "it": "Il {date} alle {time}, {name} ha scritto:",
    "nl": "Op {date} om {time} schreef {name}:",
    "pl": "W dniu {date} o {time} {name} napisał(a):",
    "ru": "{date} в {time} {name} написал(а):",
    "he": "בתאריך {date} בשעה {time}, {name} כתב/ה:",
    "ar": "في {date} الساعة {time}، كتب {name}:",
}

# Figures as each language writes dates; the rest as ISO 8601 does, which nobody takes for another day.
_DATES: Final = {
    "de": "%d.%m.%Y",
    "pl": "%d.%m.%Y",
    "ru": "%d.%m.%Y",
    "fr": "%d/%m/%Y",
    "es": "%d/%m/%Y",
    "pt": "%d/%m/%Y",
    "it": "%d/%m/%Y",
    "nl": "%d-%m-%Y",
    "he": "%d.%m.%Y",
}

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
}

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
