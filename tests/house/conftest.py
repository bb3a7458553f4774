"""Two clients side by side, made once for a file of tests and as new for each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # this file is read before there are settings
    from tests.house.two_clients import Side


@pytest.fixture(scope="module")
def two_sides(django_db_setup: None, django_db_blocker) -> Iterator[tuple["Side", "Side"]]:  # type: ignore[no-untyped-def]
    from django.db import transaction

    from tests.house import two_clients

    with django_db_blocker.unblock(), transaction.atomic():
        yield two_clients.both()
        transaction.set_rollback(True)


@pytest.fixture
def sides(two_sides: tuple["Side", "Side"]) -> Iterator[tuple["Side", "Side"]]:
    """The north, from which a test looks, and the south, which it must not see; every client is entered."""
    from django.db import transaction

    from workfloor.kit.database import rls

    with transaction.atomic():
        rls.enter_every_client()
        yield two_sides
        transaction.set_rollback(True)
