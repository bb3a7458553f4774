"""Who may call the API, and how it says that something is wrong."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer

from workfloor.core.clients import actions as clients
from workfloor.core.clients import models as clients_models

NOTHING_HERE: Final = "There is nothing here for this token."


class FieldProblem(Schema):
    """What is wrong in one place of what was sent."""

    field: str
    problem: str


class Problem(Schema):
    """What is wrong and what to do; for a body or an address that is not understood, place by place."""

    detail: str
    fields: list[FieldProblem] = []


# What every call may answer besides its own; 404 is also the answer to a token that was not issued for the call.
PROBLEMS: Final[dict[Any, Any]] = {401: Problem, 404: Problem, 413: Problem, 422: Problem}


class NoScope(Exception):
    """The token is right, but was not issued for this."""


class TokenAuth(HttpBearer):
    """Enters the token's client; calls with a wrong token get 401, with the wrong scope 404 as if nothing were here."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> clients_models.Token | None:
        admitted = clients.admit(token)
        if admitted is not None and self.scope not in admitted.scopes:
            raise NoScope(self.scope)
        return admitted


def problem(status: int, detail: str, **headers: str) -> HttpResponse:
    """An answer that says what is wrong."""
    body = Problem(detail=detail).model_dump_json(exclude_defaults=True)
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def word_problems(api: NinjaAPI) -> None:
    """Let an API answer what goes wrong in the words of `Problem`."""
    api.add_exception_handler(NoScope, lambda request, fault: problem(404, NOTHING_HERE))
    api.add_exception_handler(AuthenticationError, _unknown_token)
    api.add_exception_handler(ValidationError, _not_understood)
    api.add_exception_handler(HttpError, _refused)


def _unknown_token(request: HttpRequest, fault: Any) -> HttpResponse:
    detail = "No valid token: send “Authorization: Bearer wf_…” with a token that was issued and not revoked."
    return problem(401, detail, **{"WWW-Authenticate": "Bearer"})


def _not_understood(request: HttpRequest, fault: Any) -> HttpResponse:
    """Each fault at its field; where it was found (path, query, body) and the parameter's name say nothing more."""
    fields = [_field(error["loc"], error["msg"]) for error in fault.errors]
    detail = "Not understood: " + "; ".join(f"{each.field}: {each.problem}" for each in fields[:3]) + "."
    return HttpResponse(
        Problem(detail=detail, fields=fields).model_dump_json(), status=422, content_type="application/json"
    )


def _field(loc: tuple[Any, ...], message: str) -> FieldProblem:
    where = [str(part) for part in loc]
    named = where[2:] if where[0] == "body" else where[1:]
    return FieldProblem(field=".".join(named) or "body", problem=message.removeprefix("Value error, "))


def _refused(request: HttpRequest, fault: Any) -> HttpResponse:
    if fault.status_code == 400:  # the only 400 is the framework's, for a body that is no JSON
        return _not_understood(request, ValidationError([{"loc": ("body",), "msg": "is not JSON in UTF-8"}]))
    return problem(fault.status_code, fault.message)
