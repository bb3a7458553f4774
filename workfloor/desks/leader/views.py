"""The leader's page, and one item as a leader looks into it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.desks.leader import failures as leader_failures
from workfloor.desks.leader import queries as leader_queries
from workfloor.kit.time import clock
from workfloor.kit.web import limits

View = Callable[..., HttpResponse]


@require_GET
@opened_by("floor.see")
def floor(request: Request) -> HttpResponse:
    client_id, site_id = number(request, "client"), number(request, "site")
    shown = leader_queries.floor(request.person, client_id, site_id, clock.now())
    return render(request, "leader/floor.html", {"floor": shown, "client_id": client_id, "site_id": site_id})


@require_GET
@opened_by("floor.see")
def item(request: Request, item_id: int) -> HttpResponse:
    looked_at = leader_queries.looked_at(request.person, item_id)
    if looked_at is None:
        raise Http404
    return render(request, "leader/item.html", {"looked_at": looked_at, "item": looked_at.item})


@require_http_methods(["GET", "POST"])
@opened_by("failures.handle")
def failures(request: Request) -> HttpResponse:
    """What failed and was left out, and a way to have it tried again or dropped."""
    if request.method == "POST":
        name, drops = request.POST.get("name", ""), request.POST.get("do") == "drop"
        try:
            if drops:
                leader_failures.drop(name, request.person, clock.now())
            else:
                leader_failures.run_again(name, request.person)
            messages.success(request, "It is dropped." if drops else "It is tried again in a moment.")
        except leader_failures.Gone:
            messages.error(request, "That is not here any more.")
        return redirect("leader:failures")
    return render(request, "leader/failures.html", {"shown": leader_failures.shown(request.person, clock.now())})


def number(request: HttpRequest, name: str) -> int | None:
    """Read a number from the address; anything else counts as not given."""
    return limits.number(request.GET.get(name, ""))
