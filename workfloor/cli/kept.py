"""`workfloor admin files`: whether every file is there and whole, and the erasing of a client's."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from workfloor.core.files.models import File

AT_A_TIME: Final = 200
MOST_NAMED: Final = 100


MODULES = ("workfloor.core.clients.queries", "workfloor.core.files.actions")


@click.group(cls=declared.Group, under="admin files", modules=MODULES)
def kept_files() -> None:
    """Prove that every file is in the store and whole, or erase those of a client that has left."""


@dataclass
class Found:
    """What a check came to."""

    files: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    erased: int = 0  # unreadable, as was wanted
    unused: int = 0  # rows that nothing refers to
    orphans: int = 0  # in the store, and of no row
    young: int = 0  # the same, but so new that a row may follow
    repaired: bool = False

    @property
    def is_sound(self) -> bool:
        return not self.missing and not self.damaged


@kept_files.command(
    epilog="\b\nExamples:\n  workfloor admin files check\n  workfloor admin files check --repair-orphans\n"
)
@click.option("--repair-orphans", is_flag=True, help="Remove what is in the store and belongs to nothing.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def check(repair_orphans: bool, form: str) -> None:
    """Read every file through: that it is in the store, is whole, and is the one that was put there.

    Then list what is in the store and belongs to nothing: what was written by a process that died before it said so.
    Exit status 1 if a file is missing or damaged, 2 if the store cannot be reached.
    """
    from workfloor.core.files import gateway as files_gateway

    found = Found(repaired=repair_orphans)
    with edge.installation():
        edge.refuse_an_old_schema()
        try:
            _read_all(found)
            _look_at_the_store(found)
        except (files_gateway.Away, files_gateway.NoKey) as fault:
            click.echo(f"The check cannot go on: {fault}", err=True)
            sys.exit(2)
    _print(found, form)
    sys.exit(0 if found.is_sound else 1)


def _read_all(found: Found) -> None:
    from workfloor.core.files import actions as files
    from workfloor.core.files import queries as files_queries
    from workfloor.kit.time import clock

    with _in_every_client():
        total, _ = files_queries.sizes()
    after = 0
    with _progress() as progress:
        task = progress.add_task("files", total=total)
        while True:
            with _in_every_client():
                some = files_queries.some_files(after=after, most=AT_A_TIME)
                unused = [each.id for each in _unused(some)]
                found.unused += len(unused)
                if found.repaired:
                    files.release(file_ids=unused, now=clock.now())
                for each in some:
                    _read(each, found)
                    progress.advance(task)
            if not some:
                return
            after = some[-1].id


def _unused(some: "list[File]") -> "Iterator[File]":
    from workfloor.core.files import queries as files_queries

    used = files_queries.referred_to(each.id for each in some)
    return (each for each in some if each.id not in used and each.delete_at is None)


def _read(file: "File", found: Found) -> None:
    from workfloor.core.files import queries as files_queries

    found.files += 1
    found.bytes += file.size
    fault = files_queries.fault_of(file)
    if fault is None:
        return
    if fault.kind == "erased":
        found.erased += 1
        return
    listed = found.missing if fault.kind == "missing" else found.damaged
    listed.append(f"{file.id} ({file.name}): {fault.says}")


def _look_at_the_store(found: Found) -> None:
    from workfloor.core.files import actions as files
    from workfloor.core.files import gateway as files_gateway
    from workfloor.core.files import queries as files_queries
    from workfloor.kit.time import clock

    for listed in files_gateway.store().listed():
        with _in_every_client():
            now = clock.now()
            before = min(now - files.ORPHANED_AFTER, files_queries.oldest_transaction(now=now))
            orphans = files_queries.unowned(listed=listed)
        old = [each.name for each in orphans if each.changed_at < before]
        found.orphans += len(old)
        found.young += len(orphans) - len(old)
        if found.repaired:
            files_gateway.store().remove(old)


@contextmanager
def _in_every_client() -> Iterator[None]:
    from django.db import transaction

    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        yield


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def _print(found: Found, form: str) -> None:
    if form == "json":
        said: dict[str, Any] = asdict(found) | {"sound": found.is_sound}
        click.echo(json.dumps(said, indent=2))
        return
    for kind, listed in (("missing", found.missing), ("damaged", found.damaged)):
        for each in listed[:MOST_NAMED]:
            click.echo(f"{kind}: {each}", err=True)
    state = "none missing, none damaged" if found.is_sound else ""
    state = state or f"{len(found.missing):,} missing, {len(found.damaged):,} damaged"
    click.echo(f"{found.files:,} files of {found.bytes:,} bytes: {state}.")
    if found.erased:
        click.echo(f"{found.erased:,} of them were erased with their client's key.")
    done = "; removed" if found.repaired else ""
    if found.orphans or found.unused:
        click.echo(f"{found.orphans:,} in the store belong to nothing, and nothing refers to {found.unused:,}{done}.")
    if found.young:
        click.echo(f"{found.young:,} in the store are too new to say whether a row follows.")
