"""Proposing and closing months, which takes as long as a month's facts take to be replayed."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from workfloor.core.periods.actions import Refused
from workfloor.kit.database import locks, rls
from workfloor.kit.text import masks
from workfloor.kit.time import clock
from workfloor.ops.billing import actions as billing
from workfloor.ops.billing import models as billing_models
from workfloor.ops.billing import queries as billing_queries
from workfloor.ops.billing.closing import Progress
from workfloor.ops.billing.statements import NoStatement

OVERDUE: Final = timedelta(minutes=1)
log = logging.getLogger(__name__)


@app.task(name=billing.TAKE_STEP)
def take_closing_step(step_id: int) -> None:
    """Propose or close a month as somebody asked, all of it in one transaction; nobody else tries meanwhile."""
    with locks.kept(billing.TAKE_STEP, step_id) as is_free:
        if is_free and (step := _begun(step_id)):
            _take(step)


def _begun(step_id: int) -> billing_models.ClosingStep | None:
    with transaction.atomic():
        rls.enter_every_client()
        step = billing_queries.closing_step(step_id)
        return step if step and billing.begin_step(step=step) else None


def _take(step: billing_models.ClosingStep) -> None:
    try:
        with _told(step) as progress, transaction.atomic():
            rls.enter(step.client_id)
            billing.take_step(step=step, now=clock.now(), progress=progress)
    except (OperationalError, InterfaceError) as fault:
        log.warning("%s is tried again within a minute: %s", step, str(fault).strip())
    except (Refused, NoStatement) as reason:
        _fail(step, str(reason))
    except Exception as fault:
        log.exception("%s failed", step)
        _fail(step, _("It failed, and nothing of it was kept: {fault}").format(fault=masks.worded(fault)))


def _fail(step: billing_models.ClosingStep, error: str) -> None:
    with transaction.atomic():
        rls.enter(step.client_id)
        billing.fail_step(step=step, error=error)


@contextmanager
def _told(step: billing_models.ClosingStep) -> Iterator[Progress]:
    """Progress that is told while the step's own transaction goes on: on another connection, so in another thread."""
    told = 0

    def tell(percent: int) -> None:
        with transaction.atomic():
            rls.enter(step.client_id)
            billing.tell_progress(step=step, percent=percent)

    def progress(done: int, total: int) -> None:
        nonlocal told
        percent = 100 * done // max(total, 1)
        if told < percent < 100:  # what is done is seen by the month itself, at the commit
            told = percent
            aside.submit(tell, percent).result()

    with ThreadPoolExecutor(1, thread_name_prefix="progress") as aside:
        try:
            yield progress
        finally:
            aside.submit(lambda: connection.close()).result()  # the connection of that thread


@app.periodic(cron="* * * * *")
@app.task(name="billing.look_after_steps", queueing_lock="billing.look_after_steps", pass_context=False)
def look_after_steps(timestamp: int) -> None:
    """Each minute, ask for the steps that should have been done by now, whatever became of those who were asked."""
    with transaction.atomic():
        rls.enter_every_client()
        for number in billing_queries.waiting_steps(clock.now() - OVERDUE):
            billing.ask_to_take(number)
