"""The administration's pages: each declared action as a form, the table of permissions, the audit."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from workfloor.core.access import permissions
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.desks.console import action_forms
from workfloor.desks.console import presenting as console_presenting
from workfloor.desks.console import queries as console_queries
from workfloor.kit import declarations
from workfloor.kit.database import rls
from workfloor.kit.time import clock

View = Callable[..., HttpResponse]


@require_GET
@opened_by("administration.see")
def actions(request: Request) -> HttpResponse:
    """What somebody can change here, by subject."""
    may_audit = permissions.may(request.person, "audit.read")
    shown = {"subjects": console_queries.open_to(request.person), "may_audit": may_audit}
    return render(request, "console/actions.html", shown)


@require_http_methods(["GET", "POST"])
@opened_by("administration.see")
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
@opened_by("administration.see")
def permissions_table(request: Request) -> HttpResponse:
    """Which role opens what."""
    roles = permissions.ROLES
    rows = [
        (each, [(role, role in each.roles) for role in roles], console_presenting.others(each))
        for each in permissions.PERMISSIONS.values()
    ]
    return render(request, "console/permissions.html", {"roles": roles, "rows": rows})


@require_GET
@opened_by("audit.read")
def audit(request: Request) -> HttpResponse:
    """Who changed what."""
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
