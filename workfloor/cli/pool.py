"""`workfloor pool`: which router serves which queue."""

import json
import re

import click

from workfloor.cli import edge


@click.command(
    epilog="""\b
Examples:
  workfloor pool                              which queue is in which pool
  workfloor pool first-bank/regular night     served by `workfloor router --pool night`
  workfloor pool first-bank/regular main      back to the pool that `workfloor up` serves
  workfloor pool main --even-out 10min        who was busier than the others waits longer
"""
)
@click.argument("queue", metavar="[CLIENT/QUEUE]", required=False)
@click.argument("pool", metavar="[POOL]", required=False)
@click.option("--even-out", metavar="LENGTH", help="Such as 10min, for POOL alone; 0 for not at all.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def pool(queue: str | None, pool: str | None, even_out: str | None, form: str) -> None:
    """Say which queues are in which pool, put a queue into another, or even out the load in one.

    Each pool has a router of its own. Queues that the same people serve belong together in one.

    With --even-out, whoever was busy for 10 % more of the last day than all together stands back in line by a tenth of
    that length, among people who are equally fit for the work; whoever was less busy stands as much further in front.
    """
    if even_out is not None:
        _even_out(queue, pool, even_out)
        return
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


_SECONDS = {"s": 1, "min": 60, "h": 3600}


def _even_out(name: str | None, second: str | None, length: str) -> None:
    found = re.fullmatch(r"(\d{1,4}) ?(s|min|h)|0", length)
    if found is None:
        raise click.UsageError(f"“{length}” is no length; write it as in 10min, or 0 for not at all")
    if name is None or second is not None:
        raise click.UsageError("Name the pool alone: workfloor pool POOL --even-out LENGTH")
    seconds = int(found[1]) * _SECONDS[found[2]] if found[1] else 0
    with edge.database():
        from workfloor.kit import clock
        from workfloor.ops.dispatch import actions

        try:
            actions.even_out(pool=name, seconds=seconds, now=clock.now())
        except ValueError as reason:
            raise click.ClickException(str(reason)) from None
    click.echo(f"{name} evens out by {length}." if seconds else f"{name} evens nothing out.")
