"""The pages of invoices: all of them, one with its lines leading to their items, and its documents."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from workfloor.core.clients import queries as clients
from workfloor.ops.invoicing import forms, gateway, queries
from workfloor.ops.invoicing.apps import InvoicingConfig
from workfloor.ops.invoicing.models import Invoice

View = Callable[..., HttpResponse]


def _admitted(view: View) -> View:
    """Only for the roles that invoices are open to."""

    @require_GET
    @login_required
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = getattr(request, "person", None)
        if person is None or not InvoicingConfig.place.roles.intersection(person.roles):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return shown


def _known(slug: str, number: str) -> Invoice:
    client = clients.by_slug(slug)
    found = queries.named(client.id, number) if client else None
    if found is None:
        raise Http404(f"There is no invoice {number}.")
    return found


@_admitted
def invoices(request: HttpRequest) -> HttpResponse:
    """List what was issued to each client."""
    found = [
        {"client": client, "rows": [forms.worded_row(each) for each in queries.invoices(client.id)]}
        for client in clients.clients()
    ]
    return render(request, "invoicing/invoices.html", {"found": found})


@_admitted
def invoice(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Show an invoice; its lines lead to the items that they count."""
    made = _known(slug, number)
    printed = forms.printed(forms.read(made.value))
    for row in [*printed["lines"], *printed["allowances"]]:
        row["address"] = _address(row["opens"])
    shown = {"invoice": printed, "row": forms.worded_row(made), "made": made, "slug": slug}
    return render(request, "invoicing/invoice.html", shown)


def _address(opens: str) -> str:
    client, _, rest = opens.partition("/")
    period, _, figure = rest.partition("/")
    return reverse("billing:items", args=[client, period, figure]) if figure else ""


@_admitted
def paper(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as PDF."""
    made = _known(slug, number)
    return _given(gateway.pdf(forms.printed(forms.read(made.value))), "application/pdf", f"{made.name}.pdf")


@_admitted
def facturx(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as PDF with its document for systems inside."""
    made = _electronic(slug, number)
    written = gateway.pdf(forms.printed(forms.read(made.value)), made.cii.encode())
    return _given(written, "application/pdf", f"{made.name}-factur-x.pdf")


@_admitted
def ubl(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as UBL."""
    made = _electronic(slug, number)
    return _given(made.ubl.encode(), "application/xml", f"{made.name}-ubl.xml")


@_admitted
def cii(request: HttpRequest, slug: str, number: str) -> HttpResponse:
    """Give an invoice as CII."""
    made = _electronic(slug, number)
    return _given(made.cii.encode(), "application/xml", f"{made.name}-cii.xml")


def _electronic(slug: str, number: str) -> Invoice:
    made = _known(slug, number)
    if not made.ubl:
        raise Http404(f"{made.name} was issued on paper alone.")
    return made


def _given(written: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        written, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )  # fmt: skip
