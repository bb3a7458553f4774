"""No regular expression of ours takes longer than in proportion to what it reads, whatever a stranger writes."""

import ast
import importlib
import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Any

import pytest

from tests.house.test_rooms import HOUSE, ROOT

AT_THE_START = {"match", "fullmatch"}
SOURCES = "\n".join(path.read_text() for path in HOUSE.rglob("*.py"))
FUNCTIONS = {"search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}
SHORT = (16, 24, 200)
LENGTHS = (2_000, 8_000)  # the longer one takes four times as long, or sixteen times if it grows with the square
SLOW_SECONDS = 0.02  # of the processor, for a short text
TOLD_SECONDS = 0.004  # of the processor, from which on growth can be told from noise
MOST_GROWTH = 8.0
MOST_PUMPS = 60


def modules() -> list[str]:
    files = sorted(
        path for path in HOUSE.rglob("*.py") if "migrations" not in path.parts and path.name != "__main__.py"
    )
    return [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__") for path in files]


def uses(source: str) -> dict[str, set[str]]:
    """Which functions of each name are called in a text, as in `name.function(`."""
    found: dict[str, set[str]] = {}
    for name, function in re.findall(r"\b(\w+)\.(\w+)\(", source):
        found.setdefault(name, set()).add(function)
    return found


def patterns() -> dict[str, tuple["re.Pattern[str]", Collection[str]]]:
    """Every pattern of the product, by the place where it stands: those that modules hold, and those in calls.

    With each, by which functions it is used.
    """
    found: dict[str, tuple[re.Pattern[str], Collection[str]]] = {}
    anywhere = uses(SOURCES)
    for name in modules():
        path = ROOT / (name.replace(".", "/") + ".py")
        path = path if path.exists() else path.parent / path.stem / "__init__.py"
        source = path.read_text()
        if "re." not in source:
            continue
        module, here = importlib.import_module(name), uses(source)
        classes = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == name]
        for label, value in chain(vars(module).items(), *(vars(each).items() for each in classes)):
            for number, each in enumerate(_patterns_in(value)):
                used = (here if label.startswith("_") else anywhere).get(label)
                found[f"{name}.{label}{f'[{number}]' if number else ''}"] = each, used or {"search"}
        for node in ast.walk(ast.parse(source)) if re.search(r"\bre\.", source) else ():
            if written := _written(node):
                found[f"{name}:{node.lineno}"] = re.compile(written), {node.func.attr}  # type: ignore[attr-defined]
    return {place: each for place, each in found.items() if isinstance(each[0].pattern, str)}


def _patterns_in(value: Any) -> Iterator["re.Pattern[str]"]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _patterns_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _patterns_in(each)


def _written(node: ast.AST) -> str:
    """The pattern that a call of `re` is given as it stands."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in FUNCTIONS:
        return ""
    first = node.args[0] if node.args else None
    is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
    return first.value if is_re and isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


# --- what is written to make a pattern slow ---------------------------------------------------------------------------


def examples(tree: Iterable[Any], flags: int) -> list[str]:
    """Short texts that a piece of a pattern takes, one for each of its choices."""
    texts = [""]
    for kind, value in tree:
        own = _examples_of(kind, value, flags)
        texts = [text + each for text in texts[:6] for each in own[:6]]
    return texts[:12]


def _examples_of(kind: Any, value: Any, flags: int) -> list[str]:
    if kind is sre.LITERAL:
        return [chr(value)]
    if kind is sre.NOT_LITERAL:
        return [next(each for each in "a<\"' 1" if ord(each) != value)]
    if kind is sre.ANY:
        return ["a", "<"]
    if kind is sre.IN:
        return _of_class(value)
    if kind is sre.BRANCH:
        return [text for each in value[1] for text in examples(each, flags)[:3]]
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        low, _, body = value
        once = examples(body, flags)
        return [each * max(low, 1) for each in once] + ([""] if low == 0 else [])
    if kind is sre.SUBPATTERN:
        return examples(value[3], flags)
    if kind is sre.ATOMIC_GROUP:
        return examples(value, flags)
    return [""]  # places and looks take nothing


def _of_class(members: Any) -> list[str]:
    candidates = "a1 <>\"'-.,;:&!/\\\n\t_=@A{}()[]•"
    named = [chr(each) for kind, each in members if kind is sre.LITERAL]
    named += [chr(each[0]) for kind, each in members if kind is sre.RANGE]
    written = parser.SubPattern(parser.State(), [(sre.IN, members)])
    takes = [each for each in candidates if _takes(written, each)]
    return list(dict.fromkeys([*(each for each in named if _takes(written, each)), *takes]))[:8] or ["a"]


def _takes(tree: Any, text: str) -> bool:
    from re import _compiler  # type: ignore[attr-defined]

    return bool(_compiler.compile(tree).match(text))


def pumps(pattern: "re.Pattern[str]") -> list[str]:
    """What might be repeated: what each part of the pattern takes, alone and with the next one."""
    found: list[str] = []
    for whole in _sequences(list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))):
        for low in range(len(whole)):
            for high in range(low + 1, min(len(whole), low + 4) + 1):
                found += examples(whole[low:high], pattern.flags)[:4]
    return list(dict.fromkeys(each for each in found if each))[:MOST_PUMPS]


def _sequences(tree: list[Any]) -> Iterator[list[Any]]:
    """A pattern's parts in a row, and those of each group, choice and repetition in it."""
    yield tree
    for kind, value in tree:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from _sequences(list(value[2]))
        elif kind in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
            yield from _sequences(list(value[3] if kind is sre.SUBPATTERN else value))
        elif kind is sre.BRANCH:
            for each in value[1]:
                yield from _sequences(list(each))


def seconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def slow_text(pattern: "re.Pattern[str]", used: Collection[str] = ("search",)) -> str:
    """What makes the pattern slow, in words; nothing if nothing does that is tried."""
    tree = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    heads = ["", *dict.fromkeys(examples(tree[:2], pattern.flags)[:2])]
    for pump in pumps(pattern):
        for head in heads:
            for tail in ("", "\0", "a", "!"):
                if told := _is_slow(pattern, used, lambda n, h=head, p=pump, t=tail: h + p * (n // len(p) + 1) + t):
                    return f"{head!r} + {pump!r} * n + {tail!r}: {told}"
    return ""


def _is_slow(pattern: "re.Pattern[str]", used: Collection[str], text: Callable[[int], str]) -> str:
    for length in SHORT:  # of what grows with two to the power of it, longer texts would never end
        if (took := min(_seconds(pattern, used, text(length)) for _ in range(2))) > SLOW_SECONDS:
            return f"{took:.4f} s for {length} characters"
    if _seconds(pattern, used, text(LENGTHS[1])) < TOLD_SECONDS:
        return ""
    times = [min(_seconds(pattern, used, text(length)) for _ in range(3)) for length in LENGTHS]
    if times[1] > TOLD_SECONDS and times[1] > MOST_GROWTH * times[0]:
        return f"{times[0]:.4f} s, then {times[1]:.4f} s for four times as much"
    return ""


def _seconds(pattern: "re.Pattern[str]", used: Collection[str], text: str) -> float:
    if any(each not in AT_THE_START for each in used):
        return seconds(lambda: list(pattern.finditer(text)))
    return seconds(lambda: [getattr(pattern, each)(text) for each in used])


PATTERNS = patterns()


def test_the_patterns_are_found():
    assert len(PATTERNS) > 60
    assert "workfloor.kit.text.masks._DIGITS" in PATTERNS


@pytest.mark.parametrize("place", sorted(PATTERNS))
def test_no_pattern_grows_faster_than_what_it_reads(place):
    assert slow_text(*PATTERNS[place]) == ""


@pytest.mark.parametrize("slow", ["<!--.*?-->", r"\d+(?: \d+)*+(?!\w)", "(a+)+b", r"\s+$", "x*y"])
def test_patterns_that_do_are_found_out(slow):
    assert slow_text(re.compile(slow, re.DOTALL))
