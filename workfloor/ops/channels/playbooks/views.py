"""The playbooks in force, for who leads."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.core.people.middleware import Request
from workfloor.kit.time import clock
from workfloor.ops.channels.playbooks import queries as playbooks_queries
from workfloor.ops.channels.playbooks.apps import PLAYBOOKS


@require_GET
@login_required
def playbooks(request: Request) -> HttpResponse:
    """Show each client's playbook, how often its rules were applied, its articles, and how they came to be."""
    person = getattr(request, "person", None)
    if person is None or not PLAYBOOKS.roles.intersection(person.roles):
        raise PermissionDenied
    shown = {"playbooks": playbooks_queries.shown(clock.now()), "days": playbooks_queries.LOOKS_BACK.days}
    return render(request, "playbooks/playbooks.html", shown)
