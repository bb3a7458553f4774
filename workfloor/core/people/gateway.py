"""Sign-in as django-allauth does it, told what this installation allows."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from workfloor.core.people import actions as people
from workfloor.kit.time import clock
from workfloor.kit.web import addresses


def network(address: str) -> str:
    """Where somebody asks from, without telling neighbours apart: /24 of IPv4, /48 of IPv6."""
    return addresses.network(address, bits_of_4=24, bits_of_6=48) or "nowhere"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by hiring a person; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that tries are counted for, in one way of writing."""
        return addresses.plain(str(super().get_client_ip(request)))

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
