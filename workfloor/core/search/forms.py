"""What is looked for, and where."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, gettext_noop

from workfloor.core.clients.models import Client
from workfloor.core.search import asking

_CHANNELS = {
    "email": gettext_noop("Mails"),
    "chat": gettext_noop("Chats"),
    "voice": gettext_noop("Calls"),
    "message": gettext_noop("Messages"),
    "fax": gettext_noop("Faxes"),
    "document": gettext_noop("Documents"),
    "api": gettext_noop("API"),
    "note": gettext_noop("Internal notes"),
}


class Search(forms.Form):
    """Words, and to which client, days and channel the search keeps."""

    words = forms.CharField(
        max_length=asking.LONGEST,
        label=gettext_lazy("Words, a name, a number"),
        widget=forms.TextInput(attrs={"type": "search", "autofocus": True}),
        error_messages={
            "required": gettext_lazy("Type what to look for."),
            "max_length": gettext_lazy("Look for fewer words: 200 characters at most."),
        },
    )
    client = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Client"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of the clients.")},
    )
    first = forms.DateField(
        required=False, label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        required=False, label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    channel = forms.ChoiceField(
        choices=[
            ("", gettext_lazy("Every channel")),
            *((name, gettext_lazy(title)) for name, title in _CHANNELS.items()),
        ],
        required=False,
        label=gettext_lazy("Channel"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of the channels.")},
    )
    after = forms.RegexField(
        r"^[0-9]{1,18}(-[0-9]{1,19}){3}$",
        required=False,
        widget=forms.HiddenInput(),
        error_messages={"invalid": gettext_lazy("This is no place in what was found; search again.")},
    )

    def __init__(self, *args: Any, clients: Iterable[Client], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client"].choices = [  # type: ignore[attr-defined]
            ("", gettext_lazy("Every client of yours")),
            *((each.slug, each.title) for each in clients),
        ]

    def clean_after(self) -> asking.Mark | None:
        try:
            return asking.Mark.read(self.cleaned_data["after"]) if self.cleaned_data["after"] else None
        except ValueError as fault:
            raise forms.ValidationError(self.fields["after"].error_messages["invalid"]) from fault
