"""Compile plain functions with numba, together with what they call, for runs where the interpreter is too slow."""

from collections import namedtuple
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

from workfloor.kit import extras

PURPOSE = "Compiling"


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
            names[name] = function(value, names, options)
        elif not name.startswith("__"):
            names[name] = value
    return twin


def function(plain: FunctionType, names: dict[str, Any], options: dict[str, Any]) -> Any:
    """Give a compiled function that finds what it calls under `names`."""
    numba = extras.load("numba", PURPOSE)
    _teach()
    return numba.njit(FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__), **options)


@cache
def _teach() -> None:
    """Numba does not know how many bits a number has; tell it, for numbers that are not negative."""
    from numba import types
    from numba.cpython.unsafe.numbers import leading_zeros
    from numba.extending import overload_method

    @overload_method(types.Integer, "bit_length")
    def _bit_length(number: Any) -> Any:
        width = number.bitwidth

        def bit_length(number: Any) -> Any:
            return width - leading_zeros(number) if number else 0  # type: ignore[call-arg]

        return bit_length


def arrays(record: Any) -> Any:
    """Give a record (a dataclass or named tuple) as a named tuple, with each sequence in it as an array.

    Sequences of floats become float64, others int64 (bytearrays uint8); records within become named tuples too.
    """
    kind: Any = type(record)
    hints = get_type_hints(kind)
    return _flat(kind)(*(_array(getattr(record, name), hints[name]) for name in hints))


def _array(value: Any, hint: Any) -> Any:
    numpy = extras.load("numpy", PURPOSE)
    if isinstance(value, bytearray):
        return numpy.frombuffer(value, dtype=numpy.uint8).copy()
    if isinstance(value, list):
        return numpy.array(value, dtype=numpy.float64 if float in hint.__args__ else numpy.int64)
    return value if isinstance(value, int | float) else arrays(value)


@cache
def _flat(kind: Any) -> Any:
    """The named tuple for a record; what numba keeps on the disk finds it under its name here."""
    if issubclass(kind, tuple):
        return kind
    made: Any = namedtuple(f"{kind.__name__}Arrays", list(get_type_hints(kind)), module=__name__)  # type: ignore[misc]
    globals()[made.__name__] = made
    return made
