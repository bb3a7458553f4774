"""Reading files."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from django.db import connection
from django.db.models import Count, ForeignObjectRel, QuerySet, Sum
from django.db.models.functions import Coalesce

from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import models as files_models
from workfloor.core.files import sealing


class Erased(Exception):
    """The client's key was erased, and with it all that its files held."""


UNREADABLE: Final = (files_gateway.Missing, sealing.Damaged, Erased)  # a file for itself, and no other
UNREACHABLE: Final = (files_gateway.Away, files_gateway.NoKey)  # the store, or what opens it, until somebody mends that


def files() -> QuerySet[files_models.File]:
    """The files of the clients inside the wall."""
    return files_models.File.objects.order_by("id")


def key_of(client_id: int) -> bytes | None:
    """The key that opens a client's files; None where none was made yet. Raises Erased, or files_gateway.NoKey."""
    row = files_models.Key.objects.filter(client_id=client_id).first()
    if row is None:
        return None
    if row.erased_at:
        raise Erased(f"the key of the client's files was erased on {row.erased_at:%Y-%m-%d}")
    try:
        return sealing.unwrapped(bytes(row.wrapped), files_gateway.installation_key(), client_id)
    except sealing.Damaged as fault:
        raise files_gateway.NoKey(f"{fault}. Bring back the one that was used until now.") from fault


def content(file: files_models.File) -> bytes:
    """What a file holds. Raises as `contents` does."""
    return contents([file])[file.id]


def contents(files: Iterable[files_models.File]) -> dict[int, bytes]:
    """What files hold, by their ids.

    Raises files_gateway.Missing or sealing.Damaged for the first of which that is so, Erased, files_gateway.NoKey, or
    files_gateway.Away where the store cannot be reached.
    """
    of_clients = defaultdict(list)
    for each in files:
        of_clients[each.client_id].append(each)
    found: dict[int, bytes] = {}
    for client_id, some in of_clients.items():
        key = key_of(client_id)
        if key is None:
            raise files_gateway.NoKey("the client's files have no key")
        for each, sealed in zip(some, files_gateway.store().get([one.name for one in some]), strict=True):
            found[each.id] = opened(each, sealed, key)
    return found


def opened(file: files_models.File, sealed: bytes, key: bytes) -> bytes:
    """What the store has of a file, opened. Raises sealing.Damaged."""
    return sealing.opened(sealed, key=key, secret=bytes(file.secret), client_id=file.client_id, digest=file.digest)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file: it is not in the store, or damaged there, or its client's key was erased."""

    file: files_models.File
    kind: Literal["missing", "damaged", "erased"]
    says: str


def some_files(*, after: int, most: int) -> list[files_models.File]:
    """The files that follow the one of an id, with every client entered."""
    return list(files().filter(id__gt=after)[:most])


def fault_of(file: files_models.File) -> Fault | None:
    """Read a file through and say what is wrong with it, if anything is. Raises Away or NoKey of files_gateway."""
    try:
        content(file)
    except files_gateway.Missing as fault:
        return Fault(file, "missing", str(fault))
    except sealing.Damaged as fault:
        return Fault(file, "damaged", str(fault))
    except Erased as fault:
        return Fault(file, "erased", str(fault))
    return None


def sizes() -> tuple[int, int]:
    """How many files there are inside the wall, and how many bytes they hold."""
    found = files_models.File.objects.aggregate(many=Count("id"), size=Coalesce(Sum("size"), 0))
    return found["many"], int(found["size"])


def referred_to(ids: Iterable[int]) -> set[int]:
    """Those of these files that anything refers to, whatever tables there are by now."""
    wanted, found = list(ids), set[int]()
    every = files_models.File._meta.get_fields(include_hidden=True)
    for relation in (each for each in every if isinstance(each, ForeignObjectRel)):
        field: Any = relation.field
        rows = field.model._default_manager.filter(**{f"{field.name}__in": wanted})
        found |= set(rows.values_list(field.attname, flat=True))
    return found


# --- what is in the store ---------------------------------------------------------------------------------------------


def unowned(*, listed: Sequence[files_gateway.Stored]) -> list[files_gateway.Stored]:
    """Those of what the store has that belong to no row. Every client is entered.

    What a transaction that still runs has written is among them; it may become a row yet.
    """
    names = [each.name for each in listed]
    owned = set(files_models.File.objects.filter(name__in=names).values_list("name", flat=True))
    owned |= set(files_models.Removed.objects.filter(name__in=names).values_list("name", flat=True))
    return [each for each in listed if each.name not in owned]


def oldest_transaction(*, now: datetime) -> datetime:
    """When the oldest transaction of this installation's that still runs began."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
        )
        [began] = cursor.fetchone()
    return min(now, began or now)


def expired(*, before: datetime, most: int) -> list[str]:
    """The names of files whose rows went before then, and which the store may let go of."""
    found = files_models.Removed.objects.filter(removed_at__lt=before).order_by("removed_at")
    return list(found.values_list("name", flat=True)[:most])
