"""What a storm must not have done, read from the event log and the tables afterwards."""

from collections import defaultdict
from typing import Any

from benchmarks import hands
from benchmarks.floors import inside

AT_ONCE = {line.name: line.max_concurrency for line in hands.LINES}


def report() -> None:
    """Print a line for whatever the event log and the tables say that must not be."""
    for fault in inside(_faults):
        print(fault)


def _faults() -> list[str]:
    from workfloor.core.event_log.models import Fact
    from workfloor.core.work.models import Assignment, Item
    from workfloor.ops.routing import utilisation

    facts = list(Fact.objects.filter(item_id__isnull=False).order_by("id"))
    items = {item.id: item for item in Item.objects.select_related("queue")}
    faults = [f"item {item.id} is {item.state}" for item in items.values() if item.state != "done"]
    faults += [f"{each.item_id} is still with {each.person_id}" for each in Assignment.objects.all()]
    faults += [str(each) for each in utilisation.passed_over(facts)]
    return faults + _unlike_their_facts(facts, items) + _overladen(facts, items)


def _unlike_their_facts(facts: list[Any], items: dict[int, Any]) -> list[str]:
    """Items whose state is not what their facts add up to, or whose facts cannot follow one another."""
    from workfloor.core.work import lifecycle
    from workfloor.core.work import queries as work_queries

    told = defaultdict(list)
    for fact in facts:
        told[fact.item_id].append(fact)
    faults = []
    for item in items.values():
        try:
            if lifecycle.replay(told[item.id]) != work_queries.state_of(item):
                faults.append(f"item {item.id} is not what its facts add up to")
        except lifecycle.NotNow as fault:  # held twice, for one
            faults.append(f"item {item.id}: {fault}")
    return faults


def _overladen(facts: list[Any], items: dict[int, Any]) -> list[str]:
    """Whoever had more than they can, for a moment: parts of 60 by what the event log says was with them."""
    size = {item.id: 60 // AT_ONCE[item.queue.name] for item in items.values()}
    load: dict[int, int] = defaultdict(int)
    faults = []
    for fact in facts:
        if fact.event == "work.offered":
            load[fact.person_id] += size[fact.item_id]
            if load[fact.person_id] > 60:
                faults.append(f"{fact.person_id} has {load[fact.person_id]} parts at fact {fact.id}")
        elif fact.event in ("work.declined", "work.offer-expired", "work.transferred", "work.wrapped-up"):
            load[fact.person_id] -= size[fact.item_id]
    return faults
