"""The leader's page, and one item as a leader looks into it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from workfloor.core.people.middleware import Request
from workfloor.desks.leader import failures as leader_failures
from workfloor.desks.leader import queries as leader_queries
from workfloor.desks.leader.apps import FAILURES, FLOOR
from workfloor.kit.time import clock
from workfloor.kit.web import limits

View = Callable[..., HttpResponse]


def for_leaders(view: View) -> View:
    """Let in whoever leads on the floor, and nobody else."""

    @login_required
    @wraps(view)
    def admitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = getattr(request, "person", None)
        if person is None or not FLOOR.roles.intersection(person.roles):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admitted


@require_GET
@for_leaders
def floor(request: Request) -> HttpResponse:
    client_id, site_id = number(request, "client"), number(request, "site")
    shown = leader_queries.floor(request.person, client_id, site_id, clock.now())
    return render(request, "leader/floor.html", {"floor": shown, "client_id": client_id, "site_id": site_id})


@require_GET
@for_leaders
def item(request: Request, item_id: int) -> HttpResponse:
    looked_at = leader_queries.looked_at(request.person, item_id)
    if looked_at is None:
        raise Http404
    return render(request, "leader/item.html", {"looked_at": looked_at, "item": looked_at.item})


@require_http_methods(["GET", "POST"])
@for_leaders
def failures(request: Request) -> HttpResponse:
    """What failed and was left out, and a way to have it tried again or dropped."""
    if not FAILURES.roles.intersection(request.person.roles):
        raise PermissionDenied
    if request.method == "POST":
        name, drops = request.POST.get("name", ""), request.POST.get("do") == "drop"
        try:
            if drops:
                leader_failures.drop(name, request.person, clock.now())
            else:
                leader_failures.run_again(name, request.person)
            messages.success(request, _("It is dropped.") if drops else _("It is tried again in a moment."))
        except leader_failures.Gone:
            messages.error(request, _("That is not here any more."))
        return redirect("leader:failures")
    return render(request, "leader/failures.html", {"shown": leader_failures.shown(request.person, clock.now())})


def number(request: HttpRequest, name: str) -> int | None:
    """Read a number from the address; anything else counts as not given."""
    return limits.number(request.GET.get(name, ""))
