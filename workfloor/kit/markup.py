"""HTML from strangers: made safe to show, and read as plain text."""

import re
from typing import Final

import nh3
from lxml import etree
from markdown_it import MarkdownIt

_TAGS: Final = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del", "div",
    "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre",
    "q", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "tt", "u", "ul",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "a": {"href", "title"}, "img": {"src", "alt", "width", "height"}, "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"}, "ol": {"start"},
}  # fmt: skip
_DROPPED: Final = {"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math"}
_LINES: Final = {
    "address", "blockquote", "br", "center", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "table", "tr", "ul",
}  # fmt: skip


DEEPEST: Final = 1000  # the time to clean grows with the square of the depth
_END_BY_THEMSELVES: Final = {
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
}  # fmt: skip
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")


def safe(html: str) -> str:
    """HTML that runs nothing, styles nothing and loads nothing: only pictures that came along (`cid:`) stay.

    Empty where it is nested as nobody writes.
    """
    if _depth(html) > DEEPEST:
        return ""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def _depth(html: str) -> int:
    """How deep it may be nested, at most."""
    depth = deepest = 0
    for closes, name in _TAG.findall(html):
        if name.lower() not in _END_BY_THEMSELVES:
            depth = max(depth - 1, 0) if closes else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _kept(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src" and not value.lower().startswith("cid:"):
        return None
    return value


def plain(html: str) -> str:
    """What HTML says, in lines of text; empty where nothing can be made of it."""
    if not html.strip():
        return ""
    parser = etree.HTMLParser(recover=True, no_network=True, remove_comments=True, remove_pis=True)
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
    return safe(rendered)
