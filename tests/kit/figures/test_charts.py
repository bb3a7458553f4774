"""What charts draw, point by point."""

import re

from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.figures import charts
from workfloor.kit.figures.charts import Trace

values = st.lists(st.none() | st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=40)


def test_values_stand_where_the_scale_says():
    made = charts.chart("Waits", "says", [Trace("", "first", [0.0, 50.0, 100.0])], unit=" s", bounds=(0.0, 100.0))

    # Four steps from 0 to 100 in a field of 160 in height that begins at 34; thirds of 884 in width from 60 on.
    assert made.across == ((194.0, "0 s"), (154.0, "25 s"), (114.0, "50 s"), (74.0, "75 s"), (34.0, "100 s"))
    assert made.paths[0].d == "M207.3 194.0L502.0 114.0L796.7 34.0"


def test_nothing_is_drawn_through_a_gap():
    made = charts.chart("x", "", [Trace("", "first", [1.0, None, 1.0, 2.0])])
    steps = charts.chart("x", "", [Trace("", "first", [1.0, None, 1.0], "steps")])

    assert made.paths[0].d.count("M") == 2
    assert steps.paths[0].d.count("M") == 2


def test_bars_stand_on_the_ground_and_dots_where_something_is():
    bars = charts.chart("x", "", [Trace("", "first", [2.0, None], "bars")])
    dots = charts.chart("x", "", [Trace("", "missed", [None, 2.0], "dots")])

    assert bars.paths[0].d.startswith("M139.6 194.0V")
    assert [mark.x for mark in dots.marks] == [723.0]


def test_the_legend_names_each_trace_once_and_one_alone_needs_none():
    one, other = Trace("that day", "first", [1.0]), Trace("expected", "target", [2.0], "steps")

    assert [key.name for key in charts.chart("x", "", [one, other, other]).keys] == ["that day", "expected"]
    assert charts.chart("x", "", [one]).keys == ()


def test_said_in_words():
    assert charts.said([None, 3.0, 12.0], " %") == "between 3.0 % and 12.0 %"
    assert charts.said([None]) == "nothing to show"


@given(values, values)
def test_everything_lies_within_the_frame(one: list[float | None], other: list[float | None]) -> None:
    made = charts.chart("x", "", [Trace("a", "first", one), Trace("b", "second", other, "steps")], bounds=(None, None))

    numbers = [float(number) for path in made.paths for number in re.findall(r"[MLHV ]([-\d.e]+)", path.d)]
    assert all(0 <= number <= charts.WIDTH for number in numbers)
    assert 2 <= len(made.across) <= 7
