"""What time does to those who work."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.access.actors import CLOCK
from workfloor.core.work import joining
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@app.periodic(cron="* * * * *")
@app.task(name="work.let_asks_lapse", queueing_lock="work.let_asks_lapse", pass_context=False)
def let_asks_lapse(timestamp: int) -> None:
    """Each minute, ask those consultants no more who have not answered."""
    with transaction.atomic():
        rls.enter_every_client()
        joining.let_asks_lapse(by=CLOCK, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(name="work.sign_out_the_gone", queueing_lock="work.sign_out_the_gone", pass_context=False)
def sign_out_the_gone(timestamp: int) -> None:
    """Each minute, sign out of work whose browser has been gone for too long."""
    if minutes := settings.WORKFLOOR_BROWSER_GONE_MINUTES:
        with transaction.atomic():
            rls.enter_every_client()
            joining.sign_out_the_gone(after=timedelta(minutes=minutes), by=CLOCK, now=clock.now())
