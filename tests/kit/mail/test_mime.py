"""A mail is read whatever is wrong with it."""

import base64
import sys
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.mail import html_view, mime, quoting
from workfloor.kit.text import markup

HEAD = b"From: Rui <rui@example.com>\r\nSubject: Hi\r\n"


def read(head: bytes = b"", body: bytes = b"x", start: bytes = HEAD) -> mime.Mail:
    return mime.read(start + head + b"\r\n" + body)


# --- headers ----------------------------------------------------------------------------------------------------------


def test_a_mail_without_anything_is_a_mail():
    for raw in (b"", b"\n", b"\r\n\r\n", b"no header at all", b"\0\0\0", b"From nobody\n\nbody", b": no name\n\n"):
        found = mime.read(raw)
        assert (found.sender.address, found.sent_at, found.message_id) == ("", None, "")


@pytest.mark.parametrize("value", [b"", b"<>", b"no brackets at all", b"<unclosed@example.com", b"< >", b"\xff"])
def test_a_message_id_that_is_none_names_nothing_or_what_stands_there(value):
    assert read(b"Message-ID: " + value + b"\r\n").message_id in ("", "unclosed@example.com")


@pytest.mark.parametrize(
    "date", [b"", b"yesterday", b"Wed, 99 Mar 2026 99:99:99 +9999", b"Wed, 4 Mar 99999 08:59:30 +0000", b"\xff\0"]
)
def test_a_date_that_is_none_is_none(date):
    assert read(b"Date: " + date + b"\r\n").sent_at is None


def test_bytes_above_127_in_headers_are_read_as_utf_8_or_as_windows_does():
    assert read(b"X-A: Ol\xc3\xa1\r\n").first("x-a") == "Olá"
    assert read(b"X-A: Ol\xe1\r\n").first("x-a") == "Olá"


def test_the_first_of_duplicated_headers_counts():
    found = read(b"From: eva@example.com\r\nSubject: No\r\nMessage-ID: <1@x>\r\nMessage-ID: <2@x>\r\n")

    assert (found.sender.address, found.first("subject"), found.message_id) == ("rui@example.com", "Hi", "1@x")


def test_a_line_end_that_is_none_smuggles_no_header_in():
    assert "bcc" not in read(b"X-A: 1\rBcc: eva@example.com\r\n").headers
    assert "\n" not in read(b"X-A: =?utf-8?q?a=0D=0ABcc:_eva@example.com?=\r\n").first("x-a")


def test_what_looks_like_an_address_in_a_name_is_none():
    found = read(start=b"From: =?utf-8?q?=3Ceva=40example.com=3E=2C_x?= <rui@example.com>\r\n")

    assert found.sender == mime.Address("rui@example.com", "<eva@example.com>, x")


def test_huge_headers_and_thousands_of_them_are_cut_and_read_in_good_time():
    began = time.process_time()
    found = read(b"X-A: " + b"a" * 5_000_000 + b"\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)))
    read(b"To: " + b"a@b.example, " * 100_000 + b"\r\n").addresses("to")
    read(b"References: " + b"<a@b> " * 100_000 + b"\r\n").answers  # noqa: B018

    assert len(found.first("x-a")) <= mime.LONGEST_HEADER
    assert len(found.headers) <= mime.MOST_HEADERS
    assert time.process_time() - began < 30


def test_comments_nested_without_end_bring_nobody_down():
    found = read(start=b"From: " + b"(" * 50_000 + b" rui@example.com\r\n")

    assert found.sender.address in ("", "rui@example.com")


def test_a_mail_within_a_mail_whose_bytes_are_not_in_the_charset_that_it_says_is_kept():
    inner = b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    hostile = [b"Subject: \xff\xef\xbf\xbd\r\n" + inner + b"\xef\xbf\xbd \xff", b"\xef\xbf\xbd: x\r\n" + inner + b"x"]
    for each in hostile:
        found = read(
            b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + each
        )
        assert [each.media_type for each in found.files] == ["message/rfc822"]


def test_a_kind_of_file_holds_nothing_that_a_database_refuses():
    assert mixed(part("Content-Type: text/ht\0ml; name=a", "x")).files[0].media_type == "text/html"


class Work:
    """How many lines of Python a reading takes: what a slow machine does not change."""

    def __init__(self, raw: bytes) -> None:
        self.steps = 0
        sys.settrace(self._count)
        try:
            with suppress(mime.Unreadable):
                mail = mime.read(raw)
                mail.addresses("to"), mail.answers, mail.sender
        finally:
            sys.settrace(None)

    def _count(self, frame, event, argument):
        self.steps += 1
        return self._count


@pytest.mark.parametrize(
    "make",
    [
        lambda n: HEAD + b"Content-Type: text/plain" + b"; a=b" * n + b"\r\n\r\nx",
        lambda n: HEAD + b"Content-Type: text/plain" + b";" * n + b"\r\n\r\nx",
        lambda n: HEAD + b'Content-Type: text/plain; a="' + b'";' * n + b"\r\n\r\nx",
        lambda n: HEAD + b"Content-Type: x/x" + b"".join(b"; name*%d*=a" % i for i in range(n)) + b"\r\n\r\nx",
        lambda n: (
            HEAD
            + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment"
            + b"; filename=b" * n
            + b"\r\n\r\nx\r\n--b--"
        ),
        lambda n: HEAD + b"".join(b"X-%d: 1\r\n" % i for i in range(n)) + b"\r\nx",
        lambda n: HEAD + b"X: a\r\n" + b" b\r\n" * n + b"\r\nx",
        lambda n: HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * n,
        lambda n: HEAD + b"Content-Type: message/delivery-status\r\n\r\n" + b"A: b\r\n\r\n" * n,
        lambda n: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"YWJj\r\n" * n,
        lambda n: HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n" + b"#86)C\r\n" * n,
        lambda n: HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * n,
        lambda n: HEAD + b"To: " + b"a@b.example, " * n + b"\r\n\r\nx",
        lambda n: HEAD + b"To: " + b"(a)" * n + b"\r\n\r\nx",
    ],
)
def test_four_times_as_much_takes_no_more_than_some_five_times_the_work(make):
    assert Work(make(4000)).steps < 5.5 * Work(make(1000)).steps


def test_carriage_returns_without_end_are_looked_at_once():
    """Done by the square of their number, these three million would have taken days."""
    assert read(body=b"\r" * 3_000_000).text.strip() == ""
    assert read(b"X-A: " + b"\r" * 3_000_000 + b"1\r\n").first("x-a") == "1"
    assert read(body=b"a\r\r\nb\rc").text == "a\nb\nc"


def test_parameters_without_end_are_cut_before_they_are_taken_apart():
    """What the library does with them is done in C by the square of their length, which no count of lines shows."""
    found = read(b"Content-Type: text/plain" + b"; a=b" * 100_000 + b"\r\n")

    assert len(found.first("content-type")) <= mime.LONGEST_PARAMETERS


def test_where_answers_go_is_where_the_sender_says():
    found = read(b"Reply-To: Shop <shop@example.com>\r\n")

    assert (found.sender.address, found.answers_go_to.address) == ("rui@example.com", "shop@example.com")
    assert read(b"Reply-To: nowhere\r\n").answers_go_to.address == "rui@example.com"


# --- bodies and files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "content", "says"),
    [
        ("utf-8", "Olá".encode(), "Olá"),
        ("iso-8859-1", b"Ol\xe1 \x93x\x94", "Olá “x”"),
        ("us-ascii", "Olá".encode(), "Olá"),
        ("no-such-charset", "Olá".encode(), "Olá"),
        ("no-such-charset", b"Ol\xe1", "Olá"),
        ("gb2312", "你好镕".encode("gb18030"), "你好镕"),
        ("utf-8", b"Ol\xe1", "Olá"),
        ("punycode", b"abc-", "abc-"),
        ("", b"a\0b\x07c", "abc"),
    ],
)
def test_a_body_is_read_in_its_charset_or_the_likeliest(charset, content, says):
    assert read(b"Content-Type: text/plain; charset=" + charset.encode() + b"\r\n", content).text.strip() == says


def part(head: str, body: str) -> str:
    return f"--b\r\n{head}\r\n\r\n{body}\r\n"


def mixed(*parts: str, end: str = "--b--\r\n") -> mime.Mail:
    return read(b"Content-Type: multipart/mixed; boundary=b\r\n", ("".join(parts) + end).encode())


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Windows\\\\system32\\\\cmd.exe", "cmd.exe"),
        ("bill\u202egpj.exe", "bill gpj.exe"),
        (".htaccess", "htaccess"),
        ("con.txt", "_con.txt"),
        ("a" * 500 + ".pdf", "a" * 116 + ".pdf"),
        ("...", "file.bin"),
        ("a:b|c?.txt", "a b c .txt"),
    ],
)
def test_a_file_has_a_name_that_harms_nobody(given_name, kept):
    encoded = "=?utf-8?b?" + base64.b64encode(given_name.replace("\\\\", "\\").encode()).decode() + "?="
    found = mixed(part(f'Content-Disposition: attachment; filename="{encoded}"', "x"))

    assert [each.name for each in found.files] == [kept]


def test_pictures_that_came_along_are_known_by_the_names_that_the_html_uses():
    picture = "Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64"
    found = mixed(part("Content-Type: text/html", '<img src="cid:logo@x">'), part(picture, "iVBORw=="))

    [file] = found.files
    assert (file.content_id, file.content, file.media_type) == ("logo@x", b"\x89PNG", "image/png")


def test_a_mail_that_breaks_off_or_has_no_boundary_is_read_as_far_as_it_goes():
    assert mixed(part("Content-Type: text/plain", "here"), end="").text.strip() == "here"
    assert "here" in read(b"Content-Type: multipart/mixed\r\n", b"--x\r\n\r\nhere").text
    assert read(b"Content-Transfer-Encoding: base64\r\n", b"!!!not base64").text


def test_nesting_without_end_and_thousands_of_parts_bring_nobody_down():
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000))
    with suppress(mime.Unreadable):  # which stays as it came, and is looked at
        mime.read(HEAD + deep + b"\r\nx")
    wide = mixed(*(part("Content-Type: image/png", "x") for _ in range(2000)))
    assert len(wide.files) <= mime.MOST_PARTS and "TooManyParts" in wide.defects


@given(st.binary(max_size=2000), st.sampled_from([b"", HEAD, b"Content-Type: multipart/mixed; boundary=b\r\n"]))
def test_no_bytes_bring_the_reader_down(raw, head):
    found = mime.read(head + raw)

    for text in (found.text, found.html, *(value for values in found.headers.values() for value in values)):
        assert "\0" not in text
        text.encode()


# --- what somebody wrote ---------------------------------------------------------------------------------------------

LINES = st.lists(
    st.sampled_from(
        [
            "",
            "> quoted",
            ">> twice",
            "Hello",
            "-- ",
            "Sent from my iPhone",
            "On 4 March 2026, Eva wrote:",
            "Von: Eva <eva@x.example>",
            "Gesendet: gestern",
            "An: Rui",
            "-----Original Message-----",
        ]
    ),
    max_size=12,
)


@given(LINES)
def test_every_line_is_written_or_folded_and_none_is_lost(lines):
    text = "\n".join(lines)
    found = quoting.fold(text)

    kept = [line.strip() for line in f"{found.text}\n{found.folded}".split("\n") if line.strip()]
    assert sorted(kept) == sorted(line.strip() for line in lines if line.strip())
    assert found.text.strip() or not text.strip()


@pytest.mark.parametrize(
    ("text", "wrote"),
    [
        ("Yes\n\nAm 04.03.26 um 09:00 schrieb Eva:\n> Gut?\n> Ja?", "Yes"),
        ("Yes\n\nLe mer. 4 mars 2026 à 09:00, Eva <eva@x.example> a écrit :\n> Bon ?", "Yes"),
        ("Oui\n\nDe : Eva <eva@x.example>\nEnvoyé : mercredi\nÀ : Rui\nObjet : Bon\n\nBon ?", "Oui"),
        ("Yes\n\nOn 2 November Eva wrote:\n> Good?", "Yes"),
        ("Look what\nhe wrote:\nnothing of use", "Look what\nhe wrote:\nnothing of use"),
        ("> One?\nYes\n> Two?\nNo", "> One?\nYes\n> Two?\nNo"),
        ("Yes\n-- \nRui Costa\nLisbon", "Yes"),
        ("> only a quote", "> only a quote"),
        ("From: the beginning it was wrong.\nPlease look.", "From: the beginning it was wrong.\nPlease look."),
        ("My options:\n- one\n- two", "My options:\n- one\n- two"),
    ],
)
def test_what_is_cut_and_what_is_not(text, wrote):
    assert quoting.fold(text).text == wrote


def test_no_text_takes_long_to_fold():
    began = time.process_time()
    for text in (
        "On " * 100_000,
        "> a\nbbbbbb\n" * 20_000,
        "On 1.1.2011 a wrote:\n" * 20_000,
        "-" * 500_000,
        "From: a\n" * 50_000,
        "a:\n" * 50_000,
    ):
        quoting.fold(text)

    assert time.process_time() - began < 30


# --- HTML -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        "<svg onload=alert(1)>",
        '<iframe src="https://e.example"></iframe>',
        "<style>@import 'https://e.example'</style>",
        '<p style="background:url(https://e.example)">x</p>',
        '<form action="https://e.example"><input name=p></form>',
        '<img src="https://e.example/seen.png">',
        '<link rel=stylesheet href="https://e.example">',
        '<meta http-equiv=refresh content="0;https://e.example">',
        '<base href="https://e.example">',
    ],
)
def test_html_runs_nothing_and_loads_nothing(hostile):
    safe = html_view.shown(
        html_view.told(markup.safe(f"<p>Before</p>{hostile}<p>After</p>"), ""), {}.get, with_remote=False
    )

    assert "Before" in safe and "After" in safe
    for word in ("script", "onerror", "onload", "e.example", "url(", "<style", "<form", "<input"):
        assert word not in safe


def test_pictures_that_came_along_and_links_stay():
    safe = markup.safe('<img src="cid:logo@x" alt="Logo"><a href="https://shop.example">Shop</a>')

    assert '<img src="cid:logo@x" alt="Logo">' in safe
    assert '<a href="https://shop.example" rel="noopener noreferrer nofollow">Shop</a>' in safe


def test_html_is_read_as_lines():
    assert markup.plain("<p>Dear  Ana,</p><p>one<br>two</p><style>p {}</style>") == "Dear Ana,\n\none\ntwo"
    assert markup.plain("<p>Olá, שלום</p>") == "Olá, שלום"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("# Lights\n\n| a | b |\n|---|---|\n| 1 | 2 |", "<h2>Lights</h2>"),
        ("1. one\n2. **two**", "<li><strong>two</strong></li>"),
        ("[Form](https://x.example)", '<a href="https://x.example" rel="noopener noreferrer nofollow">Form</a>'),
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("![seen](https://e.example/seen.png)", '<img alt="seen">'),
    ],
)
def test_articles_are_written_in_markdown_and_made_safe(written, shown):
    assert shown in markup.from_markdown(written)


def test_no_html_takes_long():
    began = time.process_time()
    for html in ("<div>" * 200_000, "<a href=" * 50_000, "<" * 200_000, "<table><tr>" * 20_000, "<b><i>" * 50_000):
        markup.safe(html)
        markup.plain(html)

    assert time.process_time() - began < 30
