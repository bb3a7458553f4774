"""What is asked of whoever has no password, or not any more."""

from django import forms
from django.utils.translation import gettext_lazy as _


class ForgottenForm(forms.Form):
    """The address whose password is forgotten."""

    email = forms.EmailField(
        label=_("Mail address"), widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()
