"""The agent's desk, and one handler for each thing an agent does there.

A deed that worked answers 204 and the page reads itself again; a wrong entry answers 422 at its form; a deed that
came too late answers 409 with the reason at the head of the page.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import File, NotNow
from workfloor.core.conversations.models import Message
from workfloor.core.looks import models as looks_models
from workfloor.core.looks import requests as looks_requests
from workfloor.core.looks.actions import Seen
from workfloor.core.people import actions as people
from workfloor.core.people import own_account
from workfloor.core.people.middleware import Request
from workfloor.core.people.models import Person
from workfloor.core.people.pages import opened_by
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.team_messages import queries as team_messages_queries
from workfloor.core.work import actions as work
from workfloor.core.work import joining, lifecycle, roles
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.desks.agent import day_queries, mail_queries
from workfloor.desks.agent import forms as agent_forms
from workfloor.desks.agent import queries as agent_queries
from workfloor.kit.time import clock
from workfloor.kit.web import limits
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat import visitors, widget_file
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.channels.email import envelope, writing
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks import queries as playbooks_queries
from workfloor.ops.channels.playbooks.rules import Macro

View = Callable[..., HttpResponse]
MOST_ARTICLES: Final = 50  # of a process, beside its work


class Faulty(Exception):
    """A form was filled in wrongly."""


def deed(do: Callable[..., object]) -> View:
    """Make a handler of something that an agent does; its refusals become answers."""

    @require_POST
    @opened_by("work.handle")
    @wraps(do)
    def handler(request: Request, **kwargs: int) -> HttpResponse:
        try:
            answer = do(request, **kwargs)
        except Faulty as fault:
            return refused(request, str(fault), 422)
        except envelope.Faulty as fault:
            return refused(request, str(fault), 422, fault.field)
        except visitors.Refused as fault:
            return refused(request, widget_file.worded(fault), 422)
        except (conversations.Refused, chats.Refused) as fault:
            return refused(request, str(fault), 422)
        except (work.Refused, lifecycle.NotNow, people.Refused) as reason:
            return too_late(request, str(reason))
        if isinstance(answer, HttpResponse):
            return answer
        return HttpResponse(status=204) if is_htmx(request) else redirect("agent:desk")

    return handler


def is_htmx(request: HttpRequest) -> bool:
    """Whether the page asks, and not the browser by itself."""
    return "HX-Request" in request.headers


def refused(request: HttpRequest, text: str, status: int, field: str = "") -> HttpResponse:
    """Say at its place what is wrong: at a field of the form, where one is named."""
    return render(request, "ui/_refused.html", {"text": text, "field": field}, status=status)


def too_late(request: HttpRequest, text: str) -> HttpResponse:
    """Say at the head of the page that things have moved on; the page reads itself again."""
    response = render(request, "ui/_notice.html", {"text": text, "kind": "warning"}, status=409)
    response.headers["HX-Retarget"] = "#notice"
    return response


def the_item(item_id: int) -> Item:
    """The item, if it is inside the wall."""
    item = work_queries.item(item_id)
    if item is None:
        raise Http404
    return item


def checked(form: Form) -> dict[str, Any]:
    """What was entered, if it is right."""
    if not form.is_valid():
        raise Faulty(" ".join(str(error) for errors in form.errors.values() for error in errors))
    return form.cleaned_data


@require_GET
@opened_by("work.handle")
def desk(request: Request) -> HttpResponse:
    chosen = request.GET.get("item", "")
    shown = agent_queries.desk(request.person, limits.number(chosen), clock.now())
    if shown.opened:
        looks_requests.note(request, seen_of(shown.opened.item), by=request.person, now=clock.now())
    received = team_messages_queries.unread(request.person)
    return render(request, "agent/desk.html", {"desk": shown, "received": received})


@require_GET
@opened_by("work.handle")
def hands(request: Request) -> HttpResponse:
    """What is in hand, by itself, for a desk that was told of a message."""
    found = agent_queries.in_hand(request.person, limits.number(request.GET.get("item", "")))
    return render(request, "agent/_hands.html", {"hands": found})


@require_GET
@opened_by("work.handle")
def day(request: Request) -> HttpResponse:
    """What somebody's day came to so far, and their shifts."""
    return render(request, "agent/day.html", {"day": day_queries.my_day(request.person, clock.now())})


def seen_of(item: Item) -> Seen:
    """What the desk shows of an item: its content, its customer and what was said."""
    return Seen(looks_models.ITEM, item.id, item.client_id, item.case_id)


@require_http_methods(["GET", "POST"])
@opened_by("work.handle")
def talk(request: Request, item_id: int) -> HttpResponse:
    """What was said, by itself, for a page that shows it already and was told of something new.

    With `after` what follows a message. With POST somebody looks at the page, and has seen what it is given.
    """
    visit = chat_queries.in_hands(request.person.id, item_id)
    own = visit.item if visit else work_queries.in_hands(request.person, item_id)
    item = own or work_queries.read_along(request.person, item_id)
    if item is None:
        raise Http404
    after = limits.number(request.GET.get("after", "")) or 0
    found = agent_queries.talk(item, clock.now(), after, None if own else request.person, visit)
    if request.method == "POST" and own and found is not None and found.chat is not None:
        last = max((each.id for each in found.messages if each.direction == "in"), default=0)
        if last > found.seen:
            chats.see(chat=found.chat, up_to=last, by=request.person)
            found = replace(found, seen=last)
    return render(
        request, "agent/talk.html", {"talk": found, "item": item, "zone": agent_queries.zone_of(request.person)}
    )


@require_GET
@opened_by("work.handle")
def helps(request: Request, item_id: int) -> HttpResponse:
    """What helps with an item in hand: canned answers, scripts and macros, and the articles of its process."""
    item = work_queries.in_hands(request.person, item_id)
    if item is None:
        raise Http404
    looks_requests.note(request, seen_of(item), by=request.person, now=clock.now())
    shown = {
        "item": item,
        "helps": playbooks_queries.helps(item, request.person),
        "articles": playbooks_queries.articles(item.process_id)[:MOST_ARTICLES],
    }
    return render(request, "agent/_help.html", shown)


@require_GET
@opened_by("work.handle")
def articles(request: Request, item_id: int) -> HttpResponse:
    """What can be looked up about an item's process, the best first."""
    item, words = the_item(item_id), request.GET.get("q", "")[:200]
    found = playbooks_queries.found(item.process_id, words)[:20]
    return render(request, "agent/articles.html", {"articles": found, "words": words, "item": item})


@require_GET
@opened_by("work.handle")
def article(request: Request, article_id: int) -> HttpResponse:
    found = playbooks_queries.article(article_id)
    if found is None:
        raise Http404
    versions = found.versions.select_related("by").order_by("-number")
    return render(request, "agent/article.html", {"article": found, "versions": versions})


@deed
def reply(request: Request, item_id: int) -> None:
    found = chat_queries.of_item_locked(item_id) or the_item(item_id)
    words = checked(agent_forms.Words(request.POST, request.FILES))
    if isinstance(found, Chat):
        write_to_visitor(found, request.person, words)
    else:
        answer_customer(found, request.person, words)
    drop_draft(item_id, request.person, words)
    if words["finish"]:
        finish_as(request, item_id, words["finish"])


@deed
def run_macro(request: Request, item_id: int) -> None:
    """Take a macro's steps in one press; what it answers is sent as if the agent had written it."""
    item, name = the_item(item_id), checked(agent_forms.Macro(request.POST))["macro"]
    macro = playbooks_queries.macro(item, name)
    if macro is None:
        raise Faulty(_("This macro is not in the playbook any more. Choose another."))
    if macro.disposition and is_done(request, item, macro.disposition):
        return
    answered = answer_by_macro(item, request.person, macro) if macro.answer else None
    playbooks.run_macro(item=item, macro=macro, answered=answered, by=request.person, now=clock.now())


def answer_by_macro(item: Item, by: Person, macro: Macro) -> Message:
    """Send what a macro answers, once after each message of the customer's."""
    last = conversations_queries.of_case(item.case_id or 0).filter(direction="in").last()
    text = playbooks_queries.answer(item, by, macro.answer)
    entered = {"text": text, "key": f"macro-{macro.name}-{item.id}-{last.id if last else 0}", "file": None, "mode": ""}
    visit = chat_queries.of_item(item.id)
    if visit:
        return write_to_visitor(visit, by, entered)
    return answer_customer(item, by, entered | {"sign": True, "quote": True})


@deed
def note(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not roles.consults(item.beside, request.person.id):
        agent_queries.own_case(request.person, item)
    words = checked(agent_forms.Words(request.POST, request.FILES))
    assert item.case is not None
    files = enclosed(words["file"])
    conversations.note(
        case=item.case, item=item, text=words["text"], by=request.person, files=files, key=words["key"], now=clock.now()
    )
    drop_draft(item_id, request.person, words)


def drop_draft(item_id: int, person: Person, words: dict[str, Any]) -> None:
    """Forget the draft of what was sent; the page knows whether there may be one, which saves most lines the look."""
    if words["drafted"]:
        conversations.keep_draft(item=the_item(item_id), text="", by=person, now=clock.now())


@require_GET
@opened_by("work.handle")
def draft(request: Request, item_id: int) -> HttpResponse:
    """What this person has begun to write about an item and has not sent."""
    begun = conversations_queries.draft(the_item(item_id).id, request.person.id)
    return JsonResponse({"text": begun.text, "envelope": begun.envelope})


@deed
def keep_draft(request: Request, item_id: int) -> None:
    entered = checked(agent_forms.Draft(request.POST))
    typed = {name: str(entered[name]) for name in agent_forms.ENVELOPE if entered["mode"] and entered[name]}
    conversations.keep_draft(
        item=the_item(item_id), text=entered["text"], envelope=typed, by=request.person, now=clock.now()
    )


def write_to_visitor(visit: Chat, by: Person, words: dict[str, Any]) -> Message:
    """Reply in a chat."""
    files = enclosed(words["file"])
    return chats.reply(chat=visit, by=by, text=words["text"], key=words["key"], files=files, now=clock.now())


def answer_customer(item: Item, by: Person, words: dict[str, Any]) -> Message:
    """Write by email: an answer to the customer, or what they wrote to somebody else."""
    letter = mail_queries.written(item, words, by)
    if letter is None:
        raise Faulty(_("Nobody can be written to about this item from here."))
    return writing.write(
        item=item,
        content=letter.content,
        recipients=letter.recipients,
        by=by,
        files=[*enclosed(words["file"]), *letter.files],
        key=words["key"],
        forwards=letter.forwards,
        now=clock.now(),
    )


def enclosed(sent: UploadedFile | None) -> list[File]:
    """A file that an agent sends along, if it is one that can be sent."""
    if sent is None:
        return []
    content = sent.read()
    kind = visitors.media_type(content)
    return [File(visitors.file_name(sent.name or "", kind), kind, content)]


@require_GET
@opened_by("conversations.begin")
def new_mail(request: Request) -> HttpResponse:
    """What a mail begins with that answers nothing, for its sheet; with `case` one in that case."""
    wanted = limits.number(request.GET.get("case", ""))
    case = conversations_queries.case(wanted) if wanted else None
    if wanted and case is None:
        raise Http404
    return render(request, "agent/_new_mail.html", {"mail": mail_queries.new_mail(request.person, case, clock.now())})


@deed
def begin_mail(request: Request) -> HttpResponse:
    """Begin a mail that answers nothing; it is opened on the desk, to be written there."""
    now = clock.now()
    entered = checked(agent_forms.NewMail(request.POST, email_queries.to_write_from(request.person, now)))
    item = writing.begin(**entered, by=request.person, now=now)
    there = f"{reverse('agent:desk')}?item={item.id}"
    return HttpResponse(status=204, headers={"HX-Redirect": there}) if is_htmx(request) else redirect(there)


@deed
def keep_signature(request: Request) -> HttpResponse:
    own_account.keep_signature(**checked(agent_forms.Signature(request.POST)), by=request.person, now=clock.now())
    there = reverse("agent:day")
    return HttpResponse(status=204, headers={"HX-Redirect": there}) if is_htmx(request) else redirect(there)


@deed
def discard_mail(request: Request, item_id: int) -> None:
    writing.discard(item=the_item(item_id), by=request.person, now=clock.now())


@require_POST
@opened_by("work.handle")
def take_back(request: Request) -> HttpResponse:
    """Take a reply back in its seconds; what it said is the draft again, and the page puts it into the box."""
    found = agent_forms.TakenBack(request.POST)
    message = conversations_queries.message(found.cleaned_data["message"]) if found.is_valid() else None
    if message is None or message.person_id != request.person.id:
        raise Http404
    try:
        reply = writing.take_back(reply=message, by=request.person, now=clock.now())
    except NotNow:
        return refused(request, _("It is too late: the reply is on its way."), 422)
    files = [each.name for each in message.attachments.all() if not message.forwards_id]
    begun = conversations_queries.draft(reply.item_id or 0, request.person.id)
    return JsonResponse({"text": reply.text, "item": reply.item_id, "files": files, "envelope": begun.envelope})


@deed
def seen(request: Request, item_id: int) -> None:
    visit = own_chat(request, item_id)
    chats.see(chat=visit, up_to=checked(agent_forms.Seen(request.POST))["up_to"], by=request.person)


@deed
def typing(request: Request, item_id: int) -> None:
    chats.type_to_visitor(chat=own_chat(request, item_id), by=request.person)


def own_chat(request: Request, item_id: int) -> Chat:
    """The chat of an item, if it is in this person's hands."""
    visit = chat_queries.in_hands(request.person.id, item_id)
    if visit is None:
        raise Http404
    return visit


@deed
def message_leader(request: Request) -> None:
    """Write to whoever leads one; the answer comes to the desk."""
    text = checked(agent_forms.Message(request.POST))["text"]
    team_messages.write_to_leader(text=text, by=request.person, now=clock.now())


@deed
def available(request: Request) -> None:
    now = clock.now()
    people.note_heard(
        person_ids=[request.person.id], now=now
    )  # the stream notes it later, if the browser stays so long
    people.go_available(person=request.person, by=request.person, now=now)


@deed
def away(request: Request) -> None:
    reason = checked(agent_forms.Away(request.POST))["reason"]
    people.go_away(person=request.person, reason=reason, by=request.person, now=clock.now())


@deed
def leave(request: Request) -> None:
    """Take no more work; what is in hand is finished first, or goes back to its queues."""
    if checked(agent_forms.Leaving(request.POST))["hand_back"]:
        hand_back(request.person)
    people.sign_out_of_work(person=request.person, by=request.person, now=clock.now())


def hand_back(person: Person) -> None:
    """Give what somebody has in hand back to its queues; what only its disposition is missing of stays."""
    held = list(work_queries.held_by(person))
    if wrapping := [each for each in held if each.state == "wrapping"]:
        raise Faulty(
            _("“{title}” is over already: choose its disposition first.").format(
                title=wrapping[0].title or wrapping[0].kind
            )
        )
    for item in held:
        work.transfer(item=item, queue=item.queue, by=person, now=clock.now())


def is_so(request: Request, item: Item, *states: str) -> bool:
    """Whether an item is where a press would bring it: pressed twice is pressed once."""
    return item.person_id == request.person.id and item.state in states


def is_done(request: Request, item: Item, disposition: str) -> bool:
    """Whether this person has finished an item so already."""
    return (item.state, item.done_by_id, item.disposition) == ("done", request.person.id, disposition)


def let_go_by(request: Request, item: Item, *events: str) -> bool:
    """Whether this person has let go of an item so already, and nobody has had a hand in it since."""
    return item.person_id != request.person.id and work_queries.last_by_somebody(item) in {
        (request.person.id, each) for each in events
    }


@deed
def accept(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not is_so(request, item, "held", "wrapping"):
        work.accept(item=item, by=request.person, now=clock.now())
        # The desk then shows it by reading itself again.
        looks_requests.note(request, seen_of(item), by=request.person, now=clock.now())


@deed
def decline(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    gone_on = item.person_id != request.person.id and item.state in ("waiting", "offered")  # as was wanted
    if not gone_on:
        work.decline(item=item, by=request.person, now=clock.now())


@deed
def hold(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not (is_so(request, item, "held") and item.on_hold_since):
        work.hold(item=item, by=request.person, now=clock.now())


@deed
def resume(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not is_so(request, item, "held") or item.on_hold_since:
        work.resume(item=item, by=request.person, now=clock.now())


@deed
def set_pending_customer(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not let_go_by(request, item, "work.pending-customer"):
        work.set_pending_customer(item=item, by=request.person, now=clock.now())


@deed
def customer_answered(request: Request, item_id: int) -> None:
    work.customer_answered(item=the_item(item_id), by=request.person, now=clock.now())


@deed
def transfer(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if let_go_by(request, item, "work.transferred", "work.sticky-agent"):
        return
    entered = checked(
        agent_forms.Transfer(request.POST, item.client_id, agent_queries.colleagues(request.person, item))
    )
    work.transfer(item=item, by=request.person, now=clock.now(), **entered)


# --- colleagues on one item ------------------------------------------------------------------------------------------


@require_GET
@opened_by("work.handle")
def colleagues(request: Request, item_id: int) -> HttpResponse:
    """Who can be asked in on an item just now, for its sheet."""
    item = the_item(item_id)
    if item.person_id != request.person.id:
        raise Http404
    able = agent_queries.consultable(item, clock.now())
    shown = {"item": item, "colleagues": able, "skills": agent_queries.skills_of(able)}
    return render(request, "agent/_colleagues.html", shown)


@deed
def consult(request: Request, item_id: int) -> None:
    """Ask a colleague in, by name, or whoever is best at a skill."""
    item, now = the_item(item_id), clock.now()
    able = agent_queries.consultable(item, now)
    asked = checked(agent_forms.Consult(request.POST, able))
    to = asked["to"] or agent_queries.best_at(able, asked["skill"])
    if to is None:
        raise Faulty(_("Nobody with this skill has room just now. Choose another skill or a colleague."))
    joining.ask(item=item, to=to, by=request.person, now=now)


@deed
def join(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not roles.consults(item.beside, request.person.id):
        joining.accept(item=item, by=request.person, now=clock.now())


@deed
def decline_to_join(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if roles.part_of(item.beside, request.person.id):
        joining.decline(item=item, by=request.person, now=clock.now())


@deed
def end_consult(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    of = checked(agent_forms.Consultant(request.POST, roles.people(item.beside)))["consultant"]
    joining.withdraw(item=item, of=of, by=request.person, now=clock.now())


@deed
def hand_over(request: Request, item_id: int) -> None:
    """Transfer to a consultant, who goes on where the owner leaves off."""
    item = the_item(item_id)
    entered = checked(agent_forms.Consultant(request.POST, roles.people(item.beside)))
    to, note = entered["consultant"], entered["note"]
    joining.transfer(item=item, to=to, by=request.person, now=clock.now(), note=note)


@deed
def leave_item(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if roles.part_of(item.beside, request.person.id):
        joining.leave(item=item, by=request.person, now=clock.now())


@deed
def key_again(request: Request, item_id: int) -> None:
    """Begin to key a document as the second."""
    item = the_item(item_id)
    if not roles.part_of(item.beside, request.person.id):
        joining.begin_second_keying(item=item, by=request.person, now=clock.now())


@deed
def keyed_again(request: Request, item_id: int) -> None:
    joining.finish_second_keying(item=the_item(item_id), by=request.person, now=clock.now())


@deed
def come_back(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    with timezone.override(agent_queries.zone_of(request.person)):
        agreed = checked(agent_forms.ComeBack(request.POST, item.client_id))
    kind, queue = agreed["kind"] or "callback", agreed["queue"] or item.queue
    if work_kinds.KINDS[kind].is_mail and mail_queries.answers_to(item) is None:
        raise Faulty(_("No email address of this customer is known."))
    said = {name: agreed[name] for name in ("at", "about", "note")}
    work.come_back(item=item, kind=kind, queue=queue, **said, by=request.person, now=clock.now())


@deed
def snooze(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if let_go_by(request, item, "work.snoozed", "work.sticky-agent"):
        return
    with timezone.override(agent_queries.zone_of(request.person)):
        at = checked(agent_forms.At(request.POST))["at"]
    work.snooze(item=item, until=at, by=request.person, now=clock.now())


@deed
def classify(request: Request, item_id: int) -> None:
    case = agent_queries.own_case(request.person, the_item(item_id))
    kind = checked(agent_forms.CaseKind(request.POST))["kind"]
    conversations.classify(case=case, kind=kind, by=request.person, now=clock.now())


@deed
def confirm_customer(request: Request, item_id: int) -> None:
    case = agent_queries.own_case(request.person, the_item(item_id))
    work.confirm_customer(case=case, by=request.person, now=clock.now())


@deed
def merge(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    case = agent_queries.own_case(request.person, item)
    into = checked(agent_forms.Merge(request.POST, agent_queries.other_cases(item)))["into"]
    conversations.merge(case=case, into=into, by=request.person, now=clock.now())


@deed
def split(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    subject = checked(agent_forms.Split(request.POST))["subject"]
    conversations.split(item=item, subject=subject, by=request.person, now=clock.now())


@deed
def escalate(request: Request, item_id: int) -> None:
    item, note = the_item(item_id), checked(agent_forms.Escalation(request.POST))["note"]
    asked = work_queries.help_with(item)[-1:]
    if item.escalated_at and asked and (asked[0].is_answer, asked[0].said) == (False, note.strip()):
        return
    work.escalate(item=item, by=request.person, note=note, now=clock.now())


@deed
def end(request: Request, item_id: int) -> None:
    item = the_item(item_id)
    if not is_so(request, item, "wrapping"):
        work.end(item=item, by=request.person, now=clock.now())


@deed
def wrap_up(request: Request, item_id: int) -> None:
    disposition, item = checked(agent_forms.Disposition(request.POST))["disposition"], the_item(item_id)
    if not is_done(request, item, disposition):
        work.wrap_up(item=item, by=request.person, disposition=disposition, now=clock.now())


@deed
def finish(request: Request, item_id: int) -> None:
    """End and wrap up at once: nobody is on the line whose leaving would begin the wrap-up."""
    finish_as(request, item_id, checked(agent_forms.Disposition(request.POST))["disposition"])


def finish_as(request: Request, item_id: int, disposition: str) -> None:
    """The same, of what is not done so already."""
    now, item = clock.now(), the_item(item_id)
    if is_done(request, item, disposition):
        return
    item = work.end(item=item, by=request.person, now=now)
    work.wrap_up(item=item, by=request.person, disposition=disposition, now=now)
