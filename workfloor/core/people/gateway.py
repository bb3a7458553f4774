"""Sign-in as django-allauth does it, told what this installation allows."""

import secrets
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core.context import request_context
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from workfloor.core.event_log.events import Event
from workfloor.core.people import actions as people
from workfloor.core.people import events as people_events
from workfloor.core.people import own_account
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Account, Person
from workfloor.kit.time import clock
from workfloor.kit.web import addresses

DEVICE_SECONDS: Final = 180 * 86_400
MOST_ACCOUNTS: Final = 10  # of those who share a device, the latest
_SALT: Final = "workfloor: devices from which somebody has signed in"


def devices(request: HttpRequest) -> dict[str, str]:
    """The accounts that were signed in to from this device, and what it is called at each; {} for a stranger's."""
    try:
        written = request.COOKIES.get(settings.WORKFLOOR_DEVICE_COOKIE, "")
        found = signing.loads(written, salt=_SALT, max_age=DEVICE_SECONDS)
    except signing.BadSignature:
        return {}
    return dict(found)


def remember(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """Let a device be known from which somebody has just signed in; what it was called it stays."""
    known = devices(request)
    name = known.pop(str(account.pk), "") or secrets.token_urlsafe(9)
    latest = dict([*known.items(), (str(account.pk), name)][-MOST_ACCOUNTS:])
    response.set_cookie(
        settings.WORKFLOOR_DEVICE_COOKIE,
        signing.dumps(latest, salt=_SALT),
        max_age=DEVICE_SECONDS,
        path="/accounts/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def proved(email: str, password: str) -> Account | None:
    """The account that an address and a password open, without a browser; counted like any other try.

    Raises ValidationError where there were too many.
    """
    request = _request_of_a_command()
    with request_context(request):
        found = get_adapter(request).authenticate(request, email=email.strip().lower(), password=password)
    return found if isinstance(found, Account) and found.is_active else None


def has_second_factor(account: Account) -> bool:
    """Whether a password alone opens nothing."""
    return bool(is_mfa_enabled(account))


def second_factor_proved(account: Account, code: str) -> bool:
    """Whether a code is that of an authenticator of the account, or one of its recovery codes, each good for once."""
    counted = {"app": "allauth.account", "action": "code_failed_by_command", "key": str(account.pk)}
    tried = ratelimit.consume(_request_of_a_command(), **counted)
    if not tried or not any(each.wrap().validate_code(code) for each in Authenticator.objects.filter(user=account)):
        return False
    tried.rollback()
    return True


def _request_of_a_command() -> HttpRequest:
    """What allauth counts tries by: whoever gives commands is on a machine of ours."""
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="127.0.0.1", SERVER_NAME="localhost", SERVER_PORT="80")
    return request


def network(address: str) -> str:
    """Where somebody asks from, without telling neighbours apart: /24 of IPv4, /48 of IPv6."""
    return addresses.network(address, bits_of_4=24, bits_of_6=48) or "nowhere"


def may_ask_for_reset(request: HttpRequest, email: str) -> bool:
    """Count that a link is asked for, by address and network, whether or not it is known; False for too often."""
    here = network(get_adapter(request).get_client_ip(request))
    return bool(ratelimit.consume(request, app="allauth.account", action="reset_asked", key=f"{email} from {here}"))


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by hiring a person; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that tries are counted for, in one way of writing."""
        return addresses.plain(str(super().get_client_ip(request)))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count an attempt before it is made, and no more if it succeeds; raises ValidationError for too many."""
        email = str(credentials.get("email") or "").strip().lower()
        account = Account.objects.filter(email=email).first()
        whose = str(account.pk) if account else ""
        if device := devices(request).get(whose):
            counted = [("login_failed_on_device", f"{whose} on {device}")]
        elif account and is_mfa_enabled(account):
            counted = [("login_failed_before_factor", "")]
        else:
            here = self._get_login_attempts_cache_key(request, **credentials)
            counted = [("login_failed", here), ("login_failed_anywhere", email)]
        usages = []
        for action, key in counted:
            used = ratelimit.consume(request, app="allauth.account", action=action, key=key)
            if not used:
                raise self.validation_error("too_many_login_attempts")
            usages += used.usage
        self._login_failed_rl_usage = ratelimit.RateLimitUsage(usages)

    def set_password(self, user: Any, password: str) -> None:
        """Whoever is signed in has chosen another password."""
        person = people_queries.by_account(user.pk)
        if person is None:
            raise people.Refused(_("This account belongs to nobody who is with us."))
        person.account = user  # whose password the session is compared with
        own_account.change_own_password(person=person, password=password, now=clock.now())

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **more)
        remember(request, response, user)
        return response

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What wrong passwords are counted under: the account, as tried from one network."""
        account: str = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account} from {network(self.get_client_ip(request))}"

    def logout(self, request: HttpRequest) -> None:
        """Whoever signs out of their account is not there to be offered work either."""
        person = getattr(request, "person", None)
        if person is not None and person.may("states.set-own"):
            people.sign_out_of_work(person=person, because=people.LEFT_THE_DESK, by=person, now=clock.now())
        super().logout(request)


# --- What people change of their own accounts on allauth's pages, as facts --------------------------------------------


def factor_kept(instance: Authenticator, created: bool, **_: Any) -> None:
    """Somebody set up a second factor, or has new recovery codes; allauth itself tells so when all is committed."""
    if not created:
        return
    if instance.type == Authenticator.Type.RECOVERY_CODES:
        _note(instance.user, people_events.RecoveryCodesMade())
    else:
        _note(instance.user, people_events.SecondFactorAdded(instance.type))


def factor_gone(instance: Authenticator, **_: Any) -> None:
    """Somebody removed a second factor; recovery codes go with it, or for new ones."""
    if instance.type != Authenticator.Type.RECOVERY_CODES:
        _note(instance.user, people_events.SecondFactorRemoved(instance.type))


def _note(account: Account, event: Event) -> None:
    if (person := Person.objects.filter(account=account).first()) is not None:
        own_account.note_own_account(person=person, event=event, now=clock.now())
