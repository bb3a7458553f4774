"""Who calls the API as a person: whoever shows a token of their own (`workfloor sign-in --print`)."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.kit.database import rls
from workfloor.kit.time import clock


class PersonAuth(HttpBearer):
    """Lets whoever signed in act, over the clients that they may enter."""

    def authenticate(self, request: HttpRequest, token: str) -> Person | None:
        rls.enter_every_client()
        found = people_queries.signed_in_by(token, clock.now())
        rls.enter(*(people_queries.enterable(found) if found else []))
        return found
