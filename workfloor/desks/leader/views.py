"""The leader's page; one queue, one person and one item as a leader looks into them, and what is pressed there."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workfloor.core.access import permissions
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.looks.actions import Seen
from workfloor.core.people import actions as people
from workfloor.core.people import granting
from workfloor.core.people.middleware import Request
from workfloor.core.people.models import Person
from workfloor.core.people.pages import opened_by
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.team_messages import queries as team_messages_queries
from workfloor.core.work import actions as work
from workfloor.core.work import joining, lifecycle, roles, supervising
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.desks.leader import crew_queries, detail_queries, thresholds
from workfloor.desks.leader import failures as leader_failures
from workfloor.desks.leader import forms as leader_forms
from workfloor.desks.leader import queries as leader_queries
from workfloor.kit.time import clock
from workfloor.kit.web import limits

View = Callable[..., HttpResponse]
MOST_ON_A_WALL = 8
MOST_QUEUES = 40  # in the table, before somebody asks for all


@require_GET
@opened_by("floor.see")
def floor(request: Request) -> HttpResponse:
    client_id, site_id = number(request, "client"), number(request, "site")
    state = request.GET.get("state", "")
    state = state if state in thresholds.STATES else ""
    every = "every" in request.GET
    shown = leader_queries.floor(request.person, client_id, site_id, clock.now(), state, every=every)
    busy = shown.busy if request.GET.get("queues") == "all" else shown.busy[:MOST_QUEUES]
    chosen = {"client_id": client_id, "site_id": site_id, "state": state, "shows_quiet": "quiet" in request.GET}
    said = {
        "busy": busy,
        "busy_left_out": len(shown.busy) - len(busy),
        "received": team_messages_queries.unread(request.person),
        "sent": team_messages_queries.sent(request.person, clock.now()),
        "may_send": permissions.may(request.person, "team-messages.send"),
    }
    return render(request, "leader/floor.html", {"floor": shown, **chosen, **said, **may_answer(request)})


@require_GET
@opened_by("floor.see")
def wallboard(request: Request) -> HttpResponse:
    """The floor for a screen on a wall: the queues at risk, as many as can be read from afar."""
    client_id, site_id = number(request, "client"), number(request, "site")
    found = leader_queries.floor(request.person, client_id, site_id, clock.now())
    chosen = [each.title for each in found.clients if each.id == client_id]
    chosen += [each.name for each in found.sites if each.id == site_id]
    shown = found.busy[:MOST_ON_A_WALL]
    left_out = len(found.busy) - len(shown)
    board = {"floor": found, "shown": shown, "left_out": left_out, "chosen": ", ".join(chosen)}
    return render(request, "leader/wallboard.html", board)


@require_GET
@opened_by("floor.see")
def satisfaction(request: Request) -> HttpResponse:
    """What visitors said of the chats of the last days, by queue and agent."""
    return render(request, "leader/satisfaction.html", {"answered": leader_queries.answered(clock.now())})


def may_answer(request: Request) -> dict[str, bool]:
    """Whether whoever looks may answer calls for help."""
    return {"may_answer": permissions.may(request.person, "escalations.handle")}


@require_GET
@opened_by("floor.see")
def item(request: Request, item_id: int) -> HttpResponse:
    looked_at = detail_queries.looked_at(request.person, item_id, clock.now())
    if looked_at is None:
        raise Http404
    item = looked_at.item
    looks_requests.note(
        request, Seen(looks_models.ITEM, item.id, item.client_id, item.case_id), by=request.person, now=clock.now()
    )
    return render(request, "leader/item.html", {"looked_at": looked_at, "item": looked_at.item} | may_answer(request))


@require_GET
@opened_by("floor.see")
def queue(request: Request, queue_id: int) -> HttpResponse:
    """What waits in one queue, in line, and who has what of it."""
    looked_into = detail_queries.looked_into(request.person, queue_id, clock.now())
    if looked_into is None:
        raise Http404
    return render(request, "leader/queue.html", {"looked_into": looked_into, "queue": looked_into.queue})


@require_GET
@opened_by("floor.see")
def person(request: Request, person_id: int) -> HttpResponse:
    """One agent's state, skills, work and day."""
    looked_up = detail_queries.looked_up(request.person, person_id, clock.now())
    if looked_up is None:
        raise Http404
    return render(request, "leader/person.html", {"looked_up": looked_up, "agent": looked_up.person})


# --- what is pressed ---------------------------------------------------------------------------------------------


class Faulty(Exception):
    """A form was filled in wrongly."""


def entered(form: Form) -> dict[str, Any]:
    """What was entered, if it is right; raises Faulty."""
    if not form.is_valid():
        raise Faulty(" ".join(str(error) for errors in form.errors.values() for error in errors))
    return form.cleaned_data


def press(do: Callable[..., object]) -> View:
    """Make a handler of something that a leader does: 422 at its form for a wrong entry, 409 with the reason else."""

    @require_POST
    @opened_by("floor.see")
    @wraps(do)
    def handler(request: Request, **kwargs: int) -> HttpResponse:
        try:
            answered = do(request, **kwargs)
        except Faulty as fault:
            return render(request, "ui/_refused.html", {"text": str(fault)}, status=422)
        except (work.Refused, lifecycle.NotNow, permissions.Refused) as reason:
            response = render(request, "ui/_notice.html", {"text": str(reason), "kind": "warning"}, status=409)
            response.headers["HX-Retarget"] = "#notice"
            return response
        if isinstance(answered, HttpResponse):
            return answered
        return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("leader:floor")

    return handler


def the_item(item_id: int) -> Item:
    """The item, if it is inside the wall."""
    found = work_queries.item(item_id)
    if found is None:
        raise Http404
    return found


@press
def monitor(request: Request, item_id: int) -> None:
    found = the_item(item_id)
    if roles.part_of(found.beside, request.person.id) is None:
        joining.monitor(item=found, by=request.person, now=clock.now())


@press
def stop_monitoring(request: Request, item_id: int) -> None:
    found = the_item(item_id)
    part = roles.part_of(found.beside, request.person.id)
    if part and part["role"] == roles.MONITOR:
        joining.leave(item=found, by=request.person, now=clock.now())


@press
def end(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Press(request.POST))
    supervising.end(item=found, by=request.person, now=clock.now(), **given)


@press
def wrap_up(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.WrapUp(request.POST))
    supervising.wrap_up(item=found, by=request.person, now=clock.now(), **given)


@press
def answer_call(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Answer(request.POST))
    supervising.answer(item=found, by=request.person, now=clock.now(), **given)


@press
def put_back(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Noted(request.POST))
    supervising.put_back(item=found, by=request.person, now=clock.now(), **given)


@press
def assign(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Assign(request.POST))
    supervising.assign(item=found, by=request.person, now=clock.now(), **given)


@press
def take_over(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Press(request.POST))
    supervising.take_over(item=found, by=request.person, now=clock.now(), **given)


@press
def cancel(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Cancel(request.POST))
    supervising.cancel(item=found, by=request.person, now=clock.now(), **given)


@press
def customer_answered(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Press(request.POST))
    supervising.customer_answered(item=found, by=request.person, now=clock.now(), **given)


@press
def answer(request: Request, item_id: int) -> HttpResponse:
    """Take an item over and go on with it at one's own desk, where it is answered."""
    found, given = the_item(item_id), entered(leader_forms.Press(request.POST))
    supervising.take_over(item=found, by=request.person, now=clock.now(), **given)
    return HttpResponse(status=204, headers={"HX-Redirect": f"{reverse('agent:desk')}?item={item_id}"})


@press
def prioritise(request: Request, item_id: int) -> None:
    found, given = the_item(item_id), entered(leader_forms.Priority(request.POST))
    supervising.prioritise(item=found, by=request.person, now=clock.now(), **given)


@press
def key_twice(request: Request, item_id: int) -> None:
    joining.ask_second_keying(item=the_item(item_id), by=request.person, now=clock.now())


@press
def key_once(request: Request, item_id: int) -> None:
    joining.call_off_second_keying(item=the_item(item_id), by=request.person, now=clock.now())


@press
def set_state(request: Request, person_id: int) -> None:
    """Set somebody else's state; what they have in hand goes back to its queues where that is said."""
    looked_up = detail_queries.looked_up(request.person, person_id, clock.now())
    if looked_up is None:
        raise Http404
    given = entered(leader_forms.State(request.POST))
    hand_back, now = given.pop("hand_back"), clock.now()
    people.set_state(person=looked_up.person, by=request.person, now=now, **given)
    for each in looked_up.items if hand_back else ():
        if each.state in ("offered", "held"):
            supervising.put_back(item=each, by=request.person, now=now)


@press
def message_floor(request: Request) -> None:
    """Write to whoever is at work, of the client and the site that the page shows."""
    given, client_id, site_id = (
        entered(leader_forms.Message(request.POST)),
        number(request, "client"),
        number(request, "site"),
    )
    to = crew_queries.at_work(client_id, site_id)
    team_messages.send(to=to, text=given["text"], by=request.person, now=clock.now())


@press
def message_person(request: Request, person_id: int) -> None:
    to, given = the_agent(request, person_id), entered(leader_forms.Message(request.POST))
    team_messages.send(to=[to], text=given["text"], by=request.person, now=clock.now())


@press
def whisper(request: Request, item_id: int) -> None:
    """Write to the agent of a contact that one monitors."""
    found, given = the_item(item_id), entered(leader_forms.Message(request.POST))
    team_messages.whisper(item=found, text=given["text"], by=request.person, now=clock.now())


@require_GET
@opened_by("team-messages.send")
def message(request: Request, team_message_id: int) -> HttpResponse:
    """Who has read what one wrote."""
    found = team_messages_queries.own(request.person, team_message_id)
    if found is None:
        raise Http404
    shown = {"message": found, "receipts": team_messages_queries.receipts(found)}
    return render(request, "leader/message.html", {**shown, "zone": leader_queries.zone_of(request.person)})


@press
def move(request: Request, person_id: int) -> None:
    """Let somebody get work of another queue for some hours."""
    agent, given, now = the_agent(request, person_id), entered(leader_forms.Move(request.POST)), clock.now()
    ends_at = now + timedelta(hours=given["hours"])
    supervising.move(person=agent, queue=given["queue"], ends_at=ends_at, by=request.person, now=now)


@press
def end_move(request: Request, person_id: int) -> None:
    granting.end_grants(person=the_agent(request, person_id), by=request.person, now=clock.now())


def the_agent(request: Request, person_id: int) -> Person:
    """The agent, if they work for a client of whoever asks."""
    looked_up = detail_queries.looked_up(request.person, person_id, clock.now())
    if looked_up is None:
        raise Http404
    return looked_up.person


@require_http_methods(["GET", "POST"])
@opened_by("failures.handle")
def failures(request: Request) -> HttpResponse:
    """What failed and was left out, and a way to have it tried again or dropped."""
    if request.method == "POST":
        name, drops = request.POST.get("name", ""), request.POST.get("do") == "drop"
        try:
            if drops:
                leader_failures.drop(name, request.person, clock.now())
            else:
                leader_failures.run_again(name, request.person, clock.now())
            messages.success(request, _("It is dropped.") if drops else _("It is tried again in a moment."))
        except leader_failures.Gone:
            messages.error(request, _("That is not here any more."))
        except permissions.Refused as refused:
            messages.error(request, str(refused))
        return redirect("leader:failures")
    return render(request, "leader/failures.html", {"shown": leader_failures.shown(request.person, clock.now())})


def number(request: HttpRequest, name: str) -> int | None:
    """Read a number from the address; anything else counts as not given."""
    return limits.number(request.GET.get(name, ""))
