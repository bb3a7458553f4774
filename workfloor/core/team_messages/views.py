"""Reading and answering what was written to one, from whichever page shows it."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from workfloor.core.access import permissions
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.team_messages import queries as team_messages_queries
from workfloor.core.team_messages.models import TeamMessage
from workfloor.kit.time import clock


@require_POST
@opened_by("team-messages.answer")
def read(request: Request, team_message_id: int) -> HttpResponse:
    team_messages.read(received=_received(request, team_message_id), by=request.person, now=clock.now())
    return _done(request)


@require_POST
@opened_by("team-messages.answer")
def answer(request: Request, team_message_id: int) -> HttpResponse:
    """Send an answer; 422 at its form where nothing, or too much, is written."""
    received, text = _received(request, team_message_id), request.POST.get("text", "")
    try:
        team_messages.answer(received=received, text=text, by=request.person, now=clock.now())
    except permissions.Refused as fault:
        return render(request, "ui/_refused.html", {"text": str(fault)}, status=422)
    return _done(request)


def _received(request: Request, team_message_id: int) -> TeamMessage:
    found = team_messages_queries.received(request.person, team_message_id)
    if found is None:
        raise Http404
    return found


def _done(request: Request) -> HttpResponse:
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("/")
