"""Looking for customers, cases and messages inside the walls that were entered."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypedDict

from django.db import connection
from django.db.models import F, FloatField, Func, QuerySet, Value
from django.db.models.functions import Coalesce

from workfloor.core.access.actors import Actor
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.conversations.models import Message
from workfloor.core.looks import models as looks_models
from workfloor.core.looks.actions import Seen
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.search import asking, excerpts
from workfloor.core.search import models as search_models
from workfloor.core.search.asking import EVERYTHING, Asked, Mark
from workfloor.core.search.excerpts import Piece
from workfloor.core.work.models import Case, Customer, Item
from workfloor.kit.time import calendars

PAGE: Final = 20  # cases
WINDOW: Final = 200  # passages that are ranked together, the newest first
MOST_PEOPLE: Final = 8
_LOOKED_THROUGH: Final = 1_000  # names that are compared, of those that the index gives
_ALIKE: Final = 0.4  # of a word's parts, that a mistyped name has


@dataclass(frozen=True)
class Who:
    """A customer; or a case, whose customer says to be somebody, and nobody has confirmed it."""

    customer: Customer | None
    case: Case | None

    @property
    def client(self) -> Client:
        of = self.customer or self.case
        assert of is not None
        return of.client

    @property
    def reference(self) -> str:
        return self.customer.reference if self.customer else self.case.claimed_reference if self.case else ""

    @property
    def name(self) -> str:
        return self.customer.name if self.customer else self.case.claimed_name if self.case else ""


@dataclass(frozen=True)
class Hit:
    """A case, and where in it the words were found: in a message, or in what it is called."""

    case: Case
    message: Message | None
    title: list[Piece]
    excerpt: list[Piece]


@dataclass(frozen=True)
class Found:
    """What there is; `rest` is where more cases begin."""

    people: list[Who]
    numbered: list[Case]  # whose own number, or that of work for them, is what was looked for
    hits: list[Hit]
    rest: Mark | None
    only_beginnings: bool  # no text has these words, and these have words that begin so
    is_empty: bool  # nothing in what was typed can be looked for

    @property
    def seen(self) -> list[Seen]:
        """Whose data is shown."""
        cases = [*self.numbered, *(hit.case for hit in self.hits), *(each.case for each in self.people if each.case)]
        customers = [each.customer for each in self.people if each.customer]
        return [
            *(Seen(looks_models.CASE, each.id, each.client_id, each.id) for each in cases),
            *(Seen(looks_models.CUSTOMER, each.id, each.client_id) for each in customers),
        ]


@dataclass(frozen=True)
class Words:
    """What was typed as the index has it, and which of it are beginnings of words (`invoi*`)."""

    folded: list[str]
    beginnings: frozenset[str]


def clients_of(by: Actor, slug: str = "") -> list[Client]:
    """The clients among which somebody looks: all that they are cleared for, or the one of that name if it is.

    The root of the installation looks in all that are entered.
    """
    inside = people_queries.enterable(by) if isinstance(by, Person) else None
    clients = [each for each in clients_queries.clients() if inside is None or each.id in inside]
    return [each for each in clients if slug in ("", each.slug)]


def found(asked: Asked) -> Found:
    """Look for what was asked: a page of cases, the best first, and on the first page people and numbers too.

    The newest passages are ranked together, then those before them; so nobody waits for what was said most often, and
    what is rare is in one window with all of its kind.
    """
    words = _read(asked.words)
    if not words.folded:
        return Found([], _numbered(asked), [], None, False, True)
    cases, rest = _cases(asked, words)
    only_beginnings = False
    if not cases and asked.after is None and not words.beginnings:
        begun = frozenset(each for each in words.folded if len(each) >= asking.SHORTEST)
        if begun:
            words = Words(words.folded, begun)
            cases, rest = _cases(asked, words)
            only_beginnings = bool(cases)
    people, numbered = ([], []) if asked.after else (_people(asked, words), _numbered(asked))
    return Found(people, numbered, _hits(cases, words), rest, only_beginnings, False)


def _read(typed: str) -> Words:
    """The words of what was typed, as the index would make them of a text."""
    raw = typed.split()[: asking.MOST_WORDS]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT typed, tsvector_to_array(to_tsvector('simple', search_folded(typed))) "
            "FROM unnest(%s::text[]) typed",
            [raw],
        )
        read = cursor.fetchall()
    folded = {each: None for _typed, lexemes in read for each in lexemes}
    begun = (each for typed, lexemes in read if typed.endswith("*") for each in lexemes)
    beginnings = frozenset(each for each in begun if len(each) >= asking.SHORTEST)
    return Words(list(folded)[: asking.MOST_WORDS], beginnings)


@contextmanager
def _narrowed(setting: str, to: str) -> Iterator[None]:
    """Within the block, the table whose wall has this setting shows only what it is narrowed to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [setting, to])
        yield
        cursor.execute("SELECT set_config(%s, '', true)", [setting])


def rows(found: Found) -> dict[str, Any]:
    """What was found, as calls and commands tell it."""
    customers = [
        {
            "client": each.client.slug,
            "reference": each.reference,
            "name": each.name,
            "customer": each.customer.id if each.customer else None,
            "case": each.case.id if each.case else None,
        }
        for each in found.people
    ]
    cases = [_row(each.case, each.message, each.excerpt) for each in found.hits]
    numbered = [_row(each, None, []) for each in found.numbered]
    rest = str(found.rest) if found.rest else None
    return {"customers": customers, "by_number": numbered, "cases": cases, "after": rest}


def _row(case: Case, message: Message | None, excerpt: Iterable[Piece]) -> dict[str, Any]:
    return {
        "client": case.client.slug,
        "case": case.id,
        "subject": str(case),
        "opened_at": case.opened_at,
        "resolved_at": case.resolved_at,
        "message": message.id if message else None,
        "said_at": message.said_at if message else None,
        "excerpt": "".join(each.text for each in excerpt),
    }


# --- cases, by what was said ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Best:
    """The best passage of a case."""

    score: int
    case_id: int
    message_id: int | None


class Row(TypedDict):
    """A passage, as far as it is ranked."""

    id: int
    said_at: datetime
    message_id: int
    of_case: Any
    rank: Any


def _cases(asked: Asked, words: Words) -> tuple[list[_Best], Mark | None]:
    """A page of cases, and where the rest begins."""
    assert asked.until is not None or asked.after is not None
    after = asked.after or Mark(asked.until)  # type: ignore[arg-type]
    shown: list[_Best] = []
    while True:
        passages = _window(asked, words, after)
        ranked = _ranked(passages, after)
        if asked.after or shown:
            ranked = _not_shown(ranked, asked, words, after)
        shown += [each for each in ranked if (each.score, each.case_id) < (after.score, after.case_id)]
        if len(shown) > PAGE:
            last = shown[PAGE - 1]
            in_this = last in ranked
            return shown[:PAGE], Mark(after.at, after.number, last.score, last.case_id) if in_this else after
        if len(passages) < WINDOW:
            return shown, None
        if len(shown) == PAGE:
            return shown, Mark(passages[-1]["said_at"], passages[-1]["id"])
        after = Mark(passages[-1]["said_at"], passages[-1]["id"])


def _window(asked: Asked, words: Words, before: Mark) -> Sequence[Row]:
    """The newest passages before a mark that have the words, WINDOW at most: of a day, then of ever more of them."""
    day, since = calendars.day_of(before.at, UTC), calendars.day_of(asked.since, UTC) if asked.since else None
    passages: Sequence[Row] = []
    for span in asking.spans(day, since):
        query = asking.query(words.folded, asked.client_ids, asked.channel, span, words.beginnings)
        with _narrowed(search_models.WORDS, query):
            passages = list(_before(before, asked)[:WINDOW])
        if len(passages) == WINDOW:
            break
    return passages


def _before(mark: Mark, asked: Asked) -> QuerySet[search_models.Passage, Row]:
    words = Func(Func(Value(search_models.WORDS), function="current_setting"), template="%(expressions)s::tsquery")
    earlier = search_models.Passage.objects.filter(said_at__lte=mark.at).exclude(said_at=mark.at, id__gte=mark.number)
    if asked.since:
        earlier = earlier.filter(said_at__gte=asked.since)
    of_case = Coalesce("message__case_id", "case_id")
    rank = Func(F("document"), words, function="ts_rank", output_field=FloatField())
    return earlier.order_by("-said_at", "-id").values("id", "said_at", "message_id", of_case=of_case, rank=rank)


def _ranked(passages: Iterable[Row], before: Mark) -> list[_Best]:
    """The cases of a window with their best passages, the best case first: half as good again if it is new."""
    best: dict[int, _Best] = {}
    for each in passages:
        months = (before.at - each["said_at"]) / timedelta(days=30)
        score = round(each["rank"] * (1 + 0.5 / (1 + months)) * 1e6)
        case_id = each["of_case"]
        if case_id not in best or score > best[case_id].score:
            best[case_id] = _Best(score, case_id, each["message_id"])
    return sorted(best.values(), key=lambda each: (each.score, each.case_id), reverse=True)


def _not_shown(ranked: list[_Best], asked: Asked, words: Words, since: Mark) -> list[_Best]:
    """Without the cases that have the words in a newer passage too, and so were shown before."""
    query = asking.query(words.folded, asked.client_ids, asked.channel, (), words.beginnings)
    with _narrowed(search_models.WORDS, query), connection.cursor() as cursor:
        cursor.execute(_NEWER, [[each.case_id for each in ranked], since.at, since.at, since.number, asked.until])
        newer = {case_id for (case_id,) in cursor.fetchall()}
    return [each for each in ranked if each.case_id not in newer]


# Through the messages of these few cases, and not through all passages that have the words.
_NEWER: Final = """
WITH said AS MATERIALIZED (
    SELECT id, case_id FROM conversations_message WHERE case_id = ANY(%s) AND said_at >= %s
)
SELECT DISTINCT said.case_id FROM said JOIN search_passage passage ON passage.message_id = said.id
WHERE NOT (passage.said_at = %s AND passage.id < %s) AND passage.said_at <= coalesce(%s, 'infinity'::timestamptz)
"""


def _hits(best: list[_Best], words: Words) -> list[Hit]:
    cases = Case.objects.select_related("client", "customer").in_bulk([each.case_id for each in best])
    said = Message.objects.select_related("person").defer("html", "folded_text")
    messages = said.in_bulk([each.message_id for each in best if each.message_id])
    return [_hit(cases[each.case_id], messages.get(each.message_id or 0), words) for each in best]


def _hit(case: Case, message: Message | None, words: Words) -> Hit:
    title = excerpts.excerpt(str(case), words.folded)
    if message is None:
        return Hit(case, None, title, [])
    text = excerpts.excerpt(message.text, words.folded)
    heading = excerpts.excerpt(message.subject, words.folded)
    in_heading = any(each.is_found for each in heading) and not any(each.is_found for each in text)
    return Hit(case, message, title, heading if in_heading and message.subject != str(case) else text)


# --- customers, and what has a number ---------------------------------------------------------------------------------


def _people(asked: Asked, words: Words) -> list[Who]:
    """Customers with all of the words in their names or numbers; else those that are written nearly so."""
    longest = max(words.folded, key=len)
    if len(longest) < asking.SHORTEST:
        return []
    names = _named(asked, asking.exactly(words.folded), words)
    if not names and (pattern := asking.mistyped(words.folded)):
        names = _named(asked, pattern, words)
    customers = Customer.objects.select_related("client").in_bulk([each.customer_id for each in names])
    cases = Case.objects.select_related("client").in_bulk([each.case_id for each in names])
    return [Who(customers.get(each.customer_id), cases.get(each.case_id)) for each in names]


def _named(asked: Asked, pattern: str, words: Words) -> list[search_models.Name]:
    """The names that have a pattern and are like the words, the most like first; those alike, customers first."""
    inside = search_models.Name.objects.filter(client_id__in=asked.client_ids)
    likeness = [
        Func(Value(each), F("folded"), function="word_similarity", output_field=FloatField()) for each in words.folded
    ]
    named = search_models.Name.objects.filter(id__in=inside.values("id")[:_LOOKED_THROUGH])
    for place, each in enumerate(likeness):
        named = named.annotate(**{f"like_{place}": each}).filter(**{f"like_{place}__gte": _ALIKE})
    total = likeness[0]
    for each in likeness[1:]:
        total = total + each  # type: ignore[assignment]
    with _narrowed(search_models.NAMES, pattern):
        return list(named.order_by(total.desc(), F("customer_id").asc(nulls_last=True), "-id")[:MOST_PEOPLE])


def _numbered(asked: Asked) -> list[Case]:
    """The cases that this is the number of: their own, or the sender's key of an item."""
    typed, cases = asked.words.strip(), Case.objects.select_related("client", "customer")
    here = cases.filter(client_id__in=asked.client_ids)
    of_items = Item.objects.filter(client_id__in=asked.client_ids, key=typed, case__isnull=False).values("case_id")
    found = list(here.filter(id__in=of_items)[:PAGE])
    number = typed.removeprefix("#")
    if number.isascii() and number.isdigit() and int(number) <= EVERYTHING:
        found += [each for each in here.filter(id=int(number)) if each not in found]
    return found
