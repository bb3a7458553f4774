"""What somebody can change here, and who changed what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.people.models import Person
from workfloor.kit import declarations

MOST_SHOWN = 200
SUBJECTS = {("people", "site"): gettext_noop("Sites and teams"), ("people",): gettext_noop("People")}


@cache
def declared() -> dict[str, declarations.Action]:
    """Every action that is declared anywhere."""
    autodiscover_modules("actions")
    return dict(declarations.register.actions)


def open_to(by: Actor) -> list[tuple[str, list[declarations.Action]]]:
    """The actions that somebody's roles open, by subject."""
    can = [each for each in declared().values() if permissions.may(by, each.permission)]
    can.sort(key=lambda each: each.command[:-1])
    return [
        (SUBJECTS.get(under, " ".join(under).capitalize()), list(some))
        for under, some in groupby(can, lambda each: each.command[:-1])
    ]


@dataclass(frozen=True)
class Row:
    """A fact as the audit shows it."""

    at: datetime
    who: str
    event: str
    about: str
    changes: list[tuple[str, str, str]]  # of what, before, after
    details: str


def audit(*, who: str = "", event: str = "", until: datetime | None = None, most: int = MOST_SHOWN) -> Iterator[Row]:
    """Who changed what, the newest first: what happens to work itself is in each item's history."""
    facts = event_log_queries.administrative(event=event, until=until)
    if who:
        known = Person.objects.filter(name__icontains=who).values_list("id", flat=True)
        facts = facts.filter(by_id__in=list(known))
    found = list(facts[:most])
    numbers = {number for fact in found for number in (fact.by_id, fact.person_id)}
    names = dict(Person.objects.filter(id__in=numbers).values_list("id", "name"))
    return (_row(fact, names) for fact in found)


def _row(fact: Fact, names: dict[int, str]) -> Row:
    details = dict(fact.details)
    before, after = details.pop("before", {}), details.pop("after", {})
    called = str(details.pop("called", ""))
    about = names.get(fact.person_id, "") if fact.person_id else called
    subject, _dot, happened = fact.event.partition(".")
    if of := details.pop("of", ""):
        subject = str(of)
    details.pop("number", None)
    return Row(
        fact.at,
        names.get(fact.by_id, "")
        if fact.by_id
        else _(_UNNAMED[fact.acted_as])
        if fact.acted_as in _UNNAMED
        else _("the {part}").format(part=fact.acted_as),
        f"{subject} {happened}".replace("-", " ").capitalize(),
        about,
        [(name, _said(before.get(name)), _said(value)) for name, value in after.items()],
        ", ".join(f"{name.replace('_', ' ')} {_said(value)}" for name, value in details.items()),
    )


_UNNAMED = {"root": gettext_noop("root of the installation"), "": gettext_noop("Workfloor itself")}


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)
