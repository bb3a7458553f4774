"""`workfloor why` and `workfloor fairness`: the reasons for offers, and how a month was shared out."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from rich.table import Table

    from workfloor.ops.fairness import queries

FORMATS = click.Choice(["text", "json"])


@click.command(
    epilog="""\b
Examples:
  workfloor why 4711                  the last offer of item 4711, or why it waits
  workfloor why 4711 --format json
"""
)
@click.argument("item", type=int)
@click.option("--format", "form", type=FORMATS, default="text", help="How to print it.")
def why(item: int, form: str) -> None:
    """Say who could have had ITEM when it was offered, who could not and for which reason.

    Of an item that waits it says the same as of now.
    """
    with edge.database():
        from workfloor.kit import clock, rls
        from workfloor.ops.reasons import forms
        from workfloor.ops.reasons import queries as reasons

        rls.enter_every_client()
        try:
            found = forms.plain(reasons.why(item, clock.now()))
        except reasons.NoReason as reason:
            raise click.ClickException(f"{str(reason)[0].upper()}{str(reason)[1:]}.") from None
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    to = f"offered to {found['offered_to']}" if found["offered_to"] else "waits, offered to nobody"
    click.echo(f"Item {found['item']} of {found['client']}/{found['queue']}: {to}")
    click.echo(f"{found['at'][:19]}, after {found['waited_seconds']:,.0f} s of waiting")
    _print(_table(found["people"], {"person": "person", "said": "could or not", "ring": "ring", "score": "score"}))


@click.command(
    epilog="""\b
Examples:
  workfloor fairness 2026-11
  workfloor fairness 2026-11 --format json
"""
)
@click.argument("period", metavar="PERIOD")
@click.option("--format", "form", type=FORMATS, default="text", help="How to print it.")
def fairness(period: str, form: str) -> None:
    """Say how evenly the work of PERIOD, a month such as 2026-11, was shared out.

    Each person's occupancy, the offers that they declined or let lapse, and older work that was passed over: none, or
    something is wrong.
    """
    with edge.database():
        from workfloor.kit import clock, rls
        from workfloor.ops.fairness import queries

        rls.enter_every_client()
        try:
            found = _plain(queries.fairness(period, clock.now()))
        except queries.NoPeriod as reason:
            raise click.ClickException(f"{reason}.") from None
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(f"{found['offers']:,} offers; older work passed over: {len(found['passed_over'])}")
    if found["occupancy"]:
        mean, spread = found["occupancy"]["mean"], found["occupancy"]["spread"]
        click.echo(f"Occupancy {mean:.1%} on average, spread {spread:.1%}")
    names = ("person", "offered", "declined", "lapsed", "occupancy")
    _print(_table(found["people"], {name: name for name in names}))


def _plain(found: "queries.Fairness") -> dict[str, Any]:
    people = [
        {
            "person": name, "offered": share.offered, "declined": share.declined, "lapsed": share.lapsed,
            "occupancy": None if share.occupancy is None else round(share.occupancy, 4),
        }
        for name, share in found.shares
    ]  # fmt: skip
    passed = [
        {"at": each.at.isoformat(), "queue": each.queue_id, "offered": each.offered, "passed_over": each.passed_over}
        for each in found.passed_over
    ]
    spread = found.occupancy and {"mean": round(found.occupancy[0], 4), "spread": round(found.occupancy[1], 4)}
    return {
        "period": found.period, "offers": found.offers, "passed_over": passed, "occupancy": spread, "people": people
    }  # fmt: skip


def _table(rows: list[dict[str, Any]], columns: dict[str, str]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for title in columns.values():
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if row[name] is None else str(row[name])) for name in columns))
    return table


def _print(table: "Table") -> None:
    from rich.console import Console

    Console(width=max(Console().width, 80), no_color=not sys.stdout.isatty()).print(table)
