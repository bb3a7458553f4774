"""Contracts, scenarios and exports read from files, for commands that compute and store nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.contracts.terms import Contract
    from workfloor.ops.presales.export_rows import Call, Map
    from workfloor.ops.simulation.scenario_file import Draft
    from workfloor.ops.simulation.scenarios import Past, Scenario


Advance = Callable[[int], None]


class Refused(ValueError):
    """The export or its map cannot be used; the message says why, and `what` which of the two it is."""

    def __init__(self, what: Literal["file", "map"], message: str) -> None:
        super().__init__(message)
        self.what = what


def exported_calls(file: Path, map_: Path, advance: Callable[[int], Advance] | None = None) -> "tuple[Map, list[Call]]":
    """Read an export as the import of past work would, with the same refusals. Raises Refused.

    `advance` takes the file's size and gives a function that takes how many bytes of it are read.
    """
    from workfloor.ops.presales import export_rows
    from workfloor.ops.presales import gateway as presales_gateway

    how = _map(map_)
    # Any time will do: what lies outside the time that is asked for is left out later.
    ever = export_rows.Window(datetime.min.replace(tzinfo=UTC), *[datetime.max.replace(tzinfo=UTC)] * 2)
    tally = export_rows.Tally()
    try:
        with presales_gateway.opened(file) as export:
            progress = advance(export.size) if advance else (lambda done: None)
            found = list(export_rows.read_all(export.records(how, progress), export_rows.Reader(how, ever), tally))
    except export_rows.Refused as refused:
        line = f":{refused.line}" if refused.line else ""
        raise Refused("file", f"{file}{line}: {refused.reason}.") from None
    if tally.refused_count:
        first = tally.refused[0]
        message = f"{tally.refused_count:,} rows that the map does not allow for, the first in line {first.line}: "
        raise Refused("file", f"{file}: {message}{first.reason}.")
    return how, found


def _map(map_: Path) -> "Map":
    from workfloor.kit.text import toml
    from workfloor.ops.presales import export_rows, map_file
    from workfloor.ops.presales import gateway as presales_gateway

    try:
        return map_file.read(presales_gateway.map_text(map_)).map
    except toml.Refused as refused:
        said = "\n".join(f"{map_}:{fault.line}: {fault.place}: {fault.message}" for fault in refused.faults)
        raise Refused("map", said) from None
    except export_rows.Refused as refused:
        raise Refused("map", f"{map_}: {refused.reason}.") from None


class Read(NamedTuple):
    """A contract with its file, by name as short as it may be, and its text."""

    name: str
    file: Path
    contract: "Contract"
    text: str


def contracts(files: Sequence[Path]) -> list[Read]:
    """Read contracts; all that is wrong with any of them ends the command."""
    from workfloor.core.contracts import parsing as contracts_parsing
    from workfloor.kit.text import toml
    from workfloor.ops.simulation import scenario_file

    found, faults = [], list[str]()
    for file in files:
        try:
            text = scenario_file.text(file)
            name = file.name if [each.name for each in files].count(file.name) == 1 else str(file)
            found.append(Read(name, file, contracts_parsing.read(text), text))
        except scenario_file.Unreadable as reason:
            faults.append(str(reason))
        except toml.Refused as refused:
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
    from workfloor.kit.text import toml
    from workfloor.ops.simulation import scenario_file

    try:
        draft = scenario_file.draft(scenario_file.text(file))
        for place, message in check(draft):
            draft.refuse(place, message)
        agreed = contract or _contract(draft, file)
        return scenario_file.scenario(draft, agreed, _past(draft, agreed, file))
    except scenario_file.Unreadable as reason:
        raise click.ClickException(str(reason)) from None
    except toml.Refused as refused:
        refuse_with([f"{file}:{fault.line}: {fault.place}: {fault.message}" for fault in refused.faults])
        raise


def compiled_code() -> Path | None:
    """The folder for compiled code; None where it cannot be made, or nothing is there to compile with."""
    from workfloor import settings
    from workfloor.kit import extras
    from workfloor.kit.figures import compiled

    if not extras.has("numba"):
        click.echo(f"{extras.words('numba', compiled.PURPOSE)}. Without it this takes far longer.", err=True)
        return None
    for store in (settings.WORKFLOOR_DATA / "compiled", Path.home() / ".cache/workfloor/compiled"):
        try:
            store.mkdir(mode=0o700, parents=True, exist_ok=True)
            _compile(store)
        except OSError:  # the data are another user's
            continue
        return store
    return None  # slower, and the same result


# All is compiled for the kinds of numbers that a world is made of, which are the same in each.
_SMALLEST: Final = """
[scenario]
title = "A call an hour"
lasts = "1d"
every = "1d"

[[queues]]
name = "calls"
arrivals = { per_hour = 1 }
handling = { mean = "1min" }
answer_within = "20s"

[[groups]]
name = "agents"
agents = 1
skills = {}
"""


def _compile(store: Path) -> None:
    """Fill a store, unless that was done; whoever comes meanwhile waits for it. Raises OSError where it is not ours."""
    from workfloor.kit.database.file_locks import FileLock
    from workfloor.ops.simulation import runs as simulation_runs
    from workfloor.ops.simulation import scenario_file, scenarios

    with FileLock(store / "lock"):
        if simulation_runs.is_compiled(store):
            return
        click.echo("Compiling the simulation for this machine, which takes about a minute, once ...", err=True)
        began = time.monotonic()
        smallest = scenario_file.scenario(scenario_file.draft(_SMALLEST))
        simulation_runs.run_compiled(scenarios.world(smallest, 0), store)
        click.echo(f"Compiled in {time.monotonic() - began:.0f} s.", err=True)


def _contract(draft: "Draft", file: Path) -> "Contract | None":
    from workfloor.core.contracts import parsing as contracts_parsing
    from workfloor.kit.text import toml
    from workfloor.ops.simulation import scenario_file

    named = draft.contract_path
    if named is None or "scenario.contract" in draft.document.broken:
        return None
    try:
        return contracts_parsing.read(scenario_file.text(file.parent / named))
    except scenario_file.Unreadable as reason:
        draft.refuse("scenario.contract", str(reason))
    except toml.Refused as refused:
        first = refused.faults[0]
        message = f"{named} has {len(refused.faults)} faults, the first in line {first.line}: {first.place}: "
        draft.refuse("scenario.contract", f"{message}{first.message} Run: workfloor contracts check {named}")
    return None


def _past(draft: "Draft", contract: "Contract | None", file: Path) -> "list[Past] | None":
    replay = draft.replay
    if replay is None or contract is None:
        return None
    if replay.get("event_log"):
        return _journalled(draft, contract)
    if "file" not in replay or "map" not in replay:
        return None
    return _recorded(draft, file.parent / replay["file"], file.parent / replay["map"])


def _journalled(draft: "Draft", contract: "Contract") -> "list[Past]":
    start, end = draft.period(contract)
    with edge.database():
        from workfloor.core.clients import queries as clients_queries
        from workfloor.kit.database import rls
        from workfloor.ops.simulation import queries as simulation_queries

        edge.enter_all()
        client = clients_queries.by_slug(contract.client)
        if client is None:
            raise click.ClickException(f"No client {contract.client} is here whose event log could be replayed.")
        rls.enter(client.id)
        return list(simulation_queries.past(client, start, end))


def _recorded(draft: "Draft", file: Path, map_: Path) -> "list[Past] | None":
    try:
        _, calls = exported_calls(file, map_)
    except Refused as refused:
        draft.refuse(f"replay.{refused.what}", str(refused))
        return None
    return [_told(call) for call in calls if call.outcome != "phantom"]


def _told(call: "Call") -> "Past":
    from workfloor.ops.simulation.scenarios import Past

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
