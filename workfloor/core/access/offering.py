"""The forms of declared actions, offered on the pages that they belong to."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.kit import declarations

FORM: Final = "console:act"  # the address of an action's form, by its name
BACK: Final = "back"  # in its query: the page that one came from, and goes back to


@dataclass(frozen=True, slots=True)
class Offer:
    """A link to a form, in the words of its action."""

    words: str
    address: str


def offers(by: Actor, *names: str, back: str, **first: object) -> list[Offer]:
    """Of some actions those that somebody's roles open; `first` stands in the fields to begin with."""
    actions = [declarations.register.actions[name] for name in names]
    query = urlencode(first | {BACK: back})
    return [
        Offer(_(each.words), f"{reverse(FORM, args=[each.name])}?{query}")
        for each in actions
        if permissions.may(by, each.permission)
    ]
