"""What a visitor may send and how often, what a widget asks first, and what becomes of a chat."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from workfloor.core.conversations.messages import LARGEST_SENT

USUAL_WAIT_SECONDS: Final = 120  # where neither the widget nor the queue sets one
LONGEST_MESSAGE: Final = 4_000  # characters
LONGEST_ANSWER: Final = 200
LARGEST_BODY: Final = 40_000  # bytes of a call that brings no file
LARGEST_FILE: Final = LARGEST_SENT
MOST_MESSAGES: Final = 2_000  # of one chat
MESSAGES_IN: Final = (15, timedelta(seconds=10))  # so many from one visitor within so long
FILES_IN: Final = (10, timedelta(minutes=10))
CHATS_IN: Final = (20, timedelta(minutes=10))  # from one address; a firm's people share one
WORDS_IN: Final = (5, timedelta(minutes=10))
OVER_AFTER: Final = timedelta(hours=24)  # a chat that is over can be read, rated and gone on with for so long
PLACE_KEPT_FOR: Final = timedelta(minutes=30)  # of who left while they waited; from then on they wait anew
HERE_FOR: Final = timedelta(seconds=50)  # a page says every 20 seconds that it is open
ENDINGS: Final = ("visitor", "agent", "silence", "left", "turned")
SCORES: Final = range(1, 6)
QUESTION_KINDS: Final = ("name", "email", "phone", "text", "choice")
INSTEAD: Final = ("email", "callback")

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[\d ()/.-]{5,30}")


# --- the widget ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """What a widget asks before a chat begins."""

    name: str
    kind: str = "text"
    label: Mapping[str, str] = field(default_factory=dict)  # by language; empty: the widget's own words for the kind
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How a widget behaves; times in seconds."""

    title: Mapping[str, str]
    greeting: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    instead: Mapping[str, str] = field(default_factory=dict)  # email or callback -> queue
    wait_seconds: int | None = None  # what a visitor is agreed to wait at most; None: the queue's target
    silence_seconds: int = 900  # a visitor who says nothing for so long after an answer has gone
    left_seconds: int = 180  # one whose page is closed for so long has left; a telephone that is locked closes it, too


@dataclass(frozen=True)
class Fault:
    """What is wrong with something that a visitor sent, by its name: refusals.json has the words in each language."""

    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    asked: Question | None = None  # the question whose answer it is about


class Refused(ValueError):
    """What a visitor sent cannot be taken; its faults say in the visitor's language why, and what to do."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{each.name} {dict(each.values) or ''}".strip() for each in faults))
        self.faults = faults


class TooMany(Refused):
    """So much has come so quickly that the rest has to wait."""


def is_origin(text: str) -> bool:
    """Whether a text is an origin as browsers write it: scheme, host, a port if it is not the usual one."""
    usual = (text.startswith("https:") and text.endswith(":443")) or (text.startswith("http:") and text.endswith(":80"))
    return bool(_ORIGIN.fullmatch(text)) and not usual


def language(wanted: str, known: Sequence[str]) -> str:
    """The language to speak: the wanted one, whatever its region, if it is known, else the first known."""
    base = wanted.strip().lower().partition("-")[0]
    return base if base in known else known[0]


# --- what visitors send -------------------------------------------------------------------------------------------


def digest(secret: str) -> str:
    """What is kept of a visitor's secret, or of a visitor's address."""
    return sha256(secret.encode()).hexdigest()


def secret(sent: object) -> str:
    """The secret that a visitor's browser has made for its chat: 256 bits, base64url."""
    if not isinstance(sent, str) or not _SECRET.fullmatch(sent):
        raise Refused(Fault("malformed", {"what": "secret"}))
    return sent


def item_key(digest: str) -> str:
    """What the keys of a chat's items begin with, by the digest of its secret."""
    return f"chat-{digest[:32]}"


def word_key(address_digest: str) -> str:
    """What the keys of words that were left from a network address begin with."""
    return f"word-{address_digest[:16]}-"


def key(sent: object) -> str:
    """The visitor's own name for a message, by which a repeated one is known."""
    if not isinstance(sent, str) or not _KEY.fullmatch(sent):
        raise Refused(Fault("malformed", {"what": "id"}))
    return sent


def text(sent: object, most: int = LONGEST_MESSAGE) -> str:
    """What a visitor wrote, without what cannot be stored or would not be seen."""
    if not isinstance(sent, str):
        raise Refused(Fault("malformed", {"what": "text"}))
    kept = "".join(each for each in sent if each in "\n\t" or each.isprintable() or each in "\u200d\u200c\u200f\u200e")
    if not kept.strip():
        raise Refused(Fault("empty"))
    if len(kept) > most:
        raise Refused(Fault("too-long", {"count": len(kept), "most": most}))
    return kept.strip()


def answers(questions: Sequence[Question], sent: object) -> dict[str, str]:
    """A visitor's answers to the widget's questions; raises Refused naming all that is wrong."""
    given = sent if isinstance(sent, Mapping) else {}
    found: dict[str, str] = {}
    wrong: list[Fault] = []
    for question in questions:
        answer = str(given.get(question.name) or "").strip()[: LONGEST_ANSWER + 1]
        if fault := _fault(question, answer):
            wrong.append(fault)
        elif answer:
            found[question.name] = text(answer, LONGEST_ANSWER)
    if unknown := given.keys() - {each.name for each in questions}:
        wrong.append(Fault("malformed", {"what": ", ".join(sorted(map(str, unknown)))[:100]}))
    if wrong:
        raise Refused(*wrong)
    return found


def _fault(question: Question, answer: str) -> Fault | None:
    if not answer:
        return Fault("needed", asked=question) if question.required else None
    if len(answer) > LONGEST_ANSWER:
        return Fault("answer-too-long", {"most": LONGEST_ANSWER}, question)
    if question.kind == "choice" and answer not in question.choices:
        return Fault("no-choice", asked=question)
    return contact_fault(question.kind, answer, question)


def contact_fault(kind: str, answer: str, asked: Question | None = None) -> Fault | None:
    """What is wrong with an address or a number to reach somebody at; None if nothing is."""
    if kind == "email" and not _EMAIL.fullmatch(answer):
        return Fault("no-email", {"given": answer[:60]}, asked)
    if kind in ("phone", "callback") and not (_PHONE.fullmatch(answer) and _is_short(answer)):
        return Fault("no-phone", {"given": answer[:60]}, asked)
    return None


def _is_short(number: str) -> bool:
    """Whether a telephone's number may have so many digits (ITU-T E.164); a card's has more, or nearly."""
    return sum(each.isdigit() for each in number) <= 15


def answer_of(kind: str, questions: Sequence[Question], given: Mapping[str, str]) -> str:
    """The answer to the first question of a kind; empty if it was not asked or not answered."""
    return next((given[each.name] for each in questions if each.kind == kind and each.name in given), "")


def title(message: str, longest: int = 80) -> str:
    """What a chat is called on the desk: the beginning of its first message."""
    first = message.strip().splitlines()[0].strip()
    return first if len(first) <= longest else first[: longest - 1].rstrip() + "…"


def too_many(before: int, within: tuple[int, timedelta]) -> bool:
    """Whether one more is too many after so many within the time."""
    return before >= within[0]


# --- files --------------------------------------------------------------------------------------------------------

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_OFFICE = (
    (b"word/document.xml", "wordprocessingml.document"),
    (b"xl/workbook.xml", "spreadsheetml.sheet"),
    (b"ppt/presentation.xml", "presentationml.presentation"),
)
_ENDINGS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
}


def media_type(content: bytes) -> str:
    """What a file is by its first bytes, whatever it calls itself: a picture, PDF, office document or plain text.

    Raises Refused for anything else, which includes all that a browser would run: HTML, SVG, scripts.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith(b"PK\x03\x04") and (office := _office(content)):
        return office
    if _is_plain(content):
        return "text/plain"
    raise Refused(Fault("no-such-file-type"))


def _office(content: bytes) -> str:
    """An office document's type by the names in its archive, which stand there uncompressed; none with macros."""
    if b"[Content_Types].xml" not in content or b"vbaproject.bin" in content.lower():
        return ""
    found = next((kind for name, kind in _OFFICE if name in content), "")
    return f"application/vnd.openxmlformats-officedocument.{found}" if found else ""


def _is_plain(content: bytes) -> bool:
    try:
        written = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    shown = all(each.isprintable() or each in "\t\n\r\f\u200e\u200f\ufeff" or each.isspace() for each in written)
    return shown and not re.match(r"\s*(<|#!|%!)", written) and bool(written.strip())


def file_name(sent: str, kind: str) -> str:
    """A name that is safe to show and to save under, ending as the file's kind does."""
    last = re.split(r"[\\/]", sent)[-1]
    kept = "".join(each for each in last if each.isprintable() and each not in '<>:"|?*').strip(" .")[-120:] or "file"
    ending = _ENDINGS.get(kind, "")
    same = kind == "image/jpeg" and kept.lower().endswith(".jpeg")
    return kept if not ending or same or kept.lower().endswith(ending) else kept + ending


# --- what becomes of a chat ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at to see whether a visitor has gone: times are instants."""

    state: str  # of the item
    seen_at: datetime
    visitor_said_at: datetime
    we_said_at: datetime | None


def gone(chat: Watched, settings: Settings, now: datetime) -> str:
    """Why a chat is over: its page was closed (left), or an answer was left without one for too long (silence)."""
    left_at = chat.seen_at + timedelta(seconds=settings.left_seconds)
    if chat.state in ("waiting", "offered"):
        return "left" if now >= left_at else ""
    silent_since = chat.we_said_at if chat.we_said_at and chat.we_said_at > chat.visitor_said_at else None
    if silent_since and now >= silent_since + timedelta(seconds=settings.silence_seconds):
        return "silence" if now < left_at else "left"
    return ""


def assembled(texts: Mapping[str, Any], sheet: str, program: str) -> str:
    """The widget as one script: its texts, its style sheet and its program in a scope of their own."""
    parts = (json.dumps(texts, ensure_ascii=False, separators=(",", ":")), json.dumps(_dense(sheet)))
    return f'(()=>{{"use strict";const TEXTS={parts[0]};const SHEET={parts[1]};\n{program}\n}})();\n'


def _dense(sheet: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?(?:\*/|\Z)", "", sheet, flags=re.DOTALL)).strip()


def place(line: Sequence[tuple[datetime, int]], mine: tuple[datetime, int]) -> int:
    """Which place in the queue an item has, 1 for the next; `line` are (queued at, id) of all that wait."""
    return 1 + sum(1 for each in line if each < mine)
