"""`workfloor token`: the tokens with which a client's systems call the API."""

import json
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.clients.models import Token

SCOPES = ("work:write", "work:read", "statement:read", "invoice:read")
client_argument = click.argument("client", metavar="CLIENT")


@click.group()
def token() -> None:
    """Issue, list and revoke the tokens with which a client's systems call the API."""


@token.command(epilog="\b\nExample:\n  workfloor token issue first-bank --title 'mail gateway' --scope work:write\n")
@client_argument
@click.option("--title", required=True, help="Which system will use it.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may do; repeat for more.",
)
def issue(client: str, title: str, scopes: tuple[str, ...]) -> None:
    """Issue a token for CLIENT. It is printed once and kept nowhere: pass it on safely."""
    with edge.client(client) as found:
        from workfloor.core.clients import actions
        from workfloor.kit import clock

        written = actions.issue_token(client=found, title=title, scopes=scopes, now=clock.now())
    click.echo("Keep this now; it cannot be shown again:", err=True)
    click.echo(written)


@token.command("list")
@client_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def list_tokens(client: str, form: str) -> None:
    """List the tokens of CLIENT, newest first, without their secrets."""
    with edge.client(client) as found:
        from workfloor.core.clients import queries

        rows = [_row(each) for each in queries.tokens(found)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        ended = f"revoked {row['revoked_at'][:10]}" if row["revoked_at"] else "valid"
        scopes = " ".join(row["scopes"])
        click.echo(f"{row['number']:>6}  {ended:<18} issued {row['issued_at'][:10]}  {scopes:<36} {row['title']}")
    if not rows:
        click.echo(f"No token was issued for {client} yet. See: workfloor token issue --help")


def _row(token: "Token") -> dict[str, Any]:
    return {
        "number": token.id,
        "title": token.title,
        "scopes": token.scopes,
        "issued_at": token.issued_at.isoformat(),
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
    }


@token.command()
@client_argument
@click.argument("number", type=int, metavar="NUMBER")
def revoke(client: str, number: int) -> None:
    """End token NUMBER of CLIENT at once: the number stands in the token itself (wf_NUMBER_...) and in the list."""
    with edge.client(client) as found:
        from workfloor.core.clients import actions, queries
        from workfloor.kit import clock

        known = queries.tokens(found).filter(id=number, revoked_at=None).first()
        if known is None:
            raise click.ClickException(f"{client} has no valid token {number}. See: workfloor token list {client}")
        actions.revoke_token(token=known, now=clock.now())
    click.echo(f"Token {number} ({known.title}) is refused from now on.")
