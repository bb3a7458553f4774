"""`workfloor playbook`: what a client's agents say, what is done by rule, and what they can look up."""

import json
from pathlib import Path

import click

from workfloor.cli import edge, token
from workfloor.cli.widget import faults

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")


@click.group(
    epilog="""\b
Examples:
  workfloor playbook give first-bank playbook.toml
  workfloor playbook article first-bank --process cards lost-card.md
  workfloor playbook articles first-bank --process cards
"""
)
def playbook() -> None:
    """Give a client's agents canned answers, rules and articles."""


@playbook.command()
@token.client_argument
@file_argument
def give(client: str, file: Path) -> None:
    """Let the canned answers and rules of FILE (TOML) hold for CLIENT from now on; all faults are told at once."""
    with edge.client(client) as found, faults():
        from workfloor.kit import clock
        from workfloor.ops.playbook import actions, queries

        made = actions.give(client=found, source=file.read_text("utf-8"), now=clock.now())
        holds = queries.playbook(found.id)
        click.echo(
            f"Version {made.number}: {len(holds.answers)} answers and {len(holds.rules)} rules hold for {client}."
        )


@playbook.command()
@token.client_argument
@click.option("--process", required=True, help="The process whose agents can look it up.")
@file_argument
def article(client: str, process: str, file: Path) -> None:
    """Write the article in FILE, or its next version. Its first line is the title; the file's name is its name."""
    with edge.client(client), faults():
        from workfloor.core.contracts.models import Process
        from workfloor.kit import clock
        from workfloor.ops.playbook import actions

        of = Process.objects.filter(name=process).first()
        if of is None:
            known = ", ".join(Process.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise click.ClickException(f"{client} has no process {process!r}. Processes: {known}.")
        title, _, body = file.read_text("utf-8").strip().partition("\n")
        made = actions.write_article(
            process=of, name=file.stem, title=title.lstrip("# ").strip(), body=body.strip(), now=clock.now()
        )
    click.echo(f"“{made.title}”, version {made.version}.")


@playbook.command()
@token.client_argument
@click.option("--process", required=True, help="The process whose agents can look them up.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def articles(client: str, process: str, form: str) -> None:
    """List the articles of one of CLIENT's processes."""
    with edge.client(client):
        from workfloor.ops.playbook.models import Article

        rows = list(Article.objects.filter(process__name=process).order_by("title").values("name", "title", "version"))
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['name']:<30} version {row['version']:<4} {row['title']}")
    if not rows:
        click.echo(f"{process} has no articles yet. See: workfloor playbook article --help")
