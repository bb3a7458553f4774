"""Sign-in as django-allauth does it, told what this installation allows."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by hiring a person; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
