"""The administration's pages: each declared action as a form, the table of permissions, the audit."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from workfloor.core.access import offering, permissions
from workfloor.core.audit import queries as audit_queries
from workfloor.core.looks import actions as looks
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.outgoing import queries as outgoing_queries
from workfloor.core.people import queries as people_queries
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.desks.console import action_forms
from workfloor.desks.console import forms as console_forms
from workfloor.desks.console import presenting as console_presenting
from workfloor.desks.console import queries as console_queries
from workfloor.kit import declarations
from workfloor.kit.database import rls
from workfloor.kit.text import spreadsheets
from workfloor.kit.time import clock

MOST_SHOWN: Final = 100
EXPORTED_AT_ONCE: Final = 500


@require_GET
@opened_by("administration.see")
def actions(request: Request) -> HttpResponse:
    """What somebody can change here, by subject."""
    shown = {
        "subjects": console_queries.open_to(request.person),
        "may_audit": permissions.may(request.person, "audit.read"),
        "may_invite": permissions.may(request.person, "people.invite"),
    }
    return render(request, "console/actions.html", shown)


@require_GET
@opened_by("people.invite")
def people_on_file(request: Request) -> HttpResponse:
    """Who is with us and how they get in: what became of invitations, and of the mail that they went by."""
    if request.person.is_a("administrator"):
        rls.enter_every_client()
    shown = {
        "rows": console_queries.people_on_file(clock.now()),
        "missing": outgoing_queries.missing(),
        "may_send": permissions.may(request.person, "people.send-link"),
    }
    return render(request, "console/people.html", shown)


@require_http_methods(["GET", "POST"])
@opened_by("administration.see")
def act(request: Request, name: str) -> HttpResponse:
    """An action as a form; what is to be chosen is what its person may see."""
    action = console_queries.declared().get(name)
    if action is None:
        raise Http404
    if not permissions.may(request.person, action.permission):
        raise PermissionDenied
    people_queries.enter_for(request.person, action.permission)
    sent, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = action_forms.form_of(action, sent, files, request.GET.dict())
    back = _back(request)
    if request.method == "POST" and (said := _done(action, form, request)):
        messages.success(request, said)
        return redirect(back)
    status = 422 if form.errors else 200
    return render(request, "console/act.html", {"action": action, "form": form, "back": back}, status=status)


def _back(request: HttpRequest) -> str:
    """The page of ours that led here, or the list of actions."""
    asked = request.GET.get(offering.BACK, "")
    is_ours = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if is_ours else reverse("console:actions")


def _done(action: declarations.Action, form: Any, request: Request) -> str | None:
    """Do it with what was sent; None where it cannot be, and the form says why at its place."""
    try:
        values = action.read({each.name: _sent(each, request) for each in action.parameters})
        with transaction.atomic():
            return action.done_from_afar(values, by=request.person, now=clock.now())[0]
    except declarations.NotUnderstood as fault:
        for each in fault.faults:
            form.add_error(each.name if each.name in form.fields else None, each.words)
    except ValueError as refused:
        for line in str(refused).splitlines():  # of a file: each fault with its line
            form.add_error(None, line)
    return None


def _sent(each: declarations.Parameter, request: Request) -> object:
    if each.is_file:
        handed = request.FILES.get(each.name)
        return declarations.File(handed.name or "", handed.read(each.largest + 1)) if handed else None
    return request.POST.getlist(each.name) if each.several else request.POST.get(each.name, "")


@require_GET
@opened_by("administration.see")
def permissions_table(request: Request) -> HttpResponse:
    """Which role opens what."""
    roles = permissions.ROLES
    rows = [
        (each, [role in each.roles for role in roles], console_presenting.others(each))
        for each in permissions.PERMISSIONS.values()
    ]
    return render(request, "console/permissions.html", {"roles": roles, "rows": rows})


@require_GET
@opened_by("audit.read")
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


@require_GET
@opened_by("audit.read")
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
