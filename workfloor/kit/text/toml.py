"""A TOML file read against a JSON Schema: every fault at once, each with its place and line."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cache
from typing import Any

LARGEST = 1_000_000  # characters
_LONGEST_LINE = 2_000  # beyond it, reading a key of thousands of dotted parts takes minutes
_MOST_FAULTS = 1_000

Path = tuple[str | int, ...]
Schema = Mapping[str, Any]
Error = Any  # jsonschema's ValidationError, whose stubs leave open what each attribute is


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong, at which line (1 is the first), at which place, such as `prices[0].rate`."""

    line: int
    place: str
    message: str


class Refused(ValueError):
    """The file is refused whole; `faults` are all that is wrong with it, in the order of its lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(f"line {f.line}: {f.place}: {f.message}" for f in faults))
        self.faults = list(faults)


@dataclass
class Document:
    """What a file says, and what is wrong with it.

    `data` satisfies the schema: unknown keys are left out of it, and where a value is wrong or missing the
    schema's first example stands in, so that faults across clauses can be looked for all the same. `broken`
    holds those places; what follows from one of them only is not a second fault.
    """

    data: dict[str, Any]
    lines: dict[str, int]
    faults: list[Fault] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    sound: bool = True  # False: `data` is beyond mending
    _holding_broken: set[str] = field(default_factory=set)

    def refuse(self, place: str, message: str, because: Sequence[str] = ()) -> None:
        """Add a fault unless its place, something in it, or a place that it follows from is broken already."""
        broken = place in self._holding_broken or any(map(self._is_broken, (place, *because)))
        if not broken and len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(self.line(place), place, message))

    def _is_broken(self, place: str) -> bool:
        return any(one in self.broken for one in _upwards(place))

    def note_broken(self, place: str) -> None:
        self.broken.add(place)
        self._holding_broken.update(_upwards(place))

    def line(self, place: str) -> int:
        """Return the line of a place, or of what encloses it where it is missing from the file."""
        return next((self.lines[one] for one in _upwards(place) if one in self.lines), 1)

    def finish(self) -> None:
        """Raise Refused where anything is wrong."""
        if self.faults:
            raise Refused(sorted(set(self.faults)))


def read(text: str, schema: Schema, not_yet: Mapping[str, str] | None = None) -> Document:
    """Read a file; `not_yet` maps keys and values that are planned to what is said of them.

    Raises Refused at once for what is no TOML or too large; faults against the schema wait in the document.
    """
    _refuse_the_oversized(text)
    try:
        document = Document(plain(text), places(text))
        _validate(document, schema, not_yet or {})
    except tomllib.TOMLDecodeError as fault:
        raise Refused([_syntax_fault(fault, text)]) from fault
    except RecursionError:
        raise Refused([Fault(1, "file", "is nested too deeply to be read.")]) from None
    except ValueError as fault:  # tomllib lets a number of thousands of digits through to int()
        raise Refused([Fault(1, "file", f"cannot be read: {fault}.")]) from fault
    return document


def plain(text: str) -> dict[str, Any]:
    """Return the content of a text that is known to be faultless, as JSON has it."""
    found: dict[str, Any] = _plain(tomllib.loads(text))
    return found


def _refuse_the_oversized(text: str) -> None:
    if len(text) > LARGEST:
        raise Refused([Fault(1, "file", f"has {len(text):,} characters; at most {LARGEST:,} are read.")])
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > _LONGEST_LINE:
            message = f"the line has {len(line):,} characters; at most {_LONGEST_LINE:,} are read. Break it up."
            raise Refused([Fault(number, "file", message)])


def _syntax_fault(fault: tomllib.TOMLDecodeError, text: str) -> Fault:
    said = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(fault), re.DOTALL)
    last = text.rstrip().count("\n") + 1
    message, line = (said[1], int(said[2] or last)) if said else (str(fault), 1)
    return Fault(line, "file", f"is no TOML here: {message[:1].lower()}{message[1:200]}.")


def _plain(value: Any) -> Any:
    """Return the value as JSON has it: dates and times as text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


# Places and their lines


def place(path: Sequence[str | int]) -> str:
    """Write a path as `service_levels[2].weight`."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in path)
    return written.removeprefix(".")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key[:60], ensure_ascii=False)


def _upwards(place: str) -> Iterator[str]:
    """Yield a place, what holds it, what holds that."""
    while place:
        yield place
        place = place[: max(place.rfind("."), place.rfind("["), 0)]


def places(text: str) -> dict[str, int]:
    """Return the line of every table, key and array element of a text that is TOML."""
    return _Scan(text).run()


_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"""(?!")' r"|'''.*?'''(?!')" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'", re.DOTALL)


class _Scan:
    """One walk over a text that tomllib has already accepted, so nothing is checked here again."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text.replace("\r\n", "\n"), 0
        self.lines: dict[str, int] = {}
        self.tables: dict[Path, int] = {}  # arrays of tables: how many so far
        self._counted, self._line = 0, 1

    def run(self) -> dict[str, int]:
        within: Path = ()
        self._skip()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                within = self._header()
            else:
                self._pair(within)
            self._skip()
        return self.lines

    def _header(self) -> Path:
        many = self.text.startswith("[[", self.at)
        line = self._line_here()
        self._skip(2 if many else 1)
        keys = self._keys()
        self._skip(2 if many else 1)
        path: Path = ()
        for key in keys[:-1]:
            path = self._latest((*path, key))
            self.lines.setdefault(place(path), line)
        path = (*path, keys[-1])
        if many:
            self.lines.setdefault(place(path), line)
            self.tables[path] = self.tables.get(path, 0) + 1
        path = self._latest(path)
        self.lines.setdefault(place(path), line)
        return path

    def _latest(self, path: Path) -> Path:
        return (*path, self.tables[path] - 1) if path in self.tables else path

    def _pair(self, within: Path) -> None:
        line, path = self._line_here(), within
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(place(path), line)
        self._skip(1)  # the equals sign
        self._value(path)

    def _keys(self) -> list[str]:
        keys = [self._one_key()]
        while self.text[self.at] == ".":
            self._skip(1)
            keys.append(self._one_key())
        return keys

    def _one_key(self) -> str:
        match = _BARE_KEY.match(self.text, self.at) or _STRING.match(self.text, self.at)
        assert match
        self.at = match.end()
        self._skip()
        return str(tomllib.loads(f"k={match[0]}")["k"]) if match[0][0] in "\"'" else match[0]

    def _value(self, path: Path) -> None:
        start = self.text[self.at]
        if start == "[":
            self._elements(path)
        elif start == "{":
            self._pairs(path)
        else:
            match = (_STRING if start in "\"'" else _SCALAR).match(self.text, self.at)
            assert match
            self.at = match.end()

    def _elements(self, path: Path) -> None:
        self._skip(1)
        index = 0
        while self.text[self.at] != "]":
            self.lines.setdefault(place((*path, index)), self._line_here())
            self._value((*path, index))
            self._skip()
            self._skip(1 if self.text[self.at] == "," else 0)
            index += 1
        self.at += 1

    def _pairs(self, path: Path) -> None:
        self._skip(1)
        while self.text[self.at] != "}":
            self._pair(path)
            self._skip()
            self._skip(1 if self.text[self.at] == "," else 0)
        self.at += 1

    def _skip(self, characters: int = 0) -> None:
        match = _SPACE.match(self.text, self.at + characters)
        assert match
        self.at = match.end()

    def _line_here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line


# Faults against the schema


def _matches(_: Any, pattern: str, value: Any, __: Schema) -> Iterator[Error]:
    """Match whole text: with `search`, `$` lets a line break at the end pass."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        from jsonschema import ValidationError

        yield ValidationError("does not match")


@cache
def _validator() -> Any:
    """Imported when a file is read, so that the commands that read none start sooner."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    return extend(Draft202012Validator, {"pattern": _matches})  # type: ignore[no-untyped-call]


def _validate(document: Document, schema: Schema, not_yet: Mapping[str, str]) -> None:
    from jsonschema import FormatChecker

    validator = _validator()(schema, format_checker=FormatChecker(["date"]))
    for _ in range(5):  # what stands in for a wrong value may lack something itself
        errors = list(validator.iter_errors(document.data))
        if not errors:
            return
        for error in errors:
            for path in _paths(error)[:_MOST_FAULTS]:
                document.refuse(place(path), _message(error, path, not_yet))
                document.note_broken(place(path))  # one fault a place
        for error in errors:
            _mend(document.data, error, schema)
    document.sound = False


def _paths(error: Error) -> list[Path]:
    """Return where the fault is: unknown and missing keys are places of their own."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        return [(*path, key) for key in error.instance if key not in error.schema.get("properties", {})]
    if error.validator == "required":
        return [(*path, key) for key in error.validator_value if key not in error.instance]
    if error.validator == "dependentRequired":
        needed = [key for given, keys in error.validator_value.items() if given in error.instance for key in keys]
        return [(*path, key) for key in needed if key not in error.instance]
    if error.parent is None and "propertyNames" in error.absolute_schema_path:
        return [(*path, str(error.instance))]
    return [path]


def _is_key(error: Error) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _message(error: Error, path: Path, not_yet: Mapping[str, str]) -> str:
    kind, value, schema = error.validator, error.instance, error.schema
    if kind == "additionalProperties":
        return _unknown(str(path[-1]), schema.get("properties", {}), not_yet, "key")
    if kind in ("required", "dependentRequired"):
        return "is missing."
    if kind == "not":
        return f"means nothing here. {schema['description']}"
    if kind == "enum" and isinstance(value, str):
        return _unknown(value, error.validator_value, not_yet, "value")
    return _wrong_value(str(kind), value, schema)


def _wrong_value(kind: str, value: Any, schema: Schema) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)[:60]
    about = f" {schema['description']}" if "description" in schema else ""
    if kind in ("minItems", "minProperties"):
        return f"{'says too little' if value else 'is empty'}.{about}"
    if kind in ("maxItems", "maxProperties", "maxLength"):
        return f"is too long: at most {schema[kind]}."
    if kind in ("minimum", "maximum"):
        bound = "least" if kind == "minimum" else "most"
        return f"is {shown}, but at {bound} {schema[kind]} is meant.{about}"
    example = json.dumps((schema.get("examples") or [""])[0], ensure_ascii=False)
    return f"{shown} is not understood.{about} For example: {example}"


def _unknown(word: str, known: Sequence[str] | Mapping[str, Any], not_yet: Mapping[str, str], what: str) -> str:
    if word in not_yet:
        return not_yet[word]
    close = get_close_matches(word[:60], known, n=1) if what == "key" else []
    hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(map(str, known))}."
    return f"{_key(word)} is an unknown {what}. {hint}"


def _mend(data: Any, error: Error, root: Schema) -> None:
    """Take out what is unknown, and let an example stand in for what is wrong or missing."""
    for path in _paths(error):
        try:
            holder = data
            for step in path[:-1]:
                holder = holder[step]
            if error.validator in ("required", "dependentRequired"):
                holder.setdefault(path[-1], _example(error.schema["properties"][path[-1]], root))
            elif error.validator in ("additionalProperties", "not") or "propertyNames" in error.absolute_schema_path:
                holder.pop(path[-1], None)
            else:
                holder[path[-1]] = _example(error.schema, root)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mending has already replaced what held it


def _example(schema: Schema, root: Schema) -> Any:
    """Return a fresh copy of the schema's first example."""
    found = schema
    while "examples" not in found:
        found = root["$defs"][str(found["$ref"]).removeprefix("#/$defs/")]
    return json.loads(json.dumps(found["examples"][0]))
