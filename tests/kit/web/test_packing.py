"""Pages go out packed, in no telling length; a stream's events never wait in a packer."""

import gzip

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from workfloor.kit.web.packing import Packing

TEXT = b"<p>The same words again and again.</p>" * 100


def answered(response, unpacks="gzip, br"):
    request = RequestFactory().get("/", headers={"Accept-Encoding": unpacks} if unpacks else {})
    return Packing(lambda _: response)(request)


def test_a_page_is_packed_for_whoever_says_to_unpack_it(everyone):
    packed = Client().get("/accounts/login/", headers={"Accept-Encoding": "gzip"})
    plain = Client().get("/accounts/login/")

    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content)
    assert b"<form" in gzip.decompress(packed.content)


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
def test_the_same_page_has_another_length_each_time_for_whoever_counts_its_bytes(content_type):
    lengths = {len(answered(HttpResponse(TEXT, content_type=content_type)).content) for _ in range(30)}

    assert len(lengths) > 1


def test_a_stream_is_sent_as_it_comes():
    stream = answered(StreamingHttpResponse(iter([b"data: floor\n\n"]), content_type="text/event-stream"))

    assert "Content-Encoding" not in stream.headers
    assert next(iter(stream)) == b"data: floor\n\n"


@pytest.mark.parametrize("content_type", ["application/pdf", "image/png", "application/octet-stream"])
def test_what_is_packed_already_is_left_as_it_is(content_type):
    assert answered(HttpResponse(TEXT, content_type=content_type)).content == TEXT
