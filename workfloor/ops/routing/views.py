"""Why an item was offered to whom it was."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from workfloor.core.people import queries as people_queries
from workfloor.core.people.middleware import Request
from workfloor.core.work import queries as work_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.routing import explain

LEADERS = {"leader", "planner", "manager"}


@require_GET
@login_required
def why(request: Request, item_id: int) -> HttpResponse:
    """Show who could have had an item that the reader may see, and who could not and why."""
    if request.person is None or LEADERS.isdisjoint(request.person.roles):
        raise PermissionDenied
    if work_queries.item(item_id) is None:
        raise Http404(_("No such item."))
    rls.enter_every_client()  # whether somebody had room depends on what else they had in hand, whoever's work it was
    try:
        found = explain.why(item_id, clock.now())
    except explain.NoReason as reason:
        return render(request, "routing/why.html", {"item": work_queries.item(item_id), "reason": str(reason)})
    finally:
        rls.enter(*people_queries.enterable(request.person))
    return render(request, "routing/why.html", {"item": found.item, "why": found, "rows": explain.worded(found)})
