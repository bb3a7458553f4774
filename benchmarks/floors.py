"""What benchmarks of routing share: a contract with a few queues, work inside all walls, functions run elsewhere."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

Found = TypeVar("Found")

HEAD = """
[contract]
client = "bench"
title = "Bench"
signed_on = 2025-12-01
starts_on = 2026-01-01
ends_on = 2035-12-31
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"

[calendars.always]
week = { mon = ["00:00-24:00"], tue = ["00:00-24:00"], wed = ["00:00-24:00"], thu = ["00:00-24:00"] }

[[processes]]
name = "desk"
kind = "email"
location = "onshore"
calendar = "always"
dispositions = ["done"]
"""
QUEUE = """
  [[processes.queues]]
  name = "{name}"
  requires = {{ {requires} }}
  priority = 1
  answer_within = "{answer_within}"
  max_concurrency = {max_concurrency}
  offer_for = "{offer_for}"
"""
TAIL = """
[[prices]]
title = "Fixed"
unit = "fixed"
rate = "1.00"
"""
# Runs where another process has set Django up; one connection, for whoever is killed or follows the event log.
ELSEWHERE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "workfloor.settings"
from django.conf import settings
settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
import django
django.setup()
from benchmarks import {module}
{module}.{what}({values})
"""


class Line(NamedTuple):
    """A queue of the contract, as it is written there."""

    name: str
    requires: str
    answer_within: str
    max_concurrency: int
    offer_for: str


def contract(lines: Iterable[Line]) -> str:
    """The text of a contract with these queues."""
    return HEAD + "".join(QUEUE.format(**line._asdict()) for line in lines) + TAIL


def inside(do: Callable[..., Found], *args: Any, **named: Any) -> Found:
    """Do something as a request would: in a transaction of its own, which has entered every client."""
    from django.db import transaction

    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        return do(*args, **named)


def elsewhere(module: str, what: str, *values: int | str) -> list[str]:
    """The command that runs a function of a benchmark in a process of its own."""
    words = ", ".join(map(repr, values))
    return [sys.executable, "-c", ELSEWHERE.format(module=module, what=what, values=words)]


def said_elsewhere(environment: dict[str, str], module: str, what: str, *values: int | str) -> list[str]:
    """Run a function of a benchmark in a process of its own, and return the lines that it printed."""
    command = elsewhere(module, what, *values)
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stderr[-3000:])
    return ran.stdout.splitlines()
