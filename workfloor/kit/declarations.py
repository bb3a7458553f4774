"""Actions that are declared once: what a command, a form, a call of the API and a page of documentation are made of.

The signature is the declaration. A parameter says in `Annotated[..., field(...)]` what people call it and what its
limits are; its type says how it is read: text, a number, a day, one of some words, several of them, or a row that
people name in their own way (`Handle`). `by` and `now` are not asked for.
"""

import base64
import binascii
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from workfloor.kit.text.translation import gettext as _
from workfloor.kit.text.translation import gettext_noop

Row = TypeVar("Row")

GIVEN_BY_THE_EDGE: Final = ("by", "now", "progress")
LONGEST: Final = 200  # letters, where a field does not say
MOST_LISTED: Final = 2000  # rows offered to choose from
BY_A_WORKER: Final = gettext_noop("A worker does it now; what came of it is shown where it belongs.")


@dataclass(frozen=True, slots=True)
class File:
    """A document as it was handed in."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Field:
    """What people read of a parameter, and its limits: letters of a text, size of a number, bytes of a file."""

    words: str
    help: str = ""
    most: int | None = None
    least: int | None = None
    choices: Sequence[str] = ()
    as_option: bool = False  # on the command line, though it must be given
    flag: str = ""  # what the option is called there, if not as the parameter
    from_file: bool = False  # a text that people hand in as a file; a call gives the text itself
    secret: bool = False  # shown and told nowhere, once given; on the command line a file


def field(
    words: str,
    help: str = "",
    *,
    most: int | None = None,
    least: int | None = None,
    choices: Sequence[str] = (),
    as_option: bool = False,
    flag: str = "",
    from_file: bool = False,
    secret: bool = False,
) -> Field:
    """Say what people call a parameter: for `Annotated`."""
    return Field(words, help, most, least, choices, as_option, flag, from_file, secret)


@dataclass(frozen=True, slots=True)
class Handle(Generic[Row]):
    """How people name a row of a table: how it is found by that, listed, and called."""

    of: type[Row]
    words: str
    find: Callable[[str], Row | None]
    listed: Callable[[], Iterable[Row]]
    named: Callable[[Row], str] = str  # as it is written to find it
    see: str = ""  # the command that lists them


def by_number(rows: Callable[[], Any]) -> Callable[[str], Any]:
    """For a Handle: finds that one of some rows whose number is written."""

    def find(text: str) -> Any:
        is_number = text.isascii() and text.isdecimal() and len(text) < 19
        return rows().filter(id=int(text)).first() if is_number else None

    return find


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

    @property
    def is_file(self) -> bool:
        """Whether people hand a file in."""
        return self.type is File or self.field.from_file

    @property
    def is_read_from_file(self) -> bool:
        """Whether a command reads it from a file: also what no list of commands should show."""
        return self.is_file or self.field.secret

    @property
    def largest(self) -> int:
        """Bytes of the largest file: letters of a text can have four of them."""
        return self.most if self.type is File else self.most * 4

    def read(self, written: object) -> Any:
        """The value of what was written. Raises ValueError with words that say what is wrong."""
        if written in (None, "", [], ()):
            if self.required:
                raise ValueError(_("{field} is missing.").format(field=_(self.field.words)))
            return self.default
        if self.several:
            listed = written if isinstance(written, list | tuple) else [written]
            lines = [line for each in listed for line in str(each).splitlines() if line.strip()]
            if not lines and self.required:
                raise ValueError(f"{self.field.words} is missing.")
            return [self._read_one(line) for line in lines]
        return self._read_one(written)

    def _read_one(self, written: object) -> Any:
        if self.type is bool:
            return written in (True, "true", "True", "on", "1")
        if self.type is File:
            return self._file(written)
        if self.field.from_file:
            return self._text_of(written)
        text = self._decoded(written).strip()
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

    def _file(self, written: object) -> File:
        if isinstance(written, Mapping):  # as a call gives it
            try:
                content = base64.b64decode(str(written["content"]), validate=True)
                written = File(str(written["name"])[:LONGEST], content)
            except (KeyError, binascii.Error):
                raise ValueError(
                    _("{field} is a name and its content in base64.").format(field=_(self.field.words))
                ) from None
        if not isinstance(written, File):
            raise ValueError(_("{field} is a file.").format(field=_(self.field.words)))
        if not 0 < len(written.content) <= self.most:
            raise ValueError(
                _("{field} is a file of at most {most:,} bytes, and not an empty one.").format(
                    field=_(self.field.words), most=self.most
                )
            )
        return written

    def _text_of(self, written: object) -> str:
        text = self._decoded(written)
        if not 0 < len(text) <= self.most:
            raise ValueError(
                _("{field} has at most {most:,} letters, and at least one.").format(
                    field=_(self.field.words), most=self.most
                )
            )
        return text

    def _decoded(self, written: object) -> str:
        content = written.content if isinstance(written, File) else str(written).encode()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            line = content.count(b"\n", 0, fault.start) + 1
            raise ValueError(
                _("{field} is not UTF-8 in line {line}; save the file as UTF-8.").format(
                    field=_(self.field.words), line=line
                )
            ) from fault
        if "\x00" in text:
            raise ValueError(_("{field} holds a character that nothing can store.").format(field=_(self.field.words)))
        return text

    def _measured(self, text: str) -> Any:
        read, written = _MEASURES[self.type]
        try:
            value: Any = read(text[:40])
        except ValueError:
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


def _decimal(text: str) -> Decimal:
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        raise ValueError(text)
    return Decimal(text)


_MEASURES: Final[dict[type, tuple[Callable[[str], Any], str]]] = {
    int: (int, gettext_noop("a whole number")),
    Decimal: (_decimal, gettext_noop("a number, with a point before its decimals")),
    date: (date.fromisoformat, gettext_noop("a day, written like 2027-01-31")),
    datetime: (datetime.fromisoformat, gettext_noop("a time, written like 2027-01-31T10:00")),
}


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
    ask: Callable[..., Any] | None = None  # a worker to do what takes its time

    @property
    def help(self) -> str:
        return inspect.getdoc(self.perform) or self.words

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return self.help.split("\n\n")[0]

    @cached_property
    def parameters(self) -> list[Parameter]:
        return list(_asked_for(self.perform))

    @property
    def takes_its_time(self) -> bool:
        """Whether it says how far it is."""
        return "progress" in inspect.signature(self.perform).parameters

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
        """What is said once it is done; `{result}` is what the action returned, `{made}` how that is named.

        A secret cannot be said.
        """
        secrets = {each.name for each in self.parameters if each.field.secret}
        said = {name: _worded(value) for name, value in values.items() if name not in secrets}
        return _(self.says).format(**said, result=_worded(result), made=named(result))

    def done_from_afar(self, values: Mapping[str, Any], **by_the_edge: Any) -> tuple[str, str]:
        """Do it for a page or a call, which let a worker do what takes its time; what is said, and `{made}`."""
        if self.ask:
            self.ask(**values, **by_the_edge)
            return _(BY_A_WORKER), ""
        result = self.perform(**values, **by_the_edge)
        return self.told(values, result), named(result)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.parameters)


def _worded(value: object) -> Any:
    return (", ".join(map(str, value)) or "nothing") if isinstance(value, list) else value


def named(row: object) -> str:
    """How people name a row that an action has made, wherever another asks for it; "" for anything else."""
    handle = register.handles.get(type(row))
    return handle.named(row) if handle else ""


def _asked_for(perform: Callable[..., Any]) -> Iterator[Parameter]:
    """The parameters of an action; `**terms: Unpack[Terms]` stands for those of a TypedDict, none of them required."""
    hints = get_type_hints(perform, include_extras=True)
    for each in inspect.signature(perform).parameters.values():
        if each.kind is each.VAR_KEYWORD:
            terms = get_type_hints(get_args(hints[each.name])[0], include_extras=True)
            yield from (_parameter(name, hint, None) for name, hint in terms.items())
        elif each.name not in GIVEN_BY_THE_EDGE:
            yield _parameter(each.name, hints[each.name], each.default)


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    said = Field(name.replace("_", " ").capitalize())
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        said = next((each for each in notes if isinstance(each, Field)), said)
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [each for each in get_args(hint) if each is not type(None)]
    several = get_origin(hint) is Sequence
    required = default is inspect.Parameter.empty
    return Parameter(
        name,
        get_args(hint)[0] if several else hint,
        said,
        required,
        None if required else default,
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
