"""`workfloor billing legal-entity` and `workfloor billing invoice`: who issues, and what was issued."""

import json
import sys
from typing import IO, TYPE_CHECKING, Any

import click

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from workfloor.ops.billing.models import Invoice

MODULES = ("workfloor.core.clients.queries", "workfloor.ops.billing.actions")


# --- Legal entities ---------------------------------------------------------------------------------------------


@click.group(cls=declared.Group, under="billing legal-entity", modules=MODULES)
def entity() -> None:
    """The provider's legal entities, as invoices name them. Numbers run without gaps for each of them."""


@entity.command("list", epilog="\b\nExample:\n  workfloor billing legal-entity list --format json\n")
@declared.form_option
def list_entities(form: str) -> None:
    """List the legal entities."""
    with edge.database():
        from workfloor.ops.billing import queries as billing_queries
        from workfloor.ops.billing.actions import Terms

        rows = [
            {"entity": each.slug} | {name: getattr(each, name) for name in Terms.__annotations__}
            for each in billing_queries.entities()
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['entity']:<16} {row['name']}, {row['city']}, {row['country']}  {row['vat_id']}")
    if not rows:
        click.echo("No legal entity yet. Add one: workfloor billing legal-entity add --help")


# --- Invoices ---------------------------------------------------------------------------------------------------


@click.group(
    cls=declared.Group,
    under="billing invoice",
    modules=MODULES,
    epilog="""\b
Examples:
  workfloor billing invoice issue first-bank 1999-02
  workfloor billing invoice show first-bank 1999-00001 --format factur-x --output invoice.pdf
  workfloor billing invoice show first-bank 1999-00001 --format ubl --output invoice.xml
  workfloor billing invoice credit 1999-00001 --reason 'wrong address'
""",
)
def invoice() -> None:
    """Invoices of closed months, and the credit notes that take them back.

    Each passes the CEN rules of EN 16931 and the schemas of UBL and CII before it gets its number, unless the contract
    says that the client takes paper alone.
    """


def _row(made: "Invoice") -> dict[str, Any]:
    from workfloor.ops.billing import einvoice

    credited = [note.name for note in made.credited_by.all()]
    return {
        "number": made.name,
        "kind": "credit-note" if made.kind == einvoice.CREDIT_NOTE else "invoice",
        "entity": made.entity.slug,
        "period": made.period,
        "issued_on": made.issued_on.isoformat(),
        "gross": einvoice.written(made.gross, made.currency),
        "currency": made.currency,
        "credits": made.credits and made.credits.name,
        "credited_by": credited[0] if credited else None,
    }


@invoice.command("list", epilog="\b\nExample:\n  workfloor billing invoice list first-bank --format json\n")
@click.argument("client")
@declared.form_option
def list_invoices(client: str, form: str) -> None:
    """List CLIENT's invoices and credit notes, the newest first."""
    with edge.client(client) as found:
        from workfloor.ops.billing import queries as billing_queries

        rows = [_row(each) for each in billing_queries.invoices(found.id)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        standing = f"credits {row['credits']}" if row["credits"] else f"credited by {row['credited_by']}"
        told = standing if row["credits"] or row["credited_by"] else ""
        amount = f"{row['gross']:>14} {row['currency']}"
        click.echo(f"{row['number']:<14} {row['period']}  {row['issued_on']}  {amount}  {told}".rstrip())
    if not rows:
        click.echo(f"{client} has no invoices. Issue one: workfloor billing invoice issue {client} PERIOD")


FORMATS = ["text", "json", "html", "pdf", "factur-x", "ubl", "cii"]


@invoice.command(
    epilog="""\b
Examples:
  workfloor billing invoice show first-bank 1999-00001
  workfloor billing invoice show first-bank 1999-00001 --format pdf --output invoice.pdf
  workfloor billing invoice show first-bank 1999-00001 --format cii
"""
)
@click.argument("client")
@click.argument("number")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="How to write it.")
@click.option("--output", "-o", type=click.File("wb", lazy=True), help="Write to this file.")
def show(client: str, number: str, form: str, output: IO[bytes] | None) -> None:
    """Write invoice or credit note NUMBER: for people as text, HTML or PDF, for systems as UBL, CII or Factur-X.

    Each line says the figure of the closed month whose items it counts; `workfloor billing explain` opens it.
    """
    if form in ("pdf", "factur-x") and output is None and sys.stdout.isatty():
        raise click.UsageError("A PDF does not fit a terminal. Name a file: --output invoice.pdf")
    with edge.client(client) as found:
        written = _written(_known(found, number), form)
    if output:
        output.write(written)
    else:
        click.echo(written, nl=False)


def _known(client: Any, number: str) -> "Invoice":
    from workfloor.ops.billing import queries as billing_queries

    found = billing_queries.named(client.id, number)
    if found is None:
        raise click.ClickException(
            f"{client.slug} has no invoice {number}. See: workfloor billing invoice list {client.slug}"
        )
    return found


def _written(made: "Invoice", form: str) -> bytes:
    from workfloor.ops.billing import gateway as billing_gateway
    from workfloor.ops.billing import invoices
    from workfloor.ops.billing import presenting as billing_presenting

    if form in ("ubl", "cii", "factur-x") and not made.ubl:
        raise click.ClickException(
            f"{made.name} was issued on paper alone: the contract says electronic = false. Write --format pdf"
        )
    if form in ("ubl", "cii"):
        return str(getattr(made, form)).encode()
    if form == "json":
        return (json.dumps(_row(made) | {"invoice": made.value}, indent=2, ensure_ascii=False) + "\n").encode()
    if form in ("pdf", "factur-x"):
        inside = made.cii.encode() if form == "factur-x" else None
        return billing_gateway.invoice_pdf(billing_presenting.paper_of_invoice(made), inside)
    printed = invoices.printed(invoices.read(made.value))
    return _page(printed) if form == "html" else _text(printed)


def _page(printed: dict[str, Any]) -> bytes:
    from django.template.loader import render_to_string

    return render_to_string("billing/invoicing/document.html", {"invoice": printed}).encode()


def _text(printed: dict[str, Any]) -> bytes:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=max(Console().width, 100), no_color=not sys.stdout.isatty())
    table = Table(title=printed["title"], title_justify="left")
    for name in ("no.", "service", "quantity", "price", "tax", "amount"):
        table.add_column(name, justify="left" if name in ("no.", "service") else "right", overflow="fold")
    for row in printed["lines"]:
        cells = (row["id"], row["title"], row["quantity"], row["price"], row["tax"], row["amount"])
        table.add_row(*map(Text, cells))
    below = [*((row["title"], row["amount"]) for row in printed["allowances"]), *printed["sums"], printed["due"]]
    for title, amount in below:
        table.add_row("", Text(title), "", "", "", Text(amount))
    with console.capture() as captured:
        for party, lines in (("From", printed["seller"]), ("To", printed["buyer"])):
            console.print(f"{party}: {', '.join(lines)}", markup=False, highlight=False)
        for name, value in [*printed["facts"], *printed["payment"]]:
            console.print(f"{name}: {value}", markup=False, highlight=False)
        console.print(table)
    return captured.get().encode()
