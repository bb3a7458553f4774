"""What mails with a link by which somebody chooses their password say."""

from datetime import UTC
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from workfloor.core.outgoing import letters as outgoing_letters
from workfloor.core.people import links as people_links
from workfloor.core.people.models import SignInLink

Written = outgoing_letters.Written


def address(link: SignInLink) -> str:
    """The address of a link, as a browser opens it: of where settings say that people find us, whoever asks."""
    asked = urlencode({"link": people_links.written(link)})
    return f"{site()}{reverse('people:choose')}?{asked}"


def site() -> str:
    """Where people find this installation."""
    return str(settings.WORKFLOOR_URL or f"http://{settings.WORKFLOOR_BIND}")


@outgoing_letters.says("invitation")
def invitation(link_id: int) -> Written | None:
    """Somebody was taken on and chooses their first password."""
    return _written(
        link_id,
        _("Your account at Workfloor"),
        _("An account was made for you at {site}. You sign in with this address. Choose your password here:"),
        _("If you did not expect this, do nothing: without a password nobody can sign in."),
    )


@outgoing_letters.says("sign-in-link")
def sign_in_link(link_id: int) -> Written | None:
    """An administrator sent somebody a link."""
    return _written(
        link_id,
        _("Choose a new password for Workfloor"),
        _("An administrator of {site} sends you a link to choose a new password. Until you use it the old one holds:"),
        _("If you did not ask for it, do nothing, and tell whoever runs Workfloor where you work."),
    )


@outgoing_letters.says("forgotten-password")
def forgotten_password(link_id: int) -> Written | None:
    """Somebody says to have forgotten the password of this address."""
    return _written(
        link_id,
        _("Choose a new password for Workfloor"),
        _("Somebody asked at {site} for a new password of this address. If it was you, choose one here:"),
        _("If it was not you, do nothing: your password stays as it is."),
    )


def _written(link_id: int, subject: str, opening: str, closing: str) -> Written | None:
    """A mail with a link, unless that has ended since it was asked for."""
    link = SignInLink.objects.select_related("person").filter(id=link_id, ended_at=None).first()
    if link is None:
        return None
    until = f"{link.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    lasts = _("It opens once, until {until}. Nobody else can see it; do not pass it on.").format(until=until)
    greeting = _("Hello {name},").format(name=link.person.name)
    parts = (greeting, opening.format(site=site()), address(link), lasts, closing)
    return Written(subject, "\n\n".join(parts) + "\n")
