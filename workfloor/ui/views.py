"""The way in, the pages for what went wrong, and what every response says about itself."""

import sys
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.template import loader
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from workfloor.kit.mail.mime import PICTURES
from workfloor.kit.web import limits
from workfloor.ui import places as ui_places

# Styles may be set from scripts but not written into pages; Tabler's own sheet draws its marks from data: URLs.
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
RETRY_SECONDS = 5


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Send each role to the place where it works."""
    open_places = ui_places.places(getattr(request, "person", None))
    if open_places:
        return redirect(open_places[0].url_name)
    return render(request, "ui/nowhere.html")


def content_policy(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let pages load nothing from elsewhere and run nothing that is written into them."""

    def with_policy(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response

    return with_policy


def speaking(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer in the language that the browser asks for; who is signed in may have chosen another (people.middleware).

    The API speaks English, as its documentation does.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        is_page = not request.path.startswith(limits.API)
        asked = translation.get_language_from_request(request) if is_page else settings.LANGUAGE_CODE
        with translation.override(asked):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or asked)
        if is_page:
            patch_vary_headers(response, ("Accept-Language",))
        return response

    return respond


def file(content: bytes, media_type: str, name: str) -> HttpResponse:
    """A file that somebody sent, so that a browser shows a picture, saves anything else, and runs nothing."""
    saves = media_type not in PICTURES
    response = HttpResponse(content, content_type="application/octet-stream" if saves else media_type)
    response.headers["Content-Disposition"] = content_disposition_header(saves, name) or "inline"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def failed(request: HttpRequest) -> HttpResponse:
    """Answer an error that nobody caught: 503 and a page that retries where the database is away, else 500."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return database_away(request)
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": _("Workfloor failed on this request; nothing was changed.")}, status=500)
    return HttpResponse(loader.render_to_string("500.html"), status=500)


def database_away(request: HttpRequest) -> HttpResponse:
    """Say that the database does not answer, in the language of the caller, and when to ask again."""
    response: HttpResponse
    if request.path.startswith("/api/"):
        response = JsonResponse({"detail": _("The database does not answer just now; send this again.")}, status=503)
    else:
        retry = {"retry_seconds": RETRY_SECONDS}
        response = HttpResponse(loader.render_to_string("503.html", retry), status=503)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
