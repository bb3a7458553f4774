"""Sign-in as django-allauth does it, told what this installation allows."""

from ipaddress import ip_address, ip_network
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from workfloor.core.people import actions as people
from workfloor.kit.time import clock


def network(address: str) -> str:
    """Where somebody asks from, without telling neighbours apart: /24 of IPv4, /48 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return "nowhere"
    return str(ip_network((found, 24 if found.version == 4 else 48), strict=False))


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by hiring a person; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """What wrong passwords are counted under: the account, as tried from one network."""
        account: str = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account} from {network(self.get_client_ip(request))}"

    def logout(self, request: HttpRequest) -> None:
        """Whoever signs out of their account is not there to be offered work either."""
        person = getattr(request, "person", None)
        if person is not None and person.is_a("agent"):
            people.sign_out_of_work(person=person, now=clock.now(), because=people.LEFT_THE_DESK)
        super().logout(request)
