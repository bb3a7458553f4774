"""Background jobs: they run, by the clock too, and what a dead worker took is run again."""

import asyncio
import threading
import time
from datetime import timedelta

import psycopg
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from procrastinate.contrib.django import app

from workfloor.kit.database import jobs
from workfloor.kit.time import clock

TASK = "kit.retry_stalled_jobs"


def run_until(true, seconds=90):
    stop = threading.Event()
    worker = threading.Thread(target=jobs.run, args=[stop])
    worker.start()
    until = time.monotonic() + seconds
    try:
        while not true():
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        stop.set()
        worker.join(300)
    assert not worker.is_alive()


def leave_a_job(address, queueing_lock):
    """A job that a worker took an hour ago, and then gave no sign of life."""
    number = app.configure_task(TASK, queueing_lock=queueing_lock).defer(timestamp=0)
    with psycopg.connect(address, autocommit=True) as connection:
        [(worker,)] = connection.execute("SELECT procrastinate_register_worker_v1()").fetchall()
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s", [worker, number]
        )
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def jobs_with(address, queueing_lock):
    with psycopg.connect(address, autocommit=True) as connection:
        question = "SELECT status FROM procrastinate_jobs WHERE queueing_lock = %s ORDER BY id"
        return [row[0] for row in connection.execute(question, [queueing_lock]).fetchall()]


def test_what_is_due_each_minute_is_asked_for_by_the_clock(real_database):
    def asked_for():
        with psycopg.connect(real_database, autocommit=True) as connection:
            return {row[0] for row in connection.execute("SELECT task_name FROM procrastinate_periodic_defers")}

    run_until(lambda: asked_for() >= {TASK, "email.look_after", "email.look_after_replies"})


def test_what_keeps_ending_a_worker_is_met_every_few_seconds_and_not_at_once(real_database, monkeypatch):
    begun = []

    async def _ends_at_once(stop):
        begun.append(stop)

    monkeypatch.setattr(jobs, "_run_until", _ends_at_once)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    jobs.run(stop)

    assert len(begun) == 1


def test_a_job_whose_worker_died_is_run_again(real_database):
    leave_a_job(real_database, "left")
    assert jobs_with(real_database, "left") == ["doing"]

    app.configure_task(TASK, queueing_lock="now").defer(timestamp=1)
    run_until(lambda: jobs_with(real_database, "left") == [])


def test_a_job_whose_successor_waits_already_is_dropped_and_stops_no_other(real_database):
    leave_a_job(real_database, "nightly")
    app.configure_task(TASK, queueing_lock="nightly", schedule_in={"hours": 1}).defer(timestamp=2)
    leave_a_job(real_database, "left")

    app.configure_task(TASK, queueing_lock="now").defer(timestamp=1)
    run_until(lambda: jobs_with(real_database, "left") == [])
    assert jobs_with(real_database, "nightly") == ["todo"]


def test_asking_twice_for_a_job_loses_nothing_of_the_transaction_that_asks(real_database):
    for name in ("first", "second"):
        with transaction.atomic():
            jobs.ask_for(TASK, once="asked for twice", timestamp=0)
            app.configure_task(TASK, queueing_lock=name).defer(timestamp=0)

    assert [jobs_with(real_database, each) for each in ("asked for twice", "first", "second")] == [["todo"]] * 3


def test_a_lane_that_lost_the_connection_by_which_it_looks_at_the_clock_is_begun_again(real_database):
    def _pid():
        connection.close()  # which an earlier test's jobs have left
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    pid = asyncio.run(sync_to_async(_pid)())  # in the thread in which what the clock wants is asked for
    with psycopg.connect(real_database, autocommit=True) as server:
        assert server.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)
    leave_a_job(real_database, "left")
    run_until(lambda: jobs_with(real_database, "left") == [])


def test_asking_for_what_waits_already_leaves_the_transaction_of_whoever_asks_whole(real_database):
    with transaction.atomic():
        jobs.ask_for(TASK, once="once", at=clock.now() + timedelta(hours=1), timestamp=1)
        jobs.ask_for(TASK, once="once", at=clock.now() + timedelta(hours=1), timestamp=2)
        jobs.ask_for(TASK, once="another", at=clock.now() + timedelta(hours=1), timestamp=3)

    assert jobs_with(real_database, "once") == jobs_with(real_database, "another") == ["todo"]
