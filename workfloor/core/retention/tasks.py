"""What is old enough goes: sign-ins, failed jobs, log files."""

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from workfloor.core.retention import actions as retention
from workfloor.core.retention import queries as retention_queries
from workfloor.kit.time import clock
from workfloor.kit.web import logs


@app.periodic(cron="11 2 * * *")
@app.task(name="retention.delete_expired", queueing_lock="retention.delete_expired", pass_context=False)
def delete_expired(timestamp: int) -> None:
    """Each night, delete sign-ins that have expired and drop jobs that failed long ago."""
    with transaction.atomic():
        retention.delete_sessions(now=clock.now())
    with transaction.atomic():
        retention.drop_failed_jobs(now=clock.now())


@app.periodic(cron="23 * * * *")
@app.task(name="retention.delete_logs", queueing_lock="retention.delete_logs", pass_context=False)
def delete_logs(timestamp: int) -> None:
    """Each hour, delete log files that are too old, and of the database's those beyond what they may take together."""
    with transaction.atomic():
        days, before = retention_queries.days("logs"), retention_queries.due_before("logs", clock.now())
    places = [settings.WORKFLOOR_DATA / "logs", settings.WORKFLOOR_DATA / "postgres" / "log"]
    count = sum(logs.forget(each, before) for each in places)
    with transaction.atomic():
        retention.tell(kind="logs", count=count, days=days, now=clock.now())
