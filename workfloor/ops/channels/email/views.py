"""The page of mail that became no work, and of replies that failed."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import NotNow
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.looks.actions import Seen
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries

MOST_SHOWN = 50
View = Callable[..., HttpResponse]


def _arrival(arrival_id: int) -> email_models.Arrival:
    found = email_queries.arrival(arrival_id)
    if found is None:
        raise Http404
    return found


@require_GET
@opened_by("mail.look-after")
def mail(request: Request) -> HttpResponse:
    """Show the newest of each."""
    shown: dict[str, Any] = {
        "not_fetched": email_queries.not_fetched()[:MOST_SHOWN],
        "looked_at": email_queries.to_be_looked_at()[:MOST_SHOWN],
        "set_aside": email_queries.set_aside()[:MOST_SHOWN],
        "undelivered": email_queries.undelivered()[:MOST_SHOWN],
        "delayed": email_queries.delayed()[:MOST_SHOWN],
        "sends": bool(settings.WORKFLOOR_SMTP_URL),
        "counts": email_queries.counts(),
        "most": MOST_SHOWN,
    }
    rows = [*shown["looked_at"], *shown["set_aside"]]
    looks_requests.note(
        request,
        *(Seen(looks_models.MAIL, each.id, each.client_id) for each in rows),
        by=request.person,
        now=clock.now(),
    )
    return render(request, "email/mail.html", shown)


@require_GET
@opened_by("mail.look-after")
def raw(request: Request, arrival_id: int) -> HttpResponse:
    """Hand a mail over as it came, as a file that no browser opens."""
    found = _arrival(arrival_id)
    case_id = found.message.case_id if found.message else None
    looks_requests.note(
        request, Seen(looks_models.MAIL, found.id, found.client_id, case_id), by=request.person, now=clock.now()
    )
    headers = {"Content-Disposition": f'attachment; filename="{found.id}.eml"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(email_queries.raw(found), content_type="application/octet-stream", headers=headers)


def _deed(do: Callable[[email_models.Arrival, Request], str]) -> View:
    """Make a handler of what can be done with a mail: it leads back to the page and says there what came of it."""

    @require_POST
    @opened_by("mail.look-after")
    @wraps(do)
    def handler(request: Request, arrival_id: int) -> HttpResponse:
        try:
            messages.success(request, do(_arrival(arrival_id), request))
        except email.Refused as reason:
            messages.error(request, str(reason))
        return redirect("email:mail")

    return handler


@_deed
def again(arrival: email_models.Arrival, request: Request) -> str:
    """Read a mail once more, or take it in although it was held back or set aside."""
    email.run_again(arrivals=[arrival], by=request.person, now=clock.now())
    return _("The mail is read again in a moment.")


@_deed
def discard(arrival: email_models.Arrival, request: Request) -> str:
    """Say that nothing is to be done about a mail."""
    email.discard(arrivals=[arrival], by=request.person, now=clock.now())
    return _("The mail is dealt with.")


@require_POST
@opened_by("mail.look-after")
def send_again(request: Request, message_id: int) -> HttpResponse:
    """Try once more to deliver a reply."""
    message = conversations_queries.message(message_id)
    if message is None:
        raise Http404
    try:
        email.send_again(message=message, by=request.person, now=clock.now())
        messages.success(request, _("The reply is sent again in a moment."))
    except NotNow as reason:
        messages.error(request, str(reason))
    return redirect("email:mail")
