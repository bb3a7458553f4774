"""Reading which queue is in which pool."""

from workfloor.core.contracts.models import Queue
from workfloor.ops.routing import models as routing_models


def pools() -> dict[str, str]:
    """Which queue is in which pool, by their names."""
    elsewhere = dict(routing_models.Pooled.objects.values_list("queue_id", "pool"))
    queues = Queue.objects.select_related("client").order_by("client__slug", "name")
    return {f"{queue.client.slug}/{queue.name}": elsewhere.get(queue.id, routing_models.MAIN) for queue in queues}
