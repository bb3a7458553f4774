"""The machine on which the figures were measured."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil
from django.db import connection


def description() -> dict[str, str]:
    """Return what decides how fast things are here, in words; ask while a database is connected."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('fsync')")
        postgres, fsync = cursor.fetchone()
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load at the end": load(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": f"{postgres}, fsync {fsync}",
        "workfloor": version("workfloor"),
    }


def load() -> str:
    """How busy the machine was in the last minute, in words."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
