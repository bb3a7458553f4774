"""Compile plain functions with numba, together with what they call, for runs where the interpreter is too slow."""

from types import FunctionType, ModuleType
from typing import Any

import numpy


def compiled(module: ModuleType, **options: Any) -> ModuleType:
    """Give a twin of a module whose functions are compiled (nopython), with the modules of ours that it uses.

    Nothing is compiled before it is called. `options` are numba's: `cache=True` keeps what was compiled on the disk.
    """
    return _twin(module, options, {})


def _twin(module: ModuleType, options: dict[str, Any], made: dict[str, ModuleType]) -> ModuleType:
    if module.__name__ in made:
        return made[module.__name__]
    twin = made[module.__name__] = ModuleType(module.__name__)
    twin.__file__ = module.__file__
    names = vars(twin)
    for name, value in vars(module).items():
        if isinstance(value, ModuleType) and value.__name__.startswith("workfloor."):
            names[name] = _twin(value, options, made)
        elif isinstance(value, FunctionType) and value.__module__ == module.__name__:
            names[name] = _compile(value, names, options)
        elif not name.startswith("__"):
            names[name] = value
    return twin


def _compile(function: FunctionType, names: dict[str, Any], options: dict[str, Any]) -> Any:
    import numba

    return numba.njit(FunctionType(function.__code__, names, function.__name__, function.__defaults__), **options)


def arrays(some: Any) -> Any:
    """Give a named tuple with each sequence in it, and in the tuples within, as an array: float64, int64 or uint8."""
    if isinstance(some, tuple):
        return type(some)(*(arrays(each) for each in some))
    if isinstance(some, bytearray):
        return numpy.frombuffer(some, dtype=numpy.uint8).copy()
    if isinstance(some, list):
        return numpy.array(some, dtype=numpy.float64 if some and isinstance(some[0], float) else numpy.int64)
    return some
