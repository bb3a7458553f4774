"""What whoever leads types about an escalation."""

from django import forms
from django.utils.translation import gettext_lazy as _


class Answer(forms.Form):
    """The answer to an escalation."""

    text = forms.CharField(max_length=2000, error_messages={"required": _("Write the answer first.")})
