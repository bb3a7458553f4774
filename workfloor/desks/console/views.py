"""The administration's pages: each declared action as a form, the table of permissions, the audit."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from workfloor.core.access import offering, permissions
from workfloor.core.people import queries as people_queries
from workfloor.core.people.middleware import Request
from workfloor.core.people.models import Person
from workfloor.desks.console import action_forms
from workfloor.desks.console import queries as console_queries
from workfloor.desks.console.apps import ADMINISTRATION
from workfloor.kit import declarations
from workfloor.kit.time import clock

View = Callable[..., HttpResponse]


def _for(admits: Callable[[Person], bool]) -> Callable[[View], View]:
    def only(view: View) -> View:
        @login_required
        @wraps(view)
        def admitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            person = getattr(request, "person", None)
            if person is None or not admits(person):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return admitted

    return only


def _administers(person: Person) -> bool:
    return bool(ADMINISTRATION.roles.intersection(person.roles))


def _may_do_something(person: Person) -> bool:
    """A client's own people may too: they claim, and decide claims."""
    return _administers(person) or bool(console_queries.open_to(person))


@require_GET
@_for(_may_do_something)
def actions(request: Request) -> HttpResponse:
    """What somebody can change here, by subject."""
    may_audit = permissions.may(request.person, "audit.read")
    shown = {
        "subjects": console_queries.open_to(request.person),
        "administers": _administers(request.person),
        "may_audit": may_audit,
    }
    return render(request, "console/actions.html", shown)


@require_http_methods(["GET", "POST"])
@_for(_may_do_something)
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
@_for(_administers)
def permissions_table(request: Request) -> HttpResponse:
    """Which role opens what."""
    roles = permissions.ROLES
    rows = [(each, [role in each.roles for role in roles]) for each in permissions.PERMISSIONS.values()]
    return render(request, "console/permissions.html", {"roles": roles, "rows": rows})


@require_GET
@_for(_administers)
def audit(request: Request) -> HttpResponse:
    """Who changed what."""
    if not permissions.may(request.person, "audit.read"):
        raise PermissionDenied
    who, event = (request.GET.get(name, "")[:100].replace("\x00", "") for name in ("who", "event"))
    try:
        until = datetime.fromisoformat(request.GET.get("until", ""))
    except ValueError:
        until = None
    rows = list(console_queries.audit(who=who, event=event, until=until if until and until.tzinfo else None))
    earlier = rows[-1].at.isoformat() if len(rows) == console_queries.MOST_SHOWN else ""
    return render(
        request, "console/audit.html", {"rows": rows, "asked": {"who": who, "event": event}, "earlier": earlier}
    )
