"""`workfloor router`: who does what next, decided all the time."""

import signal
import threading
from pathlib import Path

import click

from workfloor.cli import children, edge

with_parent = click.option(children.WITH_PARENT, "parent", is_flag=True, hidden=True)


@click.command(
    epilog="""\b
Examples:
  workfloor router                       of the main pool; `workfloor up` runs one
  workfloor router --pool night-shift    of the queues that are in that pool
  workfloor router --log decisions.log   write down what it is told and decides
"""
)
@click.option("--pool", default="main", show_default=True, help="Serve the queues of this pool.")
@click.option("--log", "log", type=click.Path(dir_okay=False, path_type=Path), help="Write each decision to this file.")
@with_parent
def router(pool: str, log: Path | None, parent: bool) -> None:
    """Offer waiting work to people until stopped.

    One router leads a pool; further ones of the same pool stand by and take over within two seconds.
    """
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    if parent:
        children.end_with_parent()
    with edge.installation():
        from django.conf import settings

        if not parent:
            edge.refuse_an_old_schema()
        edge.let_go()
        # The lead is a lock of one connection, which nobody else may get from a pool.
        settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
        from workfloor.cli import routing

        if log is None:
            routing.run(stop, pool)
        else:
            with log.open("w") as file:
                routing.run(stop, pool, routing.Log(file))
