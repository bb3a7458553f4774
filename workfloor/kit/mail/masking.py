"""A mail written anew with the numbers masked that people typed into it, so that it can be read again."""

import base64
from collections.abc import Collection, Iterator
from email.header import Header
from email.message import Message
from email.policy import compat32
from typing import Final

from workfloor.kit.mail import mime
from workfloor.kit.text import masks

_AS_IT_IS: Final = compat32.clone(max_line_length=0)

Typed = tuple[str, str, dict[str, tuple[str, ...]]]
_TYPED: Final = {"subject", "thread-topic", "comments", "keywords"}  # all other headers are programs'


def numbers_in(mail: mime.Mail, kinds: Collection[str] = masks.KINDS) -> bool:
    """Whether a mail holds numbers to be masked: in its texts or in a header that people type. Files do not count."""
    return covered(mail, kinds) != typed(mail)


def typed(mail: mime.Mail) -> Typed:
    """A mail's text, its HTML and the headers that people type."""
    return mail.text, mail.html, _typed(mail)


def covered(mail: mime.Mail, kinds: Collection[str] = masks.KINDS) -> Typed:
    """The same with their numbers masked."""
    headers = {name: tuple(masks.mask(each, kinds).text for each in values) for name, values in _typed(mail).items()}
    return masks.mask(mail.text, kinds).text, masks.mask_html(mail.html, kinds).text, headers


def _typed(mail: mime.Mail) -> dict[str, tuple[str, ...]]:
    return {name: values for name, values in mail.headers.items() if name in _TYPED}


def written_anew(raw: bytes, kinds: Collection[str] = masks.KINDS) -> bytes:
    """The mail with its numbers masked and everything else as it was; empty where that cannot be done.

    It reads as the first one did: what is looked up by what a mail says is found by either.
    """
    before = mime.read(raw)
    try:
        message = mime.parsed(raw)
        _cover_headers(message, kinds)
        for part in _bodies(message):
            _cover_body(part, kinds)
        anew = message.as_bytes(policy=_AS_IT_IS)
        after = mime.read(anew)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # of a mail that nobody could compose
        return b""
    return anew if not numbers_in(after, kinds) and after.files == before.files else b""


def _bodies(part: "Message[str, str]") -> Iterator["Message[str, str]"]:
    kind = part.get_content_type()
    if kind.startswith("multipart/") and part.is_multipart():
        for each in mime.parts(part):
            yield from _bodies(each)
    elif kind.startswith("multipart/") or mime.is_body(part, kind):
        yield part


def _cover_body(part: "Message[str, str]", kinds: Collection[str]) -> None:
    text, kind = mime.text_in(part), part.get_content_type()
    mask = masks.mask_html if kind == "text/html" else masks.mask
    if not (found := mask(text, kinds)).found:
        return
    del part["content-transfer-encoding"]
    part["Content-Transfer-Encoding"] = "base64"
    if kind.startswith("text/"):
        del part["content-type"]
        part["Content-Type"] = f'{kind}; charset="utf-8"'
    part.set_payload(base64.encodebytes(found.text.encode()).decode())


def _cover_headers(message: "Message[str, str]", kinds: Collection[str]) -> None:
    values = list(message.raw_items())
    for name, _ in values:
        del message[name]
    for name, value in values:
        found = masks.mask(mime.decoded(str(value)), kinds) if name.lower() in _TYPED else masks.Masked("", 0)
        message.set_raw(name, Header(found.text, "utf-8", maxlinelen=0).encode() if found.found else value)
