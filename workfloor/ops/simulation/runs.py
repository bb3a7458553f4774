"""Runs the twin: on lists by the interpreter or on arrays by numba, whose work stays on the disk; over processes."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

from workfloor.kit import extras
from workfloor.kit.figures import compiled
from workfloor.ops.simulation import twin
from workfloor.ops.simulation.counters import Tally, World

Worlds = Callable[[int], World]  # the world of each replication; picklable


class Drowned(ValueError):
    """More items were there at once than the world has numbers for."""


def replications(worlds: Worlds, count: int, store: Path | None = None) -> Iterator[tuple[int, Tally]]:
    """Run replications 0 to count - 1 over as many processes as there are processors; yield each in its turn.

    With a store, a folder for compiled code, they run compiled: the first time ever, that takes a minute. Either way
    gives the same. Raises Drowned.
    """
    workers = min(count, os.cpu_count() or 1)
    one = partial(run_one, worlds, store)
    yield 0, one(0)  # alone, so that what it compiles is there for the others
    if workers < 2 or count < 2:
        yield from ((number, one(number)) for number in range(1, count))
        return
    # Elsewhere than on Linux, libraries may have threads that do not outlive a fork.
    with ProcessPoolExecutor(workers, get_context("fork" if sys.platform == "linux" else None)) as processes:
        yield from enumerate(processes.map(one, range(1, count)), start=1)


def run_one(worlds: Worlds, store: Path | None, number: int) -> Tally:
    """Run one replication; raises Drowned."""
    world = worlds(number)
    tally = run(world) if store is None else run_compiled(world, store)
    if tally is None:
        raise Drowned(f"In replication {number + 1} more than {len(world.spare):,} items were there at once.")
    return tally


def run(world: World) -> Tally | None:
    """Run a world on its lists."""
    return Tally(world.counts, world.busy, world.levels) if twin.run(world) else None


def run_compiled(world: World, store: Path) -> Tally | None:
    """Run a world on arrays."""
    given = arrays(world)
    told = program(store)(given)
    return Tally(given.counts.tolist(), given.busy.tolist(), given.levels.tolist()) if told else None


@cache
def program(store: Path) -> Any:
    """Compile the twin, with the policy and all that both call, or load what was compiled from the same sources."""
    numba = extras.load("numba", compiled.PURPOSE)
    numba.config.CACHE_DIR = str(_kept(store))
    inner = compiled.compiled(twin, _nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
    return compiled.function(cast(FunctionType, twin.run), vars(inner), {"cache": True})


def is_compiled(store: Path) -> bool:
    """Whether a store has the compiled twin, as its sources are now."""
    return any(_kept(store).rglob("*.nbi"))


def _kept(store: Path) -> Path:
    """Numba looks at one file only to see whether what it keeps is out of date: each state of all has its folder."""
    return store / _digest(metadata.version("numba"))


def _digest(version: str) -> str:
    seen = hashlib.sha256(version.encode())
    for path in sorted(_sources(twin, set())):
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def _sources(module: ModuleType, found: set[Path]) -> set[Path]:
    found.add(Path(str(module.__file__)))
    for value in vars(module).values():
        if (
            isinstance(value, ModuleType)
            and value.__name__.startswith("workfloor.")
            and Path(str(value.__file__)) not in found
        ):
            _sources(value, found)
    return found


def arrays(world: World) -> Any:
    """Give a world with arrays for its lists; the states of chance alone are unsigned."""
    numpy = extras.load("numpy", compiled.PURPOSE)
    made = compiled.arrays(replace(world, chance=[]))
    return made._replace(chance=numpy.array(world.chance, dtype=numpy.uint64))
