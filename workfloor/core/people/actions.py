"""Hiring, certifying and clearing people, and their presence at work."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import available_timezones

import holidays
from django.core.validators import validate_email

from workfloor.core.clients.models import Client
from workfloor.core.journal import actions as journal
from workfloor.core.journal.rules import Event
from workfloor.core.people import events, models, rules
from workfloor.kit import locks


class Refused(ValueError):
    """The person may not do that, or cannot now."""


def open_account(*, email: str, password: str) -> models.Account:
    """Make something to sign in with; an address has one account."""
    validate_email(email)
    if models.Account.objects.filter(email=email.strip().lower()).exists():
        raise Refused(f"{email} has an account already")
    return models.Account.objects.create_user(email, password)


def set_password(*, person: models.Person, password: str, now: datetime, by_id: int | None = None) -> None:
    """Give a person a new password; sessions of the old one end, since their key is derived from it."""
    if person.account is None:
        raise Refused(f"{person.name} has nothing to sign in with")
    person.account.set_password(password)
    person.account.save(update_fields=["password"])
    journal.record(events.PasswordSet(), at=now, client_id=person.client_id, person_id=person.id, by_id=by_id)


def open_site(*, name: str, country: str, zone: str) -> models.Site:
    """Name a place with people; its country and zone must be known ones."""
    if models.Site.objects.filter(name=name).exists():
        raise Refused(f"there is a site {name} already")
    if zone not in available_timezones():
        raise Refused(f"“{zone}” is no time zone; write it as in “Europe/Lisbon”")
    if country not in holidays.list_supported_countries():
        raise Refused(f"“{country}” is no country with known holidays; write two letters as in “PT”")
    return models.Site.objects.create(name=name, country=country, zone=zone)


def form_team(*, name: str, site: models.Site, leader: models.Person | None = None) -> models.Team:
    """Form a team at a site."""
    if models.Team.objects.filter(name=name).exists():
        raise Refused(f"there is a team {name} already")
    return models.Team.objects.create(name=name, site=site, leader=leader)


def hire(
    *,
    name: str,
    roles: Sequence[str],
    now: datetime,
    site: models.Site | None = None,
    team: models.Team | None = None,
    client: Client | None = None,
    account: models.Account | None = None,
    by_id: int | None = None,
) -> models.Person:
    """Take a person on: of the provider's staff, or (with `client`) one of that client's own people."""
    person = models.Person.objects.create(
        name=name, roles=list(roles), joined_at=now, site=site, team=team, client=client, account=account
    )
    if client is None:
        models.Presence.objects.create(person=person, since=now)
    joined = events.PersonJoined(name, list(roles), site.name if site else None)
    journal.record(joined, at=now, client_id=person.client_id, person_id=person.id, by_id=by_id)
    return person


def leave(*, person: models.Person, now: datetime, by_id: int | None = None) -> None:
    """Let a person go: nothing is offered any more, the account is closed, the facts stay."""
    if person.client_id is None:  # a client's own people are never at work here
        sign_out_of_work(person=person, now=now)
    person.left_at = now
    person.save(update_fields=["left_at"])
    if person.account:
        person.account.is_active = False
        person.account.save(update_fields=["is_active"])
    journal.record(events.PersonLeft(), at=now, client_id=person.client_id, person_id=person.id, by_id=by_id)


def certify(
    *,
    person: models.Person,
    skill: str,
    level: int,
    proof: str,
    valid_from: date,
    now: datetime,
    expires_on: date | None = None,
    by_id: int | None = None,
) -> models.Certificate:
    """Grant a skill at a level, on the proof that was shown."""
    known, _ = models.Skill.objects.get_or_create(name=skill)
    certificate = models.Certificate.objects.create(
        person=person, skill=known, level=level, proof=proof, valid_from=valid_from, expires_on=expires_on
    )
    certified = events.Certified(skill, level, proof, valid_from, expires_on)
    journal.record(certified, at=now, person_id=person.id, by_id=by_id)
    return certificate


def revoke_certificate(
    *, certificate: models.Certificate, reason: str, now: datetime, by_id: int | None = None
) -> None:
    """Take a skill back."""
    certificate.revoked_at = now
    certificate.save(update_fields=["revoked_at"])
    revoked = events.CertificateRevoked(certificate.skill.name, reason)
    journal.record(revoked, at=now, person_id=certificate.person_id, by_id=by_id)


def clear(*, person: models.Person, client: Client, now: datetime, by_id: int | None = None) -> models.Clearance:
    """Give a person the right to touch a client's work."""
    if models.Clearance.objects.filter(person=person, client=client, withdrawn_at=None).exists():
        raise Refused(f"{person.name} is cleared for {client.slug} already")
    clearance = models.Clearance.objects.create(person=person, client=client, granted_at=now)
    journal.record(events.Cleared(), at=now, client_id=client.id, person_id=person.id, by_id=by_id)
    return clearance


def withdraw_clearance(*, clearance: models.Clearance, now: datetime, by_id: int | None = None) -> None:
    """Take that right back at once."""
    clearance.withdrawn_at = now
    clearance.save(update_fields=["withdrawn_at"])
    journal.record(
        events.ClearanceWithdrawn(), at=now, client_id=clearance.client_id, person_id=clearance.person_id, by_id=by_id
    )


def plan_shift(
    *, person: models.Person, starts_at: datetime, ends_at: datetime, now: datetime, by_id: int | None = None
) -> models.Shift:
    """Say when a person is to work: from now on nothing is offered to them outside their shifts."""
    if not starts_at < ends_at <= starts_at + rules.LONGEST_SHIFT:
        raise Refused("A shift ends after it begins, and within 24 hours.")
    if not person.is_a("agent") or person.left_at is not None:
        raise Refused("Only agents who are with us have shifts.")
    locks.hold("person.shift", person.id)
    others = models.Shift.objects.filter(person=person, cancelled_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if other := others.first():
        raise Refused(f"{person.name} has a shift from {other.starts_at:%Y-%m-%d %H:%M} UTC on that overlaps it.")
    shift = models.Shift.objects.create(person=person, starts_at=starts_at, ends_at=ends_at, planned_at=now)
    journal.record(events.ShiftPlanned(starts_at, ends_at), at=now, person_id=person.id, by_id=by_id)
    return shift


def cancel_shift(*, shift: models.Shift, now: datetime, by_id: int | None = None) -> None:
    """Take a shift back; whoever has no other left on file takes work while they say so."""
    shift.cancelled_at = now
    shift.save(update_fields=["cancelled_at"])
    cancelled = events.ShiftCancelled(shift.starts_at, shift.ends_at)
    journal.record(cancelled, at=now, person_id=shift.person_id, by_id=by_id)


def go_available(*, person: models.Person, now: datetime) -> models.Presence:
    """Take work from now on."""
    if person.left_at is not None or not person.is_a("agent"):
        raise Refused("Only agents who are with us take work.")
    _be_signed_in(person, now)
    return _set_presence(person, "available", "", events.BecameAvailable(), now)


def go_away(*, person: models.Person, reason: str, now: datetime) -> models.Presence:
    """Take no new work for a while, and say why."""
    if not reason.strip():
        raise Refused("Say why you go away, for example “break”.")
    _be_signed_in(person, now)
    return _set_presence(person, "away", reason.strip(), events.WentAway(reason.strip()), now)


def sign_out_of_work(*, person: models.Person, now: datetime) -> models.Presence:
    """End the working day: no more offers."""
    return _set_presence(person, "signed-out", "", events.SignedOut(), now)


def _be_signed_in(person: models.Person, now: datetime) -> None:
    if _presence(person).state == "signed-out":
        journal.record(events.SignedIn(), at=now, client_id=person.client_id, person_id=person.id)


def _set_presence(person: models.Person, state: str, reason: str, event: Event, now: datetime) -> models.Presence:
    presence = _presence(person)
    if (presence.state, presence.reason) == (state, reason):
        return presence
    if presence.state == "available":
        models.Spell.objects.create(person=person, started_at=presence.since, ended_at=max(now, presence.since))
    presence.state, presence.reason, presence.since = state, reason, now
    presence.save()
    journal.record(event, at=now, client_id=person.client_id, person_id=person.id)
    return presence


def _presence(person: models.Person) -> models.Presence:
    """The person's presence, locked: an offer and a going-away of the same moment happen one after the other."""
    return models.Presence.objects.select_for_update().get(person=person)
