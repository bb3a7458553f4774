"""Actions that are declared once: what a command, a form, a call of the API and a page of documentation are made of.

The signature is the declaration. A parameter says in `Annotated[..., field(...)]` what people call it and what its
limits are; its type says how it is read: text, a number, a day, one of some words, several of them, or a row that
people name in their own way (`Handle`). `by` and `now` are not asked for.
"""

import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from workfloor.kit.text.translation import gettext as _

Row = TypeVar("Row")

GIVEN_BY_THE_EDGE: Final = ("by", "now")
LONGEST: Final = 200  # letters, where a field does not say
MOST_LISTED: Final = 2000  # rows offered to choose from


@dataclass(frozen=True, slots=True)
class Field:
    """What people read of a parameter, and its limits: letters of a text, size of a number."""

    words: str
    help: str = ""
    most: int | None = None
    least: int | None = None
    choices: Sequence[str] = ()
    as_option: bool = False  # on the command line, though it must be given
    flag: str = ""  # what the option is called there, if not as the parameter


def field(
    words: str,
    help: str = "",
    *,
    most: int | None = None,
    least: int | None = None,
    choices: Sequence[str] = (),
    as_option: bool = False,
    flag: str = "",
) -> Field:
    """Say what people call a parameter: for `Annotated`."""
    return Field(words, help, most, least, choices, as_option, flag)


@dataclass(frozen=True, slots=True)
class Handle(Generic[Row]):
    """How people name a row of a table: how it is found by that, listed, and called."""

    of: type[Row]
    words: str
    find: Callable[[str], Row | None]
    listed: Callable[[], Iterable[Row]]
    named: Callable[[Row], str] = str  # as it is written to find it
    see: str = ""  # the command that lists them


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what was given for one parameter."""

    name: str
    words: str


class NotUnderstood(ValueError):
    """What was given cannot be read; `faults` says why, place by place."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(each.words for each in faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that is asked for."""

    name: str
    type: Any  # without Annotated, Optional and Sequence
    field: Field
    required: bool
    default: Any
    several: bool

    @property
    def choices(self) -> Sequence[str]:
        """The words that it is one of; () where it is anything else."""
        return get_args(self.type) if get_origin(self.type) is Literal else self.field.choices

    @property
    def handle(self) -> Handle[Any] | None:
        """How the row that it is, if it is one, is named."""
        return register.handles.get(self.type)

    @property
    def most(self) -> int:
        return LONGEST if self.field.most is None else self.field.most

    def read(self, written: object) -> Any:
        """The value of what was written. Raises ValueError with words that say what is wrong."""
        if written in (None, "", [], ()):
            if self.required:
                raise ValueError(_("{field} is missing.").format(field=_(self.field.words)))
            return self.default
        if self.several:
            return [self._read_one(each) for each in (written if isinstance(written, list | tuple) else [written])]
        return self._read_one(written)

    def _read_one(self, written: object) -> Any:
        if self.type is bool:
            return written in (True, "true", "True", "on", "1")
        text = str(written).strip()
        if "\x00" in text:
            raise ValueError(_("{field} holds a character that nothing can store.").format(field=_(self.field.words)))
        if handle := self.handle:
            if (found := handle.find(text) if len(text) <= LONGEST else None) is None:
                raise ValueError(
                    _("There is no {handle} “{text}”.").format(handle=_(handle.words), text=text[:LONGEST])
                )
            return found
        if self.choices and text not in self.choices:
            raise ValueError(
                _("{field} is one of {choices}; not “{text}”.").format(
                    field=_(self.field.words), choices=", ".join(self.choices), text=text[:LONGEST]
                )
            )
        if self.type is str or self.choices:
            return self._text(text)
        return self._measured(text)

    def _text(self, text: str) -> str:
        if len(text) > self.most:
            raise ValueError(
                _("{field} has at most {most} letters; this has {count}.").format(
                    field=_(self.field.words), most=self.most, count=len(text)
                )
            )
        if len(text) < (self.field.least or 1):
            raise ValueError(
                _("{field} has at least {least} letters.").format(
                    field=_(self.field.words), least=self.field.least or 1
                )
            )
        return text

    def _measured(self, text: str) -> Any:
        written = {int: _("a whole number"), Decimal: _("a number"), date: _("a day, written like 2027-01-31")}[
            self.type
        ]
        try:
            value: Any = date.fromisoformat(text) if self.type is date else self.type(text[:40])
        except (ValueError, InvalidOperation):
            raise ValueError(
                _("{field} is {written}; not “{text}”.").format(
                    field=_(self.field.words), written=written, text=text[:40]
                )
            ) from None
        least, most = self.field.least, self.field.most
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValueError(
                _("{field} is from {least} to {most}; not {value}.").format(
                    field=_(self.field.words), least=least, most=most, value=value
                )
            )
        return value


@dataclass(frozen=True)
class Action:
    """Something that can be done, as it was declared."""

    name: str  # such as people.certify: its package and the function
    words: str
    permission: str
    command: tuple[str, ...]
    says: str  # once it is done, with parameters in braces
    example: str
    confirm: str  # what is asked before something that cannot be undone
    perform: Callable[..., Any]

    @property
    def help(self) -> str:
        return inspect.getdoc(self.perform) or self.words

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return self.help.split("\n\n")[0]

    @cached_property
    def parameters(self) -> list[Parameter]:
        hints = get_type_hints(self.perform, include_extras=True)
        asked = inspect.signature(self.perform).parameters.values()
        return [_parameter(each, hints[each.name]) for each in asked if each.name not in GIVEN_BY_THE_EDGE]

    def read(self, written: Mapping[str, object]) -> dict[str, Any]:
        """The arguments for what was written, by parameter. Raises NotUnderstood with all that is wrong."""
        values: dict[str, Any] = {}
        faults = [
            Fault(name, _("{name} is not asked for here.").format(name=name)) for name in written.keys() - self._names
        ]
        for each in self.parameters:
            try:
                values[each.name] = each.read(written.get(each.name))
            except ValueError as fault:
                faults.append(Fault(each.name, str(fault)))
        if faults:
            raise NotUnderstood(faults)
        return values

    def told(self, values: Mapping[str, Any], result: object) -> str:
        """What is said once it is done; `{result}` is what the action returned."""
        worded = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()
        }
        return _(self.says).format(**worded, result=result)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.parameters)


def _parameter(declared: inspect.Parameter, hint: Any) -> Parameter:
    said = Field(declared.name.replace("_", " ").capitalize())
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        said = next((each for each in notes if isinstance(each, Field)), said)
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    several = get_origin(hint) is Sequence
    required = declared.default is declared.empty
    return Parameter(
        declared.name,
        get_args(hint)[0] if several else hint,
        said,
        required,
        None if required else declared.default,
        several,
    )


class _Register:
    """Every action that has been declared, and how rows are named."""

    def __init__(self) -> None:
        self.actions: dict[str, Action] = {}
        self.handles: dict[type, Handle[Any]] = {}

    def add(self, action: Action) -> None:
        self.actions[action.name] = action

    def name(self, handle: Handle[Row]) -> None:
        self.handles[handle.of] = handle


register: Final = _Register()
