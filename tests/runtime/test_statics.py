"""Static files are packed where the browser unpacks them, and whole otherwise."""

import gzip

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.test import RequestFactory

from workfloor.runtime.statics import Packing


def got(path, **headers):
    return Packing(lambda *_: None).serve(RequestFactory().get(f"/static/{path}", headers=headers))


def whole(path):
    with open(finders.find(path), "rb") as file:
        return file.read()


@pytest.mark.parametrize("path", ["ui/ui.css", "ui/live.js", "ui/icons.svg"])
@pytest.mark.parametrize(
    ("unpacks", "coding", "unpack"),
    [("gzip, deflate, br, zstd", "br", brotli.decompress), ("gzip, deflate", "gzip", gzip.decompress)],
)
def test_text_is_packed_for_whoever_says_to_unpack_it(path, unpacks, coding, unpack):
    packed, plain = got(path, **{"Accept-Encoding": unpacks}), got(path)

    assert unpack(packed.content) == b"".join(plain) == whole(path)
    assert packed.headers["Content-Encoding"] == coding and "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert int(packed.headers["Content-Length"]) == len(packed.content) < len(whole(path)) / 2
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_a_file_that_the_browser_has_is_not_sent_again():
    since = got("ui/ui.css").headers["Last-Modified"]
    answer = got("ui/ui.css", **{"Accept-Encoding": "gzip", "If-Modified-Since": since})

    assert (answer.status_code, answer.content) == (304, b"")
