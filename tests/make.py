"""Short ways to have people, contracts and work in a test."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from workfloor.core.access import actors
from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.people import actions as people
from workfloor.core.people.models import Account, Person
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item

# A Wednesday, nine in the morning in UTC.
NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)
# Who does what nobody of the people does.
ROOT, CUSTOMER = actors.ROOT, actors.CUSTOMER
ROUTER, RULES, MAIL, CHANNEL = (actors.engine(name) for name in ("router", "playbooks", "mail", "channel"))
_numbers = count(1)

CONTRACT = """
[contract]
client = "{slug}"
title = "Agreement with {slug}"
signed_on = 2025-12-01
starts_on = 2026-01-01
ends_on = 2029-12-31
currency = "EUR"
zone = "Europe/Lisbon"
country = "PT"

[calendars.office]
[calendars.office.week]
mon = ["09:00-18:00"]
tue = ["09:00-18:00"]
wed = ["09:00-18:00"]
thu = ["09:00-18:00"]
fri = ["09:00-18:00"]

[[processes]]
name = "voice"
kind = "inbound-voice"
location = "onshore"
calendar = "office"
dispositions = ["resolved", "called-back"]

  [[processes.queues]]
  name = "calls"
  requires = {{ portuguese = 3 }}
  priority = 2
  answer_within = "20s"

[[processes]]
name = "letters"
kind = "email"
location = "onshore"
calendar = "office"
dispositions = ["answered", "no-answer-needed"]

  [[processes.queues]]
  name = "mail"
  requires = {{ portuguese = 2 }}
  priority = 1
  resolve_within = "4 working hours"
  max_concurrency = 3

[[service_levels]]
name = "Answered in 20 seconds"
measure = "answered-within"
of = ["calls"]
threshold = "20s"
per = "answered"
expected = "80 %"
minimum = "75 %"
window = "month"
weight = "100 %"

[credits]
rule = "at-risk"
at_risk = "10 %"
pool = "100 %"
cap = "10 %"

[[prices]]
title = "Calls answered"
unit = "contact"
of = ["calls"]
rate = "1.50"
"""

# What a client adds that chats around the clock, several chats at once.
CHAT = """
[calendars.always.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]

[[processes]]
name = "chat"
kind = "chat"
location = "onshore"
calendar = "always"
dispositions = ["resolved", "called-back"]

  [[processes.queues]]
  name = "chats"
  requires = { portuguese = 2 }
  priority = 1
  answer_within = "30s"
  max_concurrency = 4
"""


def later(**passed: float) -> datetime:
    """So long after NINE."""
    return NINE + timedelta(**passed)


def client(slug: str = "lisbon-light", chats: bool = False) -> Client:
    """A client with a contract in force: queues "calls" (portuguese 3) and "mail" (portuguese 2, three at once).

    With `chats` also "chats" (portuguese 2, four at once, around the clock).
    """
    if known := Client.objects.filter(slug=slug).first():
        return known
    from workfloor.core.contracts import actions as contracts

    contracts.sign(
        source=CONTRACT.format(slug=slug) + (CHAT if chats else ""),
        effective_on=None,
        by=actors.ROOT,
        now=datetime(2025, 12, 1, 9, tzinfo=UTC),
    )
    return Client.objects.get(slug=slug)


def own_client(chats: bool = False) -> Client:
    """Another client with the same contract, for a test that shares a database with others."""
    return client(f"lisbon-light-{next(_numbers)}", chats)


def amended(*changes: tuple[str, str], slug: str = "lisbon-light") -> Client:
    """The same client with other terms: each change is what stands in the contract and what is to stand there."""
    from workfloor.core.contracts import actions as contracts

    found, source = client(slug), CONTRACT.format(slug=slug)
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    contracts.sign(
        source=source, effective_on=date(2026, 1, 1), by=actors.ROOT, now=datetime(2025, 12, 2, 9, tzinfo=UTC)
    )
    return found


KEEPS = ("  priority = 1\n", '  priority = 1\n  sticky_for = "2 min"\n')
PREEMPTIBLE = ("  max_concurrency = 3\n", "  max_concurrency = 3\n  preemptible = true\n")
PREEMPTS = ('  answer_within = "20s"\n', '  answer_within = "20s"\n  preempts = true\n')


def queue(name: str = "calls", of: str = "lisbon-light") -> Queue:
    """One of a client's queues."""
    return Queue.objects.get(client=client(of), name=name)


def account(email: str | None = None, password: str = "correct horse") -> Account:
    """An account to sign in with."""
    # One round instead of a million: quick to make, and checked by a real server like any other.
    encoded = PBKDF2PasswordHasher().encode(password, "salt-of-the-tests", iterations=1)
    return Account.objects.create(email=email or f"person{next(_numbers)}@example.com", password=encoded)


def person(*roles: str, name: str | None = None, of: Client | None = None, **more: Any) -> Person:
    """Somebody with an account, a role and nothing else."""
    name = name or f"Person {next(_numbers)}"
    return people.hire(
        name=name, roles=roles or ["agent"], client=of, account=account(), by=actors.ROOT, now=NINE, **more
    )


def in_charge(role: str, *clients: Client, name: str | None = None) -> Person:
    """A leader or manager who is cleared for clients."""
    found = person(role, name=name)
    for each in clients:
        people.clear(person=found, client=each, by=actors.ROOT, now=NINE)
    return found


def agent(
    name: str | None = None, portuguese: int = 3, clear_for: str | None = "lisbon-light", available: bool = True
) -> Person:
    """An agent who speaks Portuguese at a level, is cleared for a client, and takes work since NINE."""
    found = person("agent", name=name)
    people.certify(
        person=found,
        skill="portuguese",
        level=portuguese,
        proof="test",
        valid_from=NINE.date(),
        by=actors.ROOT,
        now=NINE,
    )
    if clear_for:
        people.clear(person=found, client=client(clear_for), by=actors.ROOT, now=NINE)
    if available:
        people.go_available(person=found, by=found, now=NINE)
    return found


def item(queue_name: str = "calls", of: str = "lisbon-light", at: datetime = NINE, **more: Any) -> Item:
    """Work that arrived."""
    key = more.pop("key", None) or f"key-{next(_numbers)}"
    received, _ = work.receive(queue=queue(queue_name, of), key=key, now=at, **{"by": CUSTOMER} | more)
    return received


def call(at: datetime = NINE, **more: Any) -> Item:
    """A call that came in."""
    return item("calls", at=at, **more)
