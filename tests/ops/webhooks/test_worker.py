"""Webhooks with the real worker: it is killed in the midst of a delivery, and a slow receiver holds up nobody else."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import running
from tests.ops.webhooks import floors, receivers

INSIDE = "127.0.0.0/8,::1"


@pytest.fixture
def floor(real_database, settings):
    settings.WORKFLOOR_WEBHOOKS_INSIDE = INSIDE.split(",")
    return floors.Floor()


@pytest.fixture
def receiver():
    with receivers.running() as found:
        yield found


def env(database):
    return {"WORKFLOOR_DATABASE_URL": database, "WORKFLOOR_WEBHOOKS_INSIDE": INSIDE}


@contextmanager
def killed(database, folder):
    """A worker that is killed at the end of the block, without a chance to tidy up."""
    folder.mkdir(exist_ok=True)
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("workfloor"), "worker"],
            env=os.environ | {"WORKFLOOR_DATA": str(folder)} | env(database),
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def settled(floor, seconds=300):
    """Wait until nothing waits."""
    until = time.monotonic() + seconds
    while any(each.state == "waiting" for each in floor.rows()) and time.monotonic() < until:
        time.sleep(0.2)
    return {each.state for each in floor.rows()}


def test_a_worker_that_is_killed_in_the_midst_of_a_delivery_loses_nothing(floor, receiver, real_database, tmp_path):
    _, secret = floor.endpoint(receiver.url)
    letters = [floor.mail(f"letter-{n}") for n in range(3)]
    for letter in letters:
        floor.done(letter)
    receiver.answer = lambda came: time.sleep(3600)
    with killed(real_database, tmp_path / "first"):
        receiver.waits_for(2)
    begun = {each.key for each in receiver.came}
    receiver.answer = lambda came: 200
    with running("worker", tmp_path / "second", env(real_database)):
        states = settled(floor)

    assert states == {"accepted"}
    told = ["work.received", "work.queued", "work.accepted", "work.connected", "work.ended", "work.wrapped-up"]
    assert receiver.of_items() == {f"letter-{n}": told for n in range(3)}
    assert begun <= {each.key for each in receiver.taken}, "what was under way came again under the same id"
    assert all(each.is_signed_by(secret) for each in receiver.came)
    first = next(each for each in floor.rows() if each.key in begun)
    assert floor.attempts(first)[0] == (None, ""), "the page says that of the first attempt no answer is known"


def test_slow_and_dead_receivers_hold_up_nobody_else(floor, receiver, real_database, tmp_path):
    with receivers.running() as slow:
        slow.answer = lambda came: time.sleep(5) or 200
        slow_ones = [floor.endpoint(slow.url, "work.received")[0] for _ in range(3)]
        dead, _ = floor.endpoint(f"http://localhost:{receivers.free_port()}/", "work.received")
        for n in range(40):
            floor.mail(f"letter-{n}")
        floor.follows()
        quick, _ = floor.endpoint(receiver.url, "work.received")
        for n in range(20):
            floor.mail(f"late-{n}")
        floor.follows()
        with running("worker", tmp_path / "worker", env(real_database)):
            slow.waits_for(1)
            receiver.waits_for(20, seconds=60)
            waiting = [each for each in floor.rows(state="waiting") if each.endpoint_id in {e.id for e in slow_ones}]
            done = [each.state for each in floor.rows(endpoint=quick)]

    assert len(waiting) > 60, "the quick one was served long before the slow ones were through"
    assert len(done) == 20
    assert {each.state for each in floor.rows(endpoint=dead)} == {"waiting"}
    assert floor.now(dead).failing_since is not None
