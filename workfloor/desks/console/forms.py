"""What is asked of the audit."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from workfloor.core.audit import queries as audit_queries
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client

CHANGES, WITH_WORK, LOOKS = "changes", "work", "looks"


class Audit(forms.Form):
    """Who, what, whose client, from when to when; of changes, of changes with work, or of looks at personal data."""

    show = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[
            (CHANGES, _("Changes")),
            (WITH_WORK, _("Changes, and what happened to work")),
            (LOOKS, _("Looks at personal data")),
        ],
    )
    who = forms.CharField(label=_("Who"), required=False, max_length=100)
    about = forms.CharField(label=_("Of whom or what"), required=False, max_length=100)
    event = forms.CharField(label=_("Event"), required=False, max_length=100)
    customer = forms.CharField(label=_("Customer"), required=False, max_length=200)
    client = forms.ModelChoiceField(
        label=_("Client"), required=False, queryset=Client.objects.none(), to_field_name="slug", empty_label=_("All")
    )
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    after = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["client"].queryset = clients_queries.clients()  # type: ignore[attr-defined]
        self.fields["event"].widget.attrs["placeholder"] = _("person, contract, record …")
        self.fields["customer"].help_text = _("Their number or address: who looked at their data")

    @property
    def is_of_looks(self) -> bool:
        """Whether looks are asked for: so they are wherever a customer is named."""
        return self.cleaned_data["show"] == LOOKS or bool(self.cleaned_data["customer"])

    def asked(self) -> audit_queries.Asked:
        """What is asked for, days in UTC, the last one whole."""
        said = self.cleaned_data
        since, until = said["since"], said["until"]
        return audit_queries.Asked(
            who=said["who"],
            about=said["about"],
            event=said["event"],
            client=said["client"],
            since=since and datetime.combine(since, time(), UTC),
            until=until and datetime.combine(until + timedelta(days=1), time(), UTC),
            with_work=said["show"] == WITH_WORK,
            customer=said["customer"],
            after=audit_queries.Cursor.read(said["after"]),
        )

    def read(self) -> Callable[[audit_queries.Asked, int], list[audit_queries.Entry]]:
        """What answers it."""
        return audit_queries.looks if self.is_of_looks else audit_queries.changes

    def address(self, after: str) -> str:
        """The same question, from an entry on."""
        return urlencode({**{name: each for name, each in self.data.items() if name in self.fields}, "after": after})
