"""Reading people."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.clients import tokens
from workfloor.core.people import models as people_models
from workfloor.core.people import presenting as people_presenting
from workfloor.core.people import qualification
from workfloor.kit import declarations
from workfloor.kit.database import rls
from workfloor.kit.database.prepared import PreparedQuery
from workfloor.kit.time import calendars

SIGN_IN_PREFIX: Final = "wfp_"
HEARD_LATELY: Final = timedelta(minutes=2)

_IN_FORCE = people_models.Clearance.objects.filter(withdrawn_at=None)
_BY_ACCOUNT = PreparedQuery(
    lambda account_id: (
        people_models.Person.objects.select_related("site")
        .filter(account_id=account_id, left_at=None)
        .annotate(cleared_for=ArraySubquery(_IN_FORCE.filter(person=OuterRef("pk")).values("client_id")))
    )
)
_CLEARED = PreparedQuery(lambda person_id: _IN_FORCE.filter(person=person_id).values_list("client_id", flat=True))


def by_account(account_id: int) -> people_models.Person | None:
    """Who signs in with this account, if they are still with us. The caller has entered every client."""
    return _BY_ACCOUNT.one(account_id)


def at_the_edge(account_id: int) -> tuple[people_models.Person | None, list[int]]:
    """The same with the clients that they may enter, read at once, as every request of somebody signed in asks."""
    person: Any = _BY_ACCOUNT.one(account_id)
    if person is None:
        return None, []
    return person, [person.client_id] if person.client_id is not None else person.cleared_for


def enterable(person: people_models.Person) -> list[int]:
    """The clients that a person may enter: by clearance, or the client whose own person it is."""
    if person.client_id is not None:
        return [person.client_id]
    return _CLEARED(person.id)


def enter_for(by: Actor, permission: str) -> None:
    """Enter the clients that somebody may name in an action: their own; all, where it looks across the walls.

    Administrators clear people for any client, and the root of the installation has none of its own.
    """
    across = permissions.PERMISSIONS[permission].across or "administrator" in by.roles
    if isinstance(by, people_models.Person) and not across:
        rls.enter(*enterable(by))
    else:
        rls.enter_every_client()


def by_email(email: str) -> people_models.Person | None:
    """Who signs in with this address, if they are still with us."""
    return people_models.Person.objects.filter(account__email=email.strip().lower(), left_at=None).first()


def site(name: str) -> people_models.Site | None:
    """A site by its name."""
    return people_models.Site.objects.filter(name=name).first()


def sites() -> QuerySet[people_models.Site]:
    """All sites with their teams and who leads them, by name."""
    return people_models.Site.objects.prefetch_related("teams__leader").order_by("name")


def team(name: str) -> people_models.Team | None:
    """A team by its name."""
    return people_models.Team.objects.select_related("site").filter(name=name).first()


def teams() -> QuerySet[people_models.Team]:
    """All teams, by name."""
    return people_models.Team.objects.select_related("site").order_by("name")


def signed_in_by(token: str, now: datetime) -> people_models.Person | None:
    """Whose commands show this token, while that sign-in lasts. The caller has entered every client."""
    number, _, secret = token.removeprefix(SIGN_IN_PREFIX).partition("_")
    if not (token.startswith(SIGN_IN_PREFIX) and number.isdecimal() and len(number) < 19):
        return None
    lasting = people_models.SignIn.objects.filter(ended_at=None, ends_at__gt=now, person__left_at=None)
    found = lasting.select_related("person").filter(id=int(number)).first()
    return found.person if found and tokens.matches(secret, found.digest) else None


def sign_in(token: str) -> people_models.SignIn | None:
    """The sign-in that a token of `signed_in_by` is of."""
    return people_models.SignIn.objects.filter(id=int(token.removeprefix(SIGN_IN_PREFIX).partition("_")[0])).first()


def link(written: str) -> people_models.SignInLink | None:
    """The link in which this stands, whether or not it opens anything yet. The caller has entered every client."""
    number, _, secret = written.partition("-")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    found = people_models.SignInLink.objects.select_related("person__account", "mail").filter(id=int(number)).first()
    return found if found and tokens.matches(secret, found.digest) else None


def links_since(person: people_models.Person, since: datetime) -> int:
    """How many links a person was made since an instant."""
    return people_models.SignInLink.objects.filter(person=person, made_at__gt=since).count()


def latest_links(person_ids: Iterable[int]) -> dict[int, people_models.SignInLink]:
    """The latest link of each of some people, with its mail, by the person's number."""
    found = people_models.SignInLink.objects.filter(person_id__in=list(person_ids)).select_related("mail")
    return {each.person_id: each for each in found.order_by("person_id", "-id").distinct("person_id")}


def clearance(person: people_models.Person, slug: str) -> people_models.Clearance | None:
    """A person's clearance for a client, if it is in force."""
    return people_models.Clearance.objects.filter(person=person, client__slug=slug, withdrawn_at=None).first()


def certificates(person: people_models.Person, skill: str) -> list[people_models.Certificate]:
    """A person's certificates of a skill that were not revoked."""
    return list(people_models.Certificate.objects.filter(person=person, skill__name=skill, revoked_at=None))


def grants(person: people_models.Person, now: datetime) -> list[people_models.Certificate]:
    """The skills that a person was granted and that have not ended, those that end first before the others."""
    granted = people_models.Certificate.objects.filter(person=person, ends_at__gt=now, revoked_at=None)
    return list(granted.select_related("skill").order_by("ends_at", "id"))


def zone_of(person: people_models.Person) -> tzinfo:
    """Where a person works; certificates begin and expire with the day there."""
    return ZoneInfo(person.site.zone) if person.site else UTC


def profiles(at: datetime) -> list[dict[str, Any]]:
    """What is known of the staff: name, address, roles, site, skills, clients cleared for, and how they get in."""
    certificates = people_models.Certificate.objects.select_related("skill").order_by("id")
    cleared = people_models.Clearance.objects.filter(withdrawn_at=None).select_related("client")
    people = (
        staff()
        .select_related("account", "site")
        .prefetch_related(
            Prefetch("certificates", certificates), Prefetch("clearances", cleared.order_by("client__slug"), "in_force")
        )
    )
    links = latest_links(each.id for each in people)
    return [
        {
            "name": person.name,
            "email": person.account.email if person.account else None,
            "roles": person.roles,
            "site": person.site.name if person.site else None,
            "skills": skills_at(person, at),
            "clients": [each.client.slug for each in person.in_force],
            "way_in": people_presenting.way_in(person, links.get(person.id), at),
        }
        for person in people
    ]


def staff() -> QuerySet[people_models.Person]:
    """The provider's own people who are with us, by name."""
    people = people_models.Person.objects.filter(client=None, left_at=None)
    return people.select_related("site", "team", "agent_state").order_by("name")


def on_the_floor() -> QuerySet[people_models.Person]:
    """The agents who are signed in, by name."""
    return staff().filter(roles__contains=["agent"]).exclude(agent_state__state="signed-out")


def with_shifts(
    people: QuerySet[people_models.Person], at: datetime, known: datetime | None = None
) -> QuerySet[people_models.Person]:
    """People with the shifts that are not over at an instant (`ahead`), and whether any was ever `planned`.

    With `known`, as far as was known then.
    """
    shifts = people_models.Shift.objects.filter(cancelled_at=None)
    if known is not None:
        shifts = people_models.Shift.objects.filter(planned_at__lte=known).exclude(cancelled_at__lte=known)
    ahead = Prefetch("shifts", shifts.filter(ends_at__gt=at), to_attr="ahead")
    return people.annotate(planned=Exists(shifts.filter(person=OuterRef("pk")))).prefetch_related(ahead)


def on_shift(person: people_models.Person, now: datetime) -> tuple[bool, datetime | None]:
    """Whether a person (as `with_shifts` gives them) is on shift, and when that changes next, None for never."""
    found: Any = person
    return qualification.on_shift(((each.starts_at, each.ends_at) for each in found.ahead), found.planned, now)


def shift(person: people_models.Person, now: datetime) -> tuple[bool, datetime | None]:
    """The same of one person, however they were read."""
    return on_shift(with_shifts(people_models.Person.objects.filter(id=person.id), now).get(), now)


def leaders_of(person: people_models.Person) -> list[people_models.Person]:
    """Who leads somebody: their team's leader and their site's, else the leaders cleared for a client of theirs."""
    team = people_models.Team.objects.filter(id=person.team_id or 0).select_related("site").first()
    site = people_models.Site.objects.filter(id=(team.site_id if team else person.site_id) or 0).first()
    ids = {each.leader_id for each in (team, site) if each and each.leader_id} - {person.id}
    there = people_models.Person.objects.filter(left_at=None, client=None)
    if named := list(there.filter(id__in=ids).order_by("name")):
        return named
    mine = people_models.Clearance.objects.filter(person=person, withdrawn_at=None).values("client_id")
    cleared = {"clearances__client_id__in": mine, "clearances__withdrawn_at": None}
    return list(there.filter(roles__contains=["leader"], **cleared).exclude(id=person.id).order_by("name").distinct())


def work_state(person: people_models.Person) -> str:
    """Whether somebody takes work, is away or signed out of it; who never took any is signed out."""
    state = people_models.AgentState.objects.filter(person=person).values_list("state", flat=True).first()
    return state or "signed-out"


def browser_gone(now: datetime, after: timedelta) -> QuerySet[people_models.Person]:
    """Who takes work and had a page open when they began to, which has not been there for so long.

    Nobody while no browser at all is there: then it is the web server that is away. Who takes work without a browser,
    over the command line, is not meant.
    """
    if not people_models.Heard.objects.filter(at__gt=now - HEARD_LATELY).exists():
        return people_models.Person.objects.none()
    since = F("agent_state__since")
    there = on_the_floor().filter(agent_state__state="available", agent_state__since__lte=now - after)
    return there.filter(heard__at__lte=now - after, heard__at__gte=since - after).select_related("heard")


def last_shift_ended(person: people_models.Person, now: datetime) -> datetime:
    """When the last of a person's shifts was over, or since when they are there if that is later."""
    over = people_models.Shift.objects.filter(person=person, cancelled_at=None, ends_at__lte=now)
    ended = over.order_by("-ends_at").values_list("ends_at", flat=True).first()
    since = person.agent_state.since
    return max(ended, since) if ended else since


def shifts(person: people_models.Person, since: datetime) -> list[people_models.Shift]:
    """A person's shifts that are not over at an instant, in order."""
    return list(
        people_models.Shift.objects.filter(person=person, cancelled_at=None, ends_at__gt=since).order_by("starts_at")
    )


def skills_at(person: people_models.Person, at: datetime) -> dict[str, int]:
    """The skills that a person has on the day that it is where they work."""
    return skills_on(person, calendars.day_of(at, zone_of(person)))


def skills_on(person: people_models.Person, day: date) -> dict[str, int]:
    """The skills that a person has on a day."""
    return qualification.skills(held(person.certificates.all()), day)


def held(certificates: Iterable[people_models.Certificate]) -> list[qualification.Held]:
    """Certificates as plain values."""
    return [
        qualification.Held(each.skill.name, each.level, each.valid_from, each.expires_on, each.revoked_at is not None)
        for each in certificates
    ]


# --- How people name them, where an action asks for one ---------------------------------------------------------------
register = declarations.register
register.name(declarations.Handle(people_models.Site, "site", site, sites, see="people site list"))
register.name(declarations.Handle(people_models.Team, "team", team, teams, see="people site list"))
register.name(
    declarations.Handle(
        people_models.Person,
        "person who is with us and signs in as",
        by_email,
        lambda: people_models.Person.objects.filter(left_at=None).select_related("account").order_by("name"),
        lambda person: person.account.email if person.account else "",
        see="people list",
    )
)
