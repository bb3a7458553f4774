"""Opening clients, issuing and revoking their tokens."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.clients import events as clients_events
from workfloor.core.clients import models as clients_models
from workfloor.core.clients import tokens
from workfloor.core.event_log import actions as event_log
from workfloor.kit.database import rls

Refused = permissions.Refused


def open_client(*, slug: str, title: str, by: Actor, now: datetime) -> clients_models.Client:
    """Take a client on. The caller must have entered every client: a new one is not inside anybody's wall yet."""
    permissions.admit(by, "clients.take-on")
    if not tokens.is_slug(slug):
        raise Refused(
            _("“{slug}” is no client's name: use small letters, digits and single hyphens, as in “first-bank”").format(
                slug=slug
            )
        )
    client = clients_models.Client.objects.create(slug=slug, title=title, opened_at=now)
    event_log.record(clients_events.ClientOpened(slug, title), at=now, client_id=client.id, by=by)
    return client


def issue_token(*, client: clients_models.Client, title: str, scopes: Sequence[str], by: Actor, now: datetime) -> str:
    """Issue a token; the returned text is shown once and cannot be read again."""
    permissions.admit(by, "clients.issue-tokens")
    if unknown := set(scopes) - set(tokens.SCOPES):
        raise Refused(
            _("unknown scope {unknown}: choose from {scopes}").format(
                unknown=", ".join(sorted(unknown)), scopes=", ".join(tokens.SCOPES)
            )
        )
    secret = secrets.token_urlsafe(32)
    token = clients_models.Token.objects.create(
        client=client, title=title, digest=tokens.digest(secret), scopes=list(scopes), issued_at=now
    )
    issued = clients_events.TokenIssued(token.id, title, list(scopes))
    event_log.record(issued, at=now, client_id=client.id, by=by)
    return tokens.written(token.id, secret)


def revoke_token(*, token: clients_models.Token, by: Actor, now: datetime) -> None:
    """End a token at once."""
    permissions.admit(by, "clients.issue-tokens")
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    event_log.record(clients_events.TokenRevoked(token.id), at=now, client_id=token.client_id, by=by)


def admit(written: str) -> clients_models.Token | None:
    """Enter the client whose token this is and return the token; None, and no client entered, if it is not valid."""
    rls.enter_every_client()
    parsed = tokens.parsed(written)
    token = clients_models.Token.objects.filter(id=parsed[0], revoked_at=None).first() if parsed else None
    if token is None or parsed is None or not tokens.matches(parsed[1], token.digest):
        rls.enter()
        return None
    rls.enter(token.client_id)
    return token
