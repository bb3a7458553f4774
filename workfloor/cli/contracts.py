"""`workfloor contracts`: check, sign and compare the files that clients and the provider signed."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import declared, edge
from workfloor.cli.measures import measures
from workfloor.kit.text import toml

if TYPE_CHECKING:
    from workfloor.core.contracts import models as contracts_models
    from workfloor.core.contracts import terms as contracts_terms

file_argument = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)
_LARGEST = 4_000_000  # bytes: more than the characters that the reader takes, however they are encoded


@click.group(
    "contracts",
    cls=declared.Group,
    under="contracts",
    modules=("workfloor.core.contracts.actions",),
)
def group() -> None:
    """Check, sign and compare contracts.

    A contract is a TOML file: what work there is, how well it must be done, what it costs, what a miss costs. The
    product executes what it says.
    """


group.add_command(measures)


@group.command(
    epilog="""\b
Example:
  workfloor contracts schema > contract.schema.json     for your editor
"""
)
@click.option("--format", "form", type=click.Choice(["json", "markdown"]), default="json", help="How to print it.")
def schema(form: str) -> None:
    """Print the JSON Schema of a contract file: every key, what it means, an example of it."""
    from workfloor.core.contracts import parsing as contracts_parsing
    from workfloor.core.contracts import reference

    click.echo(contracts_parsing.schema_text() if form == "json" else reference.reference(), nl=False)


@group.command(
    epilog="""\b
Examples:
  workfloor contracts check examples/bank/contract.toml
  workfloor contracts check contract.toml --format json
"""
)
@file_argument
@as_text_or_json
def check(file: Path, form: str) -> None:
    """Say everything that is wrong with FILE, each with its line. Nothing is stored, and no database is needed.

    Ends with 1 where anything is wrong. Where the database runs, queues that nobody holds certificates for today are
    named too; they keep nobody from signing.
    """
    terms, faults = _checked(file)
    warnings = _warnings_if_running(terms) if terms else []
    if form == "json":
        _print_json({"file": str(file), "faults": [asdict(fault) for fault in faults], "warnings": warnings})
    else:
        _print_lines(_written(file, faults) if faults else [f"{file}: nothing is wrong."])
        _print_warnings(warnings)
    if faults:
        raise SystemExit(1)


@group.command(
    epilog="""\b
Examples:
  workfloor contracts diff first-bank                        the last amendment
  workfloor contracts diff first-bank --from 1 --to 3
  workfloor contracts diff first-bank --file contract.toml   what signing it would change
"""
)
@click.argument("client")
@click.option("--from", "old", type=click.IntRange(min=1), help="This version, else the one before --to.")
@click.option("--to", "new", type=click.IntRange(min=1), help="This version, else the last one.")
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Compare with this file instead."
)
@as_text_or_json
def diff(client: str, old: int | None, new: int | None, file: Path | None, form: str) -> None:
    """Say in words what changed between two versions of CLIENT's contract, or would with a file."""
    if file and new:
        raise click.UsageError("Give either --to or --file.")
    with edge.database():
        from workfloor.core.contracts import changes as contract_changes
        from workfloor.core.contracts import queries as contracts_queries

        versions = _versions(client)
        if file:
            before = _pick(versions, old or max(versions))
            after, title = _sound(file), str(file)
        else:
            last = _pick(versions, new or max(versions))
            before, after = _pick(versions, old or max(last.number - 1, 1)), contracts_queries.terms(last)
            title = f"version {last.number}"
        found = contract_changes.changes(contracts_queries.terms(before), after)
    if form == "json":
        changes = [asdict(change) for change in found]
        _print_json({"client": client, "from": before.number, "to": title, "changes": changes})
        return
    head = f"{client}: from version {before.number} to {title}" + ("" if found else ": no term differs.")
    _print_lines([head, *map(str, found)])


def _versions(slug: str) -> "dict[int, contracts_models.Version]":
    from workfloor.core.clients import queries as clients_queries
    from workfloor.core.contracts import queries as contracts_queries

    edge.enter_all()
    client = clients_queries.by_slug(slug)
    found = {version.number: version for version in contracts_queries.versions(client.id)} if client else {}
    if not found:
        raise click.ClickException(f"{slug} has signed no contract. Sign one with: workfloor contracts sign FILE")
    return found


def _pick(versions: "dict[int, contracts_models.Version]", number: int) -> "contracts_models.Version":
    if number not in versions:
        raise click.ClickException(f"There is no version {number}; the last one is {max(versions)}.")
    return versions[number]


# --- reading a file ---------------------------------------------------------------------------------------------


def _checked(file: Path) -> "tuple[contracts_terms.Contract | None, list[toml.Fault]]":
    from workfloor.core.contracts import parsing as contracts_parsing
    from workfloor.kit.text import toml

    try:
        return contracts_parsing.read(_source(file)), []
    except toml.Refused as refused:
        return None, refused.faults


def _sound(file: Path) -> "contracts_terms.Contract":
    terms, faults = _checked(file)
    if terms is None:
        raise click.ClickException("\n".join(["the file is not sound.", *_written(file, faults)]))
    return terms


def _source(file: Path) -> str:
    """Return the file's text, as far as the reader would take it."""
    from workfloor.kit.text import toml

    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    try:
        return content[:_LARGEST].decode("utf-8-sig", "strict" if len(content) <= _LARGEST else "ignore")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise toml.Refused([toml.Fault(line, "file", "is not UTF-8 here; save the file as UTF-8.")]) from fault


def _written(file: Path, faults: "list[toml.Fault]") -> list[str]:
    return [f"{file}:{fault.line}: {fault.place}: {fault.message}" for fault in faults]


# --- warnings ---------------------------------------------------------------------------------------------------


def _warnings_if_running(terms: "contracts_terms.Contract") -> list[str]:
    from workfloor import settings
    from workfloor.kit.database import postgres, rls
    from workfloor.kit.time import clock

    if not (settings.WORKFLOOR_DATABASE_URL or postgres.Server(settings.WORKFLOOR_DATA).runs()):
        return []
    try:
        with edge.database():
            from workfloor.core.contracts import queries as contracts_queries

            rls.enter_every_client()
            return contracts_queries.warnings(terms, clock.now())
    except click.ClickException:
        return []  # the file is judged all the same


# --- printing ---------------------------------------------------------------------------------------------------


def _print_json(found: dict[str, Any]) -> None:
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_warnings(warnings: list[str]) -> None:
    for line in warnings:
        click.echo(f"Warning: {line}", err=True)
