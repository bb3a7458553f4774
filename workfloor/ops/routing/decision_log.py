"""The decision log: what a router was told and what it offered, a line of JSON each, and its replay."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from workfloor.core.work.lifecycle import Offer
from workfloor.ops.routing import state


class Unreadable(ValueError):
    """What is no line of a decision log, or of one that another version wrote."""


class Difference(NamedTuple):
    """The first line that replays to another: as it was written, and as the policy decides; None where one ends."""

    line: int
    written: str | None
    replayed: str | None


class Replay(NamedTuple):
    """How a log replayed: what the router was told how often, the offers that followed, and where it differs."""

    tellings: int
    offers: int
    difference: Difference | None


def written(number: int, news: state.News, offers: Iterable[Offer], begins: bool = False) -> Iterator[str]:
    """The lines for one telling, the first with this number: what was told, then each offer that followed.

    `begins`: a router starts here, knowing nothing else.
    """
    yield _line({"n": number, "begins" if begins else "told": news})
    for place, offer in enumerate(offers, number + 1):
        yield _line({"n": place, "at": news.at, "offer": offer})


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"), sort_keys=True)


def compared(log: Iterable[str], mind_of: Callable[[], state.Mind] = state.Mind) -> Replay:
    """Replay a log and hold it against itself, line by line, up to the first that differs. Raises Unreadable."""
    as_written, told = itertools.tee(log)
    tellings = offers = 0
    for line, (left, right) in enumerate(itertools.zip_longest(as_written, replayed(told, mind_of)), start=1):
        if left != right:
            return Replay(tellings, offers, Difference(line, left, right))
        offer = '"offer":' in left
        tellings, offers = tellings + (not offer), offers + offer
    return Replay(tellings, offers, None)


def replayed(log: Iterable[str], mind_of: Callable[[], state.Mind] = state.Mind) -> Iterator[str]:
    """The lines that the policy gives for what a log was told: the same lines, if nothing but the policy decided.

    `mind_of` gives the minds to replay with, for one that runs the compiled policy of the twin. Raises Unreadable.
    """
    mind, number = None, 0
    for place, line in enumerate(log, start=1):
        row, news = _read(line, place)
        if news is None:
            continue
        begins = "begins" in row
        mind = mind_of() if begins or mind is None else mind
        for each in written(number or row["n"], news, mind.hear(news), begins):
            yield each
            number = (number or row["n"]) + 1


def _read(line: str, place: int) -> tuple[dict[str, Any], state.News | None]:
    """A line, and what it says was told: None where it is an offer. Raises Unreadable."""
    try:
        row = json.loads(line)
        return row, None if "offer" in row else read(row["begins"] if "begins" in row else row["told"])
    except (ValueError, TypeError, KeyError) as fault:
        raise Unreadable(f"line {place} is none that this version writes ({fault})") from fault


def read(told: list[Any]) -> state.News:
    """A telling as it was written."""
    at, lines, workers, things, refusals, undone, handicaps = told
    return state.News(
        at,
        None if lines is None else tuple(_read_line(each) for each in lines),
        tuple(state.Worker(*each)._replace(clients=tuple(each[2])) for each in workers),
        tuple(_read_thing(each) for each in things),
        tuple(state.Refusal(*each) for each in refusals),
        tuple(undone),
        tuple((person_id, seconds) for person_id, seconds in handicaps),
    )


def _read_thing(told: list[Any]) -> state.Thing:
    thing = state.Thing(*told)
    return thing._replace(parts=tuple((person_id, low, high) for person_id, low, high in thing.parts))


def _read_line(told: list[Any]) -> state.Line:
    line = state.Line(*told)
    return line._replace(relax=tuple((after, levels) for after, levels in line.relax))
