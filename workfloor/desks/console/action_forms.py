"""Forms that are made of declared actions: their fields, words and limits are those of the declaration."""

from collections.abc import Mapping
from datetime import date
from itertools import islice
from typing import Any

from django import forms

from workfloor.kit import declarations
from workfloor.kit.text.translation import gettext as _


def form_of(
    action: declarations.Action, sent: Mapping[str, Any] | None = None, first: Mapping[str, str] | None = None
) -> forms.Form:
    """The form of an action, filled in with what was sent; `first` stands in its fields to begin with."""
    fields = {each.name: _field(each) for each in action.parameters}
    made: type[forms.Form] = type("Asked", (forms.Form,), fields)
    return made(sent, initial=dict(first or {}))


def _field(each: declarations.Parameter) -> forms.Field:
    said: dict[str, Any] = {"label": _(each.field.words), "help_text": _(each.field.help), "required": each.required}
    if each.type is bool:
        return forms.BooleanField(**said | {"required": False})
    if choices := _choices(each):
        if each.several:
            return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **said)
        return forms.ChoiceField(choices=[("", ""), *choices], **said)
    if each.type is date:
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **said)
    if each.type is int:
        limits = {"type": "number", "min": each.field.least, "max": each.field.most}
        return forms.CharField(widget=forms.TextInput(attrs={k: v for k, v in limits.items() if v is not None}), **said)
    return forms.CharField(max_length=each.most, **said)


def _choices(each: declarations.Parameter) -> list[tuple[str, str]]:
    if handle := each.handle:
        rows = islice(handle.listed(), declarations.MOST_LISTED)
        named = [(handle.named(row), str(row)) for row in rows if handle.named(row)]
        return [(name, words if words == name else f"{words} ({name})") for name, words in named]
    return [(word, _(word).capitalize()) for word in each.choices]
