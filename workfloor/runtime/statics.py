"""Styles, scripts and pictures, packed for whoever can unpack them: a tenth of the bytes of a desk's first load."""

import gzip
from functools import lru_cache
from typing import Any, Final

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

PACKED: Final = (".css", ".js", ".svg", ".json")  # fonts and photographs are packed already


class Packing(ASGIStaticFilesHandler):
    """Serves static files as Django does, those that are text packed by gzip; each version of a file is packed once."""

    def serve(self, request: HttpRequest) -> Any:
        response = super().serve(request)
        if not isinstance(response, FileResponse) or not request.path.endswith(PACKED):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if response.status_code != 200 or "gzip" not in request.headers.get("Accept-Encoding", ""):
            return response
        content = b"".join(response)
        packed = HttpResponse(pack(content), headers=dict(response.headers))
        packed.headers["Content-Encoding"], packed.headers["Content-Length"] = "gzip", str(len(packed.content))
        response.close()
        return packed


@lru_cache(maxsize=200)
def pack(content: bytes) -> bytes:
    """A file's bytes, packed; the same for the same."""
    return gzip.compress(content, 9, mtime=0)
