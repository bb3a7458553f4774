"""Reading conversations."""

from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet

from workfloor.core.conversations import models


def messages() -> QuerySet[models.Message]:
    """The messages inside the wall, oldest first, with the names of their files but not what these hold."""
    files = models.Attachment.objects.defer("content").order_by("id")
    found = models.Message.objects.select_related("person", "case__customer")
    return found.prefetch_related(Prefetch("attachments", files)).order_by("said_at", "id")


def message(message_id: int) -> models.Message | None:
    """One message, if it is inside the wall."""
    return messages().filter(id=message_id).first()


def of_case(case_id: int) -> QuerySet[models.Message]:
    """What was said about a case, oldest first."""
    return messages().filter(case_id=case_id)


def of_customer(customer_id: int) -> QuerySet[models.Message]:
    """What a customer and we said to each other, over all their cases and channels, oldest first."""
    return messages().filter(case__customer_id=customer_id)


def answers(item_id: int) -> list[models.Message]:
    """What people of ours wrote to the customer about an item that arrived, as far as we know, or still may."""
    written = models.Message.objects.filter(item_id=item_id, direction="out", person_id__isnull=False)
    return list(written.exclude(state__in=["failed", "withdrawn"]).order_by("said_at", "id"))


def by_key(client_id: int, channel: str, key: str) -> models.Message | None:
    """A message by its sender's key."""
    return models.Message.objects.filter(client_id=client_id, channel=channel, key=key).first()


def by_keys(client_id: int, channel: str, keys: Iterable[str]) -> dict[str, models.Message]:
    """The messages that came by these keys."""
    found = models.Message.objects.filter(client_id=client_id, channel=channel, key__in=list(keys))
    return {each.key: each for each in found}


def by_external_id(client_id: int, names: Iterable[str]) -> QuerySet[models.Message]:
    """A client's messages that the channel knows by these names, oldest first."""
    return messages().filter(client_id=client_id, external_id__in=list(names))


def attachment(attachment_id: int) -> models.Attachment | None:
    """One file with what it holds, if it is inside the wall."""
    return models.Attachment.objects.filter(id=attachment_id).first()
