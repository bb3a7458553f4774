"""The pages of closing: each client's months with their state, who may propose and approve them, and disputes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workfloor.core.clients import queries as known
from workfloor.core.clients.models import Client
from workfloor.core.people.models import Person
from workfloor.core.people.views import Request
from workfloor.core.periods import queries as periods
from workfloor.kit import clock
from workfloor.ops.billing.queries import NoStatement
from workfloor.ops.closing import actions, forms, rules
from workfloor.ops.closing.apps import ClosingConfig

View = Callable[..., HttpResponse]


def _admitted(view: View) -> View:
    """Only for the roles that closing is open to."""

    @login_required
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = getattr(request, "person", None)
        if person is None or not ClosingConfig.place.roles.intersection(person.roles):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return shown


def _raising(view: View) -> View:
    """Only for those who may hold a figure to be wrong: the client's own people, and staff for it."""

    @login_required
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        person = getattr(request, "person", None)
        if person is None or not rules.RAISERS.intersection(person.roles):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return shown


def _client(slug: str) -> Client:
    found = known.by_slug(slug)
    if found is None:
        raise Http404("No such client.")
    return found


@require_GET
@_admitted
def clients(request: HttpRequest) -> HttpResponse:
    """List the clients, each with how far it is closed."""
    found = [{"client": each, **forms.summary(each)} for each in known.clients()]
    return render(request, "closing/clients.html", {"found": found})


@require_GET
@_admitted
def months(request: Request, slug: str) -> HttpResponse:
    """Show a client's months, disputes and adjustments."""
    client = _client(slug)
    return render(request, "closing/months.html", {"client": client, **forms.months(client, request.person)})


def _step(do: Callable[[Client, str, Person, HttpRequest], str]) -> View:
    """Make a handler of one step of closing: it leads back to the months and says there what came of it."""

    @require_POST
    @_admitted
    @wraps(do)
    def handler(request: Request, slug: str, period: str) -> HttpResponse:
        client = _client(slug)
        try:
            with transaction.atomic():
                messages.success(request, do(client, period, request.person, request))
        except (actions.Refused, NoStatement) as reason:
            messages.error(request, str(reason))
        return redirect("closing:months", slug)

    return handler


@_step
def propose(client: Client, period: str, by: Person, request: HttpRequest) -> str:
    """Propose to close a month."""
    actions.propose(client=client, period=period, by=by, now=clock.now())
    return f"{period} is proposed. Somebody else approves it."


@_step
def approve(client: Client, period: str, by: Person, request: HttpRequest) -> str:
    """Close a month as it was proposed."""
    actions.approve(client=client, period=period, by=by, now=clock.now())
    return f"{period} is closed."


@_step
def reopen(client: Client, period: str, by: Person, request: HttpRequest) -> str:
    """Take a proposal back."""
    actions.reopen(client=client, period=period, reason=request.POST.get("reason", ""), by=by, now=clock.now())
    return f"{period} is open again."


@require_http_methods(["GET", "POST"])
@_raising
def dispute(request: Request, slug: str, period: str) -> HttpResponse:
    """Ask which figure of a month is wrong, and hold it to be; what was disputed already stands below."""
    client = _client(slug)
    close = periods.close(client.id, period)
    if close is None:
        raise Http404(f"{period} is open: its figures still follow the facts. Dispute them once they are proposed.")
    form = forms.DisputeForm(close, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            with transaction.atomic():
                made = actions.raise_dispute(
                    client=client, period=period, by=request.person, now=clock.now(), **form.cleaned_data
                )
        except actions.Refused as reason:
            form.add_error(None, str(reason))
        else:
            messages.success(request, f"Dispute {made.id} is raised. Somebody else decides it.")
            return redirect("closing:dispute", slug, period)
    shown = {"client": client, "period": period, "form": form, "disputes": forms.disputed(client, period)}
    return render(request, "closing/dispute.html", shown)
