"""What is said of another system that is to be told of events."""

from django import forms

from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.ops.webhooks import public_events


class Endpoint(forms.Form):
    """Which system, of whose events, where and which; the action checks the address."""

    client = forms.ModelChoiceField(
        Client.objects.none(), empty_label=None, error_messages={"required": "Choose a client."}
    )
    title = forms.CharField(
        label="Which system",
        max_length=100,
        help_text="Such as: their CRM.",
        error_messages={"required": "Say which system it is."},
    )
    url = forms.CharField(
        label="Address",
        max_length=2000,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        error_messages={"required": "Say where events are sent."},
    )
    groups = forms.MultipleChoiceField(
        label="Events",
        required=False,
        choices=[(name, f"{name}.*") for name in public_events.GROUPS],
        widget=forms.CheckboxSelectMultiple,
    )
    names = forms.CharField(
        label="And these by name",
        required=False,
        max_length=2000,
        help_text="Such as: work.wrapped-up case.resolved",
    )

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        field = self.fields["client"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = clients_queries.clients()

    def events(self) -> list[str]:
        """The events and groups that were chosen, once it is valid."""
        return [*self.cleaned_data["groups"], *self.cleaned_data["names"].replace(",", " ").split()]
