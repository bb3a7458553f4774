"""Floors to run the twin on."""

import math
from datetime import UTC, datetime

from workfloor.ops.routing.pools import Queue
from workfloor.ops.simulation import scenarios
from workfloor.ops.simulation.scenarios import Group, Scenario, Spread, Work, exponential

ALWAYS = ((0.0, math.inf),)
HOUR = 3600.0


def work(name="calls", number=1, per_hour=60.0, handling=60.0, patience=None, requires=None, **terms) -> Work:
    queue = {
        key: terms.pop(key) for key in ("max_concurrency", "relax", "slope", "preemptible", "preempts") if key in terms
    }
    return Work(
        name=name,
        queue=Queue(number, 1, requires or {}, **queue),
        rates=(per_hour / HOUR,),
        handling=exponential(handling),
        patience=exponential(patience) if patience else Spread(),
        **terms,
    )


def group(agents=10, name="agents", sessions=ALWAYS, **skills) -> Group:
    return Group(name, skills, (sessions,) * agents)


def floor(works, groups, hours=8.0, **terms) -> Scenario:
    given = {"title": "A floor", "starts_at": datetime(2024, 1, 1, tzinfo=UTC), "zone": "UTC", "every": HOUR} | terms
    return Scenario(horizon=hours * HOUR, works=tuple(works), groups=tuple(groups), **given)


def world(scenario: Scenario, replication: int = 0):
    return scenarios.world(scenario, replication)


# Five skills and a hundred agents who have two of them each; priorities, rings, work that is done three at a time and
# preempted for other work, wrap-up, impatience and retries.
SKILLS = ("dutch", "english", "french", "german", "italian")


def mixed(hours=6.0) -> Scenario:
    works = [
        work(
            skill,
            number,
            per_hour=900,
            handling=170,
            patience=120,
            requires={skill: 2},
            slope=(number + 1) / 20,
            retry_share=0.3,
            retry_after=300.0,
            wrap_up=scenarios.log_normal(15, 10),
            max_concurrency=3 if skill == "english" else 1,
            preemptible=skill == "english",
            preempts=skill in ("dutch", "french"),
            relax=((30.0, {skill: 1}),) if skill == "dutch" else (),
            pace=(1.4, 1.2, 1.0, 0.9, 0.8),
        )
        for number, skill in enumerate(SKILLS)
    ]
    shift = ((0.0, 2.5 * HOUR), (3 * HOUR, 5 * HOUR))
    groups = [
        Group(f"{one}-{other}", {one: 2 + n % 3, other: 1 + n % 2}, (ALWAYS if n % 2 else shift,) * 20)
        for n, (one, other) in enumerate(zip(SKILLS, SKILLS[1:] + SKILLS[:1], strict=True))
    ]
    return floor(works, groups, hours, warm_up=600.0)
