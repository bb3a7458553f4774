"""Something within a transaction that may fail without the rest of it."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction

from workfloor.kit.text import masks

log = logging.getLogger(__name__)
Made = TypeVar("Made")


def is_kept(do: Callable[[], object]) -> bool:
    """Do something that a constraint may refuse; returns whether it did not, else nothing of it is left."""
    try:
        with transaction.atomic():
            do()
    except IntegrityError:
        return False
    return True


def attempt(do: Callable[[], Made], name: str) -> tuple[Made | None, str]:
    """Do something; returns what it made and "", or None and what went wrong, with nothing of it left in the database.

    The database's own faults (a deadlock, a lost connection, a lock or statement that took too long) are raised: they
    are everybody's.
    """
    try:
        with transaction.atomic():
            return do(), ""
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:
        if isinstance(fault, DatabaseError) and transaction.get_rollback():
            raise
        log.exception("%s failed, and is left out", name)
        return None, masks.worded(fault)
