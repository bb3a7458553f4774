"""Deleting files that nothing refers to, and sweeping the store."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.files import actions as files
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import queries as files_queries
from workfloor.core.retention import queries as retention_queries
from workfloor.kit.database import backups, rls
from workfloor.kit.time import clock


@app.periodic(cron="*/10 * * * *")
@app.task(name="files.look_after", queueing_lock="files.look_after", pass_context=False)
def look_after(timestamp: int) -> None:
    """Every ten minutes, delete what should have been deleted by now, whatever became of those who were asked."""
    forget()


@app.task(name=files.FORGET, queueing_lock=files.FORGET)
def forget() -> None:
    """Delete the rows of files that nothing refers to any more."""
    while _forget():
        pass


def _forget() -> bool:
    with transaction.atomic():
        rls.enter_every_client()
        return files.forget(now=clock.now()) == files.AT_A_TIME


@app.periodic(cron="* * * * *")
@app.task(name="files.keep_copies", queueing_lock="files.keep_copies", pass_context=False)
def keep_copies(timestamp: int) -> None:
    """Each minute, as the database keeps its log, copy new files to where backups are; a bucket has its own."""
    folder, source = settings.WORKFLOOR_BACKUP, files_gateway.store().folder
    if folder and source and not settings.WORKFLOOR_DATABASE_URL:
        backups.keep_keys(settings.WORKFLOOR_DATA, folder)
        backups.keep_files(source, folder, now=clock.now())


@app.periodic(cron="41 2 * * *")
@app.task(name="files.sweep", queueing_lock="files.sweep", pass_context=False)
def sweep(timestamp: int) -> None:
    """Each night, remove from the store what belongs to no row, and what no backup needs any more."""
    remove_orphans()
    while _drop_expired():
        pass


def remove_orphans(of_age: timedelta = files.ORPHANED_AFTER) -> int:
    """Remove from the store what was written so long ago and belongs to no row; returns how many files."""
    count = 0
    for listed in files_gateway.store().listed():
        with transaction.atomic():
            rls.enter_every_client()
            before = min(clock.now() - of_age, files_queries.oldest_transaction(now=clock.now()))
            found = files_queries.unowned(listed=listed)
            names = [each.name for each in found if each.changed_at < before]
        files_gateway.store().remove(names)
        count += len(names)
    return count


def _drop_expired() -> bool:
    with transaction.atomic():
        rls.enter_every_client()
        before = retention_queries.due_before("removed-files", clock.now())
        names = files_queries.expired(before=before, most=files.AT_A_TIME)
        files.drop(names=names)
    return len(names) == files.AT_A_TIME
