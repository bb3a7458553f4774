"""Files of tests shared out to processes: whole, for what a file builds it builds once; the longest first."""

from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

KEY = "workfloor/seconds"
# Where no earlier run tells: those that compile, simulate, start installations, drive browsers or wait.
LONG = (
    "tests/cli/test_up.py",
    "tests/deploy/test_proxies.py",
    "tests/stories/test_chaos.py",
    "tests/benchmarks/test_runs.py",
    "tests/stories/test_desk_writing.py",
    "tests/stories/test_bank_month.py",
    "tests/house/test_accessibility.py",
    "tests/ops/billing/test_explain_walk.py",
    "tests/stories/test_server_away.py",
    "tests/stories/test_past_months.py",
    "tests/stories/test_mail_storm.py",
    "tests/stories/test_mail_view.py",
    "tests/stories/test_bank_close.py",
    "tests/ops/channels/email/test_fetching.py",
    "tests/ops/channels/email/test_reading.py",
    "tests/stories/test_recorded_hour.py",
    "tests/ops/routing/test_floor_at_work.py",
    "tests/ops/simulation/test_runs.py",
    "tests/house/test_isolation_of_pages.py",
    "tests/house/test_patterns.py",
    "tests/ops/channels/email/test_real_servers.py",
    "tests/stories/test_hearing.py",
    "tests/runtime/test_connections.py",
    "tests/stories/test_browser.py",
    "tests/stories/test_chat.py",
    "tests/stories/test_lost_database.py",
    "tests/stories/test_restore.py",
    "tests/kit/database/test_postgres.py",
    "tests/ops/channels/email/test_real_mail.py",
    "tests/stories/test_long_import.py",
    "tests/runtime/test_proxies.py",
    "tests/stories/test_chat_overload.py",
    "tests/cli/test_simulate.py",
    "tests/stories/test_closing.py",
    "tests/ops/billing/test_numbers.py",
)


class LongestFirst(LoadFileScheduling):  # type: ignore[misc]
    """Gives whoever is free the file that took longest last time, so that all end at about the same moment."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self._seconds = {file: float(len(LONG) - at) for at, file in enumerate(LONG)} | known(config)

    def _assign_work_unit(self, node: Any) -> None:
        longest = max(self.workqueue, key=lambda file: self._seconds.get(file, 0.0))
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


def known(config: pytest.Config) -> dict[str, float]:
    """How many seconds each file took when it last ran."""
    return dict(config.cache.get(KEY, {})) if config.cache else {}


class Stopwatch:
    """Keeps how long each file took for the next run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._seconds = config, Counter[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one step of a test took."""
        self._seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Keep what was found, unless only some tests of the files ran."""
        chosen = self._config.option.keyword or self._config.option.markexpr or "::" in " ".join(self._config.args)
        if self._config.cache and not chosen:
            self._config.cache.set(KEY, known(self._config) | self._seconds)
