"""A mail is acknowledged once it is durable, in the store and in its row; where it is not, its sender tries again."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from tests import mail
from workfloor.core.files import gateway as files_gateway
from workfloor.kit.database import rls
from workfloor.ops.channels.email import gateway as email_gateway
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Arrival
from workfloor.runtime import mail_in

ADDRESS = "help@lisbon.example"
RAW = mail.letter("My bill is wrong")


@pytest.fixture
def store(real_database) -> Iterator[mail_in.Store]:
    with transaction.atomic():
        mail.Post(address=ADDRESS)
    connection.close()
    running = mail_in.Store()
    yield running
    running.close()
    connection.close()


def comes(store: mail_in.Store, *raws: bytes) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*(store.keep("rui@example.com", [ADDRESS], raw) for raw in raws))

    asyncio.run(all_of_them())


def here() -> list[bytes]:
    with transaction.atomic():
        rls.enter_every_client()
        return list(email_queries.raws(Arrival.objects.select_related("file").order_by("id")).values())


def test_what_was_acknowledged_is_synced_and_then_committed(store, monkeypatch):
    synced: list[str] = []
    monkeypatch.setattr(files_gateway, "_sync", lambda path: synced.append(path.name))

    comes(store, RAW, RAW, b"another")

    with transaction.atomic():
        rls.enter_every_client()
        names = {each.file.name.rpartition("/")[2] for each in Arrival.objects.select_related("file")}
    assert names <= set(synced)
    assert sorted(here()) == sorted([RAW, RAW, b"another"])
    assert len(names) == 2  # the same is kept once


@pytest.mark.parametrize(("number", "raised"), [(28, email_gateway.Full), (5, files_gateway.Away)])
def test_where_nothing_can_be_kept_the_sender_hears_so_and_no_row_is_there(store, monkeypatch, number, raised):
    def fails(path: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files_gateway, "_sync", fails)
    with pytest.raises(raised):
        comes(store, RAW)
    assert here() == []

    monkeypatch.undo()
    comes(store, RAW)
    assert here() == [RAW]
