"""What whoever leads may type or choose on the floor."""

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from workfloor.core.contracts.models import Queue
from workfloor.core.people import qualification
from workfloor.core.people.models import Person


class Press(forms.Form):
    """How what is pressed on stood on the page."""

    as_seen = forms.CharField(max_length=200, required=False)

    def clean_as_seen(self) -> str | None:
        """None where the page did not say, as from a program."""
        return self.cleaned_data["as_seen"] or None


class Noted(Press):
    """Why something is done, for whoever has it next."""

    note = forms.CharField(max_length=2000, required=False)


class Cancel(Press):
    """Why work is not to be done."""

    reason = forms.CharField(max_length=200, error_messages={"required": _("Say why it is cancelled.")})


class Move(forms.Form):
    """Of which queue somebody is to get work, and for how many hours."""

    queue = forms.ModelChoiceField(Queue.objects.all(), error_messages={"required": _("Choose a queue.")})
    hours = forms.IntegerField(min_value=1, max_value=12)


class Message(forms.Form):
    """What is written to people on the floor; how long it may be is said by the action."""

    text = forms.CharField(error_messages={"required": _("Write something first.")})


class WrapUp(Press):
    """How an item ended; the process's own list is checked by the action."""

    disposition = forms.CharField(max_length=200, error_messages={"required": _("Choose a disposition.")})


class Assign(Noted):
    """To whom an item is offered; who may have it is checked by the action."""

    to = forms.ModelChoiceField(
        Person.objects.filter(client=None, left_at=None),
        error_messages={"required": _("Choose a person."), "invalid_choice": _("Choose a person of the list.")},
    )


class Answer(forms.Form):
    """What an agent who asked for help is told, and when they had asked."""

    text = forms.CharField(max_length=2000, error_messages={"required": _("Write the answer first.")})
    asked_at = forms.CharField(max_length=40, required=False)

    def clean_asked_at(self) -> datetime | None:
        """None where the page did not say, as from a program."""
        try:
            return datetime.fromisoformat(self.cleaned_data["asked_at"])
        except ValueError:
            return None


class Priority(Press):
    """An item's own priority."""

    priority = forms.IntegerField(min_value=0, max_value=9)


class State(Press):
    """Somebody's agent state, and whether what they have in hand goes back to its queues."""

    state = forms.ChoiceField(choices=[("away", _("Not ready")), ("signed-out", _("Signed out"))])
    reason = forms.ChoiceField(
        choices=[(each, each) for each in qualification.NOT_READY_REASONS],
        required=False,
        error_messages={"invalid_choice": _("Choose one of the reasons.")},
    )
    hand_back = forms.BooleanField(required=False)
