"""The playbooks in force, for who leads."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.kit.time import clock
from workfloor.ops.channels.playbooks import queries as playbooks_queries


@require_GET
@opened_by("playbooks.read")
def playbooks(request: Request) -> HttpResponse:
    """Show each client's playbook, how often its rules were applied, its articles, and how they came to be."""
    shown = {"playbooks": playbooks_queries.shown(clock.now()), "days": playbooks_queries.LOOKS_BACK.days}
    return render(request, "playbooks/playbooks.html", shown)
