"""What failed and was left out so that the rest went on: what it was, since when, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _

from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.people.models import Person
from workfloor.kit.database import jobs
from workfloor.kit.web import limits
from workfloor.ops.channels.email import queries as email_queries

SHOWN_FOR: Final = timedelta(days=14)  # decisions that failed, about which nothing can be done any more
MOST_SHOWN: Final = 100


@dataclass(frozen=True)
class Failure:
    """Something that can be tried again or dropped."""

    name: str  # such as fact-12, job-7
    what: str
    since: datetime
    tries: int
    error: str


@dataclass(frozen=True)
class Contract:
    """A version that cannot be read."""

    title: str
    error: str


@dataclass(frozen=True)
class Shown:
    """What a page of it shows."""

    waiting: list[Failure]
    contracts: list[Contract]
    undecided: list[Fact]
    unsent: list[Message]  # replies that failed, or cannot go out yet


class Gone(LookupError):
    """It is not there any more, or not for whoever asks."""


def shown(person: Person, now: datetime) -> Shown:
    """Read what failed inside the wall; jobs belong to no client, and are for managers of the provider."""
    facts = [
        Failure(
            f"fact-{each.id}",
            _("{follower}, over {event}").format(follower=each.follower, event=each.event),
            each.parked_at,
            each.tries,
            each.error,
        )
        for each in event_log_queries.parked()[:MOST_SHOWN]
    ]
    failed = [
        Failure(f"job-{each.id}", each.task, each.failed_at, each.attempts, _("see logs/worker.log in the data folder"))
        for each in (jobs.failed()[:MOST_SHOWN] if _runs_the_installation(person) else ())
    ]
    contracts = [Contract(str(version), error) for version, error in contracts_queries.unreadable()]
    unsent = [*email_queries.undelivered()[:MOST_SHOWN], *email_queries.delayed()[:MOST_SHOWN]]
    return Shown(facts + failed, contracts, list(event_log_queries.undecided(now - SHOWN_FOR)[:MOST_SHOWN]), unsent)


def run_again(name: str, person: Person) -> None:
    """Let a worker try it again. Raises Gone."""
    kind, number = _parts(name)
    if kind == "fact" and (parked := event_log_queries.parked().filter(id=number).first()):
        event_log.ask_to_run_parked(parked)
    elif kind == "job" and _is_a_failed_job(number, person):
        jobs.run_again(number)
    else:
        raise Gone(name)


def drop(name: str, person: Person, now: datetime) -> None:
    """Never try it again. Raises Gone."""
    kind, number = _parts(name)
    if kind == "fact" and (parked := event_log_queries.parked().filter(id=number).first()):
        event_log.drop_parked(parked, by=person, now=now)
    elif kind == "job" and _is_a_failed_job(number, person):
        jobs.drop(number)
    else:
        raise Gone(name)


def _parts(name: str) -> tuple[str, int]:
    kind, _, written = name.partition("-")
    return kind, limits.number(written) or 0


def _is_a_failed_job(number: int, person: Person) -> bool:
    return _runs_the_installation(person) and any(each.id == number for each in jobs.failed())


def _runs_the_installation(person: Person) -> bool:
    return person.is_a("manager") and person.client_id is None
