"""HTML from strangers: made safe to show, and read as plain text."""

import re
from collections.abc import Callable, Collection
from typing import Final

import nh3
from lxml import etree
from markdown_it import MarkdownIt

_TAGS: Final = {
    "a",
    "abbr",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
}
_ATTRIBUTES: Final = {
    "*": {"style", "dir", "lang", "align", "valign", "class", "id"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "width", "height", "bgcolor", "nowrap"},
    "th": {"colspan", "rowspan", "width", "height", "bgcolor"},
    "tr": {"bgcolor"},
    "col": {"width", "span"},
    "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor"},
    "ol": {"start", "type"},
    "font": {"color", "size", "face"},
    "blockquote": {"type"},
    "hr": {"size", "width", "color"},
}
# What may be styled: nothing that loads, moves over something else, or follows the reader.
_STYLES: Final = {
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "direction",
    "display",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
}
# The names by which mail programs mark what they quote and what they sign with; all other names go.
QUOTES: Final = {
    "gmail_quote",
    "gmail_quote_container",
    "gmail_extra",
    "yahoo_quoted",
    "protonmail_quote",
    "moz-cite-prefix",
    "zmail_extra",
    "tutanota_quote",
    "divRplyFwdMsg",
    "appendonsend",
    "mail-editor-reference-message-container",
}
SIGNATURES: Final = {
    "gmail_signature",
    "moz-signature",
    "protonmail_signature_block",
    "tutanota_signature",
    "Signature",
    "ms-outlook-mobile-signature",
}
_DROPPED: Final = {"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math"}
_LINES: Final = {
    "address",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tr",
    "ul",
}

DEEPEST: Final = 1000  # the time to clean grows with the square of the depth
_END_BY_THEMSELVES: Final = {
    "area",
    "base",
    "br",
    "col",
    "dd",
    "dt",
    "embed",
    "hr",
    "img",
    "input",
    "li",
    "link",
    "meta",
    "option",
    "p",
    "source",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "wbr",
}
_LONG_TAG = re.compile(r"<[a-zA-Z][^<]{20000}")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")


def safe(html: str) -> str:
    """HTML that runs nothing and lies over nothing, with the marks by which its quotes are told.

    Pictures stay as they are named, those from elsewhere too: whoever shows it decides about these (`mail_view.shown`).
    Empty where it is nested as nobody writes.
    """
    return "" if _depth(html) > DEEPEST else cleaned(html, lambda source: source)


def cleaned(html: str, picture: Callable[[str], str | None], **more: Collection[str]) -> str:
    """The same; `picture` says what stands for the address of a picture, None for nothing.

    `more` are further tags, each with the attributes that it may have.
    """

    def kept(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src":
            return picture(value)
        if attribute in ("class", "id") and tag not in more:
            return next((name for name in value.split() if name.removeprefix("x_") in QUOTES | SIGNATURES), None)
        return _without_negatives(value) if attribute == "style" else value

    return nh3.clean(
        html if html.count("&") <= MOST_AMPERSANDS else html.replace("&", "\N{FULLWIDTH AMPERSAND}"),
        tags=_TAGS | more.keys(),
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES | {tag: set(attributes) for tag, attributes in more.items()},
        attribute_filter=kept,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


# The parser takes the square of the number of ampersands in a row; what has so many is nobody's mail.
MOST_AMPERSANDS: Final = 50_000
_SHIFTS = ("margin", "text-indent", "letter-spacing")
_NEGATIVE = re.compile(r"-\s*+[\d.]")


def _without_negatives(style: str) -> str:
    """A style without what a negative margin would lay over something else."""
    return ";".join(each for each in style.split(";") if not _is_negative(each))


def _is_negative(declaration: str) -> bool:
    name, _, value = declaration.partition(":")
    return any(each in name.lower() for each in _SHIFTS) and bool(_NEGATIVE.search(value))


def _depth(html: str) -> int:
    """How deep it may be nested, at most."""
    depth = deepest = 0
    for closes, name in _TAG.findall(html):
        if name.lower() not in _END_BY_THEMSELVES:
            depth = max(depth - 1, 0) if closes else depth + 1
            deepest = max(deepest, depth)
    return deepest


def plain(html: str) -> str:
    """What HTML says, in lines of text; empty where nothing can be made of it."""
    if not html.strip():
        return ""
    if _LONG_TAG.search(html):  # its attributes, which say nothing, cost the parser the square of their number
        html = safe(html)
    parser = etree.HTMLParser(recover=True, no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        root = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return ""
    if root is None:
        return ""
    etree.strip_elements(root, *_DROPPED, with_tail=False)
    words: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = str(element.tag)
        if name in _LINES and (event == "start" or name not in ("br", "hr")):
            words.append("\n")
        words.append((element.text if event == "start" else element.tail) or "")
    return _tidy("".join(_one_space(each) if each != "\n" else each for each in words))


def _one_space(text: str) -> str:
    bare = " ".join(text.split())
    return f"{' ' if text[:1].isspace() else ''}{bare}{' ' if bare and text[-1:].isspace() else ''}" if text else ""


def _tidy(text: str) -> str:
    """Lines without spaces around them, and no more than one empty line after another."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).strip("\n")


def from_markdown(text: str) -> str:
    """What somebody wrote in CommonMark, with tables, as safe HTML; headings begin at the second level."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
    rendered: str = reader.renderer.render(tokens, reader.options, {})
    return cleaned(rendered, lambda source: None)
