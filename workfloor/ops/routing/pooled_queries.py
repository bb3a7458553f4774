"""Reading which queue is in which pool."""

from workfloor.core.contracts.models import Queue
from workfloor.ops.routing import models as routing_models


def named(name: str) -> Queue:
    """A queue by its client's name and its own, as in "first-bank/regular". Raises LookupError."""
    client, _, queue = name.partition("/")
    found = Queue.objects.filter(client__slug=client, name=queue).first()
    if found is None:
        raise LookupError(
            f"There is no queue {name}. Write it as in first-bank/regular; `workfloor routing pool` lists them."
        )
    return found


def pools() -> dict[str, str]:
    """Which queue is in which pool, by their names."""
    elsewhere = dict(routing_models.Pooled.objects.values_list("queue_id", "pool"))
    queues = Queue.objects.select_related("client").order_by("client__slug", "name")
    return {f"{queue.client.slug}/{queue.name}": elsewhere.get(queue.id, routing_models.MAIN) for queue in queues}
