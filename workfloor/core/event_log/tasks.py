"""The event log's own housekeeping."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.kit.database import rls
from workfloor.kit.text import masks
from workfloor.kit.time import clock


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="event_log.make_partitions", pass_context=False)
def make_partitions(timestamp: int) -> None:
    """Each night, make the partitions of the months ahead."""
    with transaction.atomic():
        event_log.make_partitions(first=clock.now())


@app.task(name=event_log.RUN_PARKED)
def run_parked(parked_id: int) -> None:
    """Try a parked fact again; what it fails over this time is kept with it."""
    try:
        with transaction.atomic():
            rls.enter_every_client()
            if parked := event_log_queries.parked().filter(id=parked_id).first():
                event_log.run_parked(parked, now=clock.now())
    except Exception as fault:  # whatever a follower may raise
        with transaction.atomic():
            rls.enter_every_client()
            if parked := event_log_queries.parked().filter(id=parked_id).first():
                event_log.mark_failed_again(parked, error=masks.worded(fault))
