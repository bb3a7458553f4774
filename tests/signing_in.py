"""Commands of a test that somebody gives who is signed in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction

from workfloor.core.people import own_account
from workfloor.core.people import queries as people_queries
from workfloor.kit.database import rls
from workfloor.kit.time import clock


@contextmanager
def by(words: Sequence[str]) -> Iterator[list[str]]:
    """The words of a command without “--by EMAIL”, in which a test says who has signed in before it is given."""
    words = list(words)
    if "--by" not in words:
        yield words
        return
    place = words.index("--by")
    email = words[place + 1]
    del words[place : place + 2]
    with transaction.atomic():
        rls.enter_every_client()
        person = people_queries.by_email(email)
        assert person is not None, email
        _, token = own_account.sign_in(person=person, title="a test", now=clock.now())
    settings.WORKFLOOR_TOKEN = token
    try:
        yield words
    finally:
        settings.WORKFLOOR_TOKEN = ""
