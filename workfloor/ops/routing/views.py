"""Why an item was offered to whom it was."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.looks.actions import Seen
from workfloor.core.people import queries as people_queries
from workfloor.core.people.middleware import Request
from workfloor.core.people.pages import opened_by
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.routing import explain


@require_GET
@opened_by("floor.see")
def why(request: Request, item_id: int) -> HttpResponse:
    """Show who could have had an item that the reader may see, and who could not and why."""
    item = work_queries.item(item_id)
    if item is None:
        raise Http404("No such item.")
    looks_requests.note(
        request, Seen(looks_models.ITEM, item.id, item.client_id, item.case_id), by=request.person, now=clock.now()
    )
    rls.enter_every_client()  # whether somebody had room depends on what else they had in hand, whoever's work it was
    try:
        found = explain.why(item_id, clock.now())
    except explain.NoReason as reason:
        return render(request, "routing/why.html", {"item": work_queries.item(item_id), "reason": str(reason)})
    finally:
        rls.enter(*people_queries.enterable(request.person))
    return render(request, "routing/why.html", {"item": found.item, "why": found, "rows": explain.worded(found)})
