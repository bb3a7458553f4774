"""What people choose for themselves: their language, and a password, by the link that they were sent or asked for."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workfloor.core.outgoing import queries as outgoing_queries
from workfloor.core.people import actions as people
from workfloor.core.people import gateway as people_gateway
from workfloor.core.people import own_account
from workfloor.core.people import queries as people_queries
from workfloor.core.people.forms import ForgottenForm
from workfloor.core.people.middleware import Request
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@never_cache
@require_http_methods(["GET", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail; the answer is the same for every address, and so is all that is done to give it."""
    form, status = ForgottenForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if people_gateway.may_ask_for_reset(request, form.cleaned_data["email"]):
                own_account.ask_for_reset(email=form.cleaned_data["email"])
                return redirect("people:asked")
            form.add_error(None, _("That was asked for too often from here. Try again in an hour."))
            status = 429
    return render(
        request, "people/forgotten.html", {"form": form, "missing": outgoing_queries.missing()}, status=status
    )


def otherwise(request: HttpRequest, rest: str) -> HttpResponse:
    """Whatever leads to another way of asking for a password leads to this one."""
    return redirect("people:forgotten")


def closed(request: HttpRequest, rest: str = "") -> HttpResponse:
    """What the library for signing in can do and is not done here, is not there."""
    raise Http404


@require_GET
def asked(request: HttpRequest) -> HttpResponse:
    """What whoever asked for a link is told, known or not."""
    return render(request, "people/asked.html", {"missing": outgoing_queries.missing()})


@never_cache
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Choose a password by a link, which is used only then: whatever looks at what is linked changes nothing."""
    rls.enter_every_client()  # whoever comes by a link has not signed in
    now = clock.now()
    given = request.POST if request.method == "POST" else request.GET
    link = people_queries.link(given.get("link", ""))
    if link is None or link.person.account is None:
        return render(request, "people/no_link.html", {"ended_by": "unknown"}, status=404)
    if link.ended_at is not None or link.ends_at <= now:
        return render(request, "people/no_link.html", {"ended_by": link.ended_by or "time"}, status=410)
    form = SetPasswordForm(link.person.account, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            own_account.choose_password(link=link, password=form.cleaned_data["new_password1"], now=now)
            return redirect("people:chosen")
        except people.Refused:  # in another tab, a moment ago
            return render(request, "people/no_link.html", {"ended_by": "used"}, status=410)
    shown = {"form": form, "link": given["link"], "email": link.person.account.email, "purpose": link.purpose}
    response = render(request, "people/choose.html", shown, status=422 if form.errors else 200)
    # What is asked for of the page is in no Referer; "no-referrer" would keep the form's origin back too.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


@require_GET
def chosen(request: HttpRequest) -> HttpResponse:
    """The password holds; whoever is signed in here as somebody else is told so."""
    return render(request, "people/chosen.html")


@login_required
@require_POST
def choose_language(request: Request) -> HttpResponse:
    """Speak the chosen language from now on, beginning with the page that it was chosen on."""
    if request.person is not None:
        try:
            own_account.choose_language(language=request.POST.get("language", ""), by=request.person, now=clock.now())
        except people.Refused as refused:
            raise BadRequest(str(refused)) from refused
    came_from = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return redirect(came_from if is_ours else "home")
