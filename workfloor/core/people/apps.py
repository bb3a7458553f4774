"""People: the provider's staff and the clients' own people, what they may do and what they can."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "workfloor.core.people"
    label = "people"

    def ready(self) -> None:
        """Let what people change of their own accounts, on pages that are not ours, be facts too."""
        from allauth.mfa.models import Authenticator
        from django.db.models.signals import post_delete, post_save

        from workfloor.core.people import gateway as people_gateway

        post_save.connect(people_gateway.factor_kept, sender=Authenticator)
        post_delete.connect(people_gateway.factor_gone, sender=Authenticator)
