"""What an installation counts of itself, over all its processes on a machine, in Prometheus' text format.

Every process keeps its counts in files of one folder, which `keep_in` names before anything is counted; whoever is
asked adds them up. Without a folder a process knows its own counts alone. No label names a person.
"""

import os
import re
import threading
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import psutil

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks, once, as it is loaded
# Seconds: from a page that is there at once to one that people ask about.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_making = threading.Lock()
_KEPT = re.compile(r"[a-z_]+_(\d+)\.db")


def keep_in(folder: Path) -> None:
    """Keep counts in a folder; those of an installation that has ended go. Without it, each process is alone."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _clean(folder)
    except OSError:
        return
    os.environ[FOLDER] = str(folder)


def _clean(folder: Path) -> None:
    """Remove what is there, unless one of the processes that wrote it still runs: then all of it counts on."""
    kept = {path: int(found[1]) for path in folder.iterdir() if (found := _KEPT.fullmatch(path.name))}
    if not any(psutil.pid_exists(pid) for pid in kept.values()):
        for path in kept:
            path.unlink(missing_ok=True)


def answered(view: str, status: int, seconds: float) -> None:
    """Count a request with how long it took, in wait for a thread and in work."""
    _series("requests", view, str(status)).observe(seconds)


def turned_away(why: str) -> None:
    """Count a request that was not answered: `busy`, `too large` or `slow`."""
    _series("refusals", why).inc()


def offered(pool: str, count: int) -> None:
    """Count offers that a router has made."""
    _series("offers", pool).inc(count)


def followed(follower: str, count: int) -> None:
    """Count facts that a follower has dealt with."""
    _series("facts", follower).inc(count)


def failed(follower: str) -> None:
    """Count a turn of a follower that failed, and will be tried again."""
    _series("failures", follower).inc()


def lags(follower: str, seconds: float, parked: int) -> None:
    """Say how far a follower is behind, and how many facts it has left out."""
    _series("lag", follower).set(seconds)
    _series("parked", follower).set(parked)


def webhook_lags(endpoint: int, seconds: float, waiting: int, is_dead: bool) -> None:
    """Say for how long the oldest event for an endpoint has waited, how many wait, and whether somebody has to look."""
    _series("webhook_lag", str(endpoint)).set(seconds)
    _series("webhook_waiting", str(endpoint)).set(waiting)
    _series("webhook_dead", str(endpoint)).set(int(is_dead))


def text() -> tuple[bytes, str]:
    """Everything that is counted, over all processes of the folder, and its media type."""
    import prometheus_client
    from prometheus_client import multiprocess

    _made()
    registry = prometheus_client.REGISTRY
    if FOLDER in os.environ:
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return prometheus_client.generate_latest(registry), prometheus_client.CONTENT_TYPE_PLAIN_0_0_4


@cache
def _series(what: str, *labels: str) -> Any:
    """A metric with its labels, found once: views, statuses and followers are few."""
    return getattr(_made(), what).labels(*labels)


def _made() -> SimpleNamespace:
    with _making:  # a metric is made once, whichever threads want it first
        return _metrics()


@cache
def _metrics() -> SimpleNamespace:
    from prometheus_client import Counter, Gauge, Histogram  # now that the folder is known

    return SimpleNamespace(
        requests=Histogram(
            "workfloor_request_seconds",
            "Requests by view and status, and how long they took.",
            ["view", "status"],
            buckets=BUCKETS,
        ),
        refusals=Counter("workfloor_requests_refused", "Requests that were not answered.", ["why"]),
        offers=Counter("workfloor_offers", "Offers that the router of a pool has made.", ["pool"]),
        facts=Counter("workfloor_facts_followed", "Facts that a follower has dealt with.", ["follower"]),
        failures=Counter("workfloor_follower_failures", "Turns of a follower that failed.", ["follower"]),
        lag=Gauge(
            "workfloor_follower_lag_seconds",
            "For how long the oldest fact that a follower has still to deal with has waited.",
            ["follower"],
            multiprocess_mode="livemostrecent",
        ),
        parked=Gauge(
            "workfloor_follower_parked",
            "Facts that a follower has left out because it failed over them.",
            ["follower"],
            multiprocess_mode="livemostrecent",
        ),
        webhook_lag=Gauge(
            "workfloor_webhook_lag_seconds",
            "For how long the oldest event for an endpoint has waited.",
            ["endpoint"],
            multiprocess_mode="livemostrecent",
        ),
        webhook_waiting=Gauge(
            "workfloor_webhook_waiting",
            "Events that wait for an endpoint.",
            ["endpoint"],
            multiprocess_mode="livemostrecent",
        ),
        webhook_dead=Gauge(
            "workfloor_webhook_dead",
            "1 for an endpoint that takes nothing any more, or has failed for ten minutes.",
            ["endpoint"],
            multiprocess_mode="livemostrecent",
        ),
    )
