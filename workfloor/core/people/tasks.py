"""What time does to people, and what the sign-in page asks for."""

from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.access.actors import CLOCK
from workfloor.core.people import actions as people
from workfloor.core.people import granting, own_account
from workfloor.core.people import letters as people_letters  # noqa: F401  which says what these mails say
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@app.task(name=own_account.RESET)
def send_reset(email: str) -> None:
    """Send whoever signs in with an address, if somebody does, a link to choose a new password."""
    with transaction.atomic():
        rls.enter_every_client()
        own_account.send_reset(email=email, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="people.end_presences", pass_context=False)
def end_presences(timestamp: int) -> None:
    """Each minute, sign out of work whoever forgot to when their shift ended."""
    with transaction.atomic():
        people.end_presences(by=CLOCK, now=clock.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="people.end_lapsed_grants", pass_context=False)
def end_lapsed_grants(timestamp: int) -> None:
    """Each minute, end the skills that leaders granted until now."""
    with transaction.atomic():
        granting.end_lapsed_grants(by=CLOCK, now=clock.now())
