"""The audit is whole: over a made week of everything that people do, no row changes without a fact that says by whom,
from what to what. The database's own history of each row, kept by triggers for this test alone, is the witness.

Tables are found by themselves: a new one is audited, is work, or is named here with the reason why it is neither.
"""

import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import connection, transaction

from tests.house import made_week
from tests.house.test_rooms import HOUSE
from workfloor.core.access import actors
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Changed
from workfloor.core.event_log.models import Fact
from workfloor.core.people.models import Site
from workfloor.kit.database import rls

# --- what is not audited row by row, and why --------------------------------------------------------------------------

MACHINERY: Final = {
    "event_log_fact": "it is the record",
    "event_log_unplaced": "the queue between those who write facts and the one who places them",
    "event_log_position": "the order in which facts became visible",
    "event_log_cursor": "how far a follower has read",
    "event_log_parked": "what a follower failed over; whoever drops it is a fact (engine.dropped)",
    "looks_look": "it is a record itself",
    "django_session": "sessions of browsers; they end by themselves",
    "django_content_type": "names of tables, made by migrations",
    "auth_permission": "not used: the table of permissions is in the code",
    "auth_group": "not used: the table of permissions is in the code",
    "auth_group_permissions": "not used: the table of permissions is in the code",
    "account_emailaddress": "django-allauth's copy of the address of an account",
    "account_emailconfirmation": "not used: addresses are not confirmed",
    "mfa_authenticator": "secrets of second factors; that one is set up is a fact (person.second-factor-added)",
    "procrastinate_jobs": "the queue of jobs",
    "procrastinate_events": "what became of jobs",
    "procrastinate_periodic_defers": "which periodic jobs were asked for",
    "procrastinate_workers": "which workers are there",
    "measures_bucket": "sums of work by 15 minutes, made by triggers out of items",
    "search_passage": "the words of messages and cases for searches, kept by triggers",
    "search_name": "the names of customers for searches, kept by triggers",
    "people_heard": "when a browser of somebody was last there",
    "people_agentstate": "what the facts of somebody's agent state add up to",
    "people_spell": "what the facts of somebody's agent state add up to",
    "files_file": "what is kept once; whatever refers to it is told of",
    "files_removed": "files that wait for their deletion from the store",
    "billing_closingstep": "a job that a worker does; what comes of it is a fact (period.proposed, period.closed)",
    "billing_numberrange": "the last number given; each is in the fact of its invoice",
    "routing_leader": "which router leads; that it does is a fact (router.took-over)",
    "email_place": "how far the fetching of a mailbox has come",
    "outgoing_mail": "the queue of the installation's own mail on its way out; what was sent or failed is a fact of it",
    "email_delivery": "the queue of replies on their way out",
    "webhooks_delivery": "the queue of events on their way out; what somebody has sent is a fact (webhook.sent-again)",
    "webhooks_attempt": "each time that such an event was sent",
    "conversations_draft": "nothing was said yet; what is sent is a fact",
    "team_messages_teammessage": "what people wrote to one another; that they did is a fact, without what it says",
    "team_messages_receipt": "to whom that went, which the same fact says; that it was read is one (team-message.read)",
    "periods_figure": "what a closed month's figures counted; the fact has the digest of the statement",
}
WITHOUT_MODEL: Final = {
    "django_migrations": "which migrations were run",
    "people_counted": "tries to sign in, counted so that there are not too many",
}
# What happens to work is a fact of its item or case, and the state follows from the facts (core/work/lifecycle, whose
# tests rebuild it): here it is asked whether each change has one, and whether that says by whom.
WORK: Final = {
    "work_customer",
    "work_case",
    "work_item",
    "work_report",
    "work_assignment",
    "conversations_message",
    "conversations_attachment",
    "chat_chat",
    "chat_transcript",
    "email_arrival",
    "playbooks_tag",
    "escalation_escalation",
    "escalation_notice",
}
# What is done to work that is no fact, by the function, and why.
NO_FACT: Final = {
    "core.people.open_account": "an account says nothing of who that is; whoever is hired with it does (person.joined)",
    "ops.channels.email.delivering.post": "the channel's own name for a reply, which was written before, is sent later",
    "ops.channels.email.store": "mail is stored before anybody has read it; what becomes of it is a fact",
}

# Secrets, which no fact tells: that there is another one is what the fact says.
SECRET: Final = {
    ("people_account", "password"),
    ("people_signin", "digest"),
    ("people_signinlink", "seed"),
    ("people_signinlink", "digest"),
    ("clients_token", "digest"),
    ("files_key", "wrapped"),
    ("webhooks_endpoint", "secret"),
    ("webhooks_endpoint", "old_secret"),
    ("webhooks_endpoint", "url"),
    ("email_mailbox", "source_url"),
    ("email_mailbox", "password"),
}
# What a row holds for good: the fact says which row it is, and nothing ever changes it.
KEPT_FOR_GOOD: Final = {
    ("people_signinlink", "purpose"): "the name of the fact that it was made",
    ("people_signinlink", "ended_by"): "said once, by the fact that ends it: used, withdrawn, replaced, left",
    ("contracts_version", "source"): "signed, and refused any change by a trigger; the fact has its digest",
    ("contracts_process", "name"): "stands in the contract that the fact is of",
    ("contracts_queue", "name"): "stands in the contract that the fact is of",
    ("contracts_queue", "process_id"): "stands in the contract that the fact is of",
    ("playbooks_version", "source"): "each version is kept whole, and none is changed",
    ("playbooks_articleversion", "body"): "each version is kept whole, and none is changed",
    ("playbooks_article", "body"): "what its last version says",
    ("playbooks_article", "process_id"): "where it was written, for good",
    ("playbooks_article", "name"): "how it is found, for good",
    ("playbooks_article", "version"): "always one more than before",
    ("claims_document", "file_id"): "the file with the digest that the fact has",
    ("periods_close", "plain"): "the fact has the digest of this very text",
    ("periods_close", "printed"): "the same for people",
    ("periods_close", "basis"): "what the statement was made of",
    ("periods_close", "items"): "what the statement was made of",
    ("periods_adjustment", "subject"): "refused any change by a trigger",
    ("periods_adjustment", "title"): "refused any change by a trigger",
    ("periods_adjustment", "tax"): "refused any change by a trigger",
    ("periods_adjustment", "how"): "refused any change by a trigger",
    ("billing_invoice", "series"): "part of the invoice's name",
    ("billing_invoice", "number"): "part of the invoice's name",
    ("billing_invoice", "kind"): "issued or credited, as the fact says",
    ("billing_invoice", "value"): "refused any change by a trigger",
    ("billing_invoice", "ubl"): "refused any change by a trigger",
    ("billing_invoice", "cii"): "refused any change by a trigger",
    ("billing_invoice", "issued_on"): "the day of the fact",
    ("billing_invoice", "period"): "refused any change by a trigger",
    ("billing_invoice", "currency"): "refused any change by a trigger",
    ("billing_invoice", "gross"): "of a credit note, as the invoice's",
    ("presales_import", "map_text"): "never changed; the fact has its digest",
    ("presales_import", "first_at"): "never changed",
    ("presales_import", "last_at"): "never changed",
    ("presales_import", "dirt"): "never changed",
    ("presales_import", "unused_columns"): "never changed",
    ("webhooks_endpoint", "since_position"): "from when on it is told of facts: its beginning",
}
# What an event says by its name: from which state into which.
BY_ITS_NAME: Final = {
    ("claims_claim", "state"),
    ("periods_close", "state"),
    ("periods_dispute", "state"),
    ("webhooks_endpoint", "state"),
    ("people_account", "is_active"),  # person.left
    ("webhooks_endpoint", "old_secret_until"),  # for a day after webhook.secret-rotated
}
# How the receiver of a webhook is, which each attempt shows anew: machinery that stands in an audited row.
HEALTH: Final = {
    ("webhooks_endpoint", name) for name in ("failures", "failing_since", "rests_until", "accepted_at", "fault")
}

# Writes that the week does without, and why.
NOT_OF_THE_WEEK: Final = {
    "core.work.happen": "how any action of work writes its facts",
    "core.looks.look": "a look is no change; tests/core/looks has it",
    "ops.billing.ask_for_step": "it asks a worker for what the week does itself: propose and approve",
}


# What the router, a channel or the clock does by itself, and no person: their own tests have them.
BY_ITSELF: Final = {
    *(f"core.conversations.{name}" for name in ("mark_delayed", "mark_read", "mark_sent")),
    *(f"core.work.connecting.{name}" for name in ("begin", "connect", "end", "hold", "record", "resume")),
    *(f"core.work.joining.{name}" for name in ("drop", "end_parts_of", "let_asks_lapse", "sign_out_the_gone")),
    *(f"core.work.{name}" for name in ("go_on_beneath", "intake.receive_all", "lapse", "let_go_of", "offer_all")),
    *(f"core.work.{name}" for name in ("resume_preempted", "take_back")),
    *(f"ops.channels.chat.{name}" for name in ("close_with", "see", "sweep", "type_to_visitor")),
    "core.people.end_presences",
}


def writers() -> Iterator[tuple[str, Any, str, Callable[..., Any]]]:
    """Every function that writes and says when: its name, its module, and itself."""
    for path in sorted(HOUSE.rglob("*.py")):
        name = ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts)
        if path.name != "actions.py" and name not in made_week.ACTIONS_ELSEWHERE:
            continue
        module = importlib.import_module(name)
        for label, found in list(vars(module).items()):
            own = inspect.isfunction(found) and found.__module__ == name and not label.startswith("_")
            if (own and name != "workfloor.core.event_log.actions") or label in ("run_again", "drop"):
                place = name.removeprefix("workfloor.").removesuffix(".actions")
                yield f"{place}.{label}", module, label, found


def by_somebody() -> set[str]:
    """Those that are done by somebody."""
    return {name for name, _, _, found in writers() if "by" in inspect.signature(found).parameters}


# --- the witness ------------------------------------------------------------------------------------------------------

HISTORY: Final = """
CREATE TABLE row_history (number serial, of text, op text, before jsonb, after jsonb);
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO row_history (of, op, before, after) VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END $$;
"""
FOR_EACH: Final = "FOR EACH ROW EXECUTE FUNCTION keep_row()"


def tables() -> set[str]:
    """Every table that any application of the product has, also those that only join two others."""
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True)}


@dataclass(frozen=True)
class Change:
    """A row that was added, changed or deleted: its columns before and after."""

    of: str
    op: str
    before: dict[str, Any]
    after: dict[str, Any]

    def columns(self) -> Iterator[tuple[str, Any, Any]]:
        """What differs; of a new row what it does not have by itself."""
        for name, value in self.after.items():
            if self.before.get(name) != value:
                yield name, self.before.get(name), value


@dataclass
class Step:
    """One write: what was called, by whom, what it changed, and the facts that it recorded."""

    name: str
    by: Any
    changes: list[Change] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


class Witness:
    """Brackets each outermost write of the week."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.called: set[str] = set()
        self._inside = False

    @contextmanager
    def watching(self, name: str, by: Any) -> Iterator[None]:
        self.called.add(name)
        if self._inside:
            yield
            return
        self._inside = True
        rows, told = self._last("row_history", "number"), self._last("event_log_fact", "id")
        step = Step(name, by)
        try:
            yield
        finally:
            self._inside = False
        step.changes, step.facts = self._changes(rows), list(Fact.objects.filter(id__gt=told).order_by("id"))
        self.steps.append(step)

    @staticmethod
    def _last(table: str, column: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max({column}), 0) FROM {table}")
            return int(cursor.fetchone()[0])

    @staticmethod
    def _changes(after: int) -> list[Change]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT of, op, before, after FROM row_history WHERE number > %s ORDER BY number", [after])
            rows = cursor.fetchall()
        return [Change(of, op, *(json.loads(each) if each else {} for each in two)) for of, op, *two in rows]


@contextmanager
def witnessing() -> Iterator[Witness]:
    """Triggers on every table, and a bracket around every write, in a transaction that has entered every client."""
    found = Witness()
    with connection.cursor() as cursor:
        cursor.execute(HISTORY)
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        there = {name for (name,) in cursor.fetchall()}
        for place, table in enumerate(sorted((tables() & there) - MACHINERY.keys()), 1):
            cursor.execute(
                "SELECT pg_get_serial_sequence(%s, attname) FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attname = 'id'",
                [table, table],
            )
            if numbers := cursor.fetchone():  # no number of one table is that of another's row by chance
                cursor.execute("SELECT setval(%s, %s)", [numbers[0], place * 1_000_000])
            cursor.execute(f'CREATE TRIGGER keep AFTER INSERT OR UPDATE OR DELETE ON "{table}" {FOR_EACH}')
    with pytest.MonkeyPatch.context() as patched:
        for name, module, label, write in writers():
            patched.setattr(module, label, _bracketed(found, name, write))
        yield found


@dataclass(frozen=True)
class Week:
    """What was called in the made week, which tables changed, and what no fact explains."""

    called: set[str]
    changed: set[str]
    unexplained: list[str]
    leaked: set[tuple[str, str]]  # secrets that stand in a fact: table and column


@pytest.fixture(scope="module")
def week(django_db_setup: None, django_db_blocker: Any) -> Iterator[Week]:
    """The made week, made once and rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        rls.enter_every_client()
        with witnessing() as witness:
            made_week.made()
        rls.enter_every_client()
        changed = {change.of for step in witness.steps for change in step.changes}
        faults = [each for step in witness.steps for each in unexplained(step)]
        yield Week(witness.called, changed, faults, leaked(witness.steps))
        transaction.set_rollback(True)


def _bracketed(witness: Witness, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def watched(*args: Any, **given: Any) -> Any:
        with witness.watching(name, given.get("by")):
            return write(*args, **given)

    return watched


# --- what explains a change -------------------------------------------------------------------------------------------


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield plain(value)


def plain(value: Any) -> Any:
    """A value as facts and rows have it alike: instants in UTC, numbers as numbers."""
    if isinstance(value, str) and len(value) >= 10 and value[4:5] == value[7:8] == "-":
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def said_by(step: Step) -> set[Any]:
    """Everything that the facts of a step tell: details, when, of whom, by whom."""
    said: set[Any] = set()
    for fact in step.facts:
        said |= set(leaves(fact.details))
        said.add(plain(fact.at.isoformat()))
        said |= {plain(each) for each in (fact.client_id, fact.item_id, fact.case_id, fact.person_id, fact.by_id)}
    return said | {None, "", False}


def called(of: str, column: str, number: Any) -> set[Any]:
    """What people call the row that a column refers to."""
    model = next(each for each in apps.get_models() if each._meta.db_table == of)
    to = next(
        (each.related_model for each in model._meta.concrete_fields if each.column == column and each.is_relation), None
    )
    row = to._default_manager.filter(pk=number).first() if to is not None and number is not None else None
    return {str(row), getattr(row, "slug", None), getattr(row, "name", None)} - {None} if row else set()


def is_told(change: Change, column: str, value: Any, said: set[Any]) -> bool:
    """Whether the facts tell a value of a column."""
    if value in (None, "", [], {}, False, 0):
        return True
    if isinstance(value, list | dict):
        return set(leaves(value)) <= said
    return plain(value) in said or bool(called(change.of, column, value) & said)


def unexplained(step: Step) -> Iterator[str]:
    """What a step changed that none of its facts tells."""
    said = said_by(step)
    for change in step.changes:
        where = f"{step.name}: {change.op} {change.of}"
        columns = [each for each in change.columns() if (change.of, each[0]) not in HEALTH]
        if step.name in NO_FACT or not (columns or change.op == "DELETE"):
            continue
        if not step.facts:
            yield f"{where}: no fact"
        elif change.of in WORK:
            yield from _unexplained_work(step, where)
        else:
            yield from _untold(step, change, columns, said, where)


def _untold(
    step: Step, change: Change, columns: list[tuple[str, Any, Any]], said: set[Any], where: str
) -> Iterator[str]:
    if step.by is not None and not any(each.by_id or each.acted_as for each in step.facts):
        yield f"{where}: no fact says who"
    for column, before, after in columns:
        known = (change.of, column)
        if column == "id" or known in SECRET or known in BY_ITS_NAME or known in KEPT_FOR_GOOD:
            continue
        if not is_told(change, column, after, said):
            yield f"{where}: {column} became {after!r}"
        if change.op == "UPDATE" and not is_told(change, column, before, said):
            yield f"{where}: {column} was {before!r}"


def _unexplained_work(step: Step, where: str) -> Iterator[str]:
    if step.by is None:
        return
    who = {number for fact in step.facts for number in (fact.by_id, fact.person_id)}
    if step.by.person_id not in who and step.by.acts_as not in {fact.acted_as for fact in step.facts}:
        yield f"{where}: no fact says that it was {step.by.name}"


def leaked(steps: list[Step]) -> set[tuple[str, str]]:
    """Secrets of any row that any fact of the week tells."""
    told = "".join(json.dumps(fact.details) for step in steps for fact in step.facts)
    changes = [change for step in steps for change in step.changes]
    return {
        (change.of, column)
        for change in changes
        for column, _, value in change.columns()
        if (change.of, column) in SECRET and value and str(value) in told
    }


# --- the tests --------------------------------------------------------------------------------------------------------


def test_each_table_is_audited_or_is_named_with_the_reason_why_not():
    known = tables()

    assert set(MACHINERY) - known == set(), "these are no tables any more"
    assert known >= WORK
    assert WORK.isdisjoint(MACHINERY)
    assert {of for of, _ in [*SECRET, *KEPT_FOR_GOOD, *BY_ITS_NAME]} <= known - WORK - MACHINERY.keys()


def test_the_made_week_is_of_every_write(week):
    missing = by_somebody() - week.called - NOT_OF_THE_WEEK.keys() - BY_ITSELF

    assert missing == set(), "let somebody do these in tests/house/made_week.py"
    assert NO_FACT.keys() - week.called == set(), "nobody does these in the week: they are excused for nothing"
    assert tables() - MACHINERY.keys() - week.changed == set(), "nobody changes these in the week: are they machinery?"


def test_no_row_changes_in_a_week_without_a_fact_that_says_who_and_from_what_to_what(week):
    assert "\n".join(week.unexplained) == ""


def test_no_fact_tells_a_secret(week):
    assert week.leaked == set()


def test_a_table_that_no_application_tells_of_is_found(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
            "AND relnamespace = 'public'::regnamespace"
        )
        there = {name for (name,) in cursor.fetchall()}

    assert there - tables() == WITHOUT_MODEL.keys()


def test_a_write_that_forgets_its_fact_is_found(everyone):
    site = Site.objects.create(name="Porto", country="PT", zone="Europe/Lisbon")
    with witnessing() as witness, witness.watching("a write that forgets", actors.ROOT):
        site.name = "Lagos"
        site.save()

    [step] = witness.steps
    assert list(unexplained(step)) == ["a write that forgets: UPDATE people_site: no fact"]


def test_a_fact_without_what_was_before_is_found(everyone):
    site = Site.objects.create(name="Porto", country="PT", zone="Europe/Lisbon")
    with witnessing() as witness, witness.watching("a write that tells half", actors.ROOT):
        site.name = "Lagos"
        site.save()
        event_log.record(Changed("site", site.id, "Lagos", {}, {"name": "Lagos"}), by=actors.ROOT, at=made_week.NINE)

    [step] = witness.steps
    assert list(unexplained(step)) == ["a write that tells half: UPDATE people_site: name was 'Porto'"]
