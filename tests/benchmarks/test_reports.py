"""What was measured is there as soon as it was, whatever happens to the rest."""

import io
import json

import pytest
from rich.console import Console

from benchmarks import __main__, databases, suite
from benchmarks.figures import Figure
from benchmarks.report import Report


@pytest.fixture
def report(tmp_path):
    return Report(tmp_path / "figures.json", {"processor": "one"}, Console(file=io.StringIO(), width=130))


@pytest.fixture
def measure(report, monkeypatch):
    """Run stand-ins for benchmarks; gives the exit status."""

    def measure(**stand_ins):
        monkeypatch.setattr(databases, "use", lambda name: None)
        monkeypatch.setattr(suite, "measured", lambda name, template, sizes: stand_ins[name]())
        return __main__.measure(report, "empty", list(stand_ins), small=False)

    return measure


def _fast():
    return [Figure("Facts recorded", 900.0, "a second", "bare COPY [of them]", 1800.0, (899.0, 901.0))]


def _broken(*_):
    raise RuntimeError("two were lost\nand here is how")


def _stopped():
    raise KeyboardInterrupt


def _kept(report):
    return json.loads(report.path.read_text())


def _said(report):
    return report.console.file.getvalue()


def test_a_figure_is_said_and_written_when_its_benchmark_ends(report, measure):
    def looks_back():
        [figure] = _kept(report)["figures"]
        assert (figure["benchmark"], figure["value"], figure["ratio"]) == ("facts", 900.0, 0.5)
        assert "Facts recorded: 900 a second; bare COPY [of them]: 1,800 a second; ratio 0.5\n" in _said(report)
        return _fast()

    assert measure(facts=_fast, router=looks_back) == 0
    assert [one["name"] for one in _kept(report)["benchmarks"]] == ["facts", "router"]


def test_what_fails_stops_nothing_else_and_shows_in_the_status(report, measure, capsys):
    assert measure(router=_broken, starts=lambda: 1 / 0, chat=lambda: exit("no room"), facts=_fast) == 1

    said = {one["name"]: one["failed"] for one in _kept(report)["benchmarks"]}
    assert said == {
        "router": "RuntimeError: two were lost",
        "starts": "ZeroDivisionError: division by zero",
        "chat": "SystemExit: no room",
        "facts": None,
    }
    assert len(_kept(report)["figures"]) == 1
    assert "in _broken" in capsys.readouterr().err, "its traceback is shown"
    report.table()
    [row] = [line for line in _said(report).splitlines() if "two were lost" in line and "│" in line]
    assert row.split("│")[1].strip() == "router"
    assert row.split("│")[2].strip() == "failed"


def test_whoever_stops_it_keeps_what_was_measured(report, measure):
    assert measure(facts=_fast, router=_stopped, chat=_broken) == 130

    assert [one["name"] for one in _kept(report)["benchmarks"]] == ["facts"]
    report.table()
    assert "900 a second" in _said(report)


def test_the_file_is_whole_at_any_moment(report, measure, monkeypatch):
    measure(facts=_fast)
    before = report.path.read_text()

    monkeypatch.setattr("os.replace", _broken)
    with pytest.raises(RuntimeError, match="two were lost"):
        measure(router=_fast)
    assert report.path.read_text() == before


def test_a_month_is_as_large_as_is_said(monkeypatch):
    monkeypatch.setenv("FACTS", "1000000")

    assert __main__._sizes("month", small=False) == {"facts": 1_000_000}
    assert __main__._sizes("month", small=True) == suite.BENCHMARKS["month"].small
    assert __main__._sizes("facts", small=False) == {}


def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit):
        __main__._asked(["--small", "speed"])

    assert "no benchmark speed. There are: working_time, policy, " in capsys.readouterr().err
