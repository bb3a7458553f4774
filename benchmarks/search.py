"""Searching in a million messages: the page's own time on the server, for what people look for.

Words are as uneven as in a language: the commonest stands in most messages, most stand in a few. What is looked for is
rare and common words, several at once, names, mistyped names, numbers, and the next page. Another client's messages lie
beside those that are found.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from benchmarks import databases, floors
from benchmarks.figures import Figure
from workfloor.kit.time import clock

LIMIT_MS = 200.0
DAYS, DAY = 730, timedelta(days=1)  # how long ago the first message is
WORDS = 50_000  # of the language
IN_A_MESSAGE = 40
IN_A_CASE = 4
FIRST = ("maria", "joana", "rui", "nuno", "ines", "tiago", "marta", "pedro", "sofia", "hugo", "xavier", "leonor")
LAST = (
    "costa",
    "ferreira",
    "almeida",
    "fernandes",
    "oliveira",
    "carvalho",
    "teixeira",
    "machado",
    "figueiredo",
    "lobo",
)


def measure(template: str, messages: int = 1_000_000, rounds: int = 40) -> list[Figure]:
    """Fill so many messages in, and look for each kind of thing `rounds` times."""
    with databases.copy(template):
        person = fill(messages)
        took: dict[str, list[float]] = {}
        browser = signed_in(person)
        for number in range(-2, rounds):  # the first two warm up
            for kind, asked in sought(number):
                began = time.perf_counter()
                answer = browser.get("/search/", asked)
                if answer.status_code != 200:
                    raise RuntimeError(f"{asked}: {answer.status_code}")
                if number >= 0:
                    took.setdefault(kind, []).append(1000 * (time.perf_counter() - began))
    return [_figure(f"search, {kind}, in {messages:,} messages", each) for kind, each in took.items()] + [
        _figure(f"search, all of these, in {messages:,} messages", [one for each in took.values() for one in each])
    ]


def _figure(what: str, took: list[float]) -> Figure:
    ordered = sorted(took)
    told = tuple(ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.9, 0.95, 1.0))
    return Figure(f"{what}, p95 (p50, p90, p95, most)", told[2], "ms", "target at most", LIMIT_MS, told)


def sought(number: int) -> Iterator[tuple[str, dict[str, str]]]:
    """What is looked for in one round: a kind, and what the page is asked."""
    today = clock.now()
    rare, common = word(1_000 + 37 * (number + 3)), word(number % 5)
    yield "a rare word", {"words": rare}
    yield "a common word", {"words": common}
    yield "a rare and a common word", {"words": f"{common} {rare}"}
    yield "two common words", {"words": f"{common} {word(5 + number % 5)}"}
    yield "the beginning of a word", {"words": rare[:-2]}
    yield "no message has it", {"words": f"nowhere{number}"}
    yield "a month a year ago", {"words": common, "first": f"{today - 395 * DAY:%F}", "last": f"{today - 365 * DAY:%F}"}
    yield "a name", {"words": f"{FIRST[number % len(FIRST)]} {LAST[number % len(LAST)]}"}
    yield "a mistyped name", {"words": f"{FIRST[number % len(FIRST)]} {LAST[3][:5]}{LAST[3][6:]}"}
    yield "a customer's number", {"words": f"C-{1000 + number:07}"}


def word(place: int) -> str:
    """A word of the language, the commonest first; none is the beginning of another."""
    return f"wo{place:05}x"


def signed_in(person: Any) -> Any:
    """A browser of that person's, in this process."""
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS.append("testserver")
    browser = Client()
    browser.force_login(person.account)
    return browser


def fill(messages: int) -> Any:
    """Write customers, cases and messages of two clients; an agent who is cleared for one of them."""
    from django.db import connection

    from workfloor.core.access import actors
    from workfloor.core.clients import queries as clients_queries
    from workfloor.core.contracts import actions as contracts
    from workfloor.core.people import actions as people
    from workfloor.core.people.models import Account

    def write() -> Any:
        now = clock.now()
        contracts.sign(
            source=floors.contract([floors.Line("mail", "portuguese = 1", "1h", 3, "30s")]),
            by=actors.ROOT,
            now=databases.SIGNED_AT,
        )
        ours = clients_queries.by_slug("first-bank")
        theirs = clients_queries.by_slug("bench")
        assert ours and theirs
        account = Account.objects.create_user("ana@example.com", "correct horse")
        ana = people.hire(name="Ana", roles=["agent"], account=account, by=actors.ROOT, now=now)
        people.clear(person=ana, client=ours, by=actors.ROOT, now=now)
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(0.42)")
            for client, count in ((ours, messages), (theirs, messages // 10)):
                _write(cursor, client.id, count)
        return ana

    person = floors.inside(write)
    with connection.cursor() as cursor:
        for table in ("search_passage", "search_name", "conversations_message", "work_case", "work_customer"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    return person


def _write(cursor: Any, client: int, messages: int) -> None:
    """Messages of two years, in order of time, four to a case; as many customers as half the cases."""
    cases = max(1, messages // IN_A_CASE)
    customers = max(1, cases // 2)
    cursor.execute(
        "INSERT INTO work_customer (client_id, reference, name) SELECT %s, 'C-' || lpad(n::text, 7, '0'), "
        "(%s::text[])[1 + n %% %s] || ' ' || (%s::text[])[1 + (n / 7) %% %s] || ' ' || n FROM generate_series(1, %s) n",
        [client, list(FIRST), len(FIRST), list(LAST), len(LAST), customers],
    )
    cursor.execute("SELECT min(id) FROM work_customer WHERE client_id = %s", [client])
    first_customer = cursor.fetchone()[0]
    begins, step = f"(now() - {DAYS} * interval '1 day')", DAYS * 86_400 / messages
    cursor.execute(
        "INSERT INTO work_case (client_id, customer_id, kind, subject, opened_at) "
        f"SELECT %s, %s + n %% %s, 'question', '', {begins} + n * %s * interval '1 second' "
        "FROM generate_series(0, %s) n",
        [client, first_customer, customers, step * IN_A_CASE, cases - 1],
    )
    cursor.execute("SELECT min(id) FROM work_case WHERE client_id = %s", [client])
    first_case = cursor.fetchone()[0]
    for begin in range(0, messages, 50_000):
        cursor.execute(
            "INSERT INTO conversations_message (client_id, case_id, direction, channel, key, external_id, sender, "
            "sender_name, recipients, subject, text, folded_text, html, said_at, state, fault) "
            "SELECT %s, %s + least(n / %s, %s), 'in', 'email', '', '', 'maria@example.com', 'Maria', '[]', '', "
            "(SELECT string_agg('wo' || lpad(floor(power(random(), 6) * %s)::text, 5, '0') || 'x', ' ') "
            f"FROM generate_series(1, %s + n - n)), '', '', {begins} + n * %s * interval '1 second', 'received', '' "
            "FROM generate_series(%s, %s) n",
            [
                client,
                first_case,
                IN_A_CASE,
                cases - 1,
                WORDS,
                IN_A_MESSAGE,
                step,
                begin,
                min(begin + 50_000, messages) - 1,
            ],
        )
