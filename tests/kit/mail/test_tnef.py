"""winmail.dat is unpacked, and what cannot be stays as it came.

The samples are built here after MS-OXTNEF: each attribute is a level, a name, a type, a length, data and the sum of its
bytes; each property a type, a key, and its values padded to four bytes.
"""

import struct
import time
from contextlib import suppress
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import mail
from workfloor.core.conversations.models import Message
from workfloor.kit.mail import mime, tnef

BEGIN = struct.pack("<IH", 0x223E9F78, 1)
BODY, PROPERTIES, CODEPAGE = (1, 0x0002800C), (1, 0x00069003), (1, 0x00069007)
FILE_BEGINS, FILE_TITLE, FILE_DATA, FILE_PROPERTIES = (
    (2, 0x00069002),
    (2, 0x00018010),
    (2, 0x0006800F),
    (2, 0x00069005),
)
STRING, UNICODE, BINARY, OBJECT = 0x1E, 0x1F, 0x102, 0x0D


def attribute(which: tuple[int, int], data: bytes) -> bytes:
    level, name = which
    return struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def value(kind: int, key: int, data: bytes) -> bytes:
    return struct.pack("<HHII", kind, key, 1, len(data)) + padded(data)


def number(key: int, of: int) -> bytes:
    return struct.pack("<HHI", 3, key, of)


def named(kind: int, data: bytes) -> bytes:
    """A property with a name of its own, and one of many values: both stand between those that are read."""
    by_name = struct.pack("<HH16sII", kind, 0x8001, b"s" * 16, 1, 6) + padded("abc".encode("utf-16-le"))
    return by_name + struct.pack("<II", 1, len(data)) + padded(data)


def many(key: int, *values: bytes) -> bytes:
    return struct.pack("<HHI", STRING | 0x1000, key, len(values)) + b"".join(
        struct.pack("<I", len(each)) + padded(each) for each in values
    )


def properties(*found: bytes) -> bytes:
    return struct.pack("<I", len(found)) + b"".join(found)


def winmail(*attributes: bytes) -> bytes:
    return BEGIN + attribute(CODEPAGE, struct.pack("<II", 1252, 0)) + b"".join(attributes)


def packed(title: bytes, content: bytes, *more: bytes) -> bytes:
    return (
        attribute(FILE_BEGINS, bytes(14))
        + attribute(FILE_TITLE, title + b"\0")
        + attribute(FILE_DATA, content)
        + (attribute(FILE_PROPERTIES, properties(*more)) if more else b"")
    )


LONG_NAME = value(UNICODE, 0x3707, "Zählerstand März.pdf\0".encode("utf-16-le"))
LOGO = packed(
    b"LOGO~1.PNG",
    b"\x89PNG",
    named(STRING, b"x"),
    many(0x6001, b"a", b"bcdef"),
    value(STRING, 0x3707, b"logo.png\0"),
    value(STRING, 0x370E, b"image/png\0"),
    value(STRING, 0x3712, b"logo@x\0"),
)
HTML = properties(
    number(0x3FDE, 65001),
    value(BINARY, 0x1013, '<p>Olá <img src="cid:logo@x"></p>'.encode()),
    value(UNICODE, 0x1000, "Olá\0".encode("utf-16-le")),
)
WHOLE = winmail(attribute(PROPERTIES, HTML), packed(b"ZHLER~1.PDF", b"%PDF-1", LONG_NAME), LOGO)


def letter(content: bytes, text: str = "", media_type: str = "application/ms-tnef", name: str = "winmail.dat") -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"], message["To"] = "Rui <rui@example.com>", "My bill", "help@lisbon.example"
    message.set_content(text)
    main, _, sub = media_type.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def test_files_and_bodies_are_found_under_their_long_names():
    found = tnef.unpack(WHOLE)

    assert (found.text, found.html) == ("Olá", '<p>Olá <img src="cid:logo@x"></p>')
    assert found.files == [
        tnef.Packed("Zählerstand März.pdf", "", b"%PDF-1"),
        tnef.Packed("logo.png", "image/png", b"\x89PNG", "logo@x"),
    ]


def test_names_and_bodies_are_read_in_the_code_page_that_is_said():
    page = attribute(CODEPAGE, struct.pack("<II", 1251, 0))
    found = tnef.unpack(
        BEGIN + page + attribute(BODY, "Счёт".encode("cp1251")) + packed("Счёт.txt".encode("cp1251"), b"x")
    )

    assert (found.text, [each.name for each in found.files]) == ("Счёт", ["Счёт.txt"])


def test_a_message_within_gives_its_body_and_its_files():
    inner = winmail(attribute(BODY, b"Inner"), packed(b"inner.txt", b"1"))
    only_rtf = winmail(attribute(PROPERTIES, properties(value(BINARY, 0x1009, b"LZFu"))))

    def around(message):
        return packed(b"Forwarded", b"", value(OBJECT, 0x3701, bytes(16) + message))

    found = tnef.unpack(winmail(around(inner), around(only_rtf)))

    assert [(each.name, each.content) for each in found.files] == [
        ("Forwarded.txt", b"Inner"),
        ("inner.txt", b"1"),
        ("Forwarded.dat", only_rtf),
    ]


def test_a_mail_of_outlook_has_its_files_and_keeps_its_own_words():
    found = mime.read(letter(WHOLE, "What I wrote"))

    assert found.text.strip() == "What I wrote" and found.html == ""
    assert [(each.name, each.media_type, each.content_id) for each in found.files] == [
        ("Zählerstand März.pdf", "application/pdf", ""),
        ("logo.png", "image/png", "logo@x"),
    ]


@pytest.mark.parametrize("media_type", ["application/ms-tnef", "application/vnd.ms-tnef", "application/octet-stream"])
def test_a_mail_that_says_nothing_itself_says_what_is_packed(media_type):
    found = mime.read(letter(WHOLE, media_type=media_type))

    assert (found.text, "cid:logo@x" in found.html, len(found.files)) == ("Olá", True, 2)


ONLY_RTF = winmail(attribute(PROPERTIES, properties(value(BINARY, 0x1009, b"LZFu"))))


@pytest.mark.parametrize("broken", [b"", b"x", WHOLE[:-9], WHOLE[:20], b"PK\x03\x04" + bytes(90), ONLY_RTF], ids=len)
def test_what_cannot_be_unpacked_stays_as_it_came(broken):
    found = mime.read(letter(broken, "What I wrote"))

    assert found.text.strip() == "What I wrote"
    assert [(each.name, each.content) for each in found.files] == [("winmail.dat", broken)]


def test_hostile_names_within_are_cleaned_like_all_others():
    hostile = winmail(
        packed(b"..\\..\\evil\xae.exe", b"x", value(STRING, 0x370E, b"text/html\r\nX: y\0")), packed(b"", b"y")
    )

    assert [each.name for each in mime.read(letter(hostile)).files] == ["evil®.exe", "file.bin"]
    assert not any("\n" in each.media_type for each in mime.read(letter(hostile)).files)


def nested(depth: int) -> bytes:
    message = winmail(attribute(BODY, b"Deep"))
    for _ in range(depth):
        message = winmail(packed(b"m", b"", value(OBJECT, 0x3701, bytes(16) + message)))
    return message


@pytest.mark.parametrize(
    "endless",
    [
        nested(500),
        winmail(*[packed(b"x", b"")] * 60),
        winmail(*[attribute(BODY, b"")] * 30_000),
        winmail(attribute(PROPERTIES, struct.pack("<I", 2**32 - 1))),
        winmail(attribute(PROPERTIES, struct.pack("<IHHI", 1, 0x1003, 1, 2**32 - 1))),
    ],
    ids=["nested", "files", "attributes", "properties", "values"],
)
def test_one_without_end_is_left_as_it_is(endless):
    with pytest.raises(tnef.Broken):
        tnef.unpack(endless)


def test_no_winmail_takes_long():
    began = time.process_time()
    for packed_so in (winmail(*[attribute(BODY, b"")] * 19_000), BEGIN + bytes(5_000_000), b"x" * 5_000_000):
        with suppress(tnef.Broken):
            tnef.unpack(packed_so)

    assert time.process_time() - began < 30


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.binary(max_size=8))
def test_no_bytes_bring_the_reader_down(raw, at, patch):
    for content in (BEGIN + raw, WHOLE[:at] + patch + WHOLE[at + len(patch) :], winmail(attribute(PROPERTIES, raw))):
        try:
            found = tnef.unpack(content)
        except tnef.Broken:
            continue
        assert "\0" not in found.text + found.html + "".join(each.name for each in found.files)


def test_what_came_packed_is_on_the_agents_desk(everyone):
    message = Message.objects.get(id=mail.Post().comes(letter(WHOLE)).message_id)

    assert message.text == "Olá" and [each.name for each in message.files_within] == ["logo.png"]
    assert [each.name for each in message.files_apart] == ["Zählerstand März.pdf"]
