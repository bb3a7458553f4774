"""A small floor under the policy, told step by step."""

from dataclasses import dataclass, field

from workfloor.ops.routing import policy, pools

CALLS = pools.Queue(1, client_id=1, requires={"portuguese": 3}, relax=[(30, {"portuguese": 2})])
CHATS = pools.Queue(2, client_id=1, requires={"portuguese": 2}, max_concurrency=3)
CARDS = pools.Queue(3, client_id=2, requires={"cards": 1}, slope=0.5)
MAIL = pools.Queue(4, client_id=1, requires={}, preemptible=True, slope=0.01)
URGENT = pools.Queue(5, client_id=1, requires={"portuguese": 3}, preempts=True, slope=5)
BOTH = frozenset([1, 2])


@dataclass
class Floor:
    """A small floor: agents are named by their number, items by the order of their arrival; ids are those plus 100."""

    queues: list[pools.Queue]
    people: list[tuple[dict[str, int], frozenset[int]]]  # skills and clearances
    until: float = 1e9
    worth: tuple[float, ...] = (0.0,) * pools.GRADES
    items: int = 0
    pool: pools.Pool = field(init=False)

    def __post_init__(self):
        profiles = [pools.profile(skills, clients, self.queues) for skills, clients in self.people]
        numbered = pools.numbered(profiles)
        self.pool = pools.pool(self.queues, numbered, [100 + n for n in range(len(profiles))], 50, self.worth)
        self.profiles = [numbered.index(each) for each in profiles]

    def come(self, *agents, now=0.0):
        """Let people begin, one after the other; what each is offered."""
        for agent in agents:
            policy.come(self.pool, agent, self.profiles[agent], self.until)
        return [self.free(agent, now=now) for agent in agents]

    def free(self, agent, now=0.0):
        found = []
        while (item := policy.free(self.pool, agent, now)) >= 0:
            found.append(item)
        return found

    def arrive(self, queue, now=0.0, since=None, item=None, keeper=-1):
        """To whom an item is offered as it arrives."""
        if item is None:
            item, self.items = self.items, self.items + 1
        return policy.arrive(
            self.pool, item, 100 + item, self.queues.index(queue), now if since is None else since, now, keeper
        )


def speaker(level=3, clients=(1,), **skills):
    return {"portuguese": level, **skills}, frozenset(clients)
