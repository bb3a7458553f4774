"""The administration's pages: each declared action as a form, the table of permissions, the audit."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import wraps
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from workfloor.core.access import permissions
from workfloor.core.audit import queries as audit_queries
from workfloor.core.looks import actions as looks
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.people import queries as people_queries
from workfloor.core.people.middleware import Request
from workfloor.desks.console import action_forms
from workfloor.desks.console import forms as console_forms
from workfloor.desks.console import presenting as console_presenting
from workfloor.desks.console import queries as console_queries
from workfloor.desks.console.apps import ADMINISTRATION
from workfloor.kit import declarations
from workfloor.kit.database import rls
from workfloor.kit.text import spreadsheets
from workfloor.kit.time import clock

View = Callable[..., HttpResponseBase]
MOST_SHOWN: Final = 100
EXPORTED_AT_ONCE: Final = 500


def _for_who_administers(view: View) -> View:
    @login_required
    @wraps(view)
    def admitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        person = getattr(request, "person", None)
        if person is None or not ADMINISTRATION.roles.intersection(person.roles):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admitted


@require_GET
@_for_who_administers
def actions(request: Request) -> HttpResponse:
    """What somebody can change here, by subject."""
    may_audit = permissions.may(request.person, "audit.read")
    shown = {"subjects": console_queries.open_to(request.person), "may_audit": may_audit}
    return render(request, "console/actions.html", shown)


@require_http_methods(["GET", "POST"])
@_for_who_administers
def act(request: Request, name: str) -> HttpResponse:
    """An action as a form; what is to be chosen is what its person may see."""
    action = console_queries.declared().get(name)
    if action is None:
        raise Http404
    if not permissions.may(request.person, action.permission):
        raise PermissionDenied
    if request.person.is_a("administrator"):  # who clears people for any client; others see their own clients alone
        rls.enter_every_client()
    form = action_forms.form_of(action, request.POST if request.method == "POST" else None, request.GET.dict())
    if request.method == "POST" and (said := _done(action, form, request)):
        messages.success(request, said)
        return redirect("console:actions")
    status = 422 if form.errors else 200
    return render(request, "console/act.html", {"action": action, "form": form}, status=status)


def _done(action: declarations.Action, form: Any, request: Request) -> str | None:
    """Do it with what was sent; None where it cannot be, and the form says why at its place."""
    sent = {
        each.name: request.POST.getlist(each.name) if each.several else request.POST.get(each.name, "")
        for each in action.parameters
    }
    try:
        values = action.read(sent)
        with transaction.atomic():
            return action.told(values, action.perform(**values, by=request.person, now=clock.now()))
    except declarations.NotUnderstood as fault:
        for each in fault.faults:
            form.add_error(each.name if each.name in form.fields else None, each.words)
    except ValueError as refused:
        form.add_error(None, str(refused))
    return None


@require_GET
@_for_who_administers
def permissions_table(request: Request) -> HttpResponse:
    """Which role opens what."""
    roles = permissions.ROLES
    rows = [(each, [role in each.roles for role in roles]) for each in permissions.PERMISSIONS.values()]
    return render(request, "console/permissions.html", {"roles": roles, "rows": rows})


def _for_who_audits(view: View) -> View:
    @require_GET
    @_for_who_administers
    @wraps(view)
    def admitted(request: Request) -> HttpResponseBase:
        if not permissions.may(request.person, "audit.read"):
            raise PermissionDenied
        return view(request)

    return admitted


@_for_who_audits
def audit(request: Request) -> HttpResponse:
    """Who changed what, or who looked at personal data, a page at a time."""
    form = console_forms.Audit(request.GET)
    entries, earlier = [], ""
    if form.is_valid():
        entries = form.read()(form.asked(), MOST_SHOWN)
        if len(entries) == MOST_SHOWN:
            earlier = form.address(after=str(entries[-1].cursor))
    shown = {"form": form, "entries": entries, "earlier": earlier, "whole": form.address(after="")}
    return render(request, "console/audit.html", shown, status=200 if form.is_valid() else 422)


@_for_who_audits
def audit_export(request: Request) -> HttpResponseBase:
    """All that was asked for as CSV, which is written while it is read."""
    form = console_forms.Audit(request.GET)
    if not form.is_valid():
        return redirect(f"{reverse('console:audit')}?{request.GET.urlencode()}")
    looks_requests.note(request, looks.Seen(looks_models.EXPORT), by=request.person, now=clock.now())
    clients = people_queries.enterable(request.person)
    groups = audit_queries.every(form.asked(), EXPORTED_AT_ONCE, seen=form.is_of_looks)
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(_written(groups, clients), content_type="text/csv; charset=utf-8", headers=headers)


async def _written(groups: Iterator[list[audit_queries.Entry]], clients: Sequence[int]) -> AsyncIterator[str]:
    """The lines of an export. They are read outside the request's transaction, each group in one of its own."""
    yield spreadsheets.lines([console_presenting.HEADINGS])
    while group := await sync_to_async(_next)(groups, clients):
        yield spreadsheets.lines(console_presenting.row(each) for each in group)


def _next(groups: Iterator[list[audit_queries.Entry]], clients: Sequence[int]) -> list[audit_queries.Entry]:
    with transaction.atomic():
        rls.enter(*clients)
        return next(groups, [])
