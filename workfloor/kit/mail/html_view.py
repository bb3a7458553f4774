"""An HTML mail as it is shown: its history folded, its links told apart, its pictures ours or nobody's."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from lxml import etree

from workfloor.kit.mail import quoting
from workfloor.kit.text import markup

LONGEST_TEXT: Final = 200  # characters of a link's text, or of a quote's head, that are looked at
_REMOTE = re.compile(r'<img\b[^<>]*?\ssrc="(https?:[^"]*)"', re.IGNORECASE)
_CID = re.compile(r'<img\b[^<>]*?\ssrc="cid:([^"]*)"', re.IGNORECASE)
_COLOURED = re.compile(r"(?:[\s;\"]color|background-color|bgcolor)\s*[:=]", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}")

Part = Any  # of a tree: lxml has no public name for its elements


def elsewhere(html: str) -> list[str]:
    """The hosts that a cleaned mail would show pictures from, each once."""
    return list(dict.fromkeys(host for each in _REMOTE.findall(html) if (host := _host(each.replace("&amp;", "&")))))


def enclosed(html: str) -> set[str]:
    """The names of the pictures that came along and stand in a cleaned mail, as `content_name` writes them."""
    return {content_name(unescape(each)) for each in _CID.findall(html)}


def content_name(content_id: str) -> str:
    """A Content-ID as it compares: the letter's case and percent signs tell no two apart."""
    return unquote(content_id).strip("<> ").lower()


def is_coloured(html: str) -> bool:
    """Whether a mail brings colours of its own, which are meant for white paper."""
    return bool(_COLOURED.search(html))


LONGEST: Final = 5_000_000  # characters that are kept to be shown


def told(html: str, folded: str) -> str:
    """A cleaned mail as it is kept, so that showing it costs little: its links told and its quotes folded.

    `folded` is what was folded away of its text; where there is any, the same is folded here: by the marks of the
    mail's program, else from where that text begins. Empty where that cannot be done, or becomes too long.
    """
    # Cleaned again at the end, so that no other reader of HTML has the last word.
    more = {"details": {"class"}, "summary": set[str](), "span": {"class", "style"}}
    found = markup.cleaned(_marked(html, folded), lambda source: source, **more)
    return found if len(found) <= LONGEST else ""


_IMG = re.compile(r"<img [^<>]*>")
_SOURCE = re.compile(r' src="([^"]*)"')


def shown(html: str, picture: Callable[[str], str | None], with_remote: bool) -> str:
    """A told mail as it is shown.

    `picture` gives the data of what came along by its `content_name`; pictures from elsewhere stay where `with_remote`
    says so, and then only encrypted ones. The cleaner writes a tag's signs within words as entities, so that what looks
    like a picture is one.
    """

    def source(found: re.Match[str]) -> str:
        address = found[1]
        if address.lower().startswith("cid:"):
            address = picture(content_name(unescape(address)[4:])) or ""
        elif not (with_remote and address.lower().startswith("https:")):
            address = ""
        return f' src="{address}"' if address else ""

    return _IMG.sub(lambda tag: _SOURCE.sub(source, tag[0]), html)


def _marked(html: str, folded: str) -> str:
    """The same with its links told and its quotes folded; empty where nothing can be made of it."""
    parser = etree.HTMLParser(recover=True, no_network=True, huge_tree=True, encoding="utf-8")
    try:
        root = etree.fromstring(f"<html><body>{html}</body></html>".encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return ""
    body = root.find("body") if root is not None else None
    if body is None:
        return ""
    for link in list(body.iter("a")):
        _tell(link)
    for dot in [each for each in body.iter("img") if {each.get("width"), each.get("height")} & {"0", "1"}]:
        dot.attrib.pop("src", "")  # which nobody can see, and which is there to tell its sender that somebody looked
    if folded.strip():
        _fold(body, folded)
    told = (body.text or "").replace("&", "&amp;").replace("<", "&lt;")
    return told + "".join(etree.tostring(each, encoding="unicode", method="html") for each in body)


# --- links ---------------------------------------------------------------------------------------------------------


_LEADS = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)


def _tell(link: Part) -> None:
    """Let a link say where it goes, unless its text says just that; one that leads nowhere by itself is none."""
    address = str(link.get("href") or "")
    if not _LEADS.match(address):
        link.attrib.pop("href", None)
        return
    goes_to = _goes_to(address)
    text = _text(link)
    if not goes_to or _says(text, goes_to):
        return
    told = etree.SubElement(link, "span", {"class": "goes-to"})
    told.text = goes_to


def _goes_to(address: str) -> str:
    scheme, _, rest = address.partition(":")
    if scheme.lower() in ("mailto", "tel"):
        return unquote(rest.partition("?")[0])[:LONGEST_TEXT]
    return _host(address)


def _host(address: str) -> str:
    """The host of an address as browsers show it, with letters that look like others spelt out; empty for none."""
    bare = re.sub(r"[\x00-\x20]", "", address).replace("\\", "/")  # as browsers read it
    try:
        host = unquote(urlsplit(re.sub(r"^(https?):/*", r"\1://", bare, flags=re.IGNORECASE)).hostname or "")
        return host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return "an address that nobody can read"


def _says(text: str, goes_to: str) -> bool:
    if "@" in goes_to or not text:
        return text.lower() == goes_to.lower()
    named = {each.lower().removeprefix("www.") for each in _HOST.findall(text)}
    return named == {goes_to.lower().removeprefix("www.")}


# --- what is quoted, and what is signed ------------------------------------------------------------------------------


MOST_FOLDS: Final = 20
QUOTED: Final = "Quoted text"
SIGNED: Final = "Signature"


def _fold(body: Part, folded: str) -> None:
    """Fold what the mail's program marked, or else what its text has folded; never all of the mail."""
    rest = next((each for each in body.iter() if _begins_the_rest(each)), None)
    if rest is not None and _anything_before(body, rest):
        _wrap(_on_from(body, rest), QUOTED, with_what_follows=True)
    for is_one, title in ((_is_quote, QUOTED), (_is_signature, SIGNED)):
        for each in list(islice(_outermost(body, is_one), MOST_FOLDS)):
            if _anything_beside(body, each):
                _wrap([*_head_of(each), each], title)
    if body.find(".//details") is None and (first := _place_of(body, folded)) is not None:
        _wrap(_on_from(body, first), f"{QUOTED} and signature", with_what_follows=True)


def _place_of(body: Part, folded: str) -> Part | None:
    """The element with which a folded text begins; None where the mail does not say it, or says nothing before it."""
    lines = (" ".join(line.lstrip("> ").split()) for line in folded.split("\n"))
    wanted = [line[:60] for line in islice((each for each in lines if len(each) > 4), 3)]
    anything = False
    for event, element in etree.iterwalk(body, events=("start", "end")):
        said = " ".join(((element.text if event == "start" else element.tail) or "").lstrip("\n> ").split())
        if anything and said and any(said.startswith(line) or line.startswith(f"{said} ") for line in wanted):
            return _block_of(body, element) if event == "start" else _with_tail(element)
        anything = anything or bool(said)
    return None


def _block_of(body: Part, element: Part) -> Part:
    """The outermost element that begins with this one."""
    above = element.getparent()
    while above is not body and element is above[0] and not (above.text or "").strip():
        element, above = above, above.getparent()
    return element


def _with_tail(element: Part) -> Part:
    """The text that follows an element, as an element of its own."""
    span = etree.Element("span")
    span.text, element.tail = element.tail, None
    element.addnext(span)
    return span


def _names(element: Part) -> set[str]:
    if not isinstance(element.tag, str):
        return set()
    both = f"{element.get('class') or ''} {element.get('id') or ''}"
    return {name.removeprefix("x_") for name in both.split()}


def _is_quote(element: Part) -> bool:
    cited = element.tag == "blockquote" and element.get("type") == "cite"
    return cited or bool(_names(element) & (markup.QUOTES - {"moz-cite-prefix", "divRplyFwdMsg", "appendonsend"}))


def _is_signature(element: Part) -> bool:
    return bool(_names(element) & markup.SIGNATURES)


_RULE_ABOVE = re.compile(r"border-top:[^;]*solid", re.IGNORECASE)


def _begins_the_rest(element: Part) -> bool:
    """Whether from here on all is quoted: the head of the quoted mail, as Outlook sets it below a line."""
    if _names(element) & {"divRplyFwdMsg", "appendonsend"}:
        return True
    if element.tag != "div" or not _RULE_ABOVE.search(element.get("style") or ""):
        return False
    return quoting.begins_a_head(_text(element))


def _outermost(element: Part, is_one: Callable[[Part], bool]) -> Iterator[Part]:
    """The marked parts that lie in no other part that is folded."""
    waiting = list(reversed(element))
    while waiting:
        each = waiting.pop()
        if each.tag == "details" or not isinstance(each.tag, str):
            continue
        if is_one(each):
            yield each
        else:
            waiting.extend(reversed(each))


def _on_from(body: Part, first: Part) -> list[Part]:
    """An element and all that follows it, as siblings of it or of what it stands in."""
    found = [first, *first.itersiblings()]
    for above in first.iterancestors():
        if above is body:
            break
        found += above.itersiblings()
    return found


def _head_of(quote: Part) -> list[Part]:
    """The line that announces a quote, where it stands in an element of its own just before."""
    before = quote.getprevious()
    if before is None or not isinstance(before.tag, str) or (before.tail or "").strip():
        return []
    return [before] if "moz-cite-prefix" in _names(before) or quoting.is_head(_text(before)) else []


def _wrap(parts: list[Part], title: str, with_what_follows: bool = False) -> None:
    """Put parts that follow one another into a fold, in the first one's place."""
    fold = etree.Element("details", {"class": "fold"})
    etree.SubElement(fold, "summary").text = title
    parts[0].addprevious(fold)
    for part in parts:
        fold.append(part)
    if not with_what_follows:
        fold.tail, parts[-1].tail = parts[-1].tail, None


def _anything_before(body: Part, first: Part) -> bool:
    """Whether something is said before an element."""
    for event, element in etree.iterwalk(body, events=("start", "end")):
        if element is first:
            return False
        said = element.text if event == "start" else element.tail
        if (said or "").strip() or (event == "start" and element.tag == "img"):
            return True
    return False


def _anything_beside(body: Part, part: Part) -> bool:
    """Whether something is said outside an element."""
    return _anything_before(body, part) or _length(body) > _length(part)


def _length(element: Part) -> int:
    return sum(len("".join(text.split())) for text in element.itertext())


def _text(element: Part) -> str:
    """How an element's text begins, on one line."""
    return " ".join("".join(islice(element.itertext(), 50)).split())[:LONGEST_TEXT]
