"""People: the provider's staff and the clients' own people, what they may do and what they can."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "workfloor.core.people"
    label = "people"

    def ready(self) -> None:
        """Let what people change of their own accounts, on pages that are not ours, be facts too."""
        from allauth.account import signals as account_signals
        from allauth.mfa import signals as mfa_signals

        from workfloor.core.people import gateway as people_gateway

        account_signals.password_changed.connect(people_gateway.password_changed)
        account_signals.password_set.connect(people_gateway.password_changed)
        mfa_signals.authenticator_added.connect(people_gateway.factor_added)
        mfa_signals.authenticator_removed.connect(people_gateway.factor_removed)
        mfa_signals.authenticator_reset.connect(people_gateway.codes_made)
