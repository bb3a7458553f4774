"""Sign-in as django-allauth does it, told what this installation allows."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from workfloor.core.people import actions as people
from workfloor.kit.time import clock


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by hiring a person; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def logout(self, request: HttpRequest) -> None:
        """Whoever signs out of their account is not there to be offered work either."""
        person = getattr(request, "person", None)
        if person is not None and person.is_a("agent"):
            people.sign_out_of_work(person=person, now=clock.now(), because=people.LEFT_THE_DESK)
        super().logout(request)
