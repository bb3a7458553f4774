"""What is counted of requests, who may read it, and the name that each request goes by."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.db import connection

from workfloor import asgi
from workfloor.kit.web import logs, metrics

pytestmark = pytest.mark.django_db(transaction=False)


def asked(*paths, client=("127.0.0.1", 5000), **headers):
    """The answers to requests through the server's entry point, from an address and with headers."""

    async def call():
        transport = httpx.ASGITransport(app=asgi.application, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as server:
            return [await server.get(each, headers=headers) for each in paths]

    try:
        return asyncio.run(call())
    finally:
        connection.close()


def counted(text, line):
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


# --- who may read it --------------------------------------------------------------------------------------------------


def test_the_machine_itself_reads_metrics_without_a_login():
    [told] = asked("/metrics")

    assert (told.status_code, told.headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert "# TYPE workfloor_request_seconds histogram" in told.text


@pytest.mark.parametrize("client", [("192.0.2.7", 5000), ("2001:db8::7", 5000), ("", 0), None])
def test_nobody_else_reads_them_without_the_token(settings, client):
    settings.WORKFLOOR_METRICS_TOKEN = "a-token-for-metrics"

    answers = [
        asked("/metrics", client=client, **given)[0]
        for given in ({}, {"Authorization": "Bearer another"}, {"Authorization": "Bearer a-token-for-metrics"})
    ]

    assert [each.status_code for each in answers] == [403, 403, 200]
    assert "WORKFLOOR_METRICS_TOKEN" in answers[0].json()["detail"]


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer"])
def test_no_token_is_set_and_none_opens(authorization):
    [told] = asked("/metrics", client=("192.0.2.7", 5000), Authorization=authorization)

    assert told.status_code == 403


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Proto"])
def test_what_a_proxy_on_the_machine_passes_on_is_not_of_the_machine(name):
    [told] = asked("/metrics", **{name: "127.0.0.1"})

    assert told.status_code == 403


# --- what is counted --------------------------------------------------------------------------------------------------


def test_requests_are_counted_by_view_and_status_with_how_long_they_took():
    page = 'workfloor_request_seconds_count{status="200",view="account_login"}'
    nowhere = 'workfloor_request_seconds_count{status="404",view="none"}'
    [before] = asked("/metrics")

    asked("/accounts/login/", "/accounts/login/", "/such/a/page/is/nowhere/?who=rui@example.com")

    [after] = asked("/metrics")
    assert counted(after.text, page) == counted(before.text, page) + 2
    assert counted(after.text, nowhere) == counted(before.text, nowhere) + 1
    assert "nowhere/" not in after.text
    assert "rui@" not in after.text


def test_what_is_turned_away_is_counted(settings):
    settings.WORKFLOOR_MAX_BODY = 10
    line = 'workfloor_requests_refused_total{why="too large"}'
    [before] = asked("/metrics")

    async def send():
        transport = httpx.ASGITransport(app=asgi.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as server:
            return await server.post("/api/work", content=b"x" * 11)

    assert asyncio.run(send()).status_code == 413
    assert counted(asked("/metrics")[0].text, line) == counted(before.text, line) + 1


COUNTS = """
import sys
from pathlib import Path
from workfloor.kit.web import metrics
metrics.keep_in(Path(sys.argv[1]))
metrics.followed("billing", 3)
metrics.offered("main", 2)
metrics.answered("home", 200, 0.02)
print(metrics.text()[0].decode())
sys.stdout.flush()
sys.stdin.read()
"""


def start(folder: Path) -> "subprocess.Popen[str]":
    env = {name: value for name, value in os.environ.items() if name != metrics.FOLDER}
    return subprocess.Popen(
        [sys.executable, "-c", COUNTS, str(folder)], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def end(process: "subprocess.Popen[str]") -> str:
    return process.communicate("")[0]


def first_line_of_counts(process: "subprocess.Popen[str]") -> None:
    """Wait until a process has counted."""
    assert process.stdout is not None
    while not (line := process.stdout.readline()).startswith("workfloor_"):
        assert line, "it ended without a count"


def test_processes_of_one_machine_are_counted_together_and_the_first_to_start_begins_anew(tmp_path):
    folder = tmp_path / "data" / "metrics"
    one = start(folder)
    first_line_of_counts(one)

    together = end(start(folder))

    end(one)
    assert counted(together, 'workfloor_facts_followed_total{follower="billing"}') == 6
    assert counted(together, 'workfloor_offers_total{pool="main"}') == 4
    assert counted(together, 'workfloor_request_seconds_count{status="200",view="home"}') == 2
    anew = end(start(folder))  # of the two above none runs any more
    assert counted(anew, 'workfloor_facts_followed_total{follower="billing"}') == 3
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_where_the_folder_cannot_be_made_a_process_counts_for_itself(tmp_path):
    (tmp_path / "file").write_text("")

    alone = end(start(tmp_path / "file" / "metrics"))

    assert counted(alone, 'workfloor_facts_followed_total{follower="billing"}') == 3


# --- names of requests ------------------------------------------------------------------------------------------------


def test_a_request_keeps_the_name_that_it_came_with_and_is_given_one_otherwise():
    [named] = asked("/accounts/login/", **{"X-Request-ID": "proxy-4711.a_B"})
    [unnamed, again] = asked("/accounts/login/", "/accounts/login/")

    assert named.headers["x-request-id"] == "proxy-4711.a_B"
    assert re.fullmatch(r"[0-9a-f]{16}", unnamed.headers["x-request-id"])
    assert unnamed.headers["x-request-id"] != again.headers["x-request-id"]


@pytest.mark.parametrize("given", ["x" * 65, "rui@example.com", "a b", "a\tb", 'a"b', "é", ""])
def test_a_name_that_is_none_is_not_taken(given):
    [told] = asked("/accounts/login/", **{"X-Request-ID": given.encode("utf-8")})

    assert re.fullmatch(r"[0-9a-f]{16}", told.headers["x-request-id"])


def test_what_is_refused_before_it_is_read_has_a_name_too(settings):
    settings.WORKFLOOR_METRICS_TOKEN = ""
    [told] = asked("/metrics", client=("192.0.2.7", 1), **{"X-Request-ID": "seen"})

    assert (told.status_code, told.headers["x-request-id"]) == (403, "seen")


class Kept(logging.Handler):
    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "httpx":  # the test's own side of the call
            self.lines.append(self.format(record))


@pytest.fixture
def log():
    """What a formatter makes of everything that is logged."""
    handlers = []

    def keep(formatter):
        handlers.append(Kept(formatter))
        logging.getLogger().addHandler(handlers[-1])
        return handlers[-1].lines

    yield keep
    for each in handlers:
        logging.getLogger().removeHandler(each)


def test_each_line_that_is_logged_of_a_request_names_it_and_nobody(log):
    as_json, as_text = log(logs.Json()), log(logs.Lines("%(levelname)s %(name)s: %(message)s"))

    asked("/such/a/page/?search=Rui+Costa", **{"X-Request-ID": "first"})
    asked("/such/a/page/", **{"X-Request-ID": "second"})
    logging.getLogger("workfloor").warning("of no request")

    told = [json.loads(line) for line in as_json]
    assert [each.get("request_id") for each in told if each["logger"] == "django.request"] == ["first", "second"]
    assert "request_id" not in told[-1]
    assert {*told[0]} == {"at", "level", "logger", "message", "request_id"}
    assert "WARNING django.request: Not Found: /such/a/page/ [request first]" in as_text
    assert as_text[-1] == "WARNING workfloor: of no request"
    assert not any("Rui" in line for line in [*as_json, *as_text])


def test_an_error_is_one_line_of_json_with_where_it_was_and_is_known_as_one(log):
    lines = log(logs.Json())

    try:
        raise ValueError("no such\nthing")
    except ValueError:
        logging.getLogger("workfloor").exception("it %s", "failed")

    told = json.loads(lines[-1])
    assert (told["level"], told["message"]) == ("ERROR", "it failed")
    assert "ValueError: no such\nthing" in told["exception"]
    assert "\n" not in lines[-1]
    assert logs.is_error(lines[-1])
    assert not logs.is_error('{"level": "WARNING", "message": "no error"}')


@pytest.mark.parametrize(("form", "begins"), [("text", "20"), ("json", '{"at": "20'), ("yaml", None)])
def test_the_form_of_the_log_is_a_setting(form, begins):
    line = "import django; django.setup(); import logging; logging.getLogger('workfloor').warning('hello')"
    env = os.environ | {"WORKFLOOR_LOG": form, "DJANGO_SETTINGS_MODULE": "workfloor.settings"}
    said = subprocess.run([sys.executable, "-c", line], env=env, capture_output=True, text=True)

    if begins is None:
        assert "WORKFLOOR_LOG is 'yaml'; it is one of text, json." in said.stderr
    else:
        assert said.stderr.startswith(begins)
