"""The journal's own housekeeping."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.journal import actions
from workfloor.kit import clock


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="journal.make_partitions", pass_context=False)
def make_partitions(timestamp: int) -> None:
    """Each night, make the partitions of the months ahead."""
    with transaction.atomic():
        actions.make_partitions(first=clock.now())
