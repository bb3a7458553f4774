"""Who may call the API: the bearer of a client's token, with the scope that the call needs."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from workfloor.core.clients import actions, models


class NoScope(Exception):
    """The token is right, but was not issued for this."""


class TokenAuth(HttpBearer):
    """Enters the token's client; calls with a wrong token get 401, with the wrong scope 404 as if nothing were here."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> models.Token | None:
        admitted = actions.admit(token)
        if admitted is not None and self.scope not in admitted.scopes:
            raise NoScope(self.scope)
        return admitted
