"""The pages of statements: the months of each client, one month, the items behind a figure, one item's facts."""

from collections.abc import Callable
from functools import wraps
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.core.clients import queries as clients
from workfloor.core.clients.models import Client
from workfloor.kit import clock
from workfloor.ops.billing import forms, gateway, queries
from workfloor.ops.billing.apps import BillingConfig

ITEMS_A_PAGE = 100
View = Callable[..., HttpResponse]


def _for_leaders(view: View) -> View:
    """Only for the roles that statements are open to; what cannot be stated is not found, with the reason."""

    @require_GET
    @login_required
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = getattr(request, "person", None)
        if person is None or not BillingConfig.place.roles.intersection(person.roles):
            raise PermissionDenied
        try:
            return view(request, *args, **kwargs)
        except (queries.NoStatement, queries.NoFigure) as reason:
            raise Http404(str(reason)) from reason

    return shown


def _client(slug: str) -> Client:
    found = clients.by_slug(slug)
    if found is None:
        raise Http404("No such client.")
    return found


@_for_leaders
def statements(request: HttpRequest) -> HttpResponse:
    """List the months in which each client's work arrived."""
    found = [{"client": client, "months": queries.months(client)} for client in clients.clients()]
    return render(request, "billing/statements.html", {"found": found})


@_for_leaders
def statement(request: HttpRequest, slug: str, period: str) -> HttpResponse:
    """Show a month; each figure leads to its items."""
    made = forms.stated(_client(slug), period, now=clock.now())
    return render(request, "billing/statement.html", {"statement": made.printed, "link": request.path})


@_for_leaders
def paper(request: HttpRequest, slug: str, period: str) -> HttpResponse:
    """Give a month as PDF."""
    made = forms.stated(_client(slug), period, now=clock.now())
    name = f"statement-{slug}-{period}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(gateway.pdf(made.printed), content_type="application/pdf", headers=headers)


@_for_leaders
def items(request: HttpRequest, slug: str, period: str, figure: str) -> HttpResponse:
    """List what a figure counts, a page at a time."""
    subject = queries.subject(_client(slug), period, figure, now=clock.now())
    page = _page(request)
    first = (page - 1) * ITEMS_A_PAGE
    found = list(islice(queries.items_behind(subject), first, first + ITEMS_A_PAGE + 1))
    rows = [forms.worded_counted(item, subject.zone) for item in found[:ITEMS_A_PAGE]]
    more = page + 1 if len(found) > ITEMS_A_PAGE else None
    shown = {"subject": subject, "rows": rows, "page": page, "more": more, "slug": slug, "period": period}
    return render(request, "billing/items.html", shown)


@_for_leaders
def facts(request: HttpRequest, slug: str, period: str, figure: str, item: int) -> HttpResponse:
    """Show the facts of an item that a figure counts."""
    subject = queries.subject(_client(slug), period, figure, now=clock.now())
    if not queries.counts_item(subject, item):
        raise Http404(f"{subject.id} does not count {item}.")
    rows = [forms.worded_fact(fact, subject.zone) for fact in queries.facts_behind(subject, item)]
    shown = {"subject": subject, "rows": rows, "item": item, "slug": slug, "period": period}
    return render(request, "billing/facts.html", shown)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1
