"""Pages and answers packed for whoever can unpack them; streams and files go out as they are."""

from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

PACKED: Final = ("text/html", "text/css", "text/javascript", "application/json")


class Packing(GZipMiddleware):
    """Django's, which adds a few random bytes so that no secret of a page can be told from its length.

    What is streamed is left alone: an event would wait in the packer until more of them fill it.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        packs = not response.streaming and response.headers.get("Content-Type", "").startswith(PACKED)
        return super().process_response(request, response) if packs else response
