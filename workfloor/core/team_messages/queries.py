"""Reading what leaders and agents write to one another: each sees what they sent and what was sent to them."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F, Q, QuerySet

from workfloor.core.people.models import Person
from workfloor.core.team_messages import models as team_messages_models

SHOWN_FOR: Final = timedelta(hours=12)
MOST_SHOWN: Final = 20


def _messages() -> QuerySet[team_messages_models.TeamMessage]:
    return team_messages_models.TeamMessage.objects.select_related("sender", "item__queue", "item__case__customer")


def received(person: Person, message_id: int) -> team_messages_models.TeamMessage | None:
    """A message that was sent to somebody."""
    return _messages().filter(id=message_id, receipts__person=person).first()


def unread(person: Person) -> list[team_messages_models.TeamMessage]:
    """What was sent to somebody and they have not read yet, in the order in which it came."""
    found = _messages().filter(receipts__person=person, receipts__read_at=None)
    return list(found.order_by("sent_at", "id")[:MOST_SHOWN])


def sent(person: Person, now: datetime) -> list[team_messages_models.TeamMessage]:
    """What somebody lately sent, the latest first, each with `to_whom` (how many) and `read_by` of them."""
    counted = {
        "to_whom": Count("receipts"),
        "read_by": Count("receipts", filter=Q(receipts__read_at__isnull=False)),
    }
    found = _messages().filter(sender=person, sent_at__gt=now - SHOWN_FOR).annotate(**counted)
    return list(found.order_by("-sent_at", "-id")[:MOST_SHOWN])


def own(person: Person, message_id: int) -> team_messages_models.TeamMessage | None:
    """A message that somebody sent."""
    return _messages().filter(id=message_id, sender=person).first()


def receipts(message: team_messages_models.TeamMessage) -> list[team_messages_models.Receipt]:
    """To whom a message went, those who have not read it before the others."""
    return list(message.receipts.select_related("person").order_by(F("read_at").desc(nulls_first=True), "person__name"))
