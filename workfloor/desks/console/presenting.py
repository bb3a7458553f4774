"""What can be changed, as a list and as a page of documentation; and the audit as rows of a list."""

import json
from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.audit.queries import Entry
from workfloor.desks.console import queries as console_queries
from workfloor.kit import declarations

_HEAD = """# What can be changed, and by whom

Written from the declarations by `workfloor admin actions --format markdown`. Each is a command, a form on the page
*Administration*, and a call of the API with the token of whoever signed in (`workfloor sign-in EMAIL --print`); each
asks the same permission, and is a fact that `workfloor admin audit` and the page *Audit* show.
"""


def listed() -> str:
    """Each action in a line."""
    return "".join(
        f"{each.name:<28} {each.words:<32} {' '.join(_roles(each))}\n" for each in console_queries.declared().values()
    )


def reference() -> str:
    """Every action with its command, its call and what it asks for, in Markdown; then the table of permissions."""
    parts = [_HEAD]
    for each in sorted(console_queries.declared().values(), key=lambda each: each.command):
        parts += ["\n".join(_section(each))]
    parts.append("\n".join(_permissions()))
    return "\n".join(parts) + "\n"


def _section(each: declarations.Action) -> Iterator[str]:
    yield f"## {each.words}\n\n{each.summary}\n"
    yield f"    {each.example}\n" if each.example else ""
    yield f"`POST /api/actions/{each.name}`, by: {', '.join(_roles(each))}.\n"
    yield "| field | | |\n|---|---|---|"
    for one in each.parameters:
        needed = "required" if one.required else ""
        if one.is_read_from_file:
            kind = "a secret" if one.field.secret else "a text" if one.field.from_file else "a file"
            needed = f"{needed} {kind}; for the command, a file".strip()
        words = ". ".join(filter(None, [one.field.words, one.field.help.rstrip(".")]))
        choices = f" One of {', '.join(one.choices)}." if one.choices else ""
        yield f"| `{one.name}` | {words}.{choices} | {needed} |"
    yield ""


def _permissions() -> Iterator[str]:
    roles = list(permissions.ROLES)
    yield "## Permissions\n"
    yield f"| | {' | '.join(roles)} | others |\n|---|{'---|' * (len(roles) + 1)}"
    for each in permissions.PERMISSIONS.values():
        cells = ["in hand" if role in each.own else "yes" if role in each.roles else "" for role in roles]
        yield f"| {each.words} | {' | '.join(cells)} | {others(each)} |"


def others(each: permissions.Permission) -> str:
    """Who has a permission and is none of the people, in words."""
    outside = [_(words) for name, words in permissions.OUTSIDE.items() if name in each.roles]
    return ", ".join(outside) if each.roles else _("only Workfloor itself")


def _roles(each: declarations.Action) -> list[str]:
    return [role for role in permissions.ROLES if role in permissions.PERMISSIONS[each.permission].roles]


HEADINGS: Final = ("at", "who", "says", "client", "event", "place", "before", "after", "id")


def row(entry: Entry) -> tuple[object, ...]:
    """An entry of the audit under HEADINGS; what was before and after as JSON."""
    before, after = (each and json.dumps(each, ensure_ascii=False) for each in (entry.before, entry.after))
    at = entry.at.isoformat(timespec="seconds")
    return at, entry.who, entry.says, entry.client, entry.event, entry.place, before, after, entry.id
