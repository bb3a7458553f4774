"""Hiring, certifying and clearing people, and their agent state at work."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import available_timezones

from django.core.validators import validate_email

from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.people import events as people_events
from workfloor.core.people import models as people_models
from workfloor.core.people import qualification
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import locks
from workfloor.kit.time import calendars

# Why somebody is signed out of work.
SHIFT_OVER, LEFT_THE_DESK, BROWSER_GONE = "shift-over", "signed-out-of-the-account", "browser-gone"
STAYS_ON = timedelta(hours=1)  # after a shift, for what is still in hand


class Refused(ValueError):
    """The person may not do that, or cannot now."""


def open_account(*, email: str, password: str) -> people_models.Account:
    """Make something to sign in with; an address has one account."""
    validate_email(email)
    if people_models.Account.objects.filter(email=email.strip().lower()).exists():
        raise Refused(f"{email} has an account already")
    return people_models.Account.objects.create_user(email, password)


def set_password(*, person: people_models.Person, password: str, now: datetime, by_id: int | None = None) -> None:
    """Give a person a new password; sessions of the old one end, since their key is derived from it."""
    if person.account is None:
        raise Refused(f"{person.name} has nothing to sign in with")
    person.account.set_password(password)
    person.account.save(update_fields=["password"])
    event_log.record(people_events.PasswordSet(), at=now, client_id=person.client_id, person_id=person.id, by_id=by_id)


def open_site(*, name: str, country: str, zone: str) -> people_models.Site:
    """Name a place with people; its country and zone must be known ones."""
    if people_models.Site.objects.filter(name=name).exists():
        raise Refused(f"there is a site {name} already")
    if zone not in available_timezones():
        raise Refused(f"“{zone}” is no time zone; write it as in “Europe/Lisbon”")
    if country not in calendars.countries():
        raise Refused(f"“{country}” is no country of ISO 3166; write two letters as in “PT”")
    return people_models.Site.objects.create(name=name, country=country, zone=zone)


def form_team(*, name: str, site: people_models.Site, leader: people_models.Person | None = None) -> people_models.Team:
    """Form a team at a site."""
    if people_models.Team.objects.filter(name=name).exists():
        raise Refused(f"there is a team {name} already")
    return people_models.Team.objects.create(name=name, site=site, leader=leader)


def hire(
    *,
    name: str,
    roles: Sequence[str],
    now: datetime,
    site: people_models.Site | None = None,
    team: people_models.Team | None = None,
    client: Client | None = None,
    account: people_models.Account | None = None,
    by_id: int | None = None,
) -> people_models.Person:
    """Take a person on: of the provider's staff, or (with `client`) one of that client's own people."""
    person = people_models.Person.objects.create(
        name=name, roles=list(roles), joined_at=now, site=site, team=team, client=client, account=account
    )
    if client is None:
        people_models.AgentState.objects.create(person=person, since=now)
    joined = people_events.PersonJoined(name, list(roles), site.name if site else None)
    event_log.record(joined, at=now, client_id=person.client_id, person_id=person.id, by_id=by_id)
    return person


def leave(*, person: people_models.Person, now: datetime, by_id: int | None = None) -> None:
    """Let a person go: nothing is offered any more, the account is closed, the facts stay."""
    if person.client_id is None:  # a client's own people are never at work here
        sign_out_of_work(person=person, now=now)
    person.left_at = now
    person.save(update_fields=["left_at"])
    if person.account:
        person.account.is_active = False
        person.account.save(update_fields=["is_active"])
    event_log.record(people_events.PersonLeft(), at=now, client_id=person.client_id, person_id=person.id, by_id=by_id)


def certify(
    *,
    person: people_models.Person,
    skill: str,
    level: int,
    proof: str,
    valid_from: date,
    now: datetime,
    expires_on: date | None = None,
    by_id: int | None = None,
) -> people_models.Certificate:
    """Grant a skill at a level, on the proof that was shown."""
    known, _ = people_models.Skill.objects.get_or_create(name=skill)
    certificate = people_models.Certificate.objects.create(
        person=person, skill=known, level=level, proof=proof, valid_from=valid_from, expires_on=expires_on
    )
    certified = people_events.Certified(skill, level, proof, valid_from, expires_on)
    event_log.record(certified, at=now, person_id=person.id, by_id=by_id)
    return certificate


def revoke_certificate(
    *, certificate: people_models.Certificate, reason: str, now: datetime, by_id: int | None = None
) -> None:
    """Take a skill back."""
    certificate.revoked_at = now
    certificate.save(update_fields=["revoked_at"])
    revoked = people_events.CertificateRevoked(certificate.skill.name, reason)
    event_log.record(revoked, at=now, person_id=certificate.person_id, by_id=by_id)


def clear(
    *, person: people_models.Person, client: Client, now: datetime, by_id: int | None = None
) -> people_models.Clearance:
    """Give a person the right to touch a client's work."""
    if people_models.Clearance.objects.filter(person=person, client=client, withdrawn_at=None).exists():
        raise Refused(f"{person.name} is cleared for {client.slug} already")
    clearance = people_models.Clearance.objects.create(person=person, client=client, granted_at=now)
    event_log.record(people_events.Cleared(), at=now, client_id=client.id, person_id=person.id, by_id=by_id)
    return clearance


def withdraw_clearance(*, clearance: people_models.Clearance, now: datetime, by_id: int | None = None) -> None:
    """Take that right back at once."""
    clearance.withdrawn_at = now
    clearance.save(update_fields=["withdrawn_at"])
    event_log.record(
        people_events.ClearanceWithdrawn(),
        at=now,
        client_id=clearance.client_id,
        person_id=clearance.person_id,
        by_id=by_id,
    )


def plan_shift(
    *, person: people_models.Person, starts_at: datetime, ends_at: datetime, now: datetime, by_id: int | None = None
) -> people_models.Shift:
    """Say when a person is to work: from now on nothing is offered to them outside their shifts."""
    if not starts_at < ends_at <= starts_at + qualification.LONGEST_SHIFT:
        raise Refused("A shift ends after it begins, and within 24 hours.")
    if not person.is_a("agent") or person.left_at is not None:
        raise Refused("Only agents who are with us have shifts.")
    locks.hold("person.shift", person.id)
    others = people_models.Shift.objects.filter(
        person=person, cancelled_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    if other := others.first():
        raise Refused(f"{person.name} has a shift from {other.starts_at:%Y-%m-%d %H:%M} UTC on that overlaps it.")
    shift = people_models.Shift.objects.create(person=person, starts_at=starts_at, ends_at=ends_at, planned_at=now)
    event_log.record(people_events.ShiftPlanned(starts_at, ends_at), at=now, person_id=person.id, by_id=by_id)
    return shift


def cancel_shift(*, shift: people_models.Shift, now: datetime, by_id: int | None = None) -> None:
    """Take a shift back; whoever has no other left on file takes work while they say so."""
    shift.cancelled_at = now
    shift.save(update_fields=["cancelled_at"])
    cancelled = people_events.ShiftCancelled(shift.starts_at, shift.ends_at)
    event_log.record(cancelled, at=now, person_id=shift.person_id, by_id=by_id)


def go_available(*, person: people_models.Person, now: datetime) -> people_models.AgentState:
    """Take work from now on."""
    if person.left_at is not None or not person.is_a("agent"):
        raise Refused("Only agents who are with us take work.")
    _be_signed_in(person, now)
    return _set_agent_state(person, "available", "", people_events.BecameAvailable(), now)


def go_away(*, person: people_models.Person, reason: str, now: datetime) -> people_models.AgentState:
    """Take no new work for a while, and say why."""
    if not reason.strip():
        raise Refused("Choose a not-ready reason, for example “break”.")
    _be_signed_in(person, now)
    return _set_agent_state(person, "away", reason.strip(), people_events.WentAway(reason.strip()), now)


def sign_out_of_work(
    *, person: people_models.Person, now: datetime, because: str | None = None
) -> people_models.AgentState:
    """End the working day: no more offers. `because` says why, where the person did not say so."""
    return _set_agent_state(person, "signed-out", "", people_events.SignedOut(because), now)


def end_presences(*, now: datetime) -> int:
    """Sign out of work whoever forgot to when their shift ended; returns how many."""
    there = people_queries.with_shifts(people_queries.on_the_floor(), now)
    forgotten = [
        person
        for person in there
        if not people_queries.on_shift(person, now)[0] and people_queries.last_shift_ended(person, now) < now - STAYS_ON
    ]
    for person in forgotten:
        sign_out_of_work(person=person, now=now, because=SHIFT_OVER)
    return len(forgotten)


def note_heard(*, person_ids: Collection[int], now: datetime) -> None:
    """Browsers of these people are there."""
    people_models.Heard.objects.bulk_create(
        (people_models.Heard(person_id=each, at=now) for each in sorted(person_ids)),
        update_conflicts=True,
        unique_fields=["person"],
        update_fields=["at"],
    )


def _be_signed_in(person: people_models.Person, now: datetime) -> None:
    if _agent_state(person).state == "signed-out":
        event_log.record(people_events.SignedIn(), at=now, client_id=person.client_id, person_id=person.id)


def _set_agent_state(
    person: people_models.Person, state: str, reason: str, event: Event, now: datetime
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
    event_log.record(event, at=now, client_id=person.client_id, person_id=person.id)
    return agent_state


def _agent_state(person: people_models.Person) -> people_models.AgentState:
    """The person's agent_state, locked: an offer and a going-away of the same moment happen one after the other."""
    return people_models.AgentState.objects.select_for_update().get(person=person)
