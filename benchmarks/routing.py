"""One turn of the router over a full floor, durable in the database, against the pure policy alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from django.db import transaction

from benchmarks import databases
from benchmarks.figures import Figure, median_seconds, seconds
from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.journal import actions as journal
from workfloor.core.people import actions as people
from workfloor.core.work import actions as work
from workfloor.kit import rls
from workfloor.ops.router import actions as router
from workfloor.ops.router import queries, rules

NINE = datetime(2003, 3, 4, 9, tzinfo=UTC)
SKILLS = ("hebrew", "english", "retail-banking", "securities", "internet-banking", "sales")


def measure(template: str, agents: int = 200, waiting: int = 1_000, runs: int = 5) -> list[Figure]:
    """Offer to every agent at once, each run on a fresh copy of the same floor, until the offers are committed."""
    with databases.copy(template):
        _in_one(lambda: _fill(agents, waiting))
        full = databases.current()
        turns = [_turn(full) for _ in range(runs)]
        matched = median_seconds(_policy(), runs)
    offers = turns[0][0]
    what = f"Offers, {agents:,} agents, {waiting:,} waiting"
    durable, pure = offers / median(turn[1] for turn in turns), offers / matched
    return [Figure(what, durable, "a second", "the pure policy alone", pure)]


def _in_one(run: Callable[[], object]) -> None:
    with transaction.atomic():
        rls.enter_every_client()
        run()


def _turn(full: str) -> tuple[int, float]:
    """How many offers one turn made, and its seconds."""
    made: list[int] = []
    with databases.copy(full):
        spent = seconds(lambda: _in_one(lambda: made.append(router.pulse(now=NINE))))
    return made[0], spent


def _policy() -> Callable[[], object]:
    with transaction.atomic():
        rls.enter_every_client()
        items, terms = queries.waiting(NINE)
        line = queries.as_waiting(list(items.values()), terms, NINE)
        bench = [free for _, free in queries.free(terms, NINE).values()]
    return lambda: rules.match(line, bench, NINE)


def _fill(agents: int, waiting: int) -> None:
    """Agents of one to six skills, all cleared and available; calls spread over the queues, a second apart."""
    journal.make_partitions(first=NINE, count=1)
    client = Client.objects.get()
    for number in range(agents):
        _agent(number, client)
    queues = list(Queue.objects.select_related("client").order_by("id"))
    for number in range(waiting):
        at = NINE - timedelta(seconds=waiting - number)
        work.receive(queue=queues[number % len(queues)], key=f"call-{number}", now=at)


def _agent(number: int, client: Client) -> None:
    before = NINE - timedelta(hours=1)
    person = people.hire(name=f"Agent {number}", roles=["agent"], now=before)
    for skill in SKILLS[: 3 + number % 4]:
        people.certify(person=person, skill=skill, level=3, proof="test", valid_from=before.date(), now=before)
    people.clear(person=person, client=client, now=before)
    people.go_available(person=person, now=before)
