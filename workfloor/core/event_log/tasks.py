"""The event log's own housekeeping."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.event_log import actions as event_log
from workfloor.kit.time import clock


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="event_log.make_partitions", pass_context=False)
def make_partitions(timestamp: int) -> None:
    """Each night, make the partitions of the months ahead."""
    with transaction.atomic():
        event_log.make_partitions(first=clock.now())
