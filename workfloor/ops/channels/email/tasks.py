"""Reading mail that has come."""

import logging
from itertools import groupby
from operator import attrgetter
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from procrastinate.contrib.django import app

from workfloor.kit import clock, masks, rls
from workfloor.ops.channels.email import actions, queries

AT_A_TIME: Final = 50

log = logging.getLogger(__name__)


@app.task(name=actions.TAKE, queueing_lock=actions.TAKE)
def take_arrivals() -> None:
    """Read the mail that has come until none is left; several workers share it."""
    while _take(AT_A_TIME):
        pass


def _take(most: int) -> int:
    """Read some mails in one transaction; if one of them fails, each in its own. Returns how many there were."""
    try:
        with transaction.atomic():
            return _take_some(most)
    except _Failed as failed:
        if most == 1:
            _mark_unread(failed)
            return 1
        log.warning("reading %s mails one by one: %s", most, failed.__cause__)
        return sum(_take(1) for _ in range(most))


class _Failed(Exception):
    """One of some mails brought its reader down; the first of them, where it was the only one."""

    def __init__(self, arrival_id: int) -> None:
        super().__init__(arrival_id)
        self.arrival_id = arrival_id


def _take_some(most: int) -> int:
    rls.enter_every_client()
    waiting = queries.waiting(most)
    try:
        for client_id, arrivals in groupby(waiting, key=attrgetter("client_id")):
            rls.enter(client_id)
            actions.take(arrivals=list(arrivals), now=clock.now())
    except (OperationalError, InterfaceError):
        raise  # the database's fault, not a mail's
    except Exception as fault:
        raise _Failed(waiting[0].id) from fault
    return len(waiting)


def _mark_unread(failed: _Failed) -> None:
    reason = masks.mask(f"{type(failed.__cause__).__name__}: {failed.__cause__}").text
    with transaction.atomic():
        rls.enter_every_client()
        if arrival := queries.unread(failed.arrival_id):
            actions.mark_unread(arrival=arrival, reason=reason, now=clock.now())
    log.warning("mail %s could not be read and waits to be looked at: %s", failed.arrival_id, reason)


@app.periodic(cron="* * * * *")
@app.task(name="email.look_after", queueing_lock="email.look_after", pass_context=False)
def look_after(timestamp: int) -> None:
    """Each minute, ask for what should have been read by now, whatever became of those who were asked."""
    with transaction.atomic():
        actions.ask_to_take()
