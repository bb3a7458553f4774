"""What people do about their own account: choose a language, ask for a link, choose a password, sign commands in."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final

from django.conf import settings
from django.utils.translation import gettext as _

from workfloor.core.access import actors, permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients import tokens
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.events import Event
from workfloor.core.people import events as people_events
from workfloor.core.people import links as people_links
from workfloor.core.people import models as people_models
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import jobs
from workfloor.kit.declarations import field
from workfloor.kit.text import masks

SIGNED_IN_FOR: Final = timedelta(hours=12)
RESET: Final = "people.send_reset"
MOST_RESETS: Final = 5  # links of one person within
RESETS_WITHIN: Final = timedelta(hours=1)
SIGN_IN_PAGE: Final = actors.engine("sign-in page")

Refused = permissions.Refused
LANGUAGES: Final = (people_models.ANY_LANGUAGE, *dict(settings.LANGUAGES))


def note_own_account(*, person: people_models.Person, event: Event, now: datetime) -> None:
    """Record what somebody changed of their own account, on a page that is not ours."""
    event_log.record(event, at=now, client_id=person.client_id, person_id=person.id, by=person)


def choose_language(*, language: str, by: people_models.Person, now: datetime) -> None:
    """Have pages speak a language to oneself; empty: the one that the browser asks for."""
    if language and language not in dict(settings.LANGUAGES):
        raise Refused(_("“{language}” is no language that pages speak.").format(language=language))
    event_log.record_change(
        "person", by, {"language": language}, at=now, by=by, client_id=by.client_id, person_id=by.id
    )


@action(
    "Keep my signature",
    permission="signatures.keep",
    command="people signature",
    says="Your signature is kept.",
    example="workfloor people signature 'Ana Duarte\nBilling' --language en",
)
def keep_signature(
    *,
    text: Annotated[str, field("Signature", "Beneath your mails; {agent} and {client} stand for names.", most=2_000)],
    language: Annotated[str, field("Language", "Of mails that it is for.", choices=LANGUAGES)] = "any",
    by: people_models.Person,
    now: datetime,
) -> None:
    """Keep what stands beneath one's own mails, in one language or all; nothing written, nothing kept any more."""
    kept = masks.mask(text.replace("\r\n", "\n").strip()).text  # facts cannot be deleted
    signatures = {name: said for name, said in by.signatures.items() if name != language}
    signatures |= {language: kept} if kept else {}
    event_log.record_change("person", by, {"signatures": signatures}, at=now, by=by, person_id=by.id)


def ask_for_reset(*, email: str) -> None:
    """Somebody says to have forgotten the password of an address. Whether it is known shows in nothing done here."""
    jobs.ask_for(RESET, once=f"{RESET}/{email}", email=email)


def send_reset(*, email: str, now: datetime) -> people_models.SignInLink | None:
    """Send whoever signs in with an address a link to choose a new password; None where nobody does, or has enough."""
    person = people_queries.by_email(email)
    if person is None or people_queries.links_since(person, now - RESETS_WITHIN) >= MOST_RESETS:
        return None
    asked_before = person.account is not None and person.account.has_usable_password()
    purpose = "forgotten-password" if asked_before else "invitation"
    return people_links.make(person=person, purpose=purpose, by=SIGN_IN_PAGE, now=now)


def choose_password(*, link: people_models.SignInLink, password: str, now: datetime) -> None:
    """Somebody chose their password by a link, which is used with it. Raises Refused where it has ended."""
    people_links.use(link=link, password=password, now=now)


def change_own_password(*, person: people_models.Person, password: str, now: datetime) -> None:
    """Somebody who is signed in, and said their password, has another from now on."""
    people_links.end(person=person, because="replaced", now=now)
    people_links.have_chosen(person=person, password=password, by_way_of="own-account", link_id=None, now=now)


def print_link(*, person: people_models.Person, by: Actor, now: datetime) -> people_models.SignInLink:
    """Make a link that is printed where it was asked for: for the root of the installation alone, and facts say so."""
    permissions.admit(by, "people.print-link")
    return people_links.make(person=person, purpose="printed-by-root", by=by, now=now)


def sign_in(*, person: people_models.Person, title: str, now: datetime) -> tuple[people_models.SignIn, str]:
    """Let the commands of one machine act as a person, who has just proved who they are; returns what it shows.

    It ends by itself after SIGNED_IN_FOR, with the person's password, and when they leave.
    """
    secret = secrets.token_urlsafe(32)
    made = people_models.SignIn.objects.create(
        person=person, title=title[:200], digest=tokens.digest(secret), began_at=now, ends_at=now + SIGNED_IN_FOR
    )
    began = people_events.SignedInByCommand(made.id, made.title, made.ends_at)
    event_log.record(began, at=now, person_id=person.id, by=person)
    return made, f"{people_queries.SIGN_IN_PREFIX}{made.id}_{secret}"


def sign_out(*, sign_in: people_models.SignIn, by: Actor, now: datetime) -> None:
    """End a sign-in of commands: one's own, or anybody's for whoever may send them a sign-in link."""
    if by.person_id != sign_in.person_id:
        permissions.admit(by, "people.send-link")
    sign_in.ended_at = now
    sign_in.save(update_fields=["ended_at"])
    event_log.record(people_events.SignedOutByCommand(sign_in.id), at=now, person_id=sign_in.person_id, by=by)
