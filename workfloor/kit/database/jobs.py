"""Background jobs on PostgreSQL: the worker that runs them, and a second life for jobs whose worker died."""

import asyncio
import contextlib
import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.module_loading import autodiscover_modules
from procrastinate import JobContext
from procrastinate import exceptions as refusals
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Status

from workfloor.kit.time import clock

CONCURRENCY: Final = 4
OUTSIDE: Final = "outside"  # jobs that wait for others' servers: they have lanes of their own, and keep nobody waiting
LANES: Final = {"default": CONCURRENCY, OUTSIDE: 4}
PAUSE_SECONDS: Final = 2
GRACE_SECONDS: Final = 5

log = logging.getLogger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="kit.retry_stalled_jobs", queueing_lock="kit.retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Put back in line whatever a worker took and then stopped giving signs of life."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        log.warning("job %s of %s was left by its worker and runs again", job.id, job.task_name)
        try:
            await manager.retry_job(job, retry_at=clock.now())
        except refusals.UniqueViolation:  # the next of its kind waits already, and does its work
            await manager.finish_job(job, status=Status.ABORTED, delete_job=True)
        except refusals.ConnectorException:  # another worker's look was faster, or its own worker lives after all
            log.info("job %s is no longer stalled", job.id)


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that raised, and is not tried again by itself."""

    id: int
    task: str
    attempts: int
    failed_at: datetime


_FAILED = """
SELECT job.id, job.task_name, job.attempts, max(event.at)
FROM procrastinate_jobs job JOIN procrastinate_events event ON event.job_id = job.id
WHERE job.status = 'failed' GROUP BY job.id ORDER BY job.id
"""


def failed() -> list[Failed]:
    """The jobs that failed, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILED)
        return [Failed(*row) for row in cursor.fetchall()]


def run_again(job_id: int) -> None:
    """Let a worker try a failed job again; nothing where the next of its kind waits already, and does its work."""
    try:
        with transaction.atomic():
            app.job_manager.retry_job_by_id(job_id, retry_at=clock.now())
    except refusals.UniqueViolation:
        drop(job_id)


def drop(job_id: int) -> None:
    """Never try a failed job again."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'failed'", [job_id])


def run(stop: threading.Event) -> None:
    """Run jobs until `stop` is set; a lost database is reported once and waited for."""
    autodiscover_modules("tasks")
    lost = False
    while not stop.is_set():
        try:
            asyncio.run(_run_until(stop))
            lost = False
        except (
            refusals.ConnectorException,
            psycopg.OperationalError,
            OperationalError,
            InterfaceError,
            OSError,
        ) as fault:
            if not lost:
                log.warning("jobs wait for the database: %s", str(fault.__cause__ or fault).strip())
            lost = True
        except Exception:
            log.exception("jobs ended, and begin again")  # a worker that follows and runs no jobs is found by nobody
        stop.wait(PAUSE_SECONDS)  # whatever ended a lane is not met again at once


async def _run_until(stop: threading.Event) -> None:
    django = cast(DjangoConnector, app.connector)
    with_worker = app.with_connector(django.get_worker_connector())
    async with with_worker.open_async():
        lanes = [
            asyncio.create_task(
                with_worker.run_worker_async(
                    queues=[lane],
                    concurrency=most,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    delete_jobs="successful",
                )
            )
            for lane, most in LANES.items()
        ]
        ended: set[asyncio.Task[None]] = set()
        while not stop.is_set() and not ended:  # a lane that ends may do so without a word, and alone
            ended, _ = await asyncio.wait(lanes, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        for lane in ended:
            lane.result()


def ask_for(
    task: str, *, once: str, at: datetime | None = None, after: int = 0, lane: str = "default", **arguments: int | str
) -> None:
    """Let a worker run a task, at the earliest at `at`; nothing where one waits already that was asked for as `once`.

    Of those that are due, the one before which its kind has the fewest goes first: `after` is how many.

    In the transaction of whoever asks: if that rolls back, nobody asked.
    """
    with contextlib.suppress(refusals.AlreadyEnqueued), transaction.atomic():
        app.configure_task(task, queueing_lock=once, schedule_at=at, priority=-after, queue=lane).defer(**arguments)
