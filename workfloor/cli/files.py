"""Contracts and scenarios read from files, for commands that compute and store nothing."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from workfloor.cli import edge, past

if TYPE_CHECKING:
    from workfloor.core.contracts.rules import Contract
    from workfloor.ops.history.rules import Call
    from workfloor.ops.planning.forms import Draft
    from workfloor.ops.planning.rules import Past, Scenario


class Read(NamedTuple):
    """A contract with its file, by name as short as it may be, and its text."""

    name: str
    file: Path
    contract: "Contract"
    text: str


def contracts(files: Sequence[Path]) -> list[Read]:
    """Read contracts; all that is wrong with any of them ends the command."""
    from workfloor.core.contracts import forms
    from workfloor.ops.planning import gateway

    found, faults = [], list[str]()
    for file in files:
        try:
            text = gateway.text(file)
            name = file.name if [each.name for each in files].count(file.name) == 1 else str(file)
            found.append(Read(name, file, forms.read(text), text))
        except gateway.Unreadable as reason:
            faults.append(str(reason))
        except forms.Refused as refused:
            faults += [f"{file}:{fault.line}: {fault.place}: {fault.message}" for fault in refused.faults]
    refuse_with(faults)
    return found


def refuse_with(faults: Sequence[str]) -> None:
    """End the command with faults, where there are any."""
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise SystemExit(1)


Wrong = tuple[str, str]  # place, what is wrong


def scenario(
    file: Path,
    contract: "Contract | None" = None,
    check: "Callable[[Draft], Iterator[Wrong]]" = lambda draft: iter(()),
) -> "Scenario":
    """Read a scenario and what it names, under a contract if there is one here; all that is wrong ends the command."""
    from workfloor.ops.planning import forms, gateway

    try:
        draft = forms.draft(gateway.text(file))
        for place, message in check(draft):
            draft.refuse(place, message)
        agreed = contract or _contract(draft, file)
        return forms.scenario(draft, agreed, _past(draft, agreed, file))
    except gateway.Unreadable as reason:
        raise click.ClickException(str(reason)) from None
    except forms.Refused as refused:
        refuse_with([f"{file}:{fault.line}: {fault.place}: {fault.message}" for fault in refused.faults])
        raise


def compiled_code() -> Path | None:
    """The folder for compiled code; None where it cannot be made, or nothing is there to compile with."""
    from workfloor import settings
    from workfloor.kit import compiled, extras

    if not extras.has("numba"):
        click.echo(f"{extras.words('numba', compiled.PURPOSE)}. Without it this takes far longer.", err=True)
        return None
    store: Path = settings.WORKFLOOR_DATA / "compiled"
    try:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None  # slower, and the same result
    return store


def _contract(draft: "Draft", file: Path) -> "Contract | None":
    from workfloor.core.contracts import forms
    from workfloor.ops.planning import gateway

    named = draft.contract_path
    if named is None or "scenario.contract" in draft.document.broken:
        return None
    try:
        return forms.read(gateway.text(file.parent / named))
    except gateway.Unreadable as reason:
        draft.refuse("scenario.contract", str(reason))
    except forms.Refused as refused:
        first = refused.faults[0]
        message = f"{named} has {len(refused.faults)} faults, the first in line {first.line}: {first.place}: "
        draft.refuse("scenario.contract", f"{message}{first.message} Run: workfloor contract check {named}")
    return None


def _past(draft: "Draft", contract: "Contract | None", file: Path) -> "list[Past] | None":
    replay = draft.replay
    if replay is None or contract is None:
        return None
    if replay.get("journal"):
        return _journalled(draft, contract)
    if "file" not in replay or "map" not in replay:
        return None
    return _recorded(draft, file.parent / replay["file"], file.parent / replay["map"])


def _journalled(draft: "Draft", contract: "Contract") -> "list[Past]":
    start, end = draft.period(contract)
    with edge.database():
        from workfloor.core.clients import queries as clients
        from workfloor.kit import rls
        from workfloor.ops.planning import queries

        rls.enter_every_client()
        client = clients.by_slug(contract.client)
        if client is None:
            raise click.ClickException(f"No client {contract.client} is here whose journal could be replayed.")
        rls.enter(client.id)
        return list(queries.past(client, start, end))


def _recorded(draft: "Draft", file: Path, map_: Path) -> "list[Past] | None":
    try:
        _, calls = past.calls(file, map_)
    except past.Refused as refused:
        draft.refuse(f"replay.{refused.what}", str(refused))
        return None
    return [_told(call) for call in calls if call.outcome != "phantom"]


def _told(call: "Call") -> "Past":
    from workfloor.ops.planning.rules import Past

    ended, wrapped_up = call.ended_at or call.left_queue_at, call.wrapped_up_at or call.left_queue_at
    return Past(
        queue=call.queue,
        queued_at=call.queued_at,
        waited=(call.left_queue_at - call.queued_at).total_seconds(),
        outcome="answered" if call.outcome == "answered" else "abandoned",
        handling=(ended - call.left_queue_at).total_seconds(),
        wrap_up=(wrapped_up - ended).total_seconds(),
        agent=call.agent,
    )
