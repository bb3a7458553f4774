"""Reading playbooks and articles."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db.models import Count, Max, QuerySet

from workfloor.core.clients.models import Client
from workfloor.core.event_log.models import Fact
from workfloor.core.people.models import Person
from workfloor.core.work.models import Item
from workfloor.kit.database.prepared import PreparedQuery
from workfloor.ops.channels.playbooks import events as playbooks_events
from workfloor.ops.channels.playbooks import models as playbooks_models
from workfloor.ops.channels.playbooks import playbook_file
from workfloor.ops.channels.playbooks import rules as playbooks_rules

LOOKS_BACK: Final = timedelta(days=30)  # over which a rule's applications are counted


_LATEST = PreparedQuery(
    lambda client_id: playbooks_models.Version.objects.filter(client_id=client_id).order_by("-number")[:1]
)


def latest(client_id: int) -> playbooks_models.Version | None:
    """The playbook that holds for a client."""
    return _LATEST.one(client_id)


def have_playbooks(client_ids: set[int]) -> bool:
    """Whether any of some clients has a playbook at all, readable or not."""
    return any(latest(each) for each in client_ids)


def with_rules(client_id: int) -> playbooks_models.Version | None:
    """The playbook that holds for a client, where it has rules."""
    version = latest(client_id)
    return version if version and playbook_file.stored(version.source).rules else None


def playbook(client_id: int) -> playbooks_rules.Playbook:
    """What holds for a client; nothing where no playbook was given."""
    version = latest(client_id)
    return playbook_file.stored(version.source) if version else playbooks_rules.Playbook()


@dataclass(frozen=True)
class Shown:
    """A client's playbook with all versions, what its rules did lately, and the articles of its processes."""

    client: Client
    versions: list[playbooks_models.Version]
    answers: tuple[playbooks_rules.Answer, ...]
    scripts: tuple[playbooks_rules.Answer, ...]
    macros: tuple[playbooks_rules.Macro, ...]
    rules: list[
        tuple[playbooks_rules.Rule, int, datetime | None]
    ]  # each with how often it was applied lately, and when last
    articles: list[playbooks_models.Article]


def shown(now: datetime) -> list[Shown]:
    """Each client's inside the wall, by title."""
    return [_shown(client, now) for client in Client.objects.order_by("title")]


def _shown(client: Client, now: datetime) -> Shown:
    facts = Fact.objects.filter(client_id=client.id, event=playbooks_events.RuleApplied.name, at__gte=now - LOOKS_BACK)
    counted = facts.values_list("details__rule").annotate(many=Count("id"), last=Max("at"))
    applied = {name: (many, last) for name, many, last in counted}
    versions = list(playbooks_models.Version.objects.filter(client=client).order_by("-number"))
    holds = playbook_file.stored(versions[0].source) if versions else playbooks_rules.Playbook()
    articles = (
        playbooks_models.Article.objects.filter(client=client)
        .select_related("process")
        .order_by("process__name", "title")
    )
    done = [(each, *applied.get(each.name, (0, None))) for each in holds.rules]
    return Shown(client, versions, holds.answers, holds.scripts, holds.macros, done, list(articles))


@dataclass(frozen=True)
class Filled:
    """A text for an item and whoever writes: as it is sent, and in pieces that show what was filled in."""

    title: str
    text: str
    parts: list[playbooks_rules.Part]


@dataclass(frozen=True)
class Help:
    """What helps with an item: texts to send, scripts to say, macros to run."""

    answers: list[Filled]
    scripts: list[Filled]
    macros: list[playbooks_rules.Macro]


def helps(item: Item, by: Person) -> Help:
    """What an item's process has that helps with it, the places of texts filled in."""
    holds, process, values = playbook(item.client_id), item.process.name, named(item, by)
    answers, scripts = (
        [
            Filled(each.title, playbooks_rules.filled(each.text, values), playbooks_rules.parts(each.text, values))
            for each in playbooks_rules.of_process(those, process)
        ]
        for those in (holds.answers, holds.scripts)
    )
    return Help(answers, scripts, playbooks_rules.of_process(holds.macros, process))


def answer(item: Item, by: Person, name: str) -> str:
    """A canned answer as somebody sends it about an item; empty where there is none of this name."""
    found = playbook(item.client_id).answer(name)
    return playbooks_rules.filled(found.text, named(item, by)) if found else ""


def macro(item: Item, name: str) -> playbooks_rules.Macro | None:
    """A macro of an item's process."""
    found = playbooks_rules.of_process(playbook(item.client_id).macros, item.process.name)
    return next((each for each in found if each.name == name), None)


def named(item: Item, by: Person | None) -> dict[str, str]:
    """What the places of a text stand for, about an item and whoever writes."""
    customer = item.case.customer if item.case else None
    return {
        "customer": customer.name if customer else item.case.claimed_name if item.case else "",
        "agent": by.name if by else "",
        "client": item.client.title,
        "case": item.case.subject if item.case else "",
        "reference": str(item.case_id or item.id),
    }


def tags(item_id: int) -> list[str]:
    """The tags of an item."""
    return list(playbooks_models.Tag.objects.filter(item_id=item_id).order_by("name").values_list("name", flat=True))


def articles(process_id: int) -> QuerySet[playbooks_models.Article]:
    """The articles of a process, by title."""
    return playbooks_models.Article.objects.filter(process_id=process_id).order_by("title")


def article(article_id: int) -> playbooks_models.Article | None:
    """An article, if it is inside the wall."""
    return playbooks_models.Article.objects.select_related("process", "client").filter(id=article_id).first()


def found(process_id: int, words: str) -> QuerySet[playbooks_models.Article]:
    """The articles of a process that have all these words, the best first; without words all, by title."""
    if not words.strip():
        return articles(process_id)
    asked = SearchQuery(words, config="simple", search_type="websearch")
    # No index: behind the wall PostgreSQL would not use it, and a process has hundreds of articles, not millions.
    says = SearchVector("title", weight="A", config="simple") + SearchVector("body", weight="B", config="simple")
    known = articles(process_id).annotate(says=says, rank=SearchRank(says, asked))
    return known.filter(says=asked).order_by("-rank", "title")
