"""What visitors' pages call to have a copy of their chat by mail."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from workfloor.kit import clock
from workfloor.ops.channels.chat import api as chats
from workfloor.ops.channels.chat import forms as chat_forms
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import rules as chat
from workfloor.ops.channels.transcripts import actions, queries


@chats.call("GET", "POST")
def transcript(request: HttpRequest) -> HttpResponse:
    """GET: whether a copy can be had, and to which address the visitor would likely want it. POST: have it sent."""
    found = chat_queries.chats().select_related("widget__client", "widget__queue").get(id=chats.own_chat(request).id)
    if request.method == "GET":
        questions = chat_queries.settings(found.widget).questions
        likely = chat.answer_of("email", questions, found.answers)
        return JsonResponse({"offered": queries.mailbox(found) is not None, "to": likely})
    sent = chat_forms.sent(request.body)
    made = actions.send(
        chat=found, to=sent.get("to", ""), key=chat.key(sent.get("id")), address=chats.network(request),
        zone=sent.get("zone"), now=clock.now(),
    )  # fmt: skip
    return JsonResponse({"to": made.message.recipients[0]["address"]})
