"""What visitors' pages call, from the clients' own sites: each call opens one chat, or one widget, and no more."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from workfloor.core.conversations.messages import File
from workfloor.core.files import queries as files_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.kit.web import addresses, limits
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import models as chat_models
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import views as chat_views
from workfloor.ops.channels.chat import visitors, widget_file
from workfloor.ui import views as ui_views

log = logging.getLogger(__name__)

Answer = Callable[..., HttpResponseBase]

_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, last-event-id",
    "Access-Control-Max-Age": "7200",
}


class Stranger(visitors.Refused):
    """The widget, the site or the token is none of ours: status and what is wrong."""

    def __init__(self, status: int, fault: visitors.Fault) -> None:
        super().__init__(fault)
        self.status = status


def call(*methods: str) -> Callable[[Answer], Answer]:
    """Make a handler of a call by a visitor's page: answers in JSON, readable by the site that asked."""

    def made(answer: Answer) -> Answer:
        @csrf_exempt  # nothing is done here in anybody's name: there is no cookie
        @wraps(answer)
        def handler(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            response = _answered(answer, methods, request, kwargs)
            response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
            response.headers["Vary"] = "Origin"
            response.headers["Cache-Control"] = "no-store"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            return response

        return handler

    return made


def _answered(
    answer: Answer, methods: tuple[str, ...], request: HttpRequest, kwargs: dict[str, Any]
) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=_HEADERS)
    if request.method not in methods:
        return _problem(request, 405, visitors.Refused(visitors.Fault("malformed", {"what": str(request.method)})))
    try:
        return answer(request, **kwargs)
    except Stranger as fault:
        return _problem(request, fault.status, fault)
    except visitors.TooMany as fault:
        return _problem(request, 429, fault)
    except RequestDataTooBig:
        return _problem(request, 413, visitors.Refused(_too_large()))
    except visitors.Refused as fault:
        return _problem(request, 422, fault)


def _problem(request: HttpRequest, status: int, refused: visitors.Refused) -> JsonResponse:
    """What is wrong, in the language that the page asks for: the widget names the one that it speaks."""
    language = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
    names = [each.name for each in refused.faults]
    return JsonResponse({"detail": widget_file.worded(refused, language), "faults": names}, status=status)


def _too_large() -> visitors.Fault:
    return visitors.Fault("too-large", {"most": visitors.LARGEST_FILE / 1_000_000})


# --- who asks -----------------------------------------------------------------------------------------------------
def _widget(request: HttpRequest, key: str) -> chat_models.Widget:
    """The widget of that key, its client entered, if the site that asks may use it."""
    rls.enter_every_client()
    found = chat_queries.widget(key)
    rls.enter(*([found.client_id] if found else []))
    if found is None:
        raise Stranger(404, visitors.Fault("no-such-widget"))
    _check_origin(request, found)
    return found


def own_chat(request: HttpRequest, *, writes: bool = False) -> chat_models.Chat:
    """The chat of the visitor who asks, its client entered; of one who writes it is locked."""
    scheme, _, written = request.headers.get("Authorization", "").partition(" ")
    token = chat_queries.token(written) if scheme == "Bearer" else None
    if token is not None:
        rls.enter(token.client_id)
    admitted = chat_queries.admitted_locked if writes else chat_queries.admitted
    found = admitted(token, clock.now()) if token else None
    if found is None:
        raise Stranger(401, visitors.Fault("over"))
    _check_origin(request, found.widget)
    return found


def _check_origin(request: HttpRequest, widget: chat_models.Widget) -> None:
    """A browser says from which site a page asks; what is no browser could say anything."""
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin not in {own, *widget.origins}:
        raise Stranger(403, visitors.Fault("wrong-origin", {"origin": origin[:200]}))


def network(request: HttpRequest) -> str:
    """The visitor's network: an IPv4 address, or the 64 bits that one household or firm has of IPv6."""
    return addresses.network(str(request.META.get("REMOTE_ADDR", "")), bits_of_4=32, bits_of_6=64) or "unknown"


# --- before a chat ------------------------------------------------------------------------------------------------
@call("GET")
def widget(request: HttpRequest, widget_key: str) -> HttpResponse:
    """What the widget shows: its words, its questions, whether chatting is possible now."""
    return JsonResponse(chat_queries.offered(_widget(request, widget_key), clock.now()))


@call("POST")
def begin(request: HttpRequest, widget_key: str) -> HttpResponse:
    """Begin a chat; the same secret again is the same chat."""
    found, sent = _widget(request, widget_key), widget_file.sent(request.body)
    secret = visitors.secret(sent.get("secret"))
    chat = chats.begin(
        widget=found,
        secret=secret,
        key=visitors.key(sent.get("id")),
        message=sent.get("text", ""),
        answers=sent.get("answers") or {},
        address=network(request),
        now=clock.now(),
        page=str(sent.get("page", "")),
        language=str(sent.get("language", "")),
    )
    return JsonResponse({"token": chat_queries.written(chat, secret)})


@call("POST")
def leave_word(request: HttpRequest, widget_key: str) -> HttpResponse:
    """Leave word instead of chatting: an email to answer, or a call to make."""
    found, sent = _widget(request, widget_key), widget_file.sent(request.body)
    chat = own_chat(request) if "Authorization" in request.headers else None
    if chat is not None and chat.widget_id != found.id:
        raise Stranger(401, visitors.Fault("over"))
    chats.turn(
        widget=found,
        into=str(sent.get("into")),
        contact=str(sent.get("contact", ""))[:200],
        text=sent.get("text", ""),
        key=visitors.key(sent.get("id")),
        address=network(request),
        now=clock.now(),
        chat=chat,
    )
    return JsonResponse({})


# --- a chat -------------------------------------------------------------------------------------------------------
@call("GET")
def stream(request: HttpRequest) -> HttpResponseBase:
    """The stream of the chat: all messages after the last that the page has, then what happens."""
    chat = own_chat(request)
    chats.note_seen(chat_ids=[chat.id], now=clock.now())
    after = request.headers.get("Last-Event-ID", "")
    events = chat_views.events(chat.client_id, chat.id, chat.case_id, limits.number(after) or 0)
    unbuffered = {"X-Accel-Buffering": "no"}
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=unbuffered)


@call("POST")
def say(request: HttpRequest) -> HttpResponse:
    """Send a message; the same id again is the same message."""
    sent = widget_file.sent(request.body)
    message, _ = chats.say(
        chat=own_chat(request, writes=True),
        key=visitors.key(sent.get("id")),
        text=visitors.text(sent.get("text")),
        now=clock.now(),
    )
    return JsonResponse({"id": message.id})


@call("POST")
def send_file(request: HttpRequest) -> HttpResponse:
    """Send a file, as form data: `id` and `file`."""
    chat, sent = own_chat(request), request.FILES.get("file")
    if not isinstance(sent, UploadedFile):
        raise visitors.Refused(visitors.Fault("no-file"))
    if (sent.size or 0) > visitors.LARGEST_FILE:
        raise visitors.Refused(_too_large())
    content = sent.read()
    kind = visitors.media_type(content)
    file = File(visitors.file_name(sent.name or "", kind), kind, content)
    key = visitors.key(request.POST.get("id"))
    message, _ = chats.say(chat=chat, key=key, text="", files=[file], now=clock.now())
    return JsonResponse({"id": message.id})


@call("GET")
def file(request: HttpRequest, attachment_id: int) -> HttpResponse:
    """A file of this chat."""
    found = chat_queries.attachment(own_chat(request), attachment_id)
    if found is None or found.file is None:
        raise Stranger(404, visitors.Fault("no-such-file"))
    try:
        content = files_queries.content(found.file)
    except files_queries.UNREADABLE as fault:
        log.error("file %s of a chat cannot be read: %s", found.id, fault)
        raise Stranger(404, visitors.Fault("no-such-file")) from fault
    return ui_views.file(content, found.media_type, found.name)


@call("POST")
def typing(request: HttpRequest) -> HttpResponse:
    """The visitor is writing."""
    chats.type_to_us(chat=own_chat(request))
    return JsonResponse({})


@call("POST")
def read(request: HttpRequest) -> HttpResponse:
    """The visitor has seen our messages up to one."""
    up_to = widget_file.sent(request.body).get("up_to")
    if not isinstance(up_to, int) or not 0 <= up_to < 2**63:
        raise visitors.Refused(visitors.Fault("malformed", {"what": "up_to"}))
    chats.read(chat=own_chat(request), up_to=up_to, now=clock.now())
    return JsonResponse({})


@call("POST")
def come_back(request: HttpRequest) -> HttpResponse:
    """The visitor waits again, at the place that they had."""
    chats.come_back(chat=own_chat(request, writes=True), now=clock.now())
    return JsonResponse({})


@call("POST")
def end(request: HttpRequest) -> HttpResponse:
    """The visitor ends the chat."""
    chats.leave(chat=own_chat(request), now=clock.now())
    return JsonResponse({})


@call("POST")
def rate(request: HttpRequest) -> HttpResponse:
    """The visitor says how satisfied they are."""
    sent = widget_file.sent(request.body)
    score = sent.get("score")
    chats.rate(
        chat=own_chat(request),
        score=score if isinstance(score, int) else 0,
        comment=str(sent.get("comment", ""))[:2_000],
        now=clock.now(),
    )
    return JsonResponse({})


@call("GET", "POST")
def transcript(request: HttpRequest) -> HttpResponse:
    """GET: whether a copy can be had, and to which address the visitor would likely want it. POST: have it sent."""
    found = chat_queries.chats().select_related("widget__client", "widget__queue").get(id=own_chat(request).id)
    if request.method == "GET":
        questions = chat_queries.settings(found.widget).questions
        likely = visitors.answer_of("email", questions, found.answers)
        return JsonResponse({"offered": chat_queries.mailbox(found) is not None, "to": likely})
    sent = widget_file.sent(request.body)
    made = chats.send_transcript(
        chat=found,
        to=sent.get("to", ""),
        key=visitors.key(sent.get("id")),
        address=network(request),
        zone=sent.get("zone"),
        now=clock.now(),
    )
    return JsonResponse({"to": made.message.recipients[0]["address"]})
