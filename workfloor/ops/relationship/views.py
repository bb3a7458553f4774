"""The page of a review, its paper, and what lies ahead."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from workfloor.core.access import offering
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.kit.time import clock
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements
from workfloor.ops.relationship import gateway as relationship_gateway
from workfloor.ops.relationship import presenting as relationship_presenting
from workfloor.ops.relationship import queries as relationship_queries
from workfloor.ui import kept_words

View = Callable[..., HttpResponse]
_ON_THE_PAGE = gettext_noop("It is simulated on the page of this review, and by workfloor review.")


def _of_reviews(view: View) -> View:
    """Show something of a review; a month that cannot be stated is not found, with the reason."""

    @require_GET
    @opened_by("reviews.read")
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except statements.NoStatement as reason:
            raise Http404(str(reason)) from reason

    return shown


def _client(slug: str) -> Client:
    found = clients_queries.by_slug(slug)
    if found is None:
        raise Http404(_("No such client."))
    return found


@_of_reviews
def reviews(request: HttpRequest) -> HttpResponse:
    """List the months of each client that can be gone through."""
    found = [{"client": client, "months": statements.months(client)} for client in clients_queries.clients()]
    return render(request, "relationship/reviews.html", {"found": found})


@_of_reviews
def review(request: Request, slug: str, period: str) -> HttpResponse:
    """Show a month as it is gone through with the client."""
    found = relationship_queries.review(_client(slug), period, now=clock.now())
    found = replace(found, worded=kept_words.translated_within(found.worded, but=billing_presenting.NAMES))
    agreeing = ("relationship.agree", "relationship.finish")
    shown = {
        "review": relationship_presenting.printed(found, None),
        "period": period,
        "link": request.path,
        "offers": offering.offers(request.person, *agreeing, back=request.path, client=slug),
    }
    return render(request, "relationship/review.html", shown)


@_of_reviews
def paper(request: HttpRequest, slug: str, period: str) -> HttpResponse:
    """Give a review as PDF, without what lies ahead: nobody waits for a simulation here."""
    found = relationship_queries.review(_client(slug), period, now=clock.now())
    headers = {"Content-Disposition": f'attachment; filename="review-{slug}-{period}.pdf"'}
    with translation.override(None):  # a paper for the client is in English
        made = relationship_gateway.pdf(relationship_presenting.printed(found, None, _ON_THE_PAGE))
    return HttpResponse(made, content_type="application/pdf", headers=headers)


@_of_reviews
def ahead(request: HttpRequest, slug: str, period: str) -> HttpResponse:
    """Simulate the four weeks after a month; the part of the page alone where that asks for it."""
    client, nothing = _client(slug), relationship_presenting.NOTHING
    try:
        outlook = relationship_queries.outlook(client, period)
        currency = contracts_queries.in_force(client.id, clock.now()).contract.currency if outlook else ""
    except (relationship_queries.NotSimulated, ValueError, contracts_queries.NoContract) as reason:
        outlook, currency, nothing = None, "", str(reason)
    shown = {
        "ahead": relationship_presenting.ahead(outlook, currency) if outlook else None,
        "nothing": _(nothing),
        "slug": slug,
    }
    shown |= {"period": period}
    part = "relationship/_ahead.html" if request.headers.get("HX-Request") and outlook else "relationship/ahead.html"
    return render(request, part, shown)
