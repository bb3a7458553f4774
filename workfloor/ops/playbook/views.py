"""The playbooks in force, for who leads."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.core.people.views import Request
from workfloor.kit import clock
from workfloor.ops.playbook import queries
from workfloor.ops.playbook.apps import PlaybookConfig


@require_GET
@login_required
def playbooks(request: Request) -> HttpResponse:
    """Show each client's playbook, how often its rules were applied, its articles, and how they came to be."""
    person = getattr(request, "person", None)
    if person is None or not PlaybookConfig.place.roles.intersection(person.roles):
        raise PermissionDenied
    shown = {"playbooks": queries.shown(clock.now()), "days": queries.LOOKS_BACK.days}
    return render(request, "playbook/playbooks.html", shown)
