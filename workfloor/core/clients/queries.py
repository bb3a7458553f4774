"""Reading clients."""

from django.db.models import QuerySet

from workfloor.core.clients import models


def clients() -> QuerySet[models.Client]:
    """The clients inside the wall, by name."""
    return models.Client.objects.order_by("title")


def by_slug(slug: str) -> models.Client | None:
    """One client, if it is inside the wall."""
    return models.Client.objects.filter(slug=slug).first()


def tokens(client: models.Client) -> QuerySet[models.Token]:
    """A client's tokens, newest first."""
    return client.tokens.order_by("-issued_at")
