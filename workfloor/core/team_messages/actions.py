"""Writing to people on the floor, whispering into a contact, answering, and having read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Entry, Event
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.retention import actions as retention
from workfloor.core.retention import kinds
from workfloor.core.retention import queries as retention_queries
from workfloor.core.team_messages import events as team_messages_events
from workfloor.core.team_messages import models as team_messages_models
from workfloor.core.work import queries as work_queries
from workfloor.core.work import roles
from workfloor.core.work.models import Item
from workfloor.kit.text import masks

LONGEST: Final = 2000
AT_A_TIME: Final = 5000

Refused = permissions.Refused


def send(*, to: Sequence[Person], text: str, by: Person, now: datetime) -> team_messages_models.TeamMessage:
    """Write to agents who are cleared for a client of whoever writes; they see it on their desks at once."""
    permissions.admit(by, "team-messages.send")
    if not to:
        raise Refused(_("Nobody of your floor is at work, so nobody would read it."))
    for each in to:
        ours = each.client_id is None and each.left_at is None
        if not ours or not each.clearances.filter(withdrawn_at=None).exists():
            raise Refused(_("{name} works for none of your clients.").format(name=each.name))
    return _send(text, by, now, to=to)


def write_to_leader(*, text: str, by: Person, now: datetime) -> team_messages_models.TeamMessage:
    """Write to whoever leads one; they see it on the floor, and answer there."""
    permissions.admit(by, "team-messages.write-to-leader")
    to = people_queries.leaders_of(by)
    if not to:
        raise Refused(
            _("You are in no team with a leader, and nobody leads work of your clients. Ask an administrator.")
        )
    return _send(text, by, now, to=to)


def whisper(*, item: Item, text: str, by: Person, now: datetime) -> team_messages_models.TeamMessage:
    """Write to the agent who has a contact in hand that one monitors; no customer and no colleague sees it."""
    permissions.admit(by, "team-messages.send", client_id=item.client_id)
    item = work_queries.locked(item.id)
    part = roles.part_of(item.beside, by.id)
    if part is None or part["role"] != roles.MONITOR or item.person is None:
        raise Refused(_("You whisper to whom you monitor: monitor this first."))
    return _send(text, by, now, to=[item.person], item=item)


def answer(
    *, received: team_messages_models.TeamMessage, text: str, by: Person, now: datetime
) -> team_messages_models.TeamMessage:
    """Answer what was written to one; it is read with that."""
    permissions.admit(by, "team-messages.answer")
    read(received=received, by=by, now=now)
    return _send(text, by, now, to=[received.sender], item=received.item, answers=received)


def read(*, received: team_messages_models.TeamMessage, by: Person, now: datetime) -> None:
    """Say that one has read what was written to one; whoever wrote it sees that."""
    permissions.admit(by, "team-messages.answer")
    receipt = received.receipts.select_for_update().filter(person=by).first()
    if receipt is None:
        raise Refused(_("This was not written to you."))
    if receipt.read_at is None:
        receipt.read_at = now
        receipt.save(update_fields=["read_at"])
        _tell(team_messages_events.TeamMessageRead(received.id), received, {received.sender_id}, by, now)


def _send(
    text: str,
    by: Person,
    now: datetime,
    *,
    to: Sequence[Person],
    item: Item | None = None,
    answers: team_messages_models.TeamMessage | None = None,
) -> team_messages_models.TeamMessage:
    if not text.strip():
        raise Refused(_("Write something first."))
    if len(text) > LONGEST:
        raise Refused(_("At most {most} characters can be sent.").format(most=LONGEST))
    message = team_messages_models.TeamMessage.objects.create(
        client_id=item.client_id if item else None,
        item=item,
        sender=by,
        answers=answers,
        text=masks.mask(text.strip()).text,
        sent_at=now,
    )
    team_messages_models.Receipt.objects.bulk_create(
        team_messages_models.Receipt(client_id=message.client_id, message=message, person=each) for each in to
    )
    ids = [each.id for each in to]
    event: Event = team_messages_events.TeamMessageSent(message.id, ids, answers.id if answers else None)
    if item and answers is None:
        event = team_messages_events.Whispered(message.id)
    _tell(event, message, set(ids), by, now, person_id=ids[0] if len(ids) == 1 else None)
    return message


def _tell(
    event: Event,
    message: team_messages_models.TeamMessage,
    people: set[int],
    by: Person,
    now: datetime,
    person_id: int | None = None,
) -> None:
    """Record a fact, and name it to the pages of whoever wrote and reads."""
    entry = Entry(event, now, message.client_id, message.item_id, None, person_id, by=by)
    event_log.record_under({f"person:{each}" for each in people | {by.id}}, [entry])


def delete_expired(*, client_id: int | None, now: datetime) -> int:
    """Delete what was written long enough ago about a client's work, or about none, some of it; how many."""
    days = retention_queries.days("team-messages", client_id)
    of = Q(client=None) if client_id is None else Q(client_id=client_id)
    old = team_messages_models.TeamMessage.objects.filter(of, sent_at__lt=kinds.before(now, days), answered_by=None)
    ids = list(old.order_by("sent_at").values_list("id", flat=True)[:AT_A_TIME])
    team_messages_models.TeamMessage.objects.filter(id__in=ids).delete()
    retention.tell(kind="team-messages", count=len(ids), days=days, now=now, client_id=client_id)
    return len(ids)
