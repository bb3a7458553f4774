"""`workfloor pool`: which router serves which queue."""

import json

import click

from workfloor.cli import edge


@click.command(
    epilog="""\b
Examples:
  workfloor pool                              which queue is in which pool
  workfloor pool first-bank/regular night     served by `workfloor router --pool night`
  workfloor pool first-bank/regular main      back to the pool that `workfloor up` serves
"""
)
@click.argument("queue", metavar="[CLIENT/QUEUE", required=False)
@click.argument("pool", metavar="POOL]", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def pool(queue: str | None, pool: str | None, form: str) -> None:
    """Say which queues are in which pool, or put a queue into another.

    Each pool has a router of its own. Queues that the same people serve belong together in one.
    """
    if queue is not None and pool is None:
        raise click.UsageError("Name the pool too: workfloor pool CLIENT/QUEUE POOL")
    with edge.database():
        from workfloor.kit import clock, rls
        from workfloor.ops.dispatch import actions, queries

        rls.enter_every_client()
        if queue is not None and pool is not None:
            try:
                actions.put_into_pool(queue=queries.named(queue), pool=pool, now=clock.now())
            except (LookupError, ValueError) as reason:
                raise click.ClickException(str(reason)) from None
        found = queries.pools()
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("".join(f"{name:<40} {of}\n" for name, of in found.items()), nl=False)
