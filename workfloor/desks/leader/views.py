"""The leader's page."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.desks.leader import queries
from workfloor.desks.leader.apps import LeaderConfig
from workfloor.kit import clock


@require_GET
@login_required
def floor(request: HttpRequest) -> HttpResponse:
    """Show the floor to whoever leads on it."""
    person = getattr(request, "person", None)
    if person is None or not LeaderConfig.place.roles.intersection(person.roles):
        raise PermissionDenied
    client_id, site_id = number(request, "client"), number(request, "site")
    shown = queries.floor(person, client_id, site_id, clock.now())
    return render(request, "leader/floor.html", {"floor": shown, "client_id": client_id, "site_id": site_id})


def number(request: HttpRequest, name: str) -> int | None:
    """Read a number from the address; anything else counts as not given."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
