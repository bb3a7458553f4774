"""A mail is written anew with its numbers covered, and reads as it did."""

import base64
import quopri
from pathlib import Path

import pytest

from workfloor.kit.mail import masking, mime
from workfloor.kit.text import masks

CARD, COVERED = "4111 1111 1111 1111", "•••• •••• •••• 1111"
HEAD = "From: Rui <rui@example.com>\nTo: help@lisbon.example\nMessage-ID: <4111111111111111@example.com>\n"
FILES = Path(__file__).parents[4] / "shared" / "data" / "mail"


def plain(body: bytes, charset: str = "utf-8", encoding: str = "8bit", subject: str = "My card") -> bytes:
    lines = (
        f"{HEAD}Subject: {subject}\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}"
    )
    return f"{lines}\n\n".encode() + body


@pytest.mark.parametrize(
    "raw",
    [
        plain(f"olá {CARD}".encode()),
        plain(f"olá {CARD}".encode("latin-1"), "iso-8859-1"),
        plain(f"olá {CARD}".encode("utf-16"), "utf-16"),
        plain(base64.encodebytes(f"olá {CARD}".encode()), encoding="base64"),
        plain(quopri.encodestring(f"olá {'x' * 70} {CARD}".encode()), encoding="quoted-printable"),  # broken in two
        plain(f"olá {CARD}".encode(), charset="nobody-knows"),
        plain(b"ol\xe1", subject=f"My card {CARD}"),
        plain(b"", subject="=?utf-8?B?" + base64.b64encode(f"cartão {CARD}".encode()).decode() + "?="),
    ],
)
def test_whatever_it_was_encoded_in_no_number_is_left(raw):
    before, anew = mime.read(raw), masking.written_anew(raw)
    after = mime.read(anew)

    assert masking.numbers_in(before)
    assert not masking.numbers_in(after)
    assert after.text == masks.mask(before.text).text
    assert after.first("subject") == masks.mask(before.first("subject")).text
    assert COVERED in after.text + after.first("subject")
    assert (after.message_id, after.sender) == ("4111111111111111@example.com", before.sender)


MANY = f"""{HEAD}Subject: Two ways and a file
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain

{CARD}
--a
Content-Type: text/html

<p><b>4111</b> 1111&nbsp;1111 1111</p>
--a--
--m
Content-Type: application/pdf; name=scan.pdf
Content-Transfer-Encoding: base64

{base64.encodebytes(b"%PDF 4111111111111111").decode()}
--m--
"""


def test_each_body_is_covered_and_files_stay_as_they_are():
    before, after = mime.read(MANY.encode()), mime.read(masking.written_anew(MANY.encode()))

    assert after.text.strip() == COVERED
    assert after.html.strip() == "<p><b>••••</b> ••••&nbsp;•••• 1111</p>"
    assert [(each.name, each.content) for each in after.files] == [("scan.pdf", b"%PDF 4111111111111111")]
    assert before.files == after.files


def test_only_the_kinds_that_are_asked_for_are_covered():
    raw = plain(f"{CARD} and DE89370400440532013000".encode())

    assert CARD in mime.read(masking.written_anew(raw, ["account"])).text
    assert not masking.numbers_in(mime.read(raw), [])


@pytest.mark.skipif(not FILES.is_dir(), reason="the real mails are not at ../shared/data/mail")
def test_every_real_mail_can_be_written_anew_with_a_number_in_its_subject():
    for path in sorted(FILES.rglob("*.eml")):
        raw = b"Subject: " + CARD.encode() + b"\n" + path.read_bytes()
        before, anew = mime.read(raw), masking.written_anew(raw)

        after = mime.read(anew)
        assert anew, path
        assert after.first("subject") == COVERED, path
        assert (after.text.strip(), after.files) == (masks.mask(before.text).text.strip(), before.files), path
        assert (after.message_id, after.answers, after.sender) == (before.message_id, before.answers, before.sender)
        assert (after.report_type, said(after)) == (before.report_type, said(before)), path


def said(mail: mime.Mail) -> list[object]:
    """What a report says of a delivery; what else stands in its part may be cut elsewhere in malformed ones."""
    return [block for block in mail.reports if "action" in block]
