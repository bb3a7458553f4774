"""What numba compiled, kept between runs: compiling the policy takes a minute, and only its sources matter to it."""

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numba

from workfloor.ops.simulation import runs as simulation_runs

KEPT_SECONDS = 7 * 24 * 3600


@contextmanager
def kept(folder: Path, *modules: ModuleType, test: str) -> Iterator[None]:
    """Let what the block compiles with `cache=True` be kept, by the state of the modules, what they use, and the test.

    Numba itself looks only at the one file in which a function stands.
    """
    seen = hashlib.sha256(numba.__version__.encode() + Path(test).read_bytes())
    for path in sorted(path for module in modules for path in simulation_runs._sources(module, set())):
        seen.update(path.read_bytes())
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder / seen.hexdigest()[:16])
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


def forget(folder: Path) -> None:
    """Remove what was compiled long ago."""
    for each in folder.iterdir():
        if time.time() - each.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(each, ignore_errors=True)
