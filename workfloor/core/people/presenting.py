"""What is said of how somebody gets in: their invitation, the mail that it went by, their password."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from workfloor.core.people.models import Person, SignInLink

_CALLED = {
    "invitation": lambda: _("Invitation"),
    "sign-in-link": lambda: _("Sign-in link"),
    "forgotten-password": lambda: _("Link for a forgotten password"),
    "printed-by-root": lambda: _("Link printed by the root of the installation"),
}


def way_in(person: Person, link: SignInLink | None, now: datetime) -> str:
    """How a person gets in, by their latest link: invited, the mail's fate, run out, or signing in with a password."""
    if person.account is None:
        return _("Nothing to sign in with")
    has_password = person.account.has_usable_password()
    if link is not None and link.ended_at is None and (link.ends_at > now or not has_password):
        return fate(link, now)
    if has_password:
        return _("Signs in with a password")
    if link is not None and link.ended_by == "withdrawn":
        return _("Invitation withdrawn")
    return _("Not invited yet")


def fate(link: SignInLink, now: datetime) -> str:
    """What became of a link that was not used."""
    called = _CALLED[link.purpose]()
    if link.ends_at <= now:
        return _("{link} ran out on {at}").format(link=called, at=_at(link.ends_at))
    until = _at(link.ends_at)
    if link.mail is None:
        return _("{link}, good until {until}").format(link=called, until=until)
    if link.mail.state == "failed":
        return _("{link} not delivered: {answer}").format(link=called, answer=link.mail.answer)
    if link.mail.state == "sent":
        return _("{link} delivered, good until {until}").format(link=called, until=until)
    if link.mail.answer:
        return _("{link} delayed, tried again: {answer}").format(link=called, answer=link.mail.answer)
    return _("{link} is being sent, good until {until}").format(link=called, until=until)


def sent(link: SignInLink) -> str:
    """What is said to whoever had a link sent: where it goes, or why nowhere, and who can help then."""
    assert link.person.account is not None and link.mail is not None
    email = link.person.account.email
    if link.mail.state == "failed":
        said = _(
            "No mail goes to {email}. {why} Root can print a link at the machine: workfloor people print-link {email}"
        )
        return said.format(email=email, why=link.mail.answer)
    return _("A mail with a link goes to {email}, good until {until}.").format(email=email, until=_at(link.ends_at))


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
