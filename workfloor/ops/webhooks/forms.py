"""What is said of another system that is to be told of events."""

from django import forms
from django.utils.translation import gettext_lazy

from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.ops.webhooks import public_events


class Endpoint(forms.Form):
    """Which system, of whose events, where and which; the action checks the address."""

    client = forms.ModelChoiceField(
        Client.objects.none(),
        label=gettext_lazy("Client"),
        empty_label=None,
        error_messages={"required": gettext_lazy("Choose a client.")},
    )
    title = forms.CharField(
        label=gettext_lazy("Which system"),
        max_length=100,
        help_text=gettext_lazy("Such as: their CRM."),
        error_messages={"required": gettext_lazy("Say which system it is.")},
    )
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        error_messages={"required": gettext_lazy("Say where events are sent.")},
    )
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        required=False,
        choices=[(name, f"{name}.*") for name in public_events.GROUPS],
        widget=forms.CheckboxSelectMultiple,
    )
    names = forms.CharField(
        label=gettext_lazy("And these by name"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Such as: work.wrapped-up case.resolved"),
    )

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        field = self.fields["client"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = clients_queries.clients()

    def events(self) -> list[str]:
        """The events and groups that were chosen, once it is valid."""
        return [*self.cleaned_data["groups"], *self.cleaned_data["names"].replace(",", " ").split()]
