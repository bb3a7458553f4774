"""Reading clients."""

from django.db.models import QuerySet

from workfloor.core.clients import models as clients_models
from workfloor.kit import declarations


def clients() -> QuerySet[clients_models.Client]:
    """The clients inside the wall, by name."""
    return clients_models.Client.objects.order_by("title")


def by_slug(slug: str) -> clients_models.Client | None:
    """One client, if it is inside the wall."""
    return clients_models.Client.objects.filter(slug=slug).first()


def tokens(client: clients_models.Client) -> QuerySet[clients_models.Token]:
    """A client's tokens, newest first."""
    return client.tokens.order_by("-issued_at")


def valid_tokens() -> QuerySet[clients_models.Token]:
    """The tokens that are not revoked."""
    return clients_models.Token.objects.filter(revoked_at=None).select_related("client").order_by("client", "id")


register, by_number = declarations.register, declarations.by_number
register.name(
    declarations.Handle(
        clients_models.Client, "client", by_slug, clients, lambda client: client.slug, see="admin client list"
    )
)
register.name(
    declarations.Handle(
        clients_models.Token,
        "valid token",
        by_number(valid_tokens),
        valid_tokens,
        lambda token: str(token.id),
        see="admin token list CLIENT",
    )
)
