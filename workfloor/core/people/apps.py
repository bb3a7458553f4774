"""People: the provider's staff and the clients' own people, what they may do and what they can."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "workfloor.core.people"
    label = "people"
