"""`workfloor billing exclusion` and `delivery`: what one person claims, another approves, and statements count."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.claims import rules as claims_rules
    from workfloor.core.claims.models import Claim
    from workfloor.core.clients.models import Client

Command = Callable[..., Any]

KINDS = ("client-outage", "force-majeure", "maintenance", "outage")
STATES = ("claimed", "approved", "refused")

client_argument = click.argument("slug", metavar="CLIENT")
as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)


@contextmanager
def _entered(slug: str) -> "Iterator[tuple[Client, datetime]]":
    """The client, entered for one transaction; what is refused ends the command with the reason."""
    with edge.client(slug) as found:
        from workfloor.kit.time import clock

        try:
            yield found, clock.now()
        except ValueError as refused:
            raise click.ClickException(str(refused)) from refused


def _claim(client: "Client", number: int, kinds: tuple[str, ...]) -> "Claim":
    from workfloor.core.claims import queries as claims_queries

    found = claims_queries.claim(client.id, number)
    if found is None or found.kind not in kinds:
        raise click.ClickException(f"{client.slug} has no such claim {number}. See: list {client.slug}")
    return found


# --- exclusions and outages -------------------------------------------------------------------------------------


@click.group()
def exclusion() -> None:
    """Claim, approve and list what is excluded from SLA, and outages.

    What came in while an approved event of a kind lasted is excluded from the levels that name it. An outage is
    our own: it counts against availability at once, until it is refused. One person claims, another decides.
    """


@exclusion.command(
    "claim",
    epilog="""\b
Examples:
  workfloor billing exclusion claim first-bank client-outage --from 1999-02-03T10:00 --until 1999-02-03T11:30 \\
      --reason "The bank's core system was down, ticket 4711"
  workfloor billing exclusion claim first-bank outage --from ... --until ... --queue regular --reason ...
""",
)
@client_argument
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--from", "starts", required=True, metavar="TIME", help="The first instant, such as 1999-02-03T10:00.")
@click.option("--until", "ends", required=True, metavar="TIME", help="The first instant after it.")
@click.option("--queue", "queues", multiple=True, help="Of this queue; may be given again. Without it: all of them.")
@click.option("--reason", required=True, help="What happened, for whoever decides and for the client.")
@as_text_or_json
def claim_exclusion(
    slug: str,
    kind: "claims_rules.Kind",
    starts: str,
    ends: str,
    queues: tuple[str, ...],
    reason: str,
    form: str,
) -> None:
    """Say that an event of a KIND lasted; times without an offset are of the contract's zone."""
    with _entered(slug) as (client, now):
        from workfloor.core.claims import actions as claims

        first, last = (_instant(client, text) for text in (starts, ends))
        made = claims.claim_event(
            client=client,
            kind=kind,
            starts_at=first,
            ends_at=last,
            queues=queues,
            reason=reason,
            by=edge.person(),
            now=now,
        )
        _show(
            client,
            made,
            form,
            f"Claimed. Another person approves it: workfloor billing exclusion approve {slug} {made.id}",
        )


def _instant(client: "Client", text: str) -> datetime:
    """Read a time; one without an offset is of the contract's zone, and where the clock shows it twice the first."""
    from workfloor.core.contracts import queries as contracts_queries
    from workfloor.kit.time import calendars

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.ClickException(f"{text!r} is no time; write one such as 1999-02-03T10:00.") from None
    if at.tzinfo:
        return at
    version = contracts_queries.latest(client.id)
    if version is None:
        raise click.ClickException(f"{client.slug} has no contract. Sign one: workfloor contracts sign FILE")
    return calendars.instant(at.date(), at.time(), contracts_queries.terms(version).zone)


# --- deliveries -------------------------------------------------------------------------------------------------


@click.group()
def delivery() -> None:
    """Record, approve and list what is charged besides contacts: hours of attendance, and costs passed through.

    Hours are charged by the contract's prices by agent-hour once somebody of the other side has approved them; costs by
    those that pass them through, once another person has.
    """


@delivery.command(
    "hours",
    epilog="""\b
Example:
  workfloor billing delivery hours first-bank "Night desk" 7.5 --on 1999-02-03 \\
      --reason "Two agents, 22:00 to 01:45"
""",
)
@client_argument
@click.argument("price")
@click.argument("quantity", metavar="HOURS")
@click.option("--on", type=edge.DAY, required=True, help="The day, in the contract's zone.")
@click.option("--reason", required=True, help="Who was there, and when.")
@as_text_or_json
def record_hours(slug: str, price: str, quantity: str, on: date, reason: str, form: str) -> None:
    """Say that so many HOURS were attended on a day, to be charged by a PRICE of the contract."""
    _record(slug, price, quantity, on, reason, form, None)


@delivery.command(
    "cost",
    epilog="""\b
Example:
  workfloor billing delivery cost first-bank "Postage" 1240.50 --on 1999-02-28 --document postage.pdf \\
      --reason "Letters of February"
""",
)
@client_argument
@click.argument("price")
@click.argument("quantity", metavar="AMOUNT")
@click.option("--on", type=edge.DAY, required=True, help="The day, in the contract's zone.")
@click.option("--reason", required=True, help="What it was for.")
@click.option(
    "--document", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The invoice paid."
)
@as_text_or_json
def record_cost(slug: str, price: str, quantity: str, on: date, reason: str, document: Path, form: str) -> None:
    """Say that an AMOUNT was paid, in the currency of a PRICE that passes it through; the document is kept."""
    _record(slug, price, quantity, on, reason, form, document)


def _record(slug: str, price: str, quantity: str, on: date, reason: str, form: str, document: Path | None) -> None:
    with _entered(slug) as (client, now):
        from workfloor.core.claims import actions as claims

        paper = claims.File(document.name, document.read_bytes()) if document else None
        made = claims.claim_delivery(
            client=client,
            price=price,
            on=on,
            quantity=_number(quantity),
            reason=reason,
            by=edge.person(),
            now=now,
            document=paper,
        )
        _show(
            client,
            made,
            form,
            f"Recorded. Another person approves it: workfloor billing delivery approve {slug} {made.id}",
        )


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise click.ClickException(f"{text!r} is no number; write digits and a point, such as 7.5.")
    return found


@delivery.command(
    "document", epilog="\b\nExample:\n  workfloor billing delivery document first-bank 12 --output postage.pdf\n"
)
@client_argument
@click.argument("number", type=int)
@click.option("--output", "-o", type=click.File("wb", lazy=True), required=True, help="Write it to this file.")
def document(slug: str, number: int, output: Any) -> None:
    """Give back the document of a cost."""
    with _entered(slug) as (client, _):
        from workfloor.core.claims import queries as claims_queries
        from workfloor.core.files import queries as files_queries

        paper = claims_queries.document(client.id, number)
        if paper is None:
            raise click.ClickException(f"{slug} has no document of a claim {number}.")
        output.write(files_queries.content(paper.file))
    click.echo(f"{paper.name}, SHA-256 {paper.digest}")


# --- deciding and listing, the same for both --------------------------------------------------------------------


def _deciding(group: click.Group, kinds: tuple[str, ...], name: str) -> None:
    """Give a group its commands to approve, refuse and list."""

    @group.command("approve", epilog=f"\b\nExample:\n  workfloor billing {name} approve first-bank 12\n")
    @client_argument
    @click.argument("number", type=int)
    @click.option("--reason", default="", help="Why, if that should be said.")
    @as_text_or_json
    def approve(slug: str, number: int, reason: str, form: str) -> None:
        """Confirm what another person has claimed: from now on it counts."""
        with _entered(slug) as (client, now):
            from workfloor.core.claims import actions as claims

            found = _claim(client, number, kinds)
            _show(client, claims.approve(claim=found, by=edge.person(), now=now, reason=reason), form, "Approved.")

    @group.command(
        "refuse",
        epilog=f'\b\nExample:\n  workfloor billing {name} refuse first-bank 12 --reason "No"\n',
    )
    @client_argument
    @click.argument("number", type=int)
    @click.option("--reason", required=True, help="Why it does not count.")
    @as_text_or_json
    def refuse(slug: str, number: int, reason: str, form: str) -> None:
        """Refuse what another person has claimed, or take an approval back."""
        with _entered(slug) as (client, now):
            from workfloor.core.claims import actions as claims

            found = _claim(client, number, kinds)
            _show(client, claims.refuse(claim=found, by=edge.person(), now=now, reason=reason), form, "Refused.")

    @group.command("list", epilog=f"\b\nExample:\n  workfloor billing {name} list first-bank --state claimed\n")
    @client_argument
    @click.option("--state", type=click.Choice(STATES), help="Only those.")
    @as_text_or_json
    def list_claims(slug: str, state: str | None, form: str) -> None:
        """List claims, the latest event first."""
        with _entered(slug) as (client, _):
            from workfloor.core.claims import queries as claims_queries

            found = [_plain(client, each) for each in claims_queries.claims(client.id, kinds=kinds, state=state)]  # type: ignore[arg-type]
        if form == "json":
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
            return
        for row in found:
            click.echo(_line(row))
        click.echo(f"{len(found)} claims")


_deciding(exclusion, KINDS, "exclusion")
_deciding(delivery, ("attendance", "cost"), "delivery")


def _show(client: "Client", claim: "Claim", form: str, says: str) -> None:
    row = _plain(client, claim)
    click.echo(json.dumps(row, indent=2, ensure_ascii=False) if form == "json" else f"{_line(row)}\n{says}")


def _plain(client: "Client", claim: "Claim") -> dict[str, Any]:
    from zoneinfo import ZoneInfo

    from workfloor.core.contracts import queries as contracts_queries

    version = contracts_queries.latest(client.id)
    zone = ZoneInfo(contracts_queries.terms(version).zone if version else "UTC")
    return {
        "claim": claim.id,
        "kind": claim.kind,
        "state": claim.state,
        "from": claim.starts_at.astimezone(zone).isoformat(),
        "until": claim.ends_at.astimezone(zone).isoformat(),
        "queues": claim.queues,
        "price": claim.price or None,
        "quantity": None if claim.quantity is None else f"{claim.quantity.normalize():f}",
        "reason": claim.reason,
        "claimed_by": claim.claimed_by.name,
        "decided_by": claim.decided_by.name if claim.decided_by else None,
        "decision_reason": claim.decision_reason or None,
    }


def _line(row: dict[str, Any]) -> str:
    of = f"{row['quantity']} by “{row['price']}”" if row["price"] else ", ".join(row["queues"]) or "all queues"
    decided = f", {row['state']} by {row['decided_by']}" if row["decided_by"] else ", waits for a second person"
    told = f"{row['claim']:>6}  {row['kind']:<14} {row['from'][:16]} to {row['until'][:16]}  {of}: {row['reason']}"
    return "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in f"{told} ({row['claimed_by']}{decided})"
    )
