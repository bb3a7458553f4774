"""Reading what was said: a mail as it was sent, a file, a case, and all that a customer and we ever said."""

import logging
from collections.abc import Callable

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_GET, require_POST

from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import forms as conversations_forms
from workfloor.core.conversations import models as conversations_models
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.files import queries as files_queries
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.looks.actions import Seen
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.kit.time import clock
from workfloor.kit.web import limits
from workfloor.ui import views as ui_views

View = Callable[..., HttpResponse]
log = logging.getLogger(__name__)
READERS = frozenset({"agent", "leader", "manager"})
# Our script tells the frame's height; the policy runs no other. Links open tabs of their own, which are no sandboxes.
SANDBOX = "allow-scripts allow-popups allow-popups-to-escape-sandbox"


def the_message(message_id: int) -> conversations_models.Message:
    """The message, if it is inside the wall."""
    message = conversations_queries.message(message_id)
    if message is None:
        raise Http404
    return message


@require_GET
@opened_by("conversations.read")
def letter(request: Request, message_id: int) -> HttpResponse:
    """A message's HTML, for a frame: in a sandbox, under a policy of its own, with one script, which is ours."""
    message = the_message(message_id)
    if not message.html:
        raise Http404
    seen = Seen(looks_models.MESSAGE, message.id, message.client_id, message.case_id)
    looks_requests.note(request, seen, by=request.person, now=clock.now())
    response = render(request, "conversations/letter.html", {"letter": conversations_queries.letter(message)})
    here = {name: request.build_absolute_uri(static(f"conversations/letter.{name}")) for name in ("js", "css")}
    pictures = "data: https:" if message.pictures_allowed_at else "data:"
    response.headers["Content-Security-Policy"] = (
        f"sandbox {SANDBOX}; default-src 'none'; script-src {here['js']}; style-src-elem {here['css']}; "
        f"style-src-attr 'unsafe-inline'; img-src {pictures}; frame-ancestors 'self'; base-uri 'none'; "
        "form-action 'none'"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@opened_by("conversations.read")
def allow_pictures(request: Request, message_id: int) -> HttpResponse:
    """Let a mail show pictures from elsewhere."""
    message = the_message(message_id)
    conversations.allow_pictures(message=message, by=request.person, now=clock.now())
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("conversations:case", message.case_id)


@require_GET
@opened_by("conversations.read")
def file(request: Request, attachment_id: int) -> HttpResponse:
    found = conversations_queries.attachment(attachment_id)
    if found is None or found.file is None:
        raise Http404
    seen = Seen(looks_models.ATTACHMENT, found.id, found.client_id, found.message.case_id)
    looks_requests.note(request, seen, by=request.person, now=clock.now())
    try:
        content = files_queries.content(found.file)
    except files_queries.UNREADABLE as fault:
        log.error("file %s on a message cannot be read: %s", found.id, fault)
        raise Http404 from fault
    return ui_views.file(content, found.media_type, found.name)


def before_which(data: QueryDict) -> int | None:
    """The message before which a case is read on; None where nothing sensible is said."""
    return limits.number(data.get("before", ""))


@require_GET
@opened_by("conversations.read")
def case(request: Request, case_id: int) -> HttpResponse:
    """All that was said about a case and done for it."""
    found = conversations_queries.case(case_id)
    if found is None:
        raise Http404
    looks_requests.note(
        request, Seen(looks_models.CASE, found.id, found.client_id, found.id), by=request.person, now=clock.now()
    )
    before = before_which(request.GET)
    return render(
        request, "conversations/case.html", {"told": conversations_queries.told(found, before), "before": before}
    )


@require_GET
@opened_by("conversations.read")
def customer(request: Request, customer_id: int) -> HttpResponse:
    """All that a customer and we said to each other for this client, and all that was done for them."""
    found = conversations_queries.customer(customer_id)
    if found is None:
        raise Http404
    looks_requests.note(
        request, Seen(looks_models.CUSTOMER, found.id, found.client_id), by=request.person, now=clock.now()
    )
    form = conversations_forms.Search(request.GET)
    asked = form.asked() if form.is_valid() else None
    shown = {"customer": found, "form": form, "page": conversations_queries.history(found, asked) if asked else None}
    return render(request, "conversations/customer.html", shown)
