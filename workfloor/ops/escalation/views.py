"""The page of escalations, and what is pressed there."""

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from workfloor.core.access import permissions
from workfloor.core.people import queries as people_queries
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.core.work import lifecycle
from workfloor.kit.time import clock
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation import forms as escalation_forms
from workfloor.ops.escalation import queries as escalation_queries
from workfloor.ops.escalation.models import Escalation

View = Callable[..., HttpResponse]


@require_GET
@opened_by("escalations.see")
def inbox(request: Request) -> HttpResponse:
    """Show what is open, and what was closed lately."""
    shown = escalation_queries.inbox(clock.now())
    return render(request, "escalation/inbox.html", {"inbox": shown, "zone": people_queries.zone_of(request.person)})


def press(do: Callable[[Request, Escalation], str]) -> View:
    """Make a handler of what is done with an escalation: 422 at its form for a wrong entry, 409 with a reason."""

    @require_POST
    @opened_by("escalations.handle")
    @wraps(do)
    def handler(request: Request, escalation_id: int) -> HttpResponse:
        found = escalation_queries.every().filter(id=escalation_id).first()
        if found is None:
            raise Http404
        try:
            fault = do(request, found)
        except (permissions.Refused, lifecycle.NotNow) as reason:
            return too_late(request, str(reason))
        if fault:
            return render(request, "ui/_refused.html", {"text": fault}, status=422)
        return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("escalation:inbox")

    return handler


def too_late(request: HttpRequest, text: str) -> HttpResponse:
    """Say at the head of the page that things have moved on; the page reads itself again."""
    response = render(request, "ui/_notice.html", {"text": text, "kind": "warning"}, status=409)
    response.headers["HX-Retarget"] = "#notice"
    return response


@press
def acknowledge(request: Request, found: Escalation) -> str:
    escalation.acknowledge(escalation=found, by=request.person, now=clock.now())
    return ""


@press
def answer(request: Request, found: Escalation) -> str:
    entered = escalation_forms.Answer(request.POST)
    if not entered.is_valid():
        return " ".join(str(error) for errors in entered.errors.values() for error in errors)
    escalation.answer(escalation=found, text=entered.cleaned_data["text"], by=request.person, now=clock.now())
    return ""
