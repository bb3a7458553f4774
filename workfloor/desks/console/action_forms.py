"""Forms that are made of declared actions: their fields, words and limits are those of the declaration."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from workfloor.kit import declarations

LONG = 300  # letters, from which on a text has more than one line


def form_of(
    action: declarations.Action,
    sent: Mapping[str, Any] | None = None,
    files: Any = None,
    first: Mapping[str, str] | None = None,
) -> forms.Form:
    """The form of an action, filled in with what was sent; `first` stands in its fields to begin with."""
    fields = {each.name: _field(each) for each in action.parameters}
    made: type[forms.Form] = type("Asked", (forms.Form,), fields)
    usual = {each.name: each.default for each in action.parameters if _is_shown(each)}
    return made(sent, files, initial=usual | dict(first or {}))


def _is_shown(each: declarations.Parameter) -> bool:
    return each.default not in (None, "", ()) and not each.is_file


def _field(each: declarations.Parameter) -> forms.Field:
    said: dict[str, Any] = {"label": _(each.field.words), "help_text": _(each.field.help), "required": each.required}
    if each.type is bool:
        return forms.BooleanField(**said | {"required": False})
    if choices := _choices(each):
        if each.several:
            return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **said)
        return forms.ChoiceField(choices=[("", ""), *choices], **said)
    if each.is_file:
        return forms.FileField(**said)
    if each.field.secret:
        hidden = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        return forms.CharField(max_length=each.most, widget=hidden, **said)
    if attributes := _INPUTS.get(each.type):
        return forms.CharField(widget=forms.TextInput(attrs=attributes), **said)
    if each.several:
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **said | {"help_text": _one_a_line(said)})
    if each.type is int:
        limits = {"type": "number", "min": each.field.least, "max": each.field.most}
        return forms.CharField(widget=forms.TextInput(attrs={k: v for k, v in limits.items() if v is not None}), **said)
    widget = forms.Textarea(attrs={"rows": 4}) if each.most > LONG else None
    return forms.CharField(max_length=each.most, widget=widget, **said)


_INPUTS: dict[type, dict[str, str]] = {
    date: {"type": "date"},
    datetime: {"type": "datetime-local"},
    Decimal: {"inputmode": "decimal"},
}


def _one_a_line(said: Mapping[str, Any]) -> str:
    return _("{help} One a line.").format(help=said["help_text"]).strip()


def _choices(each: declarations.Parameter) -> list[tuple[str, str]]:
    if handle := each.handle:
        rows = islice(handle.listed(), declarations.MOST_LISTED)
        named = [(handle.named(row), str(row)) for row in rows if handle.named(row)]
        return [(name, words if words == name else f"{words} ({name})") for name, words in named]
    return [(word, word if "." in word else _(word.replace("-", " ")).capitalize()) for word in each.choices]
