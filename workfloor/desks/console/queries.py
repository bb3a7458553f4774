"""What somebody can change here."""

from functools import cache
from itertools import groupby

from django.utils.module_loading import autodiscover_modules

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.kit import declarations

SUBJECTS = {("people", "site"): "Sites and teams", ("people",): "People"}


@cache
def declared() -> dict[str, declarations.Action]:
    """Every action that is declared anywhere."""
    autodiscover_modules("actions")
    return dict(declarations.register.actions)


def open_to(by: Actor) -> list[tuple[str, list[declarations.Action]]]:
    """The actions that somebody's roles open, by subject."""
    can = [each for each in declared().values() if permissions.may(by, each.permission)]
    can.sort(key=lambda each: each.command[:-1])
    return [
        (SUBJECTS.get(under, " ".join(under).capitalize()), list(some))
        for under, some in groupby(can, lambda each: each.command[:-1])
    ]
