"""Keeping files and letting go of them: durable before a row says so, and removed after none says so any more."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from workfloor.core.access import actors
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.event_log import actions as event_log
from workfloor.core.files import events as files_events
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import models as files_models
from workfloor.core.files import queries as files_queries
from workfloor.core.files import sealing
from workfloor.kit.database import jobs, locks
from workfloor.kit.declarations import field

FORGET: Final = "files.forget"
AT_A_TIME: Final = 500
ORPHANED_AFTER: Final = timedelta(days=1)


class Handed(NamedTuple):
    """Something that is to be kept."""

    content: bytes
    media_type: str


def keep(*, client_id: int, handed: Sequence[Handed], now: datetime) -> list[files_models.File]:
    """Keep contents for a client, each once; returns their files, in their order.

    They are durable in the store when this returns. The caller lets something refer to the files before its transaction
    ends; if that rolls back, what was written belongs to no row and is swept. Raises Away or NoKey of files_gateway, or
    files_queries.Erased.
    """
    if not handed:
        return []
    key = _key(client_id, now)
    digests = [sealing.digest(key, each.content) for each in handed]
    wanted = dict(zip(digests, handed, strict=True))
    known = _locked(client_id, wanted)
    while new := sorted(wanted.keys() - known.keys()):  # more than once only where one was deleted in this moment
        rows = [_row(client_id, digest, wanted[digest], now) for digest in new]
        files_gateway.store().put({each.name: _sealed(each, wanted[each.digest].content, key) for each in rows})
        # Who keeps the same at once waits here for the other, and takes the other's; their own is swept.
        files_models.File.objects.bulk_create(rows, ignore_conflicts=True)
        known = _locked(client_id, wanted)
    return [known[digest] for digest in digests]


def _row(client_id: int, digest: str, handed: Handed, now: datetime) -> files_models.File:
    return files_models.File(
        client_id=client_id,
        digest=digest,
        name=f"{client_id}/{now:%Y-%m-%d}/{secrets.token_hex(16)}",
        secret=sealing.new_secret(),
        size=len(handed.content),
        media_type=handed.media_type,
        created_at=now,
    )


def _sealed(row: files_models.File, content: bytes, key: bytes) -> bytes:
    return sealing.seal(content, key=key, secret=bytes(row.secret), client_id=row.client_id, digest=row.digest)


def _locked(client_id: int, digests: Iterable[str]) -> dict[str, files_models.File]:
    """The files that are here already, kept from being deleted until the transaction ends; nobody else waits."""
    found = files_models.File.objects.raw(
        "SELECT * FROM files_file WHERE client_id = %s AND digest = ANY (%s) ORDER BY digest FOR KEY SHARE",
        [client_id, list(digests)],
    )
    return {each.digest: each for each in found}


def _key(client_id: int, now: datetime) -> bytes:
    """The client's key; the first time, a new one."""
    if key := files_queries.key_of(client_id):
        return key
    locks.hold("files.key", client_id)
    if key := files_queries.key_of(client_id):
        return key
    key = sealing.new_secret()
    wrapped = sealing.wrapped(key, files_gateway.installation_key(make=True), client_id)
    files_models.Key.objects.create(client_id=client_id, wrapped=wrapped, made_at=now)
    event_log.record(files_events.KeyMade(), at=now, client_id=client_id, by=actors.engine("file store"))
    return key


# --- letting go ------------------------------------------------------------------------------------------------------


def release(*, file_ids: Iterable[int | None], now: datetime) -> None:
    """Say that something no longer refers to files; once that is committed, a job deletes those that nothing does."""
    ids = [each for each in file_ids if each is not None]
    if ids:
        files_models.File.objects.filter(id__in=ids).update(delete_at=now)
        jobs.ask_for(FORGET, once=FORGET)


def forget(*, now: datetime, most: int = AT_A_TIME) -> int:
    """Delete the rows of files that are to be deleted and that nothing refers to; returns how many were looked at.

    The caller has entered every client. Rows that somebody keeps anew just now are left for the next time. The store
    has what they held a while longer; without the row nobody can open it.
    """
    due = files_models.File.objects.select_for_update(skip_locked=True).filter(delete_at__lte=now)
    found = list(due.order_by("delete_at", "id")[:most])
    # Only now, when they are locked: whoever wants to refer to one of them waits, and finds it gone.
    used = files_queries.referred_to(each.id for each in found)
    files_models.File.objects.filter(id__in=used).update(delete_at=None)
    gone = [each for each in found if each.id not in used]
    files_models.Removed.objects.bulk_create(
        files_models.Removed(client_id=each.client_id, name=each.name, removed_at=now) for each in gone
    )
    files_models.File.objects.filter(id__in=[each.id for each in gone]).delete()
    return len(found)


def drop(*, names: Sequence[str]) -> None:
    """Remove from the store what no row names and no backup needs. The rows' deletion is committed long ago."""
    files_gateway.store().remove(names)
    files_models.Removed.objects.filter(name__in=names).delete()


@action(
    "Erase a client's files",
    permission="files.erase",
    command="admin files erase",
    says="{result} files of {client.slug} cannot be read any more.",
    confirm="Nothing of what its files hold can ever be read again. Erase the key?",
    example="workfloor admin files erase first-bank --reason 'contract ended'",
)
def erase_key(
    *,
    client: Client,
    reason: Annotated[str, field("Reason", "It stands in the event log.", as_option=True)],
    by: Actor,
    now: datetime,
) -> int:
    """Erase a client's key: its mail as it came, attachments and documents become unreadable at once and for ever.

    Only backups of the database have the key then, until they are gone as well.
    """
    count = files_models.File.objects.filter(client=client).count()
    locks.hold("files.key", client.id)
    gone = {"wrapped": b"", "erased_at": now}
    files_models.Key.objects.update_or_create(client=client, defaults=gone, create_defaults={**gone, "made_at": now})
    erased = files_events.KeyErased(count, reason)
    event_log.record(erased, at=now, client_id=client.id, by=by)
    return count
