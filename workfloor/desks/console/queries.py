"""What somebody can change here, and who is with us."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_noop

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.people import presenting as people_presenting
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person, SignInLink
from workfloor.kit import declarations

SUBJECTS = {
    ("people", "site"): gettext_noop("Sites and teams"),
    ("people",): gettext_noop("People"),
    ("admin", "client"): gettext_noop("Clients"),
    ("admin", "token"): gettext_noop("Tokens of clients' systems"),
    ("contracts",): gettext_noop("Contracts"),
    ("billing", "claim"): gettext_noop("Claims: exclusions, outages, hours and costs"),
    ("billing", "period"): gettext_noop("Closing months"),
    ("billing", "dispute"): gettext_noop("Disputes"),
    ("billing", "invoice"): gettext_noop("Invoices"),
    ("billing", "legal-entity"): gettext_noop("Legal entities"),
    ("relationship", "action-item"): gettext_noop("Action items"),
    ("channels", "mailbox"): gettext_noop("Mailboxes"),
    ("channels", "mail"): gettext_noop("Mail"),
    ("channels", "widget"): gettext_noop("Chat widgets"),
    ("channels", "playbook"): gettext_noop("Playbooks and articles"),
    ("routing", "pool"): gettext_noop("Routing"),
    ("routing", "escalation"): gettext_noop("Escalations"),
    ("admin", "retention"): gettext_noop("Retention"),
    ("admin", "files"): gettext_noop("Files"),
    ("admin", "webhook"): gettext_noop("Webhooks"),
    ("admin", "failed"): gettext_noop("Failures"),
}


@cache
def declared() -> dict[str, declarations.Action]:
    """Every action that is declared anywhere."""
    autodiscover_modules("queries", "actions", "own_account")
    return dict(declarations.register.actions)


def open_to(by: Actor) -> list[tuple[str, list[declarations.Action]]]:
    """The actions that somebody's roles open, by subject."""
    can = [each for each in declared().values() if permissions.may(by, each.permission)]
    can.sort(key=lambda each: each.command[:-1])
    return [
        (str(SUBJECTS.get(under, " ".join(under).capitalize())), list(some))
        for under, some in groupby(can, lambda each: each.command[:-1])
    ]


@dataclass(frozen=True)
class OnFile:
    """Somebody who is with us, and how they get in."""

    person: Person
    email: str
    of: str  # their site, or the client whose own person they are
    way_in: str
    has_password: bool
    has_link: bool


def people_on_file(now: datetime) -> list[OnFile]:
    """Who is with us, by name, and how they get in. The caller has entered the clients that are to be seen."""
    found = list(Person.objects.filter(left_at=None).select_related("account", "site", "client").order_by("name", "id"))
    links = people_queries.latest_links(each.id for each in found)
    return [_on_file(each, links.get(each.id), now) for each in found]


def _on_file(person: Person, link: SignInLink | None, now: datetime) -> OnFile:
    account = person.account
    return OnFile(
        person,
        account.email if account else "",
        person.client.title if person.client else person.site.name if person.site else "",
        people_presenting.way_in(person, link, now),
        account is not None and account.has_usable_password(),
        link is not None and link.ended_at is None and link.ends_at > now,
    )
