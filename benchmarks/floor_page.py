"""How long the server takes for the floor's page, with many agents and queues; and whether a longer day is slower.

Measured from the view to the page as text, inside one transaction, without the network and the sign-in.
"""

import gc
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from benchmarks import databases, floors
from benchmarks.figures import Figure, seconds
from benchmarks.floors import inside

LIMIT_SECONDS: Final = 0.05
PART: Final = 10  # what the shorter day has of the longer one's items
AT_ONCE: Final = 5_000
SIGNED_AT: Final = databases.SIGNED_AT


def measure(
    template: str, agents: int = 2_000, queues: int = 200, items: int = 100_000, runs: int = 20
) -> Iterator[Figure]:
    """The page late in the day, against its limit and against itself after a tenth of the day's work."""
    with databases.copy(template):
        from workfloor.kit.time import clock

        now = clock.now()
        leader = inside(_people_and_queues, agents, queues, now)
        inside(_in_hand_and_waiting, now)
        inside(_finished, items // PART, now)
        shorter = _page(leader, runs)
        inside(_finished, items - items // PART, now)
        longer = _page(leader, runs)
    what = f"Floor of {agents:,} agents and {queues} queues, after {items:,} items of the day"
    yield Figure(what, longer, "s", "limit", LIMIT_SECONDS)
    yield Figure(what, longer, "s", f"the same after {items // PART:,}", shorter)


def _people_and_queues(agents: int, queues: int, now: datetime) -> Any:
    from workfloor.core.access import actors
    from workfloor.core.clients.models import Client
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Account, AgentState, Clearance, Person

    lines = [floors.Line(f"queue-{number:03}", "english = 1", "20s", 3, "20s") for number in range(queues)]
    contracts.sign(source=floors.contract(lines), by=actors.ROOT, now=SIGNED_AT)
    client = Client.objects.get(slug="bench")
    staff = [Person(name=f"Agent {number:05}", roles=["agent"], joined_at=SIGNED_AT) for number in range(agents)]
    Person.objects.bulk_create(staff)
    # Every second one takes work, every tenth is not ready, and a few for too long.
    AgentState.objects.bulk_create(
        AgentState(
            person=person,
            state="away" if number % 10 == 0 else "available",
            reason="break" if number % 10 == 0 else "",
            since=now - timedelta(seconds=number % 1200),
        )
        for number, person in enumerate(staff)
    )
    Clearance.objects.bulk_create(Clearance(person=person, client=client, granted_at=SIGNED_AT) for person in staff)
    account = Account.objects.create(email="leader@bench.example")
    leader = people.hire(name="Leader", roles=["leader"], account=account, by=actors.ROOT, now=SIGNED_AT)
    people.clear(person=leader, client=client, by=actors.ROOT, now=SIGNED_AT)
    return leader


def _in_hand_and_waiting(now: datetime) -> None:
    from workfloor.core.contracts.models import Queue
    from workfloor.core.people.models import Person
    from workfloor.core.work.models import Assignment, Item

    queues = list(Queue.objects.filter(client__slug="bench").order_by("id"))
    takers = list(Person.objects.filter(agent_state__state="available").order_by("id")[::2])
    held = [
        _item(queues[n % len(queues)], f"held-{n}", now - timedelta(seconds=60), now, state="held", person=person)
        for n, person in enumerate(takers)
    ]
    Item.objects.bulk_create(held)
    Assignment.objects.bulk_create(
        Assignment(item=item, client_id=item.client_id, person=item.person, share=(0, 20), since=now) for item in held
    )
    waits = [_item(queue, f"waits-{queue.id}", now - timedelta(seconds=15), None, state="waiting") for queue in queues]
    Item.objects.bulk_create(waits[: max(1, len(waits) // 5)])  # the other queues are quiet, or only worked on


def _finished(count: int, now: datetime) -> None:
    """Work of the day that is over, spread over its hours and the queues; the rollups are folded, as by their job."""
    from workfloor.core.contracts.models import Queue
    from workfloor.core.measures import actions as measures
    from workfloor.core.work.models import Item

    queues = list(Queue.objects.filter(client__slug="bench").order_by("id"))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    known, step = Item.objects.count(), max(now - midnight - timedelta(minutes=10), timedelta()) / max(count, 1)
    for first in range(0, count, AT_ONCE):
        Item.objects.bulk_create(
            _done(queues[n % len(queues)], f"done-{known + n}", midnight + n * step)
            for n in range(first, min(first + AT_ONCE, count))
        )
    while measures.fold(client_id=queues[0].client_id):
        pass


def _done(queue: Any, key: str, at: datetime) -> Any:
    ended = at + timedelta(seconds=130)
    done = _item(queue, key, at, at + timedelta(seconds=10), state="done", ended_at=ended, wrapped_up_at=ended)
    done.talk_seconds, done.disposition = 120, "done"
    return done


def _item(queue: Any, key: str, at: datetime, connected_at: datetime | None, **more: Any) -> Any:
    from workfloor.core.work.models import Item

    return Item(
        client_id=queue.client_id,
        process_id=queue.process_id,
        queue=queue,
        kind="email",
        key=key,
        received_at=at,
        queued_at=at,
        answer_by=at + timedelta(seconds=20),
        connected_at=connected_at,
        **more,
    )


def _page(leader: Any, runs: int) -> float:
    from django.db import connection
    from django.test import RequestFactory

    from workfloor.desks.leader import views as leader_views

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    request = RequestFactory().get("/floor/")
    request.person, request.user = leader, leader.account  # type: ignore[attr-defined]

    def shown() -> None:
        answer = inside(leader_views.floor, request)
        assert answer.status_code == 200

    shown()  # the first one reads the contract and the templates
    gc.collect()
    gc.freeze()  # as whoever serves pages does with what is loaded
    return median(seconds(shown) for _ in range(runs))
