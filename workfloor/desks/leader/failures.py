"""What failed and was left out so that the rest went on: what it was, since when, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.outgoing import queries as outgoing_queries
from workfloor.core.outgoing.models import Mail
from workfloor.core.people.models import Person
from workfloor.kit.database import jobs
from workfloor.ops.channels.email import queries as email_queries

SHOWN_FOR: Final = timedelta(days=14)  # decisions that failed, about which nothing can be done any more
MOST_SHOWN: Final = 100


@dataclass(frozen=True)
class Contract:
    """A version that cannot be read."""

    title: str
    error: str


@dataclass(frozen=True)
class Shown:
    """What a page of it shows."""

    waiting: list[event_log_queries.Failure]
    contracts: list[Contract]
    undecided: list[Fact]
    unsent: list[Message]  # replies that failed, or cannot go out yet
    own_mail: list[Mail]  # the same of the installation's own


class Gone(LookupError):
    """It is not there any more, or not for whoever asks."""


def shown(person: Person, now: datetime) -> Shown:
    """Read what failed inside the wall; jobs belong to no client, and are for managers of the provider."""
    with_jobs = person.may("jobs.handle")
    found = (each for each in event_log_queries.failures() if with_jobs or not isinstance(each.of, jobs.Failed))
    contracts = [Contract(str(version), error) for version, error in contracts_queries.unreadable()]
    unsent = [*email_queries.undelivered()[:MOST_SHOWN], *email_queries.delayed()[:MOST_SHOWN]]
    own_mail = outgoing_queries.unsent(now - SHOWN_FOR)[:MOST_SHOWN] if with_jobs else ()
    undecided = list(event_log_queries.undecided(now - SHOWN_FOR)[:MOST_SHOWN])
    return Shown(list(islice(found, 2 * MOST_SHOWN)), contracts, undecided, unsent, list(own_mail))


def run_again(name: str, person: Person, now: datetime) -> None:
    """Let a worker try it again. Raises Gone."""
    event_log.run_again(failures=[_there(name)], by=person, now=now)


def drop(name: str, person: Person, now: datetime) -> None:
    """Never try it again. Raises Gone."""
    event_log.drop(failure=_there(name), by=person, now=now)


def _there(name: str) -> event_log_queries.Failure:
    found = event_log_queries.failure(name)
    if found is None:
        raise Gone(name)
    return found
