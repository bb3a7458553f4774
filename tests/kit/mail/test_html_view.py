"""An HTML mail is shown so that nothing of it reaches out, nothing is mistaken, and only what is new stands open."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mail import REAL_MAIL
from workfloor.kit.mail import html_view, mime, quoting
from workfloor.kit.text import markup

LOGO = "data:image/png;base64,AA"


def shown(html: str, folded: str = "", with_remote: bool = False, **pictures: str) -> str:
    return html_view.shown(html_view.told(markup.safe(html), folded), pictures.get, with_remote)


def open_part(html: str) -> str:
    """What stands open, without what is folded."""
    return html.partition("<details")[0] + html.rpartition("</details>")[2] if "<details" in html else html


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_pictures_that_came_along_are_shown_and_those_from_elsewhere_are_not():
    found = shown('<img src="cid:logo" alt="Logo"><img src="https://e.example/seen.png" alt="Seen">', logo=LOGO)

    assert f'<img src="{LOGO}" alt="Logo">' in found
    assert "e.example" not in found and 'alt="Seen"' in found


def test_a_picture_is_found_however_its_name_is_written():
    html = html_view.told(markup.safe('<img src="CID:Logo%40Shop.Example">'), "")

    assert html_view.enclosed(html) == {"logo@shop.example"}
    assert LOGO in html_view.shown(html, {"logo@shop.example": LOGO}.get, False)


def test_pictures_from_elsewhere_come_only_once_they_may_and_only_encrypted():
    html = (
        '<img src="https://e.example/a.png?b=1&amp;c=2"><img src="http://plain.example/b.png"><img src="//x.example/c">'
    )

    found = shown(html, with_remote=True)

    assert found.count("src=") == 1 and "https://e.example/a.png" in found
    assert html_view.elsewhere(markup.safe(html)) == ["e.example", "plain.example"]


def test_a_picture_that_nobody_can_see_is_never_fetched():
    dots = '<img src="https://e.example/1" width="1" height="1"><img src="https://e.example/2" height=0>'

    assert "src" not in shown(dots, with_remote=True)


@pytest.mark.parametrize("source", ["javascript:alert(1)", "data:image/svg+xml,<svg/>", "/live/", "file:///etc/passwd"])
def test_a_picture_from_nowhere_is_none(source):
    assert "src" not in shown(f'<img src="{source}">', with_remote=True)


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ('<a href="https://evil.example/x">https://bank.example</a>', "evil.example"),
        ('<a href="https://evil.example/x">Click here</a>', "evil.example"),
        ('<a href="https://evil.example/x"><img src="cid:x"></a>', "evil.example"),
        ('<a href="https://bank.example@evil.example/">bank.example</a>', "evil.example"),
        ('<a href="https://evil.example/?bank.example">bank.example or evil.example</a>', "evil.example"),
        ('<a href="https://b\u0430nk.example/">b\u0430nk.example</a>', "xn--bnk-6cd.example"),
        ('<a href="https://b%D0%B0nk.example/">b\u0430nk.example</a>', "xn--bnk-6cd.example"),
        ('<a href="https://evil.example\\\\@bank.example/">bank.example</a>', "evil.example"),
        ('<a href="https:///evil.example/">bank.example</a>', "evil.example"),
        ('<a href="https:evil.example/">bank.example</a>', "evil.example"),
        ('<a href="https://ev\til.example/">bank.example</a>', "evil.example"),
        ('<a href="mailto:eva@evil.example?subject=x">rui@bank.example</a>', "eva@evil.example"),
        ('<a href="tel:+35112">+351 13</a>', "+35112"),
    ],
)
def test_a_link_says_where_it_goes(link, told):
    assert f'<span class="goes-to">{told}</span></a>' in shown(link)


@pytest.mark.parametrize(
    "link",
    [
        '<a href="https://www.bank.example/bill?n=7">bank.example</a>',
        '<a href="https://bank.example/bill">See https://bank.example/bill</a>',
        '<a href="mailto:rui@bank.example">rui@bank.example</a>',
        '<a name="top">Top</a>',
    ],
)
def test_a_link_that_says_it_already_says_it_once(link):
    assert "goes-to" not in shown(link)


def test_links_tell_nobody_where_they_were_and_lead_to_no_page_of_ours():
    assert '<a href="https://a.example" rel="noopener noreferrer nofollow">' in shown(
        '<a href="https://a.example">x</a>'
    )
    for address in ("/desk/leave/", "//", "#top", "javascript:alert(1)", "data:text/html,x"):
        assert "href" not in shown(f'<a href="{address}" target="_top">x</a>')


def test_no_mail_makes_its_own_text_look_like_ours():
    found = shown(
        '<span class="goes-to">bank.example</span><details open>x</details><span style="position:fixed">y</span>'
    )

    assert found.count('class="') == 0 and "position" not in found and "<details" not in found
    assert "margin" not in shown('<p style="margin:-40px 0">x</p>') and "margin:1px" in shown(
        '<p style="margin:1px">x</p>'
    )


# --- what is folded ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old",
    [
        '<div class="gmail_quote">On 4 March Eva wrote:<blockquote>Old</blockquote></div>',
        '<div class="moz-cite-prefix">On 4/3/2026 Eva wrote:</div><blockquote type="cite">Old</blockquote>',
        '<blockquote type="cite"><div>On 4 Mar 2026, at 09:00, Eva wrote:</div>Old</blockquote>',
        '<div class="yahoo_quoted">Old</div>',
        '<hr><div id="divRplyFwdMsg"><b>From:</b> Eva</div><div>Old</div>',
        '<div id="x_appendonsend"></div><p>Old</p>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>Von:</b> Eva</p></div><p>Old</p>',
        "<p>On 4 March 2026, Eva wrote:<br>&gt; Old</p>",
        "-----Original Message-----<br>From: Eva<br>Old",
    ],
)
def test_what_a_mail_quotes_is_folded_and_what_it_says_is_not(old):
    found = shown(f"<div><p>Mine</p>{old}</div>", folded="On 4 March 2026, Eva wrote:\n-----Original Message-----")

    assert "Mine" in open_part(found) and "Old" not in open_part(found)
    assert "Old" in found and '<details class="fold"><summary>Quoted text' in found


def test_a_signature_is_folded_by_itself():
    found = shown('<p>Mine</p><div class="gmail_signature">Rui Costa</div>', folded="-- \nRui Costa")

    assert "<summary>Signature</summary>" in found and "Rui Costa" not in open_part(found)


def test_a_mail_whose_text_is_not_cut_is_not_folded_and_one_that_only_quotes_stays_open():
    between = '<blockquote type="cite">One?</blockquote>Yes<blockquote type="cite">Two?</blockquote>No'

    assert "<details" not in shown(between, folded="")
    assert "<details" not in shown('<div class="gmail_quote">Forwarded</div>', folded="Forwarded")


MAILS = st.lists(
    st.sampled_from(
        [
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "Mine",
            "Old &lt; &amp;",
            '<div class="gmail_quote">',
            "<br>",
            "<td>",
            "</a>",
            '<blockquote type="cite">',
            "</blockquote>",
            '<a href="https://a.example">',
            "<!--",
            "<details>",
            "<table>",
            '<div id="divRplyFwdMsg">',
            '<div style="border-top:solid 1px">From: Eva',
        ]
    ),
    max_size=15,
)


@given(MAILS)
def test_folding_loses_no_word(parts):
    html = "".join(parts)
    plain, folded = shown(html), shown(html, folded="Old < &\nFrom: Eva")

    def words(found: str) -> str:
        for title in ("Quoted text and signature", "Quoted text", "Signature"):
            found = found.replace(f"<summary>{title}</summary>", "")
        return "".join(markup.plain(found).split())

    assert words(folded) == words(plain)


def test_no_mail_takes_long_to_show():
    began = time.process_time()
    for html in (
        "<blockquote type=cite>x</blockquote>" * 30_000,
        "<div style='border-top:1px solid'>" * 900 + "y" * 9000,
        "<a href=https://x.example>y</a>" * 20_000,
        "<table><tr>" * 20_000,
        "<p style='margin:-1px'>x" * 20_000,
    ):
        shown(html, folded="x")

    assert time.process_time() - began < 30


FILES = sorted(REAL_MAIL.glob("*/*.eml")) if REAL_MAIL.is_dir() else []


@pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path and f"{path.parent.name}/{path.stem}")
def test_every_mail_of_the_collection_is_shown(path):
    if path is None:
        pytest.skip("the real mails are not at ../shared/data/mail")
    mail = mime.read(path.read_bytes())
    text = mail.text if mail.text.strip() else markup.plain(mail.html)

    found = shown(mail.html, quoting.fold(text).folded)

    assert bool(markup.plain(found)) == bool(markup.plain(mail.html))
    assert "src=" not in found and "<script" not in found
    if path.parent.name == "replies" and mail.html and path.stem != "outlook":
        assert markup.plain(open_part(found)).split()[0] == "Hello" and "<details" in found
