"""Declaring an action: its words, its permission and its command stand above the function that does it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from workfloor.core.access import permissions
from workfloor.kit import declarations

P = ParamSpec("P")
R = TypeVar("R")


def action(
    words: str,
    *,
    permission: str,
    command: str,
    says: str,
    example: str = "",
    confirm: str = "",
    ask: Callable[..., object] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare an action: whoever is not admitted by its permission is refused before anything of it is done.

    A permission of a client is asked for the action's `client`, or for that of the row that it is about; one of a team
    for the team of its `person`. `ask` takes the same parameters and lets a worker do what takes its time.
    """

    def declare(done: Callable[P, R]) -> Callable[P, R]:
        @wraps(done)
        def admitted(*args: P.args, **given: P.kwargs) -> R:
            if "by" in given:  # else Python says what is missing
                by: Any = given["by"]
                for scope in _scopes(permissions.PERMISSIONS[permission], given):
                    permissions.admit(by, permission, **scope)
            return done(*args, **given)

        package = done.__module__.removesuffix(".actions").rpartition(".")[2]
        name = f"{package}.{done.__name__}"
        declarations.register.add(
            declarations.Action(name, words, permission, tuple(command.split()), says, example, confirm, admitted, ask)
        )
        return admitted

    return declare


def _scopes(wanted: permissions.Permission, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Where it is asked for: of each client that something which was given is of, or of a team."""
    if wanted.scope == "client":
        return [{"client_id": each} for each in _clients(given)] or [{}]
    if wanted.scope == "team":
        about = given.get("person") or getattr(next(iter(given.values())), "person", None)
        return [{"team": about.team_id if about is not None else None}]
    return [{}]


def _clients(given: dict[str, Any]) -> list[int]:
    if (client := given.get("client")) is not None:
        return [client.id]
    rows = [row for each in given.values() for row in (each if isinstance(each, list | tuple) else [each])]
    found = (row.client_id for row in rows if hasattr(row, "client_id") and not hasattr(row, "acts_as"))
    return sorted({client_id for client_id in found if client_id is not None})
