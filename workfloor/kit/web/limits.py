"""What a request may hold at all, and what every answer says: one rule at the edge for all addresses."""

from collections.abc import Callable, Iterable
from typing import Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NUL: Final = "\0"  # which no text of PostgreSQL can hold
LONGEST_PARAMETER: Final = 2_000  # characters of a parameter in an address, and of a header that a page reads
LARGEST_ID: Final = 2**63 - 1
API: Final = "/api/"
FORM: Final = "application/x-www-form-urlencoded"  # what brings files is looked through by its page's form


def sensible(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Refuse what no page of ours ever sends (400); keep answers out of caches; answer the API in JSON, always."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_problem = response.status_code >= 400 and request.path.startswith(API) and not response.streaming
        if is_problem and not response.headers.get("Content-Type", "").startswith("application/json"):
            response = _in_json(response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return respond


def refusing(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The inner half of `sensible`, whose refusals are shown as any other page's."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        if fault := _fault(request):
            raise BadRequest(fault)
        return get_response(request)

    return respond


def _fault(request: HttpRequest) -> str:
    if NUL in request.path_info:
        return _("The address holds a NUL character.")
    for name, values in request.GET.lists():
        if has_nul([name, *values]):
            return _("A parameter holds a NUL character.")
        if any(len(each) > LONGEST_PARAMETER for each in values):
            return _("{name} is longer than {most:,} characters.").format(name=name[:50], most=LONGEST_PARAMETER)
    is_form = request.method == "POST" and request.content_type == FORM
    if is_form and any(has_nul([name, *values]) for name, values in request.POST.lists()):
        return _("What was typed holds a NUL character.")
    return ""


def has_nul(texts: Iterable[object]) -> bool:
    """Whether one of these texts cannot be stored."""
    return any(isinstance(each, str) and NUL in each for each in texts)


def number(text: str) -> int | None:
    """What an address names by number; None for what cannot be one, however long."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 20
    return found if is_number and (found := int(text)) <= LARGEST_ID else None


WORDS: Final = {
    400: gettext_lazy("This request cannot be understood."),
    403: gettext_lazy("This is not for you."),
    404: gettext_lazy("There is nothing at this address."),
    405: gettext_lazy("This address is not called with this method."),
}


def _in_json(response: HttpResponseBase) -> JsonResponse:
    detail = WORDS.get(response.status_code, response.reason_phrase)
    answer = JsonResponse({"detail": detail}, status=response.status_code)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer
