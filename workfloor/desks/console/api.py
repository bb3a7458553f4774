"""Each declared action as a call of the API, for whoever shows a token of their own (`workfloor sign-in --print`)."""

from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import WithJsonSchema, create_model

from workfloor.core.access import permissions
from workfloor.core.clients.api import PROBLEMS
from workfloor.core.people import queries as people_queries
from workfloor.core.people.api import PersonAuth
from workfloor.desks.console import queries as console_queries
from workfloor.kit import declarations
from workfloor.kit.time import clock


class Done(Schema):
    """What was done, in words, and how what was made is named in further calls."""

    says: str
    made: str = ""


class Document(Schema):
    """A file: what it is called, and its bytes in base64."""

    name: str
    content: str


KINDS: dict[Any, type] = {bool: bool, int: int, declarations.File: Document}


router = Router(auth=PersonAuth(), tags=["administration"])


def _body(action: declarations.Action) -> type[Schema]:
    fields: dict[str, Any] = {}
    for each in action.parameters:
        one = KINDS.get(each.type, str)
        kind: Any = list[one] if each.several else one  # type: ignore[valid-type]
        if each.field.secret:
            kind = Annotated[kind, WithJsonSchema({"type": "string", "format": "password", "writeOnly": True})]
        fields[each.name] = (kind, ...) if each.required else (kind | None, None)
    made: type[Schema] = create_model(f"{action.name} asks for", __base__=Schema, **fields)
    return made


def _operation(action: declarations.Action) -> Callable[..., Done]:
    def perform(request: HttpRequest, body: Any) -> Done:
        by = request.auth  # type: ignore[attr-defined]
        if not permissions.may(by, action.permission):
            raise HttpError(403, f"That takes the role {' or '.join(sorted(_roles(action)))}.")
        people_queries.enter_for(by, action.permission)
        try:
            values = action.read(body.model_dump())
            says, made = action.done_from_afar(values, by=by, now=clock.now())
            return Done(says=says, made=made)
        except ValueError as refused:
            raise HttpError(422, str(refused)) from refused

    perform.__annotations__ = {"request": HttpRequest, "body": _body(action), "return": Done}
    perform.__name__ = perform.__qualname__ = action.name.replace(".", "_")
    return perform


def _roles(action: declarations.Action) -> frozenset[str]:
    return permissions.PERMISSIONS[action.permission].roles


for _action in console_queries.declared().values():
    router.post(
        f"/actions/{_action.name}",
        response={200: Done, 403: PROBLEMS[404]} | PROBLEMS,
        summary=_action.words,
        description=_action.help,
    )(_operation(_action))
