"""winmail.dat: the files and the body that Outlook packs into a mail, after MS-OXTNEF and MS-OXCDATA."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

MEDIA_TYPES: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
MOST_ATTRIBUTES: Final = 20_000  # of one message, and of one list of properties
MOST_FILES: Final = 50
MOST_BYTES: Final = 30_000_000  # of all its files
DEEPEST: Final = 3  # messages within messages

_SIGNATURE: Final = 0x223E9F78
_ATTACH_BEGIN, _ATTACH_TITLE, _ATTACH_DATA, _ATTACH_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_BODY, _PROPERTIES, _CODEPAGE = 0x800C, 0x9003, 0x9007
_FIXED: Final = {1: 0, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}  # bytes, padded
_STRING, _UNICODE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_MANY: Final = 0x1000
_LONG_NAME, _NAME, _DATA, _MEDIA_TYPE, _CONTENT_ID, _DISPLAY_NAME = 0x3707, 0x3704, 0x3701, 0x370E, 0x3712, 0x3001
_TEXT, _HTML, _INTERNET_CODEPAGE = 0x1000, 0x1013, 0x3FDE
_CODEPAGES: Final = {65001: "utf-8", 20127: "ascii", 28591: "cp1252", 50220: "iso2022_jp", 20866: "koi8_r"}


class Broken(ValueError):
    """It is no winmail.dat, it breaks off, or it holds more than anybody sends."""


class Packed(NamedTuple):
    """A file in it; the names as they stand there."""

    name: str
    media_type: str
    content: bytes
    content_id: str = ""


@dataclass
class Unpacked:
    """What it holds: the body as text, as HTML, or only as RTF, which is not read here; and the files."""

    text: str = ""
    html: str = ""
    files: list[Packed] = field(default_factory=list)


def unpack(content: bytes) -> Unpacked:
    """Unpack it, the messages within it too. Raises Broken; nothing of it should be used then.

    Reads each byte a bounded number of times, and copies only what is kept.
    """
    try:
        return _Reader().message(memoryview(content), 0)
    except (struct.error, IndexError, UnicodeError) as fault:
        raise Broken(f"it breaks off: {fault}") from fault


class _Reader:
    """One reading, with what is left of the bounds."""

    def __init__(self) -> None:
        self.files_left, self.bytes_left = MOST_FILES, MOST_BYTES

    def message(self, data: memoryview, depth: int) -> Unpacked:
        if depth > DEEPEST:
            raise Broken("messages are nested too deeply in it")
        if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
            raise Broken("it does not begin as a winmail.dat does")
        found, codepage, parts = Unpacked(), "cp1252", list[_Part]()
        for name, value in _attributes(data):
            if name == _CODEPAGE:
                codepage = _codec(struct.unpack_from("<I", value)[0])
            elif name in (_BODY, _PROPERTIES):
                self.body(found, name, value, codepage)
            elif name == _ATTACH_BEGIN:
                parts.append(_Part())
            elif parts:
                parts[-1].take(name, value, codepage)
        for part in parts:
            self.keep(found, part, depth)
        return found

    def body(self, found: Unpacked, name: int, value: memoryview, codepage: str) -> None:
        if name == _BODY:
            found.text = found.text or _decoded(value, codepage)
            return
        said = {key: one for key, kind, one in _properties(value) if key in (_TEXT, _HTML, _INTERNET_CODEPAGE)}
        kinds = {key: kind for key, kind, _ in _properties(value) if key in said}
        page = said.get(_INTERNET_CODEPAGE)
        internet = _codec(struct.unpack_from("<I", page)[0]) if page is not None else codepage
        for key, attribute in ((_TEXT, "text"), (_HTML, "html")):
            if key in said:
                codec = "utf-16-le" if kinds[key] == _UNICODE else internet
                setattr(found, attribute, _decoded(said[key], codec))

    def keep(self, found: Unpacked, part: "_Part", depth: int) -> None:
        """Keep a file; a message in it gives its body as a file, and its files as they are."""
        if part.embedded is not None:
            inner = self.message(part.embedded, depth + 1)
            html = inner.html.strip()
            kind, ending, said = "application/ms-tnef", ".dat", bytes(part.embedded)  # its body is RTF, or it has none
            if html or inner.text.strip():
                kind, ending = ("text/html", ".html") if html else ("text/plain", ".txt")
                said = (inner.html if html else inner.text).encode("utf-8", "replace")
            whole = self.counted(Packed(f"{part.name or 'message'}{ending}", kind, said))
            found.files += [whole, *inner.files]
        elif part.content is not None:
            kept = Packed(part.name, part.media_type, bytes(part.content), part.content_id)
            found.files.append(self.counted(kept))

    def counted(self, file: Packed) -> Packed:
        self.files_left, self.bytes_left = self.files_left - 1, self.bytes_left - len(file.content)
        if self.files_left < 0 or self.bytes_left < 0:
            raise Broken("it holds more files than are taken")
        return file


@dataclass
class _Part:
    """A file as far as it was read."""

    name: str = ""
    media_type: str = ""
    content_id: str = ""
    content: memoryview | None = None
    embedded: memoryview | None = None

    def take(self, name: int, value: memoryview, codepage: str) -> None:
        if name == _ATTACH_TITLE:
            self.name = self.name or _decoded(value, codepage)
        elif name == _ATTACH_DATA:
            self.content = value
        elif name == _ATTACH_PROPERTIES:
            for key, kind, one in _properties(value):
                self.property(key, kind, one, codepage)

    def property(self, key: int, kind: int, value: memoryview, codepage: str) -> None:
        if key == _DATA and kind == _OBJECT and value[16:20] == struct.pack("<I", _SIGNATURE):
            self.embedded = value[16:]  # after the name of the interface
        elif key == _DATA and kind in (_OBJECT, _BINARY):
            self.content = value[16:] if kind == _OBJECT else value
        elif kind in (_STRING, _UNICODE):
            text = _decoded(value, "utf-16-le" if kind == _UNICODE else codepage)
            if key == _LONG_NAME or (key in (_NAME, _DISPLAY_NAME) and not self.name):
                self.name = text
            elif key == _MEDIA_TYPE:
                self.media_type = text
            elif key == _CONTENT_ID:
                self.content_id = text


def _attributes(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The attributes of a message and its files in their order: level, name, type, length, data, checksum each."""
    at, count = 6, 0
    while at + 11 <= len(data):
        level, name, _, length = struct.unpack_from("<BHHI", data, at)
        if level not in (1, 2):
            return  # what some programs leave at the end
        count += 1
        if count > MOST_ATTRIBUTES or at + 9 + length > len(data):
            raise Broken("an attribute of it is longer than what is left, or there are too many")
        yield name, data[at + 9 : at + 9 + length]
        at += 11 + length


def _properties(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """The properties in an attribute: key, type, and the first value of each."""
    (count,) = struct.unpack_from("<I", data)
    if count > MOST_ATTRIBUTES:
        raise Broken("it has more properties than anybody writes")
    at = 4
    for _ in range(count):
        kind, key = struct.unpack_from("<HH", data, at)
        at = _after_name(data, at + 4) if key >= 0x8000 else at + 4
        single, many = kind & ~_MANY, kind & _MANY
        counted = single in (_STRING, _UNICODE, _BINARY, _OBJECT)
        values = 1
        if many or counted:
            (values,) = struct.unpack_from("<I", data, at)
            at += 4
        if values > len(data):
            raise Broken("a property of it has more values than bytes")
        first: memoryview | None = None
        for _ in range(values):
            value, at = _value(data, at, single, counted)
            first = value if first is None else first
        yield key, single, first if first is not None else data[:0]


def _value(data: memoryview, at: int, kind: int, counted: bool) -> tuple[memoryview, int]:
    if not counted and kind not in _FIXED:
        raise Broken(f"a property of it is of a kind that nobody knows ({kind:#x})")
    length = struct.unpack_from("<I", data, at)[0] if counted else _FIXED[kind]
    start = at + 4 if counted else at
    if start + length > len(data):
        raise Broken("a property of it is longer than what is left")
    return data[start : start + length], start + (length + 3) // 4 * 4


def _after_name(data: memoryview, at: int) -> int:
    """Where the value of a named property begins: after its set, and its number or name."""
    (kind,) = struct.unpack_from("<I", data, at + 16)
    if kind == 0:
        return at + 24
    (length,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + int((length + 3) // 4 * 4)


def _codec(page: int) -> str:
    return _CODEPAGES.get(page, f"cp{page}")


def _decoded(value: memoryview, codec: str) -> str:
    try:
        text = bytes(value).decode(codec, "replace")
    except LookupError:
        text = bytes(value).decode("cp1252", "replace")
    return text.rstrip("\0").replace("\0", "")
