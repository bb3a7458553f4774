"""A leader whose machine hangs: the standby takes over, and the old one writes nothing any more."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import transaction

from tests import make
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.routing.models import Leader

PATIENCE_SECONDS = 300.0  # only so that it does not hang
# On a busy machine a leader may be silent for longer than a second without hanging.
ROUTER = """
import django
django.setup()
from workfloor import cli
from workfloor.ops.routing import leader
leader.SILENT_SECONDS = 6
cli.main(["router"])
"""


@pytest.fixture
def routers(real_database, tmp_path):
    env = os.environ | {"WORKFLOOR_DATABASE_URL": real_database, "WORKFLOOR_DATA": str(tmp_path)}
    with (tmp_path / "routers.log").open("wb") as log:
        line = [sys.executable, "-c", ROUTER]
        started = [subprocess.Popen(line, env=env, stdout=log, stderr=log) for _ in range(2)]
    yield started
    for router in started:
        router.send_signal(signal.SIGCONT)
        router.kill()
        router.wait()


def inside(do):
    with transaction.atomic():
        rls.enter_every_client()
        return do()


def wait_until(true):
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE_SECONDS
        time.sleep(0.02)


@pytest.mark.installation
def test_a_leader_that_hangs_is_relieved_and_offers_go_on(routers):
    inside(make.agent)
    wait_until(lambda: inside(Leader.objects.exists))
    time.sleep(5)  # until the other one stands by
    hung = inside(Leader.objects.get)
    os.kill(int(hung.process.rpartition(":")[2]), signal.SIGSTOP)
    call = inside(lambda: make.call(at=clock.now()))

    wait_until(lambda: inside(lambda: Leader.objects.get().epoch) > hung.epoch)
    wait_until(lambda: inside(lambda: Item.objects.get(id=call.id).state) == "offered")
    os.kill(int(hung.process.rpartition(":")[2]), signal.SIGCONT)
    time.sleep(1)

    assert inside(lambda: Leader.objects.get().epoch) == hung.epoch + 1
    assert [router.poll() for router in routers] == [None, None]  # the one that hung stands by
