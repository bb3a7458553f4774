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
                wanted = permissions.PERMISSIONS[permission]
                permissions.admit(given["by"], permission, **_scope(wanted, given))  # type: ignore[arg-type]
            return done(*args, **given)

        package = done.__module__.removesuffix(".actions").rpartition(".")[2]
        name = f"{package}.{done.__name__}"
        declarations.register.add(
            declarations.Action(name, words, permission, tuple(command.split()), says, example, confirm, admitted, ask)
        )
        return admitted

    return declare


def _scope(wanted: permissions.Permission, given: dict[str, Any]) -> dict[str, Any]:
    if wanted.scope == "client":
        about = next(
            (each for each in given.values() if hasattr(each, "client_id") and not hasattr(each, "acts_as")), None
        )
        client = given.get("client")
        return {"client_id": client.id if client is not None else about.client_id if about is not None else None}
    if wanted.scope == "team":
        about = given.get("person") or getattr(next(iter(given.values())), "person", None)
        return {"team": about.team_id if about is not None else None}
    return {}
