"""Opening clients, issuing and revoking their tokens."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients import events as clients_events
from workfloor.core.clients import models as clients_models
from workfloor.core.clients import tokens
from workfloor.core.event_log import actions as event_log
from workfloor.kit.database import rls
from workfloor.kit.declarations import field

Refused = permissions.Refused


@action(
    "Take a client on",
    permission="clients.take-on",
    command="admin client add",
    says="{title} is a client now, as {slug}. Sign its contract, and clear people for it.",
    example="workfloor admin client add first-bank --title 'First Bank'",
)
def open_client(
    *,
    slug: Annotated[
        str,
        field("Short name", "Small letters, digits and single hyphens, as in first-bank.", most=tokens.LONGEST_SLUG),
    ],
    title: Annotated[str, field("Name", "As people read it.", as_option=True)],
    by: Actor,
    now: datetime,
) -> clients_models.Client:
    """Take a client on, before its contract is signed; signing a first contract does this too."""
    # The caller has entered every client: a new one is not inside anybody's wall yet.
    if clients_models.Client.objects.filter(slug=slug).exists():
        raise Refused(_("There is a client {slug} already.").format(slug=slug))
    if not tokens.is_slug(slug):
        raise Refused(
            _("“{slug}” is no client's name: use small letters, digits and single hyphens, as in “first-bank”").format(
                slug=slug
            )
        )
    client = clients_models.Client.objects.create(slug=slug, title=title, opened_at=now)
    event_log.record(clients_events.ClientOpened(slug, title), at=now, client_id=client.id, by=by)
    return client


@action(
    "Issue a token",
    permission="clients.issue-tokens",
    command="admin token issue",
    says="The token, which is shown this once:\n{result}",
    example="workfloor admin token issue first-bank --title 'mail gateway' --scope work:write",
)
def issue_token(
    *,
    client: clients_models.Client,
    title: Annotated[str, field("System", "Which system will use it.", as_option=True)],
    scopes: Annotated[
        Sequence[str],
        field("Scopes", "What it may do; may be given again.", choices=tokens.SCOPES, as_option=True, flag="scope"),
    ],
    by: Actor,
    now: datetime,
) -> str:
    """Issue a token with which a client's system calls the API. It is shown this once: pass it on safely."""
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


Valid = Annotated[clients_models.Token, field("Token", "Its number: it stands in the token itself, wf_7_..., too.")]


@action(
    "Revoke a token",
    permission="clients.issue-tokens",
    command="admin token revoke",
    says="The token {token} is refused from now on.",
    example="workfloor admin token revoke 7",
)
def revoke_token(
    *,
    token: Valid,
    by: Actor,
    now: datetime,
) -> None:
    """End a token at once."""
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    event_log.record(clients_events.TokenRevoked(token.id, token.title), at=now, client_id=token.client_id, by=by)


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
