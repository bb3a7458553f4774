"""What is looked for in a customer's history, and from where it is read on."""

from django import forms
from django.utils.translation import gettext_lazy

from workfloor.core.conversations import messages as conversations_messages


class Search(forms.Form):
    """Words, a kind, and the last entry that was read."""

    words = forms.CharField(
        max_length=200,
        required=False,
        label=gettext_lazy("All of these words"),
        widget=forms.TextInput(attrs={"type": "search"}),
        error_messages={"max_length": gettext_lazy("Look for fewer words: 200 characters at most.")},
    )
    kind = forms.ChoiceField(
        choices=[
            ("", gettext_lazy("Everything")),
            *((name, gettext_lazy(title)) for name, title in conversations_messages.SHELVES),
        ],
        required=False,
        label=gettext_lazy("Show"),
        error_messages={"invalid_choice": gettext_lazy("Choose one of the kinds.")},
    )
    after = forms.RegexField(
        r"^[0-9]{1,16}-[0-9]-[0-9]{1,18}$",
        required=False,
        widget=forms.HiddenInput(),
        error_messages={"invalid": gettext_lazy("This is no place in the history; begin from the newest.")},
    )

    def asked(self) -> conversations_messages.Asked:
        """What was entered, once it is valid."""
        place = conversations_messages.Place.read(self.cleaned_data["after"]) if self.cleaned_data["after"] else None
        words = tuple(self.cleaned_data["words"].split())
        return conversations_messages.Asked(words, self.cleaned_data["kind"], place)
