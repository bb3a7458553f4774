"""`workfloor billing legal-entity` and `workfloor billing invoice`: who issues, what was issued, and taking it back."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from workfloor.cli import closing as cli_closing
from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.ops.billing.models import Invoice, LegalEntity

Decorated = Callable[..., Any]
_TERMS = {
    "name": "Its name in law.",
    "street": "Street and number.",
    "city": "City.",
    "postcode": "Postal code.",
    "region": "State or province.",
    "country": "Two letters of ISO 3166-1.",
    "vat_id": "VAT number, with its country in front: PT501964843.",
    "legal_id": "Number in the register of companies.",
    "endpoint": "Electronic address, as SCHEME:ADDRESS of the EAS list.",
    "contact": "Whom the client asks about an invoice.",
    "email": "Their mail address.",
    "phone": "Their telephone number.",
    "account": "IBAN, or the account number where there is none.",
    "bic": "BIC of the bank.",
}


def _terms(command: Decorated) -> Decorated:
    for name, words in reversed(_TERMS.items()):
        command = click.option(f"--{name.replace('_', '-')}", name, help=words)(command)
    return command


@contextmanager
def _refusing() -> Iterator[None]:
    """One transaction that has entered every client; what is refused ends the command with every reason."""
    with edge.database():
        from workfloor.kit.database import rls
        from workfloor.ops.billing.actions import InvoiceRefused

        rls.enter_every_client()
        try:
            yield
        except InvoiceRefused as fault:
            raise click.ClickException("\n  ".join(["Refused:", *fault.reasons])) from None


# --- Legal entities ---------------------------------------------------------------------------------------------


@click.group(
    epilog="""\b
Examples:
  workfloor billing legal-entity add lisbon --name 'Sample Floor Lda' --street 'Rua do Ouro 1' \\
      --city Lisboa --postcode 1100-060 \\
      --country PT --vat-id PT501964843 --account 'PT50 0002 0123 1234 5678 9015 4'
  workfloor billing legal-entity change lisbon --street 'Rua Nova 2'
  workfloor billing legal-entity list
"""
)
def entity() -> None:
    """The provider's legal entities, as invoices name them. Numbers run without gaps for each of them."""


@entity.command(
    epilog="\b\nExample:\n  workfloor billing legal-entity add lisbon --name 'Sample Lda' --street 'Rua Nova 1' "
    "--city Lisboa \\\n      --postcode 1100-060 --country PT --vat-id PT501964843 --bic BCOMPTPL\n"
)
@click.argument("slug")
@_terms
def add(slug: str, **terms: str | None) -> None:
    """Put a legal entity on file under a short name, SLUG."""
    with _refusing():
        from workfloor.kit.time import clock
        from workfloor.ops.billing import actions as billing

        given = {name: value for name, value in terms.items() if value is not None}
        made = billing.register_entity(slug=slug, by=edge.acting(), now=clock.now(), terms=given)
        click.echo(f"{made.name} is on file as {slug}.")


@entity.command(
    epilog="\b\nExample:\n  workfloor billing legal-entity change lisbon --street 'Rua Nova 2' --postcode 1100-100\n"
)
@click.argument("slug")
@_terms
def change(slug: str, **terms: str | None) -> None:
    """Change what invoices say of a legal entity from now on; those that were issued stay."""
    with _refusing():
        from workfloor.kit.time import clock
        from workfloor.ops.billing import actions as billing
        from workfloor.ops.billing import queries as billing_queries

        found = billing_queries.entity(slug)
        if found is None:
            raise click.ClickException(f"No legal entity {slug!r} here. See: workfloor billing legal-entity list")
        given = {name: value for name, value in terms.items() if value is not None}
        billing.change_entity(entity=found, by=edge.acting(), now=clock.now(), terms=given)
        click.echo(f"{found.name} is changed.")


@entity.command("list", epilog="\b\nExample:\n  workfloor billing legal-entity list --format json\n")
@cli_closing.format_option
def list_entities(form: str) -> None:
    """List the legal entities."""
    with _refusing():
        from workfloor.ops.billing import queries as billing_queries

        rows = [_plain_entity(each) for each in billing_queries.entities()]
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['entity']:<16} {row['name']}, {row['city']}, {row['country']}  {row['vat_id']}")
    if not rows:
        click.echo("No legal entity yet. Add one: workfloor billing legal-entity add --help")


def _plain_entity(each: "LegalEntity") -> dict[str, str]:
    return {"entity": each.slug} | {name: getattr(each, name) for name in _TERMS}


# --- Invoices ---------------------------------------------------------------------------------------------------


@click.group(
    epilog="""\b
Examples:
  workfloor billing invoice issue first-bank 1999-02
  workfloor billing invoice show first-bank 1999-00001 --format factur-x --output invoice.pdf
  workfloor billing invoice show first-bank 1999-00001 --format ubl --output invoice.xml
  workfloor billing invoice credit first-bank 1999-00001 --reason 'wrong address'
"""
)
def invoice() -> None:
    """Invoices of closed months, and the credit notes that take them back.

    Each passes the CEN rules of EN 16931 and the schemas of UBL and CII before it gets its number, unless the contract
    says that the client takes paper alone.
    """


@invoice.command(epilog="\b\nExample:\n  workfloor billing invoice issue first-bank 1999-02\n")
@click.argument("client")
@click.argument("month", metavar="PERIOD")
@click.option("--number-range", "series", help="The number range that it is numbered from; its year unless given.")
@cli_closing.format_option
def issue(client: str, month: str, series: str | None, form: str) -> None:
    """Issue the invoice of PERIOD, which must be closed, under the next number.

    Refused with everything that is missing, or with the id of each rule that the document breaks.
    """
    with _refusing():
        found = edge.enter(client)
        from workfloor.kit.time import clock
        from workfloor.ops.billing import actions as billing

        by = edge.person()
        made = billing.issue_invoice(client=found, period=month, by=by, now=clock.now(), series=series)
        told = _plain(made)
    _tell(told, form, f"Invoice {told['number']} of {month}: {told['gross']} {told['currency']}, due {told['due_on']}.")


def _plain(made: "Invoice") -> dict[str, Any]:
    from workfloor.ops.billing import invoices

    value = invoices.read(made.value)
    return _row(made) | {"due_on": value.payment.due_on and value.payment.due_on.isoformat()}


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
@cli_closing.format_option
def list_invoices(client: str, form: str) -> None:
    """List CLIENT's invoices and credit notes, the newest first."""
    with _refusing():
        found = edge.enter(client)
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
    with _refusing():
        found = edge.enter(client)
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


@invoice.command(
    epilog="\b\nExample:\n  workfloor billing invoice credit first-bank 1999-00001 --reason 'wrong address' \n"
)
@click.argument("client")
@click.argument("number")
@click.option("--reason", "words", required=True, help="Why; the credit note says so.")
@cli_closing.format_option
def credit(client: str, number: str, words: str, form: str) -> None:
    """Take invoice NUMBER back by a credit note; its month can be invoiced anew after that."""
    with _refusing():
        found = edge.enter(client)
        from workfloor.kit.time import clock
        from workfloor.ops.billing import actions as billing

        by = edge.person()
        note = billing.credit_invoice(invoice=_known(found, number), words=words, by=by, now=clock.now())
        told = _row(note)
    _tell(told, form, f"Credit note {told['number']} takes invoice {number} back.")


def _tell(told: Any, form: str, words: str) -> None:
    click.echo(json.dumps(told, indent=2, ensure_ascii=False) if form == "json" else words)
