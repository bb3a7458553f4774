"""Hiring, certifying and clearing people, and their agent state at work."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.events import Event
from workfloor.core.people import events as people_events
from workfloor.core.people import links as people_links
from workfloor.core.people import models as people_models
from workfloor.core.people import presenting as people_presenting
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import locks
from workfloor.kit.declarations import field
from workfloor.kit.time import calendars

# Why somebody is signed out of work.
SHIFT_OVER, LEFT_THE_DESK, BROWSER_GONE = "shift-over", "signed-out-of-the-account", "browser-gone"
BY_A_LEADER = "by-a-leader"
STAYS_ON = timedelta(hours=1)  # after a shift, for what is still in hand

OwnRole = Literal["agent", "leader", "planner", "manager", "administrator"]
Proof = Literal["training", "test", "diploma"]


Refused = permissions.Refused


# --- Sites and teams --------------------------------------------------------------------------------------------


@action(
    "Open a site",
    permission="sites.open",
    command="people site add",
    says="{name} is a site now.",
    example="workfloor people site add Porto --country PT --zone Europe/Lisbon",
)
def open_site(
    *,
    name: Annotated[str, field("Name", most=80)],
    country: Annotated[
        str,
        field("Country", "Two letters, such as PT: where the client is too, it is onshore.", most=2, as_option=True),
    ],
    zone: Annotated[str, field("Time zone", "The clock on the wall, such as Europe/Lisbon.", as_option=True)],
    by: Actor,
    now: datetime,
) -> people_models.Site:
    """Name a place with people; teams and people belong to one. Its country and zone must be known ones."""
    if people_models.Site.objects.filter(name=name).exists():
        raise Refused(_("There is a site {name} already.").format(name=name))
    country = _known_place(country, zone)
    site = people_models.Site.objects.create(name=name, country=country, zone=zone)
    event_log.record(people_events.SiteOpened(site.id, name, country, zone), at=now, by=by)
    return site


@action(
    "Change a site",
    permission="sites.change",
    command="people site change",
    says="{site} is changed.",
    example="workfloor people site change Porto --name 'Porto, harbour'",
)
def change_site(
    *,
    site: people_models.Site,
    name: Annotated[str | None, field("New name", most=80)] = None,
    country: Annotated[str | None, field("Country", "Two letters, such as PT.", most=2)] = None,
    zone: Annotated[str | None, field("Time zone", "Such as Europe/Lisbon; days of certificates follow it.")] = None,
    by: Actor,
    now: datetime,
) -> people_models.Site:
    """Call a site otherwise, or put its country or time zone right; what is not given stays."""
    site = people_models.Site.objects.select_for_update().get(id=site.id)
    country = _known_place(country or site.country, zone or site.zone)
    if name and people_models.Site.objects.filter(name=name).exclude(id=site.id).exists():
        raise Refused(_("There is a site {name} already.").format(name=name))
    changes = {"name": name or site.name, "country": country, "zone": zone or site.zone}
    event_log.record_change("site", site, changes, at=now, by=by)
    return site


def _known_place(country: str, zone: str) -> str:
    if zone not in available_timezones():
        raise Refused(_("“{zone}” is no time zone; write it as in “Europe/Lisbon”.").format(zone=zone))
    if country.upper() not in calendars.countries():
        raise Refused(_("“{country}” is no country of ISO 3166; write two letters as in “PT”.").format(country=country))
    return country.upper()


@action(
    "Form a team",
    permission="teams.form",
    command="people site team",
    says="{name} is a team of {site} now.",
    example="workfloor people site team Porto 'Porto days' --leader rita@example.com",
)
def form_team(
    *,
    site: people_models.Site,
    name: Annotated[str, field("Name", most=80)],
    leader: Annotated[people_models.Person | None, field("Team leader", "Who leads the people of it.")] = None,
    by: Actor,
    now: datetime,
) -> people_models.Team:
    """Form a team at a site; people join it when they are taken on, or by a change."""
    if people_models.Team.objects.filter(name=name).exists():
        raise Refused(_("There is a team {name} already.").format(name=name))
    team = people_models.Team.objects.create(name=name, site=site, leader=leader)
    formed = people_events.TeamFormed(team.id, name, site.name, leader.name if leader else None)
    event_log.record(formed, at=now, by=by)
    return team


@action(
    "Change a team",
    permission="teams.change",
    command="people site change-team",
    says="{team} is changed.",
    example="workfloor people site change-team 'Porto days' --leader omar@example.com",
)
def change_team(
    *,
    team: people_models.Team,
    name: Annotated[str | None, field("New name", most=80)] = None,
    leader: Annotated[people_models.Person | None, field("Team leader", "Who leads the people of it.")] = None,
    by: Actor,
    now: datetime,
) -> people_models.Team:
    """Call a team otherwise, or give it another leader; what is not given stays."""
    team = people_models.Team.objects.select_for_update(of=("self",)).select_related("leader").get(id=team.id)
    if name and people_models.Team.objects.filter(name=name).exclude(id=team.id).exists():
        raise Refused(_("There is a team {name} already.").format(name=name))
    changes = {"name": name or team.name, "leader": leader or team.leader}
    event_log.record_change("team", team, changes, at=now, by=by)
    return team


# --- People -----------------------------------------------------------------------------------------------------


@action(
    "Take somebody on",
    permission="people.hire",
    command="people add",
    says="{name} is taken on. {result}",
    example="workfloor people add 'Joao Reis' joao@example.com --role agent --site Porto",
)
def take_on(
    *,
    name: Annotated[str, field("Name", most=120)],
    email: Annotated[str, field("Mail address", "What they sign in with.")],
    roles: Annotated[Sequence[OwnRole], field("Roles", "Of the provider's own people.", flag="role")] = (),
    client: Annotated[Client | None, field("Own person of", "The client whose own person it is.", flag="of")] = None,
    site: Annotated[people_models.Site | None, field("Site", "Where they work.")] = None,
    team: Annotated[people_models.Team | None, field("Team", "Whoever joins one works at its site.")] = None,
    by: Actor,
    now: datetime,
) -> str:
    """Take somebody on, or put one of a client's own people on file, who may dispute and agree for the client.

    They are invited by mail to choose their password, which nobody else sees.
    """
    if bool(client) == bool(roles) or (client and (site or team)):
        raise Refused(_("Give either roles, or the client whose own person it is, without site and team."))
    if site and team and team.site_id != site.id:
        raise Refused(_("{team} is a team of {site}, not of {site4}.").format(team=team, site=team.site, site4=site))
    person = hire(
        name=name,
        roles=roles or ["client"],
        site=site or (team.site if team else None),
        team=team,
        client=client,
        account=open_account(email=email),
        by=by,
        now=now,
    )
    return people_presenting.sent(people_links.make(person=person, purpose="invitation", by=by, now=now))


def hire(
    *,
    name: str,
    roles: Sequence[str],
    by: Actor,
    now: datetime,
    site: people_models.Site | None = None,
    team: people_models.Team | None = None,
    client: Client | None = None,
    account: people_models.Account | None = None,
) -> people_models.Person:
    """Take a person on: of the provider's staff, or (with `client`) one of that client's own people."""
    permissions.admit(by, "people.hire")
    if (
        "administrator" in roles or client is not None
    ):  # whoever approves for a client's side is not a manager's to name
        permissions.admit(by, "people.assign-roles")
    person = people_models.Person.objects.create(
        name=name,
        roles=list(roles),
        joined_at=now,
        taken_on_by_id=by.person_id,
        site=site,
        team=team,
        client=client,
        account=account,
    )
    if client is None:
        people_models.AgentState.objects.create(person=person, since=now)
    joined = people_events.PersonJoined(
        name,
        list(roles),
        site.name if site else None,
        team.name if team else None,
        account.email if account else None,
    )
    event_log.record(joined, at=now, client_id=person.client_id, person_id=person.id, by=by)
    return person


@action(
    "Change a person",
    permission="people.change",
    command="people change",
    says="{person}: changed.",
    example="workfloor people change joao@example.com --team 'Porto nights'",
)
def change_person(
    *,
    person: people_models.Person,
    name: Annotated[str | None, field("Name", most=120)] = None,
    site: people_models.Site | None = None,
    team: Annotated[people_models.Team | None, field("Team", "Whoever joins one works at its site.")] = None,
    by: Actor,
    now: datetime,
) -> people_models.Person:
    """Put a name right, or move somebody to another site or team; what is not given stays."""
    person = _locked(person)
    if person.client_id is not None and (site or team):
        raise Refused(
            _("{person} is one of a client's own people, and belongs to no site of ours.").format(person=person.name)
        )
    if site and team and team.site_id != site.id:
        raise Refused(_("{team} is a team of {site}, not of {other}.").format(team=team, site=team.site, other=site))
    if site and not team and person.team and person.team.site_id != site.id:
        raise Refused(
            _("{person} is in {team}, a team of {site}; name a team of {other} too.").format(
                person=person.name, team=person.team, site=person.team.site, other=site
            )
        )
    place = site or (team.site if team else person.site)
    changes = {"name": name or person.name, "site": place, "team": team or person.team}
    event_log.record_change("person", person, changes, at=now, by=by, client_id=person.client_id, person_id=person.id)
    return person


@action(
    "Assign roles",
    permission="people.assign-roles",
    command="people assign-roles",
    says="{person}: {roles}.",
    example="workfloor people assign-roles rita@example.com --role leader --role planner",
)
def assign_roles(
    *,
    person: people_models.Person,
    roles: Annotated[Sequence[OwnRole], field("Roles", "All of them from now on.", as_option=True, flag="role")],
    by: Actor,
    now: datetime,
) -> people_models.Person:
    """Say which roles somebody has from now on; nobody gives roles to themselves."""
    person = _locked(person)
    if person.client_id is not None:
        raise Refused(
            _("{person} is one of a client's own people, and has no role with us.").format(person=person.name)
        )
    if by.person_id == person.id:
        raise Refused(
            _("{person} cannot give roles to themselves: another administrator does.").format(person=person.name)
        )
    wanted = [each for each in permissions.ROLES if each in roles]
    if "agent" not in wanted and "agent" in person.roles:
        _end_the_day(person, None, by, now)
    event_log.record_change("person", person, {"roles": wanted}, at=now, by=by, person_id=person.id)
    return person


def _locked(person: people_models.Person) -> people_models.Person:
    found = people_models.Person.objects.select_for_update(of=("self",)).select_related("site", "team__site", "account")
    return found.get(id=person.id)


@action(
    "Vouch for a person",
    permission="people.vouch",
    command="people vouch",
    says="{person}: is known to be somebody by themselves.",
    example="workfloor people vouch marta@example.com",
)
def vouch(*, person: people_models.Person, by: Actor, now: datetime) -> None:
    """Say that somebody is a person of their own: until then they and whoever took them on count as one, not two."""
    if person.taken_on_by_id is None or person.vouched_at:
        raise Refused(_("Nobody need vouch for {person}.").format(person=person.name))
    if by.person_id in (person.id, person.taken_on_by_id) or by.is_made_up_with([person.id, person.taken_on_by_id]):
        raise Refused(_("Somebody else vouches: neither they nor whoever took them on."))
    event_log.record_change(
        "person", person, {"vouched_at": now}, at=now, by=by, client_id=person.client_id, person_id=person.id
    )


@action(
    "Let somebody go",
    permission="people.let-go",
    command="people leave",
    says="{person}: has left.",
    confirm="Nothing will be offered to this person any more, and the account closes. Go on?",
    example="workfloor people leave joao@example.com",
)
def leave(*, person: people_models.Person, by: Actor, now: datetime) -> None:
    """Let a person go: nothing is offered any more, the account is closed at once, the facts stay."""
    if person.client_id is None:  # a client's own people are never at work here
        _end_the_day(person, None, by, now)
    person.left_at = now
    person.save(update_fields=["left_at"])
    if person.account:
        person.account.is_active = False
        person.account.save(update_fields=["is_active"])
    people_models.SignIn.objects.filter(person=person, ended_at=None).update(ended_at=now)
    people_links.end(person=person, because="left", now=now)
    event_log.record(people_events.PersonLeft(), at=now, client_id=person.client_id, person_id=person.id, by=by)


# --- Signing in -------------------------------------------------------------------------------------------------


def open_account(*, email: str) -> people_models.Account:
    """Make something to sign in with, for which its person chooses the password; an address has one account."""
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(_("“{email}” is no mail address.").format(email=email)) from None
    if people_models.Account.objects.filter(email=email.strip().lower()).exists():
        raise Refused(_("{email} has an account already").format(email=email))
    return people_models.Account.objects.create_user(email)


@action(
    "Invite again",
    permission="people.invite",
    command="people invite",
    says="{person}: {result}",
    example="workfloor people invite joao@example.com",
)
def invite(*, person: people_models.Person, by: Actor, now: datetime) -> str:
    """Send somebody who has not chosen a password yet another invitation; the one before opens nothing any more."""
    if person.account and person.account.has_usable_password():
        raise Refused(
            _("{person} has chosen a password; an administrator can send a sign-in link.").format(person=person.name)
        )
    return people_presenting.sent(people_links.make(person=person, purpose="invitation", by=by, now=now))


@action(
    "Withdraw an invitation",
    permission="people.invite",
    command="people withdraw-invitation",
    says="{person}: the link opens nothing any more.",
    example="workfloor people withdraw-invitation joao@example.com",
)
def withdraw_invitation(*, person: people_models.Person, by: Actor, now: datetime) -> None:
    """Let an invitation, or another link by which somebody would choose their password, open nothing any more."""
    link = people_links.end(person=person, because="withdrawn", now=now)
    if link is None:
        raise Refused(_("{person} has no invitation and no other link.").format(person=person.name))
    withdrawn = people_events.LinkWithdrawn(link.id, link.purpose)
    event_log.record(withdrawn, at=now, client_id=person.client_id, person_id=person.id, by=by)


@action(
    "Send a sign-in link",
    permission="people.send-link",
    command="people send-link",
    says="{person}: {result}",
    example="workfloor people send-link joao@example.com",
)
def send_link(*, person: people_models.Person, by: Actor, now: datetime) -> str:
    """Send somebody a link to choose a new password, which nobody else sees; until it is used the old one holds."""
    return people_presenting.sent(people_links.make(person=person, purpose="sign-in-link", by=by, now=now))


# --- What they can ----------------------------------------------------------------------------------------------


@action(
    "Certify a skill",
    permission="people.certify",
    command="people certify",
    says="{person}: {skill} {level}.",
    example="workfloor people certify joao@example.com english 4 --proof test --expires-on 2027-12-31",
)
def certify(
    *,
    person: people_models.Person,
    skill: Annotated[
        str, field("Skill", "A language, a product, a process: as the contract's queues require it.", most=50)
    ],
    level: Annotated[int, field("Level", "From 1 to 5.", least=1, most=5)],
    proof: Annotated[Proof, field("Proof", "What was passed or shown.", as_option=True)],
    valid_from: Annotated[date | None, field("Valid from", "Today where they work, if it is not said.")] = None,
    expires_on: Annotated[date | None, field("Expires on", "The last day on which it counts.")] = None,
    by: Actor,
    now: datetime,
) -> people_models.Certificate:
    """Grant a skill at a level, on the proof that was shown."""
    valid_from = valid_from or calendars.day_of(now, people_queries.zone_of(person))
    if expires_on is not None and expires_on < valid_from:
        raise Refused(_("A certificate expires after it begins to count."))
    known, _is_new = people_models.Skill.objects.get_or_create(name=skill)
    certificate = people_models.Certificate.objects.create(
        person=person, skill=known, level=level, proof=proof, valid_from=valid_from, expires_on=expires_on
    )
    certified = people_events.Certified(skill, level, proof, valid_from, expires_on)
    event_log.record(certified, at=now, person_id=person.id, by=by)
    return certificate


@action(
    "Revoke a skill",
    permission="people.certify",
    command="people revoke",
    says="{person}: {skill} revoked.",
    example="workfloor people revoke joao@example.com english --reason 'failed the yearly test'",
)
def revoke(
    *,
    person: people_models.Person,
    skill: Annotated[str, field("Skill", most=50)],
    reason: Annotated[str, field("Reason", "Kept with the fact.", most=1000, as_option=True)],
    by: Actor,
    now: datetime,
) -> None:
    """Take back every certificate of a skill, at once."""
    certificates = people_queries.certificates(person, skill)
    if not certificates:
        raise Refused(_("{person} has no certificate of {skill}.").format(person=person.name, skill=skill))
    for certificate in certificates:
        revoke_certificate(certificate=certificate, reason=reason, by=by, now=now)


def revoke_certificate(*, certificate: people_models.Certificate, reason: str, by: Actor, now: datetime) -> None:
    """Take one certificate back."""
    permissions.admit(by, "people.certify", team=certificate.person.team_id)
    certificate.revoked_at = now
    certificate.save(update_fields=["revoked_at"])
    revoked = people_events.CertificateRevoked(certificate.skill.name, reason)
    event_log.record(revoked, at=now, person_id=certificate.person_id, by=by)


@action(
    "Clear somebody for a client",
    permission="people.clear",
    command="people clear",
    says="{person}: cleared for {client.slug}.",
    example="workfloor people clear joao@example.com first-bank",
)
def clear(
    *,
    person: people_models.Person,
    client: Client,
    by: Actor,
    now: datetime,
) -> people_models.Clearance:
    """Give a person the right to touch a client's work; nobody gives it to themselves."""
    if by.person_id == person.id:
        raise Refused(_("{person} cannot clear themselves: another administrator does.").format(person=person.name))
    if people_models.Clearance.objects.filter(person=person, client=client, withdrawn_at=None).exists():
        raise Refused(_("{person} is cleared for {client} already").format(person=person.name, client=client.slug))
    clearance = people_models.Clearance.objects.create(person=person, client=client, granted_at=now)
    event_log.record(people_events.Cleared(), at=now, client_id=client.id, person_id=person.id, by=by)
    return clearance


@action(
    "Withdraw a clearance",
    permission="people.clear",
    command="people withdraw",
    says="{person}: no longer cleared for {client.slug}.",
    example="workfloor people withdraw joao@example.com first-bank",
)
def withdraw(
    *,
    person: people_models.Person,
    client: Client,
    by: Actor,
    now: datetime,
) -> None:
    """Take back the right to touch a client's work, at once; what the person has of it goes back in line."""
    clearance = people_queries.clearance(person, client.slug)
    if clearance is None:
        raise Refused(_("{person} is not cleared for {client}.").format(person=person.name, client=client.slug))
    withdraw_clearance(clearance=clearance, by=by, now=now)


def withdraw_clearance(*, clearance: people_models.Clearance, by: Actor, now: datetime) -> None:
    """Take one clearance back."""
    permissions.admit(by, "people.clear")
    clearance.withdrawn_at = now
    clearance.save(update_fields=["withdrawn_at"])
    event_log.record(
        people_events.ClearanceWithdrawn(), at=now, client_id=clearance.client_id, person_id=clearance.person_id, by=by
    )


# --- When they work ---------------------------------------------------------------------------------------------


def plan_shift(
    *, person: people_models.Person, starts_at: datetime, ends_at: datetime, by: Actor, now: datetime
) -> people_models.Shift:
    """Say when a person is to work: from now on nothing is offered to them outside their shifts."""
    permissions.admit(by, "people.plan-shifts", team=person.team_id)
    if not starts_at < ends_at <= starts_at + qualification.LONGEST_SHIFT:
        raise Refused(_("A shift ends after it begins, and within 24 hours."))
    if not person.is_a("agent") or person.left_at is not None:
        raise Refused(_("Only agents who are with us have shifts."))
    locks.hold("person.shift", person.id)
    others = people_models.Shift.objects.filter(
        person=person, cancelled_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    if other := others.first():
        raise Refused(
            _("{person} has a shift from {starts_at:%Y-%m-%d %H:%M} UTC on that overlaps it.").format(
                person=person.name, starts_at=other.starts_at
            )
        )
    shift = people_models.Shift.objects.create(person=person, starts_at=starts_at, ends_at=ends_at, planned_at=now)
    event_log.record(people_events.ShiftPlanned(starts_at, ends_at), at=now, person_id=person.id, by=by)
    return shift


def cancel_shift(*, shift: people_models.Shift, by: Actor, now: datetime) -> None:
    """Take a shift back; whoever has no other left on file takes work while they say so."""
    permissions.admit(by, "people.plan-shifts", team=shift.person.team_id)
    shift.cancelled_at = now
    shift.save(update_fields=["cancelled_at"])
    cancelled = people_events.ShiftCancelled(shift.starts_at, shift.ends_at)
    event_log.record(cancelled, at=now, person_id=shift.person_id, by=by)


# --- At work ----------------------------------------------------------------------------------------------------


def go_available(*, person: people_models.Person, by: Actor, now: datetime) -> people_models.AgentState:
    """Take work from now on."""
    _admit_to_state(person, by)
    if person.left_at is not None or not person.is_a("agent"):
        raise Refused(_("Only agents who are with us take work."))
    _be_signed_in(person, by, now)
    return _set_agent_state(person, "available", "", people_events.BecameAvailable(), by, now)


def go_away(*, person: people_models.Person, reason: str, by: Actor, now: datetime) -> people_models.AgentState:
    """Take no new work for a while, and say why."""
    _admit_to_state(person, by)
    if not reason.strip():
        raise Refused(_("Choose a not-ready reason, for example “break”."))
    _be_signed_in(person, by, now)
    return _set_agent_state(person, "away", reason.strip(), people_events.WentAway(reason.strip()), by, now)


def sign_out_of_work(
    *, person: people_models.Person, by: Actor, now: datetime, because: str | None = None
) -> people_models.AgentState:
    """End the working day: no more offers. `because` says why, where the person did not say so."""
    _admit_to_state(person, by)
    return _end_the_day(person, because, by, now)


def _end_the_day(
    person: people_models.Person, because: str | None, by: Actor, now: datetime
) -> people_models.AgentState:
    return _set_agent_state(person, "signed-out", "", people_events.SignedOut(because), by, now)


def _admit_to_state(person: people_models.Person, by: Actor) -> None:
    """Somebody's state is their own to set, and that of those who lead them."""
    if by.person_id == person.id:
        permissions.admit(by, "states.set-own")
    else:
        permissions.admit(by, "states.set-others", team=person.team_id)


def set_state(
    *,
    person: people_models.Person,
    state: Literal["away", "signed-out"],
    by: Actor,
    now: datetime,
    reason: str = "",
    as_seen: str | None = None,
) -> people_models.AgentState:
    """Set somebody else's agent state: to Not ready for a reason, or Signed out. Refused where it is not `as_seen`.

    What they have in hand stays with them, and an open offer goes back in line.
    """
    permissions.admit(by, "states.set-others")  # of any team: the agent's own leader may be away
    if person.left_at is not None or not person.is_a("agent"):
        raise Refused(_("{name} takes no work.").format(name=person.name))
    agent_state = _agent_state(person)
    if as_seen is not None and as_seen != agent_state.since.isoformat():
        raise Refused(_state_moved_on(agent_state, by))
    if agent_state.state == "signed-out":
        raise Refused(_("{name} is signed out of work already.").format(name=person.name))
    if state == "away" and not reason.strip():
        raise Refused(_("Choose a not-ready reason, for example “break”."))
    events = {"away": people_events.WentAway(reason.strip()), "signed-out": people_events.SignedOut(BY_A_LEADER)}
    return _set_agent_state(person, state, reason.strip() if state == "away" else "", events[state], by, now)


def _state_moved_on(agent_state: people_models.AgentState, by: Actor) -> str:
    """Say who set somebody's state meanwhile, and to what."""
    person = agent_state.person
    changes = event_log_queries.of_person(person.id).filter(event__in=_STATES_SET, at=agent_state.since)
    by_id = changes.values_list("by_id", flat=True).last()
    who = person if by_id is None else people_models.Person.objects.get(id=by_id)
    if who.id == by.person_id:
        return _("Nothing was changed: you have set it already.")
    now_is = " ".join(filter(None, [agent_state.state.replace("-", " "), agent_state.reason]))
    told = _("Nothing was changed: {who} was quicker. {name} is {state} now.")
    return told.format(who=who.name, name=person.name, state=now_is)


_STATES_SET = tuple(
    each.name for each in (people_events.BecameAvailable, people_events.WentAway, people_events.SignedOut)
)


def end_presences(*, by: Actor, now: datetime) -> int:
    """Sign out of work whoever forgot to when their shift ended; returns how many."""
    permissions.admit(by, "states.set-others")
    there = people_queries.with_shifts(people_queries.on_the_floor(), now)
    forgotten = [
        person
        for person in there
        if not people_queries.on_shift(person, now)[0] and people_queries.last_shift_ended(person, now) < now - STAYS_ON
    ]
    for person in forgotten:
        sign_out_of_work(person=person, because=SHIFT_OVER, by=by, now=now)
    return len(forgotten)


def note_heard(*, person_ids: Collection[int], now: datetime) -> None:
    """Browsers of these people are there."""
    people_models.Heard.objects.bulk_create(
        (people_models.Heard(person_id=each, at=now) for each in sorted(person_ids)),
        update_conflicts=True,
        unique_fields=["person"],
        update_fields=["at"],
    )


def _be_signed_in(person: people_models.Person, by: Actor, now: datetime) -> None:
    if _agent_state(person).state == "signed-out":
        event_log.record(people_events.SignedIn(), at=now, client_id=person.client_id, person_id=person.id, by=by)


def _set_agent_state(
    person: people_models.Person, state: str, reason: str, event: Event, by: Actor, now: datetime
) -> people_models.AgentState:
    agent_state = _agent_state(person)
    if (agent_state.state, agent_state.reason) == (state, reason):
        return agent_state
    if agent_state.state == "available":
        people_models.Spell.objects.create(
            person=person, started_at=agent_state.since, ended_at=max(now, agent_state.since)
        )
    agent_state.state, agent_state.reason, agent_state.since = state, reason, now
    agent_state.save()
    event_log.record(event, at=now, client_id=person.client_id, person_id=person.id, by=by)
    return agent_state


def _agent_state(person: people_models.Person) -> people_models.AgentState:
    """The person's agent_state, locked: an offer and a going-away of the same moment happen one after the other."""
    return people_models.AgentState.objects.select_for_update().get(person=person)
