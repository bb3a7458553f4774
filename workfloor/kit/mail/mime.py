"""A mail as it comes, read whatever is wrong with it: headers, bodies, charsets, files, and what a report says."""

import codecs
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

from workfloor.kit.mail import tnef

# Nobody writes mail in these, and some cost time that grows with the square of the length.
_NO_CHARSETS: Final = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}

_CHARSETS: Final = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "utf8mb4": "utf-8",
    "iso-2022-jp": "iso2022_jp_ext",
}

CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def text_of(content: bytes, charset: str) -> str:
    """Text in the charset that is said, or else in the likeliest: without what PostgreSQL cannot keep."""
    for name in (_CHARSETS.get(charset.lower().strip("\"' "), charset), "utf-8"):
        try:
            if codecs.lookup(name).name.replace("-", "_") not in _NO_CHARSETS:
                return CONTROL.sub("", content.decode(name))
        except (LookupError, ValueError):
            continue
    return CONTROL.sub("", content.decode("cp1252", "replace"))


MOST_PARTS: Final = 500
MOST_HEADERS: Final = 1000
LONGEST_HEADER: Final = 100_000  # characters
LONGEST_PARAMETERS: Final = 4_000  # characters; the library takes them apart in the square of the length
LONGEST_BODY: Final = 2_000_000  # characters that are shown; the whole is in the raw mail
LONGEST_NAME: Final = 120
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})  # that any browser shows

# Marks that turn the direction of writing show "gpj.exe" as "exe.jpg".
_NEVER_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff<>:\"|?*/\\]")
_SPACES = re.compile(r"\s+")


class Unreadable(ValueError):
    """Not even a broken mail can be made of it."""


class Address(NamedTuple):
    """An address in small letters, and the name that stands beside it."""

    address: str
    name: str = ""


@dataclass(frozen=True)
class File:
    """A part that is no body; `content_id` without its brackets, empty where the mail names none."""

    name: str
    media_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True)
class Mail:
    """What a mail says. Header names are in small letters, their values on one line and decoded, in the order found;
    those that hold addresses are not decoded, for `addresses` reads them.
    """

    headers: Mapping[str, tuple[str, ...]]
    media_type: str
    report_type: str = ""
    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    reports: tuple[Mapping[str, str], ...] = ()  # the blocks of a machine-readable report
    returned: "Mail | None" = None  # the mail that a report is about, as far as it comes along
    defects: tuple[str, ...] = field(default=())

    def first(self, name: str) -> str:
        """A header's first value; whoever adds a second one to a mail does not change what the first says."""
        return next(iter(self.headers.get(name, ())), "")

    def addresses(self, *names: str) -> tuple[Address, ...]:
        """The addresses in these headers, each once."""
        return tuple(dict.fromkeys(_addresses([value for name in names for value in self.headers.get(name, ())])))

    @cached_property
    def sender(self) -> Address:
        """Who wrote it: the first address of From, else of Sender; empty where there is none."""
        found = _addresses([self.first("from")]) or _addresses([self.first("sender")])
        return found[0] if found else Address("")

    @cached_property
    def answers_go_to(self) -> Address:
        """Where the sender wants answers: the first address of Reply-To, else the sender's."""
        found = _addresses([self.first("reply-to")])
        return found[0] if found else self.sender

    @cached_property
    def sent_at(self) -> datetime | None:
        """The sender's clock, in UTC; None where there is no date, or none that a clock could show."""
        try:
            found = parsedate_to_datetime(self.first("date"))
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None

    @property
    def message_id(self) -> str:
        """Its name without brackets; empty where it has none."""
        return next(iter(names_in(self.first("message-id"))), "")

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of the mails that it answers, the nearest first."""
        nearest = names_in(self.first("in-reply-to"))
        return tuple(dict.fromkeys([*nearest, *reversed(names_in(self.first("references")))]))


def names_in(text: str) -> list[str]:
    """The message names in a header, without brackets; a name without brackets is one too where it stands alone."""
    found = re.findall(r"<([^<>\s]{1,900})>", text[:LONGEST_HEADER])
    alone = text.strip(" <>")
    return found or ([alone] if "@" in alone and not re.search(r"[\s,]", alone) and len(alone) <= 900 else [])


class _Bounded(Compat32):
    """The library's lenient ways, with headers cut before anybody takes them apart: those of parts, too."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        has_parameters = name.lower() in ("content-type", "content-disposition")
        return name, value[: LONGEST_PARAMETERS if has_parameters else LONGEST_HEADER]


_BOUNDED: Final = _Bounded()


def read(raw: bytes) -> Mail:
    """Read a mail of any line ends and with any defect. Raises Unreadable where nothing can be made of it."""
    try:
        return _mail(parsed(raw))
    except RecursionError as fault:
        raise Unreadable("its parts are nested too deeply") from fault


def parsed(raw: bytes) -> "Message[str, str]":
    """A mail's parts as the standard library takes them apart."""
    return message_from_bytes(_with_line_feeds(raw), policy=_BOUNDED)


def _with_line_feeds(raw: bytes) -> bytes:
    """Lines end in LF; a bare CR among the headers is no line end, or it would smuggle headers in."""
    if b"\n" not in raw:
        return raw.replace(b"\r", b"\n")
    head, blank, body = re.sub(rb"(?<!\r)\r+\n", b"\n", raw).partition(b"\n\n")
    return head.replace(b"\r", b" ").replace(b"\0", b"") + blank + body


def _mail(message: "Message[str, str]") -> Mail:
    found = _Found()
    found.walk(message, 0)
    found.settle()
    return Mail(
        headers=_headers(message),
        media_type=_kind(message),
        report_type=str(message.get_param("report-type") or "").lower(),
        text="\n".join(found.texts)[:LONGEST_BODY],
        html="\n".join(found.htmls)[:LONGEST_BODY],
        files=tuple(found.files),
        reports=tuple(found.reports),
        returned=found.returned,
        defects=tuple(dict.fromkeys(found.defects)),
    )


class _Found:
    """What the parts of a mail hold, collected on one walk through them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.htmls: list[str] = []
        self.files: list[File] = []
        self.reports: list[Mapping[str, str]] = []
        self.returned: Mail | None = None
        self.defects: list[str] = []
        self.packed_texts: list[str] = []
        self.packed_htmls: list[str] = []
        self.count = 0

    def walk(self, part: "Message[str, str]", depth: int) -> None:
        self.count += 1
        self.defects += [type(each).__name__ for each in part.defects]
        if self.count > MOST_PARTS:
            self.defects.append("TooManyParts")
            return
        kind = _kind(part)
        if part.is_multipart() and kind.startswith("multipart/"):
            for each in parts(part):
                self.walk(each, depth + 1)
        elif kind.startswith("multipart/"):  # it says so, and has no parts
            self.texts.append(text_in(part))
        elif kind == "message/delivery-status" or kind == "message/feedback-report":
            self.reports += [_block(each) for each in parts(part)] or [_fields(text_in(part))]
        elif kind in ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers"):
            self.letter(part, depth)
        elif is_body(part, kind):
            (self.texts if kind == "text/plain" else self.htmls).append(text_in(part))
        else:
            self.file(part, kind)

    def letter(self, part: "Message[str, str]", depth: int) -> None:
        """A mail within the mail: kept as a file, and read for what a report says of it."""
        inner = next(iter(parts(part)), None)
        if self.returned is None and depth < 3:
            self.returned = (
                _mail(inner) if inner is not None else _mail(message_from_bytes(_bytes(part), policy=_BOUNDED))
            )
        content = _as_it_came(inner) if inner is not None else _bytes(part)
        self.files.append(File(_name(part) or "message.eml", _kind(part), content))

    def file(self, part: "Message[str, str]", kind: str) -> None:
        content = _bytes(part)
        name = _name(part) or f"file{_EXTENSIONS.get(kind, '.bin')}"
        content_id = str(part.get("content-id") or "").strip(" <>\t\r\n")[:LONGEST_NAME]
        if kind in tnef.MEDIA_TYPES or name.lower() == "winmail.dat":
            self.packed(name, kind, content)
        elif content or _name(part):
            self.files.append(File(name, kind, content, CONTROL.sub("", content_id)))

    def packed(self, name: str, kind: str, content: bytes) -> None:
        """What Outlook packed: its files, and its body where the mail says nothing; broken, it stays as it is."""
        try:
            found = tnef.unpack(content)
        except tnef.Broken:
            self.defects.append("BrokenWinmail")
            found = tnef.Unpacked()
        if not found.files and not found.text.strip() and not found.html.strip():
            self.files.append(File(name, kind, content))
        self.packed_texts.append(CONTROL.sub("", found.text))
        self.packed_htmls.append(CONTROL.sub("", found.html))
        for each in found.files:
            media_type = each.media_type.lower() if _MEDIA_TYPE.fullmatch(each.media_type) else ""
            named = file_name(each.name) if each.name.strip() else "file.bin"
            media_type = media_type or mimetypes.guess_type(named)[0] or "application/octet-stream"
            content_id = CONTROL.sub("", each.content_id).strip(" <>")[:LONGEST_NAME]
            self.files.append(File(named, media_type, each.content, content_id))

    def settle(self) -> None:
        """Once all is read: what Outlook packed is the body of a mail that has no other."""
        if not any(text.strip() for text in [*self.texts, *self.htmls]):
            self.texts, self.htmls = self.packed_texts, self.packed_htmls


def is_body(part: "Message[str, str]", kind: str) -> bool:
    """Whether a part of this kind is shown as what the mail says, and is no file."""
    return kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment" and not _name(part)


_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,100}")

_EXTENSIONS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/calendar": ".ics",
}


def parts(part: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """The parts of a part; none where it has none."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (each for each in payload if isinstance(each, Message))


def _bytes(part: "Message[str, str]") -> bytes:
    try:
        content: Any = part.get_payload(decode=True)
    except (ValueError, AssertionError):  # a transfer encoding that its content breaks
        content = str(part.get_payload()).encode("utf-8", "surrogateescape")
    return content if isinstance(content, bytes) else _as_it_came(part)


def _kind(part: "Message[str, str]") -> str:
    return CONTROL.sub("", part.get_content_type())[:LONGEST_NAME]


def _as_it_came(part: "Message[str, str]") -> bytes:
    try:
        return part.as_bytes()
    except (ValueError, LookupError, TypeError, AssertionError):  # bytes in a charset that is not what they say
        return str(part).encode("utf-8", "replace")


def text_in(part: "Message[str, str]") -> str:
    """The text of a part, in lines that end in LF."""
    return text_of(_bytes(part), _charset(part)).replace("\r\n", "\n").replace("\r", "\n")


def _charset(part: "Message[str, str]") -> str:
    try:
        return str(part.get_content_charset() or "")
    except (ValueError, LookupError):
        return ""


def _headers(message: "Message[str, str]") -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in list(message.raw_items())[:MOST_HEADERS]:
        name = CONTROL.sub("", name).lower()
        value = str(value)[:LONGEST_HEADER]
        found[name] = (*found.get(name, ()), _on_one_line(value) if name in _WITH_ADDRESSES else decoded(value))
    return found


# Where words are decoded only once the addresses have been told apart: a name may hold what looks like one.
_WITH_ADDRESSES: Final = {
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "return-path",
}


def _on_one_line(value: str) -> str:
    """A header's value with bytes above 127 read as UTF-8, or else as Windows does."""
    return _bare(re.sub(r"[\r\n]+[ \t]?", " ", text_of(value.encode("utf-8", "surrogateescape"), "utf-8")))


def _bare(value: str) -> str:
    return _SPACES.sub(" ", CONTROL.sub("", value)).strip()


def decoded(value: str) -> str:
    """The same with its encoded words decoded; what they hold cannot end the line."""
    value = _on_one_line(value)
    return _bare(_words(value)) if "=?" in value else value


def _words(value: str) -> str:
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        text_of(piece, charset or "utf-8") if isinstance(piece, bytes) else piece for piece, charset in pieces
    )


_WORD = re.compile(r"=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=")
_HIDDEN = re.compile("\ue000([0-9]{1,6})\ue001")


def _addresses(values: list[str]) -> list[Address]:
    """The addresses in headers. Encoded words are put away meanwhile: what they hold is a name, never an address."""
    words: list[str] = []

    def hide(word: re.Match[str]) -> str:
        words.append(word[0])
        return f"\ue000{len(words) - 1}\ue001"

    hidden = [_WORD.sub(hide, value.replace("\ue000", "")) for value in values if value]
    found = []
    for name, address in _taken_apart(hidden):
        bare = _SPACES.sub("", address).lower()
        if re.fullmatch(r"[^@\s<>,;\ue000]{1,200}@[^@\s<>,;\ue000]{1,253}", bare):
            whole = _HIDDEN.sub(lambda place: words[int(place[1])], name)
            found.append(Address(bare, decoded(whole).strip(" '\"")[:200]))
    return found or [Address(each.lower()) for value in hidden for each in _LIKELY.findall(value[:2000])]


def _taken_apart(values: list[str]) -> list[tuple[str, str]]:
    """Names and addresses; none where comments are nested as nobody writes them, for the library follows them down."""
    try:
        return getaddresses(values)
    except (RecursionError, ValueError, IndexError):
        return []


_LIKELY = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


def _name(part: "Message[str, str]") -> str:
    try:
        given = part.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        given = ""
    return file_name(decoded(given)) if given else ""


def file_name(given: str) -> str:
    """A name that no system takes for a path, a device or another kind of file than it is."""
    bare = _NEVER_IN_NAMES.sub(" ", given.replace("\\", "/").rpartition("/")[2])
    bare = _SPACES.sub(" ", bare).strip(" .")
    stem, dot, extension = bare.rpartition(".")
    if not dot or len(extension) > 20:
        stem, extension = bare, ""
    if re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)", stem.lower().split(".")[0].strip()):
        stem = f"_{stem}"
    kept = stem[: LONGEST_NAME - len(extension) - 1] + (f".{extension}" if extension else "")
    return kept or "file.bin"


def _block(message: "Message[str, str]") -> dict[str, str]:
    return {name: values[0] for name, values in _headers(message).items()}


def _fields(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.splitlines()[:MOST_HEADERS])
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}
