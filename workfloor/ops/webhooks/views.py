"""The pages of endpoints and of what is sent to them."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.kit.time import clock
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import forms as webhooks_forms
from workfloor.ops.webhooks import models as webhooks_models
from workfloor.ops.webhooks import queries as webhooks_queries
from workfloor.ops.webhooks import retries

ON_A_PAGE = 50
View = Callable[..., HttpResponse]


def _endpoint(endpoint_id: int) -> webhooks_models.Endpoint:
    found = webhooks_queries.endpoint(endpoint_id)
    if found is None:
        raise Http404
    return found


@opened_by("webhooks.set-up")
def endpoints(request: Request) -> HttpResponse:
    """List the endpoints with how they are, and add one; its secret is shown in the answer, and never again."""
    form = webhooks_forms.Endpoint(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made, secret = webhooks.add(
                client=said["client"],
                title=said["title"],
                url=said["url"],
                events=form.events(),
                by=request.person,
                now=clock.now(),
            )
        except webhooks.Refused as reason:
            form.add_error(None, str(reason))
        else:
            return _with_secret(request, made, secret)
    health = webhooks_queries.health(webhooks_queries.endpoints())
    return render(request, "webhooks/endpoints.html", {"health": health, "form": form})


def _with_secret(request: Request, endpoint: webhooks_models.Endpoint, secret: str) -> HttpResponse:
    """Show a secret in the answer to whoever asked for it, for no page can show it later."""
    response = render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret})
    response["Cache-Control"] = "no-store"
    return response


@require_GET
@opened_by("webhooks.set-up")
def deliveries(request: Request, endpoint_id: int) -> HttpResponse:
    """Show how an endpoint is, and what was or is to be sent to it, with each attempt."""
    endpoint = _endpoint(endpoint_id)
    state = request.GET.get("state", "")
    found = webhooks_queries.deliveries(endpoint, state if state in retries.STATES else "")
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    attempts = webhooks_queries.attempts(page.object_list)
    (health,) = webhooks_queries.health([endpoint])
    shown = {
        "endpoint": endpoint,
        "health": health,
        "rows": [(each, attempts[each.id]) for each in page.object_list],
        "page": page,
        "state": state,
        "states": [("", _("All")), *((each, _(each).capitalize()) for each in retries.STATES)],
    }
    return render(request, "webhooks/deliveries.html", shown)


def _deed(do: Callable[[webhooks_models.Endpoint, Request], str]) -> View:
    """Make a handler of what can be done with an endpoint: it leads back to its page and says there what came of it."""

    @require_POST
    @opened_by("webhooks.set-up")
    @wraps(do)
    def handler(request: Request, endpoint_id: int) -> HttpResponse:
        try:
            messages.success(request, do(_endpoint(endpoint_id), request))
        except webhooks.Refused as reason:
            messages.error(request, str(reason))
        if webhooks_queries.endpoint(endpoint_id) is None:
            return redirect("webhooks:endpoints")
        return redirect("webhooks:deliveries", endpoint_id)

    return handler


@_deed
def pause(endpoint: webhooks_models.Endpoint, request: Request) -> str:
    """Send nothing there for now."""
    webhooks.pause(endpoint=endpoint, by=request.person, now=clock.now())
    return _("Nothing is sent there until it is resumed. What happens meanwhile waits.")


@_deed
def resume(endpoint: webhooks_models.Endpoint, request: Request) -> str:
    """Send there again."""
    webhooks.resume(endpoint=endpoint, by=request.person, now=clock.now())
    return _("What waits is sent in a moment.")


@_deed
def send_test(endpoint: webhooks_models.Endpoint, request: Request) -> str:
    """Send an event that says nothing."""
    webhooks.send_test(endpoint=endpoint, by=request.person, now=clock.now())
    return _("A test event is sent in a moment. Reload this page to see what the receiver answers.")


@_deed
def remove(endpoint: webhooks_models.Endpoint, request: Request) -> str:
    """Tell it nothing any more."""
    webhooks.remove(endpoint=endpoint, by=request.person, now=clock.now())
    return _("{title} is told nothing any more.").format(title=endpoint.title)


@require_POST
@opened_by("webhooks.set-up")
def rotate(request: Request, endpoint_id: int) -> HttpResponse:
    """Show another secret, with which events are signed from now on."""
    endpoint = _endpoint(endpoint_id)
    try:
        secret = webhooks.rotate(endpoint=endpoint, by=request.person, now=clock.now())
    except webhooks.Refused as reason:  # it was removed meanwhile, or its secret cannot be sealed
        messages.error(request, str(reason))
        return redirect("webhooks:endpoints")
    return _with_secret(request, endpoint, secret)


@require_POST
@opened_by("webhooks.set-up")
def send_again(request: Request, delivery_id: int) -> HttpResponse:
    """Send an event once more."""
    delivery = webhooks_queries.delivery(delivery_id)
    if delivery is None:
        raise Http404
    try:
        webhooks.send_again(delivery=delivery, by=request.person, now=clock.now())
        messages.success(request, _("It is sent again in a moment, under the id that it has."))
    except webhooks.Refused as reason:
        messages.error(request, str(reason))
    return redirect("webhooks:deliveries", delivery.endpoint_id)
