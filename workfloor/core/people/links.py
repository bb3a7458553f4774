"""Links by which people choose their password: made, ended, used. What is in a link is in no row, fact or log."""

import secrets
from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from workfloor.core.access.actors import Actor
from workfloor.core.access.permissions import Refused
from workfloor.core.clients import tokens
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.outgoing import actions as outgoing
from workfloor.core.people import events as people_events
from workfloor.core.people import qualification
from workfloor.core.people.models import Person, SignIn, SignInLink

_SALT = "workfloor: links by which people choose their password"
MAILED = {
    "invitation": people_events.Invited,
    "sign-in-link": people_events.SignInLinkSent,
    "forgotten-password": people_events.PasswordForgotten,
}


def written(link: SignInLink) -> str:
    """What stands in a link: computed, where it is needed, from what the row has and from the installation's key."""
    return f"{link.pk}-{_secret(link.seed)}"


def make(*, person: Person, purpose: str, by: Actor, now: datetime) -> SignInLink:
    """Make a person a link, which ends the one before; it goes to their address, unless it is printed."""
    if person.account is None:
        raise Refused(_("{person} has nothing to sign in with.").format(person=person.name))
    if person.left_at is not None:
        raise Refused(_("{person} has left.").format(person=person.name))
    end(person=person, because="replaced", now=now)
    seed, until = secrets.token_hex(32), now + qualification.LINKS_LAST[purpose]
    digest = tokens.digest(_secret(seed))
    link = SignInLink.objects.create(
        person=person, purpose=purpose, seed=seed, digest=digest, made_at=now, ends_at=until
    )
    told: Event = people_events.SignInLinkPrinted(link.id, until)
    if purpose in MAILED:
        to = person.account.email
        told = MAILED[purpose](link.id, to, until)
        link.mail = outgoing.post(kind=purpose, about=link.id, to=to, person_id=person.id, by=by, now=now)
        link.save(update_fields=["mail"])
    event_log.record(told, at=now, client_id=person.client_id, person_id=person.id, by=by)
    return link


def end(*, person: Person, because: str, now: datetime) -> SignInLink | None:
    """End the link of a person that opens something, if there is one; two who do anything to it wait for each other."""
    Person.objects.select_for_update().get(id=person.id)
    link = SignInLink.objects.filter(person=person, ended_at=None).first()
    if link:
        link.ended_at, link.ended_by = now, because
        link.save(update_fields=["ended_at", "ended_by"])
    return link


def use(*, link: SignInLink, password: str, now: datetime) -> None:
    """Let the person whose link it is have the password that they chose. Raises Refused where the link has ended."""
    ended = end(person=link.person, because="used", now=now)
    if ended is None or ended.id != link.id or ended.ends_at <= now or link.person.left_at is not None:
        raise Refused(_("This link has ended."))
    have_chosen(person=link.person, password=password, by_way_of=link.purpose, link_id=link.id, now=now)


def have_chosen(*, person: Person, password: str, by_way_of: str, link_id: int | None, now: datetime) -> None:
    """A person has chosen a password: sessions end, whose key is derived from it, and what their commands show."""
    assert person.account is not None
    person.account.set_password(password)
    person.account.save(update_fields=["password"])
    ended = SignIn.objects.filter(person=person, ended_at=None, ends_at__gt=now).update(ended_at=now)
    chosen = people_events.PasswordChosen(by_way_of, link_id, ended)
    event_log.record(chosen, at=now, client_id=person.client_id, person_id=person.id, by=person)


def _secret(seed: str) -> str:
    return salted_hmac(_SALT, seed, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
