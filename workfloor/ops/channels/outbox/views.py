"""What can be done with a reply that did not arrive."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from workfloor.core.conversations import queries as conversations
from workfloor.core.conversations.rules import NotNow
from workfloor.core.people.views import Request
from workfloor.kit import clock
from workfloor.ops.channels.email.views import for_leaders
from workfloor.ops.channels.outbox import actions


@require_POST
@for_leaders
def again(request: Request, message_id: int) -> HttpResponse:
    """Try once more to deliver a reply."""
    message = conversations.message(message_id)
    if message is None:
        raise Http404
    try:
        actions.send_again(message=message, by=request.person, now=clock.now())
        messages.success(request, "The reply is sent again in a moment.")
    except NotNow as reason:
        messages.error(request, str(reason))
    return redirect("email:mail")
