"""Charts as geometry: curves, steps, bars and marks in a frame, for a page or a paper to draw."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from workfloor.kit.text.translation import gettext as _

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 960, 220, 60, 16, 34, 26
LABEL_X, LABEL_Y = LEFT - 8, HEIGHT - 6

Values = Sequence[float | None]
Shape = Literal["curve", "steps", "bars", "dots"]
Label = tuple[float, str]  # where from 0 to 1 of the width, what is written there

_SAMPLE, _LETTER, _SPACE = 22, 6.1, 22  # of a key: its sample, a letter of its name, what is free after it


@dataclass(frozen=True, slots=True)
class Trace:
    """What is drawn of one thing: values at equal steps over the width, None for a gap; `look` names its colours.

    `low` and `high`, where given, are the bounds of a band around the values.
    """

    name: str
    look: str
    values: Values
    shape: Shape = "curve"
    low: Values = ()
    high: Values = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A path as SVG writes it; a `kind` is line or area."""

    look: str
    kind: Literal["line", "area"]
    d: str


@dataclass(frozen=True, slots=True)
class Mark:
    look: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend: a sample from `x` to `until`, then its name at `text`."""

    look: str
    shape: Shape
    name: str
    x: float
    until: float
    text: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of WIDTH x HEIGHT; `says` tells in words what it shows, for those who do not see it."""

    title: str
    says: str
    paths: tuple[Path, ...]
    marks: tuple[Mark, ...]
    across: tuple[Label, ...]  # y, label
    down: tuple[Label, ...]  # x, label
    keys: tuple[Key, ...]

    width, height, left, right = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT
    label_x, label_y, key_y = LABEL_X, LABEL_Y, 14


def chart(
    title: str,
    says: str,
    traces: Sequence[Trace],
    down: Sequence[Label] = (),
    unit: str = "",
    bounds: tuple[float | None, float | None] = (0.0, None),
) -> Chart:
    """Draw traces over one another on one scale: from the first bound to the second, found in the values where None."""
    ticks = _ticks([value for trace in traces for value in _all(trace)], *bounds)

    def y(value: float) -> float:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(share, 0.0), 1.0)), 1)

    drawn = [_Drawn(trace, [None if value is None else y(value) for value in trace.values]) for trace in traces]
    bands = [Path(trace.look, "area", band) for trace in traces if (band := _band(trace, y))]
    return Chart(
        title=title,
        says=says,
        paths=(*bands, *(path for each in drawn for path in each.paths(y(ticks[0])))),
        marks=tuple(mark for each in drawn for mark in each.marks()),
        across=tuple((y(tick), f"{tick:,.10g}{unit}") for tick in ticks),
        down=tuple((_x(share), label) for share, label in down),
        keys=tuple(_keys(traces)),
    )


def said(values: Values, unit: str = "", digits: int = 1) -> str:
    """Word between what values lie, for `says`."""
    known = [value for value in values if value is not None]
    if not known:
        return _("nothing to show")
    least, most = (f"{value:,.{digits}f}{unit}" for value in (min(known), max(known)))
    return _("between {least} and {most}").format(least=least, most=most)


def _all(trace: Trace) -> Iterator[float]:
    yield from (value for values in (trace.values, trace.low, trace.high) for value in values if value is not None)


def _x(share: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)


def _ticks(values: Sequence[float], low: float | None, high: float | None) -> list[float]:
    """Return round numbers at equal steps that hold all values, or end at the bounds."""
    bottom = min(values, default=0.0) if low is None else low
    top = max(values, default=1.0) if high is None else high
    step = _step((top - bottom) / 4)
    first = math.floor(bottom / step + 1e-9)
    last = max(math.ceil(top / step - 1e-9), first + 1)
    return [number * step for number in range(first, last + 1)]


def _step(least: float) -> float:
    """Return the next 1, 2, 2.5 or 5 times a power of ten."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class _Drawn:
    trace: Trace
    ys: Values

    def paths(self, ground: float) -> Iterator[Path]:
        if self.trace.shape == "bars":
            yield Path(self.trace.look, "area", "".join(self._bars(ground)))
        elif self.trace.shape == "steps":
            yield Path(self.trace.look, "line", "".join(self._steps()))
        elif self.trace.shape == "curve":
            runs = _runs([(self._middle(n), y) for n, y in enumerate(self.ys)])
            yield Path(self.trace.look, "line", "".join("M" + "L".join(f"{x} {y}" for x, y in run) for run in runs))

    def marks(self) -> Iterator[Mark]:
        if self.trace.shape == "dots":
            yield from (Mark(self.trace.look, self._middle(n), y) for n, y in enumerate(self.ys) if y is not None)

    def _middle(self, number: int) -> float:
        return _x((number + 0.5) / len(self.ys))

    def _bars(self, ground: float) -> Iterator[str]:
        for number, y in enumerate(self.ys):
            if y is not None:
                left, right = (_x((number + side) / len(self.ys)) for side in (0.18, 0.82))
                yield f"M{left} {ground}V{y}H{right}V{ground}Z"

    def _steps(self) -> Iterator[str]:
        before: float | None = None
        for number, y in enumerate(self.ys):
            if y is not None:
                start = f"M{_x(number / len(self.ys))} {y}" if before is None else f"V{y}"
                yield f"{start}H{_x((number + 1) / len(self.ys))}"
            before = y


def _runs(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """Split at gaps, so that no line is drawn through a time in which nothing was measured."""
    run: list[tuple[float, float]] = []
    for x, y in [*points, (0.0, None)]:
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []


def _band(trace: Trace, y: Callable[[float], float]) -> str:
    both = [
        (_x((n + 0.5) / len(trace.low)), y(low), y(high))
        for n, (low, high) in enumerate(zip(trace.low, trace.high, strict=True))
        if low is not None and high is not None
    ]
    there = [f"{x} {upper}" for x, _, upper in both]
    back = [f"{x} {lower}" for x, lower, _ in reversed(both)]
    return f"M{'L'.join(there + back)}Z" if both else ""


def _keys(traces: Sequence[Trace]) -> Iterator[Key]:
    named = {(trace.look, trace.name): trace for trace in traces if trace.name}
    x = float(LEFT)
    for trace in named.values() if len(named) > 1 else ():
        yield Key(trace.look, trace.shape, trace.name, x, x + _SAMPLE, x + _SAMPLE + 6)
        x = round(x + _SAMPLE + 6 + _LETTER * len(trace.name) + _SPACE, 1)
