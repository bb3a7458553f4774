"""One page that looks for customers, cases and messages of the clients that somebody is cleared for."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.core.looks import requests as looks_requests
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.core.search import forms as search_forms
from workfloor.core.search import queries as search_queries
from workfloor.core.search.asking import Asked
from workfloor.kit.time import clock


@require_GET
@opened_by("conversations.read")
def search(request: Request) -> HttpResponse:
    """What was found, where something was looked for; who is shown is recorded as looked at."""
    clients = search_queries.clients_of(request.person)
    form = search_forms.Search(request.GET if request.GET.get("words") else None, clients=clients)
    found, now = None, clock.now()
    if form.is_valid():
        chosen = [each.id for each in clients if form.cleaned_data["client"] in ("", each.slug)]
        zone = ZoneInfo(request.person.site.zone if request.person.site else "UTC")
        found = search_queries.found(
            Asked(
                form.cleaned_data["words"],
                tuple(chosen),
                _begins(form.cleaned_data["first"], zone),
                min(_ends(form.cleaned_data["last"], zone) or now, now),
                form.cleaned_data["channel"],
                form.cleaned_data["after"],
            )
        )
        looks_requests.note(request, *found.seen, by=request.person, now=now)
    address = request.GET.copy()
    address["after"] = str(found.rest) if found and found.rest else ""
    shown = {"form": form, "found": found, "clients": len(clients), "rest": address.urlencode()}
    return render(request, "search/search.html", shown)


def _begins(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None


def _ends(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone) + timedelta(days=1) if day and day < date.max else None
