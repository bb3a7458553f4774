"""What time does to people."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.access.actors import CLOCK
from workfloor.core.people import actions as people
from workfloor.kit.time import clock


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="people.end_presences", pass_context=False)
def end_presences(timestamp: int) -> None:
    """Each minute, sign out of work whoever forgot to when their shift ended."""
    with transaction.atomic():
        people.end_presences(by=CLOCK, now=clock.now())
