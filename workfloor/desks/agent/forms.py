"""What an agent may type or choose on the desk."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from workfloor.core.contracts.models import Queue
from workfloor.core.conversations.messages import LARGEST_SENT
from workfloor.core.people import qualification
from workfloor.core.people.models import Person
from workfloor.core.people.own_account import LANGUAGES
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.lifecycle import CASE_KINDS
from workfloor.core.work.models import Case
from workfloor.desks.agent.queries import Colleague
from workfloor.ops.channels.email.models import Mailbox


class Away(forms.Form):
    """Why somebody goes away."""

    reason = forms.ChoiceField(
        choices=[(reason, reason) for reason in qualification.NOT_READY_REASONS],
        error_messages={
            "required": gettext_lazy("Choose a not-ready reason."),
            "invalid_choice": gettext_lazy("Choose one of the reasons."),
        },
    )


class Leaving(forms.Form):
    """Whether what is in hand goes back to its queues, or is finished first."""

    hand_back = forms.BooleanField(required=False)


class Disposition(forms.Form):
    """How an item ended; the process's own list is checked by the action."""

    disposition = forms.CharField(error_messages={"required": gettext_lazy("Choose a disposition.")})


class Escalation(forms.Form):
    """What help is needed."""

    note = forms.CharField(
        max_length=2000,
        error_messages={"required": gettext_lazy("Say what help is needed, so that your leader can give it.")},
    )


MODES = ("reply", "reply-all", "forward")
ENVELOPE = ("mode", "to", "cc", "bcc", "subject", "forwards")


class Draft(forms.Form):
    """What an agent has written so far; of a mail with its envelope, as far as somebody touched it."""

    text = forms.CharField(max_length=20_000, required=False, strip=False)
    mode = forms.ChoiceField(choices=[(mode, mode) for mode in MODES], required=False)
    to = forms.CharField(max_length=10_000, required=False)
    cc = forms.CharField(max_length=10_000, required=False)
    bcc = forms.CharField(max_length=10_000, required=False)
    subject = forms.CharField(max_length=500, required=False)
    forwards = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def clean_text(self) -> str:
        """The text with ends of lines as they are stored, which forms change on their way."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


class Words(Draft):
    """What an agent writes; the key, made by the page, lets it be sent again when an answer was lost."""

    key = forms.RegexField(
        r"[\w-]{8,64}", error_messages={"required": gettext_lazy("Reload the page, then send it again.")}
    )
    file = forms.FileField(required=False, max_length=200)

    quote = forms.BooleanField(required=False)
    sign = forms.BooleanField(required=False)
    finish = forms.CharField(max_length=100, required=False)  # the disposition, where the work ends with what is sent
    with_files = forms.BooleanField(required=False)  # of what is forwarded
    drafted = forms.BooleanField(required=False)  # whether a draft of it may be kept

    def clean_file(self) -> UploadedFile | None:
        """A file that is not too large to be sent."""
        sent: UploadedFile | None = self.cleaned_data["file"]
        if sent and (sent.size or 0) > LARGEST_SENT:
            raise forms.ValidationError(
                _("“{name}” is too large: at most {most} MB can be sent.").format(
                    name=sent.name, most=LARGEST_SENT // 1_000_000
                )
            )
        return sent


class Message(forms.Form):
    """What is written to whoever leads; how long it may be is said by the action."""

    text = forms.CharField(error_messages={"required": gettext_lazy("Write something first.")})


class NewMail(forms.Form):
    """From where, to whom and about what a mail goes that answers nothing; who and what is wrong, the action says."""

    key = forms.RegexField(
        r"[\w-]{8,64}", error_messages={"required": gettext_lazy("Reload the page, then send it again.")}
    )
    mailbox = forms.ModelChoiceField(
        Mailbox.objects.none(),
        error_messages={
            "required": gettext_lazy("Choose what it is sent from."),
            "invalid_choice": gettext_lazy("You cannot write from this mailbox. Choose another."),
        },
    )
    case = forms.ModelChoiceField(Case.objects.none(), required=False)
    to = forms.CharField(max_length=10_000, required=False)
    subject = forms.CharField(max_length=200, required=False)

    def __init__(self, data: object, mailboxes: Iterable[Mailbox]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        ids = [each.id for each in mailboxes]
        self.fields["mailbox"].queryset = Mailbox.objects.filter(id__in=ids)  # type: ignore[attr-defined]
        clients = Mailbox.objects.filter(id__in=ids).values("client_id")
        self.fields["case"].queryset = Case.objects.filter(client_id__in=clients)  # type: ignore[attr-defined]


class Signature(forms.Form):
    """What stands beneath one's own mails, in a language or all."""

    text = forms.CharField(max_length=2000, required=False)
    language = forms.ChoiceField(choices=[(each, each) for each in LANGUAGES])


class Macro(forms.Form):
    """Which macro is run."""

    macro = forms.CharField(max_length=100, error_messages={"required": gettext_lazy("Choose a macro.")})


class TakenBack(forms.Form):
    """Which reply is taken back."""

    message = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class Seen(forms.Form):
    """The last message that was on the screen."""

    up_to = forms.IntegerField(min_value=0, max_value=2**63 - 1)


class At(forms.Form):
    """A time to come, by the clock of the agent's site."""

    at = forms.DateTimeField(
        input_formats=["%Y-%m-%dT%H:%M"],
        error_messages={
            "required": gettext_lazy("Choose a day and a time."),
            "invalid": gettext_lazy("Choose a day and a time."),
        },
    )


class ComeBack(At):
    """When, how and in which queue somebody comes back to a case, and what for; else it is a call in the item's own."""

    kind = forms.ChoiceField(
        choices=list(work_kinds.AGREED.items()),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose a call, an email or a task.")},
    )
    queue = forms.ModelChoiceField(
        Queue.objects.none(),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose one of this client's queues.")},
    )

    about = forms.CharField(max_length=200, required=False)
    note = forms.CharField(max_length=2000, required=False)

    def __init__(self, data: object, client_id: int) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["queue"].queryset = Queue.objects.filter(client_id=client_id)  # type: ignore[attr-defined]


class Transfer(forms.Form):
    """Which queue the item goes to, and what the next one should know."""

    queue = forms.ModelChoiceField(
        Queue.objects.none(),
        error_messages={
            "required": gettext_lazy("Choose a queue."),
            "invalid_choice": gettext_lazy("Choose one of this client's queues."),
        },
    )
    to = forms.ModelChoiceField(
        Person.objects.none(),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose a colleague who is cleared for this client.")},
    )
    note = forms.CharField(max_length=2000, required=False)

    def __init__(self, data: object, client_id: int, colleagues: QuerySet[Person]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["queue"].queryset = Queue.objects.filter(client_id=client_id)  # type: ignore[attr-defined]
        self.fields["to"].queryset = colleagues  # type: ignore[attr-defined]


class Consult(forms.Form):
    """Who is asked in on an item: a colleague, or whoever is best at a skill."""

    to = forms.ModelChoiceField(
        Person.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This colleague cannot be asked any more. Choose another.")},
    )
    skill = forms.CharField(max_length=50, required=False)

    def __init__(self, data: object, able: Iterable[Colleague]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        found = Person.objects.filter(id__in=[each.person.id for each in able])
        self.fields["to"].queryset = found  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The one or the other."""
        entered: dict[str, Any] = super().clean() or {}
        if not self.errors and not entered.get("to") and not entered.get("skill"):
            raise forms.ValidationError(_("Choose a colleague or a skill."))
        return entered


class Consultant(forms.Form):
    """Which of the consultants is meant, and what they should know."""

    consultant = forms.ModelChoiceField(
        Person.objects.none(),
        error_messages={
            "required": _("Choose a consultant."),
            "invalid_choice": _("This colleague is not on it any more."),
        },
    )
    note = forms.CharField(max_length=2000, required=False)

    def __init__(self, data: object, on_it: Iterable[int]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["consultant"].queryset = Person.objects.filter(id__in=on_it)  # type: ignore[attr-defined]


class CaseKind(forms.Form):
    """What a case is after all."""

    kind = forms.ChoiceField(
        choices=[(kind, kind) for kind in CASE_KINDS],
        error_messages={"required": gettext_lazy("Choose what the case is.")},
    )


class Merge(forms.Form):
    """Which case this one is the same as."""

    into = forms.ModelChoiceField(
        Case.objects.none(),
        error_messages={
            "required": gettext_lazy("Choose a case."),
            "invalid_choice": gettext_lazy("Choose one of this customer's cases."),
        },
    )

    def __init__(self, data: object, cases: QuerySet[Case]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["into"].queryset = cases  # type: ignore[attr-defined]


class Split(forms.Form):
    """What the item is about, if it is about something else."""

    subject = forms.CharField(max_length=200, error_messages={"required": gettext_lazy("Say what it is about.")})
