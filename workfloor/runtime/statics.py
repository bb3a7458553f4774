"""Styles, scripts and pictures, packed for whoever can unpack them: a tenth of the bytes of a desk's first load."""

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import brotli
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

PACKED: Final = (".css", ".js", ".svg", ".json")  # fonts and photographs are packed already


class Packing(ASGIStaticFilesHandler):
    """Serves static files as Django does, those that are text packed; each version of a file is packed once."""

    def serve(self, request: HttpRequest) -> Any:
        response = super().serve(request)
        if not isinstance(response, FileResponse) or not request.path.endswith(PACKED):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        coding = _coding(request.headers.get("Accept-Encoding", ""))
        if response.status_code != 200 or coding is None:
            return response
        content = b"".join(response)
        packed = HttpResponse(pack(content, coding), headers=dict(response.headers))
        packed.headers["Content-Encoding"], packed.headers["Content-Length"] = coding, str(len(packed.content))
        response.close()
        return packed


def _coding(unpacks: str) -> str | None:
    """The best of ours that a browser unpacks; Brotli they take over TLS alone."""
    accepted = [each.partition(";")[0].strip() for each in unpacks.split(",")]
    return next((each for each in PACKERS if each in accepted), None)


@lru_cache(maxsize=200)
def pack(content: bytes, coding: str = "br") -> bytes:
    """A file's bytes, packed by gzip or br; the same for the same."""
    return PACKERS[coding](content)


PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {  # the best first
    "br": lambda content: brotli.compress(content, mode=brotli.MODE_TEXT),
    "gzip": lambda content: gzip.compress(content, 9, mtime=0),
}
