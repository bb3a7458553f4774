"""Background jobs: they run, and what a dead worker took is run again."""

import threading
import time

import psycopg
from procrastinate.contrib.django import app

from workfloor.kit import jobs


def status_of(address, task):
    with psycopg.connect(address, autocommit=True) as connection:
        rows = connection.execute("SELECT status FROM procrastinate_jobs WHERE task_name = %s", [task]).fetchall()
    return [row[0] for row in rows]


def run_until(true, seconds=30):
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
        worker.join(20)
    assert not worker.is_alive()


def test_a_job_whose_worker_died_is_run_again(real_database):
    app.configure_task("kit.retry_stalled_jobs", lock="left").defer(timestamp=0)
    with psycopg.connect(real_database, autocommit=True) as connection:
        [(worker,)] = connection.execute("SELECT procrastinate_register_worker_v1()").fetchall()
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker])
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    assert status_of(real_database, "kit.retry_stalled_jobs") == ["doing"]

    app.configure_task("kit.retry_stalled_jobs").defer(timestamp=1)
    run_until(lambda: status_of(real_database, "kit.retry_stalled_jobs") == [])
