"""Reading conversations."""

import base64
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Exists, Min, Model, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _

from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.conversations import models as conversations_models
from workfloor.core.files import queries as files_queries
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Case, Customer, Item
from workfloor.kit.database.prepared import PreparedQuery

log = logging.getLogger(__name__)


def messages() -> QuerySet[conversations_models.Message]:
    """The messages inside the wall, oldest first, with the names of their files."""
    found = conversations_models.Message.objects.select_related("person", "case__customer")
    return found.prefetch_related(_files()).order_by("said_at", "id")


def _files() -> "Prefetch[str]":
    return Prefetch("attachments", conversations_models.Attachment.objects.order_by("id"))


def message(message_id: int) -> conversations_models.Message | None:
    """One message, if it is inside the wall."""
    return messages().filter(id=message_id).first()


_ATTACHED = conversations_models.Attachment.objects.filter(message=OuterRef("id"))
_OF_CASE = PreparedQuery(
    lambda case_id, after: (
        conversations_models.Message.objects.select_related("person", "case__customer")
        .annotate(brings_files=Exists(_ATTACHED))
        .filter(case_id=case_id, id__gt=after)
        .order_by("said_at", "id")
    )
)


def of_case(case_id: int) -> QuerySet[conversations_models.Message]:
    """What was said about a case, oldest first."""
    return messages().filter(case_id=case_id)


def all_of_case(case_id: int, after: int = 0) -> list[conversations_models.Message]:
    """The same, read; of what came after one message alone."""
    found = _OF_CASE(case_id, after)
    if with_files := [each for each in found if each.brings_files]:
        prefetch_related_objects(with_files, _files())
    return list(found)


def unanswered(case_ids: Iterable[int]) -> dict[int, datetime]:
    """Since when a customer waits for an answer of a person, by case; cases in which nobody does are left out."""
    cases = set(case_ids)
    if not cases:
        return {}
    every = conversations_models.Message.objects.filter(case_id__in=cases)
    answered = conversations_models.Message.objects.filter(
        case_id=OuterRef("case_id"), direction="out", person__isnull=False, said_at__gte=OuterRef("said_at")
    ).exclude(state="withdrawn")
    waiting = every.filter(direction="in").exclude(Exists(answered))
    return dict(waiting.values_list("case_id").annotate(at=Min("said_at")))


def of_customer(customer_id: int) -> QuerySet[conversations_models.Message]:
    """What a customer and we said to each other, over all their cases and channels, oldest first."""
    return messages().filter(case__customer_id=customer_id)


def answers(item_id: int) -> list[conversations_models.Message]:
    """What people of ours wrote to the customer about an item that arrived, as far as we know, or still may."""
    written = conversations_models.Message.objects.filter(item_id=item_id, direction="out", person_id__isnull=False)
    written = written.filter(forwards=None)
    return list(written.exclude(state__in=["failed", "withdrawn"]).order_by("said_at", "id"))


def automatic(case: Case | None, *, since: datetime) -> int:
    """How many mails nobody of ours wrote to a case's customer, in all their cases, since then."""
    if case is None or case.customer_id is None:
        return 0
    sent = conversations_models.Message.objects.filter(
        case__customer_id=case.customer_id, direction="out", channel__in=work_kinds.MAILS
    )
    return sent.filter(person=None, said_at__gt=since).count()


_BY_KEY = PreparedQuery(
    lambda client_id, channel, key: conversations_models.Message.objects.filter(
        client_id=client_id, channel=channel, key=key
    )
)


def by_key(client_id: int, channel: str, key: str) -> conversations_models.Message | None:
    """A message by its sender's key."""
    return _BY_KEY.one(client_id, channel, key)


def draft(item_id: int, person_id: int) -> conversations_models.Draft:
    """What somebody has begun to write about an item; an empty one for nothing."""
    found = conversations_models.Draft.objects.filter(item_id=item_id, person_id=person_id).first()
    return found or conversations_models.Draft(item_id=item_id, person_id=person_id)


def by_keys(client_id: int, channel: str, keys: Iterable[str]) -> dict[str, conversations_models.Message]:
    """The messages that came by these keys."""
    found = conversations_models.Message.objects.filter(client_id=client_id, channel=channel, key__in=list(keys))
    return {each.key: each for each in found}


def by_external_id(client_id: int, names: Iterable[str]) -> QuerySet[conversations_models.Message]:
    """A client's messages that the channel knows by these names, oldest first."""
    return messages().filter(client_id=client_id, external_id__in=list(names))


def attachment(attachment_id: int) -> conversations_models.Attachment | None:
    """One file on a message, if it is inside the wall."""
    return conversations_models.Attachment.objects.select_related("file", "message").filter(id=attachment_id).first()


def contents(attachment_ids: Iterable[int]) -> dict[int, bytes]:
    """What files on messages hold, if they are inside the wall; nothing of those whose content was deleted."""
    found = conversations_models.Attachment.objects.filter(id__in=list(attachment_ids), file__isnull=False)
    attached = list(found.select_related("file").order_by("id"))
    held = files_queries.contents({each.file_id: each.file for each in attached if each.file}.values())
    return {each.id: held[each.file_id] for each in attached if each.file_id}


# --- a mail as it was sent ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter:
    """A message's HTML, as a page of its own."""

    message: conversations_models.Message
    html: str
    on_paper: bool  # whether it brings colours of its own, which are meant for white paper


def letter(message: conversations_models.Message) -> Letter:
    """A message's HTML with the pictures that came along, and those from elsewhere where somebody let it show them."""
    from workfloor.kit.mail import html_view  # slow to load, and only pages show HTML

    with_remote = message.pictures_allowed_at is not None
    told = message.html if message.direction == "in" else html_view.told(message.html, message.folded_text)  # ours
    html = html_view.shown(told, _pictures(message).get, with_remote)
    return Letter(message, html, html_view.is_coloured(html))


def _pictures(message: conversations_models.Message) -> dict[str, str]:
    """The pictures that came along, written out: a page in a sandbox carries no cookie by which it could fetch them."""
    from workfloor.kit.mail import html_view

    try:
        held = contents([each.id for each in message.files_within])
    except files_queries.UNREADABLE as fault:
        log.error("the pictures of message %s cannot be read: %s", message.id, fault)
        held = {}
    return {
        html_view.content_name(
            each.content_id
        ): f"data:{each.media_type};base64,{base64.b64encode(held[each.id]).decode()}"
        for each in message.files_within
        if each.id in held
    }


# --- a case, and a customer's whole history --------------------------------------------------------------------------

M = TypeVar("M", bound=Model)
MOST_MESSAGES = 100  # of a case on one page
PAGE = 25  # entries of a history on one page


@dataclass(frozen=True)
class Told:
    """A case to be read: the newest of what was said, or what was said before that, and the work that was done."""

    case: Case
    messages: list[conversations_models.Message]
    items: list[Item]
    earlier: int | None  # the message before which there is more


def case(case_id: int) -> Case | None:
    """A case, if it is inside the wall."""
    return Case.objects.select_related("client", "customer").filter(id=case_id).first()


def told(found: Case, before: int | None) -> Told:
    """Read a case: its newest messages, or the newest before one of them, oldest first."""
    said = of_case(found.id).filter(id__lt=before) if before else of_case(found.id)
    newest = list(said.order_by("-id")[: MOST_MESSAGES + 1])
    shown = newest[:MOST_MESSAGES][::-1]
    items = list(work_queries.items().filter(case=found).order_by("-received_at", "-id")[:MOST_MESSAGES])
    return Told(found, shown, items, shown[0].id if len(newest) > MOST_MESSAGES else None)


def customer(customer_id: int) -> Customer | None:
    """A customer, if they are inside the wall."""
    return Customer.objects.select_related("client").filter(id=customer_id).first()


@dataclass(frozen=True)
class Entry:
    """One mail, one piece of other work, or one case's beginning, in a customer's history."""

    place: conversations_messages.Place
    kind: str
    title: str
    said: str  # what it said or came to, shortened
    case_id: int
    message_id: int | None = None


@dataclass(frozen=True)
class Page:
    """Some of a history, newest first, and where the rest begins."""

    entries: list[Entry]
    rest: conversations_messages.Place | None


def history(of: Customer, asked: conversations_messages.Asked) -> Page:
    """Read a page of what happened between a customer and us, newest first; of no kind more than a page is read."""
    found = [*_mails(of, asked), *_works(of, asked), *_cases(of, asked)]
    newest = sorted(found, key=lambda entry: entry.place, reverse=True)
    shown = newest[:PAGE]
    return Page(shown, shown[-1].place if len(newest) > PAGE else None)


def _some(found: QuerySet[M], at: str, rank: int, asked: conversations_messages.Asked) -> Iterable[M]:
    """The newest of these before the place that is asked for, one more than a page holds."""
    if place := asked.after:
        same = Q(**{at: place.at, "id__lt": place.number}) if rank == place.rank else Q(**{at: place.at})
        earlier = Q(**{f"{at}__lt": place.at})
        found = found.filter(earlier | same if rank <= place.rank else earlier)
    return found.order_by(f"-{at}", "-id")[: PAGE + 1]


def _with(words: Iterable[str], *fields: str) -> Q:
    """What has each of these words in one of the fields."""
    every = Q()
    for word in words:
        any_of = Q()
        for name in fields:
            any_of |= Q(**{f"{name}__icontains": word})
        every &= any_of
    return every


def _mails(of: Customer, asked: conversations_messages.Asked) -> list[Entry]:
    if not asked.wants("mails"):
        return []
    told = _with(asked.words, "subject", "text", "folded_text", "sender", "sender_name", "attachments__name")
    found = of_customer(of.id).filter(
        channel__in=work_kinds.MAILS, id__in=conversations_models.Message.objects.filter(told).values("id")
    )
    return [
        Entry(
            conversations_messages.Place(each.said_at, 2, each.id),
            "email",
            each.subject or str(each.case),
            each.text[:SHORTENED],
            each.case_id,
            each.id,
        )
        for each in _some(found.select_related("case").prefetch_related(None), "said_at", 2, asked)
    ]


SHORTENED = 200


def _works(of: Customer, asked: conversations_messages.Asked) -> list[Entry]:
    """Work that is no mail, and work that came as mail but of which no mail is here."""
    if not asked.wants("chats", "calls", "work"):
        return []
    mailed = conversations_models.Message.objects.filter(item=OuterRef("id"), channel__in=work_kinds.MAILS)
    found = work_queries.items().filter(case__customer=of).exclude(Q(kind__in=work_kinds.BY_MAIL) & Exists(mailed))
    if asked.kind:
        here = [name for name, kind in work_kinds.KINDS.items() if kind.shelf == asked.kind]
        found = found.filter(kind__in=here)
    for word in asked.words:
        said = conversations_models.Message.objects.filter(_with([word], "text"), item=OuterRef("id"))
        found = found.filter(_with([word], "title", "disposition", "key") | Exists(said))
    return [
        Entry(
            conversations_messages.Place(each.received_at, 1, each.id),
            each.kind,
            each.title or str(each.case),
            each.disposition or each.state,
            each.case_id or 0,
        )
        for each in _some(found, "received_at", 1, asked)
    ]


def _cases(of: Customer, asked: conversations_messages.Asked) -> list[Entry]:
    if not asked.wants("cases"):
        return []
    found = Case.objects.filter(_with(asked.words, "subject", "kind"), customer=of)
    return [
        Entry(
            conversations_messages.Place(each.opened_at, 0, each.id),
            "case",
            _("Case opened: {each}").format(each=each),
            f"{_(each.kind)}, {_('resolved') if each.resolved_at else _('open')}",
            each.id,
        )
        for each in _some(found, "opened_at", 0, asked)
    ]
