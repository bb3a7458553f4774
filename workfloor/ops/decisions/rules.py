"""The decision log: what a router was told and what it offered, a line of JSON each, and its replay."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from workfloor.core.work.rules import Offer
from workfloor.ops.dispatch import rules as dispatch


def written(number: int, news: dispatch.News, offers: Iterable[Offer], begins: bool = False) -> Iterator[str]:
    """The lines for one telling, the first with this number: what was told, then each offer that followed.

    `begins`: a router starts here, knowing nothing else.
    """
    yield _line({"n": number, "begins" if begins else "told": news})
    for place, offer in enumerate(offers, number + 1):
        yield _line({"n": place, "at": news.at, "offer": offer})


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"), sort_keys=True)


def replayed(log: Iterable[str], mind_of: Callable[[], dispatch.Mind] = dispatch.Mind) -> Iterator[str]:
    """The lines that the policy gives for what a log was told: the same lines, if nothing but the policy decided.

    `mind_of` gives the minds to replay with, for one that runs the compiled policy of the twin.
    """
    mind, number = mind_of(), 0
    for line in log:
        row = json.loads(line)
        if "offer" in row:
            continue
        begins = "begins" in row
        mind = mind_of() if begins else mind
        news = read(row["begins" if begins else "told"])
        for each in written(number or row["n"], news, mind.hear(news), begins):
            yield each
            number = (number or row["n"]) + 1


def read(told: list[Any]) -> dispatch.News:
    """A telling as it was written."""
    at, lines, workers, things, refusals, undone, handicaps = told
    return dispatch.News(
        at,
        None if lines is None else tuple(_read_line(each) for each in lines),
        tuple(dispatch.Worker(*each)._replace(clients=tuple(each[2])) for each in workers),
        tuple(dispatch.Thing(*each) for each in things),
        tuple(dispatch.Refusal(*each) for each in refusals),
        tuple(undone),
        tuple((person_id, seconds) for person_id, seconds in handicaps),
    )


def _read_line(told: list[Any]) -> dispatch.Line:
    line = dispatch.Line(*told)
    return line._replace(relax=tuple((after, levels) for after, levels in line.relax))
