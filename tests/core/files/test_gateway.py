"""A folder and a bucket keep files alike: durable, whole, listed, and told from what is missing or out of reach."""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from django.conf import settings
from moto.server import ThreadedMotoServer

from tests import make
from workfloor.core.files import actions as files
from workfloor.core.files import gateway as files_gateway
from workfloor.core.files import queries as files_queries
from workfloor.core.files import sealing
from workfloor.kit.time import clock

BUCKET = "workfloor-files"
LARGE = 12 * 2**20 + 3  # more than is put into a bucket in one piece


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that speaks S3, with a bucket in which two installations have a place each."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    running.start()
    url = f"http://127.0.0.1:{port}"
    boto3.client("s3", endpoint_url=url, **_admitted(), region_name="us-east-1").create_bucket(Bucket=BUCKET)
    yield url
    running.stop()


def _admitted() -> dict[str, str]:
    return {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path, monkeypatch) -> files_gateway.Store:
    if request.param == "folder":
        monkeypatch.setattr(settings, "WORKFLOOR_FILES", str(tmp_path / "store"))
    else:
        use_bucket(monkeypatch, request.getfixturevalue("server"), f"{BUCKET}/{tmp_path.name}")
    return files_gateway.store()


def use_bucket(monkeypatch, url: str, place: str) -> None:
    said = {"FILES": f"s3://{place}", "FILES_ENDPOINT": url, "FILES_ACCESS_KEY": "key", "FILES_SECRET_KEY": "secret"}
    for name, value in said.items():
        monkeypatch.setattr(settings, f"WORKFLOOR_{name}", value)


def listed(store: files_gateway.Store) -> dict[str, int]:
    return {each.name: each.size for some in store.listed() for each in some}


def test_what_is_put_is_there_whole_until_it_is_removed(store):
    held = {f"1/2026-03-04/{number}": os.urandom(size) for number, size in enumerate((0, 1, 5000, LARGE))}

    store.put(held)

    assert store.get(list(held)) == list(held.values())
    assert listed(store) == {name: len(content) for name, content in held.items()}
    [some] = list(store.listed("1/2026-03-04"))
    assert all(abs(each.changed_at - clock.now()) < timedelta(minutes=5) for each in some)
    store.remove([*[*held][:2], "1/2026-03-04/never"])
    assert listed(store).keys() == {*held} - {*[*held][:2]}


def test_what_is_not_there_is_said_to_be_missing(store):
    with pytest.raises(files_gateway.Missing, match="1/2026-03-04/never"):
        store.get(["1/2026-03-04/never"])


def test_more_than_a_page_of_them_is_listed_whole(store):
    names = [f"1/2026-03-04/{number}" for number in range(1100)]
    store.put(dict.fromkeys(names, b"x"))

    assert listed(store).keys() == set(names)


def test_files_are_kept_read_forgotten_and_removed(everyone, store):
    first, other = files.keep(
        client_id=make.client().id,
        handed=[files.Handed(b"a", "text/plain"), files.Handed(bytes(LARGE), "text/plain")],
        now=make.NINE,
    )
    assert listed(store) == {each.name: sealing.sealed_size(each.size) for each in (first, other)}
    assert files_queries.contents([first, other]) == {first.id: b"a", other.id: bytes(LARGE)}
    assert [files_queries.fault_of(each) for each in (first, other)] == [None, None]

    files.release(file_ids=[first.id], now=make.NINE)
    files.forget(now=make.NINE)
    files.drop(names=files_queries.expired(before=make.later(days=1), most=10))

    assert listed(store).keys() == {other.name}
    store.put({other.name: store.get([other.name])[0][:-1]})
    assert files_queries.fault_of(other).kind == "damaged"
    store.remove([other.name])
    assert files_queries.fault_of(other).kind == "missing"


def test_a_bucket_that_cannot_be_reached_is_no_mails_fault(everyone, monkeypatch, server):
    monkeypatch.setattr(files_gateway, "PATIENCE", timedelta(seconds=1))
    use_bucket(monkeypatch, "http://127.0.0.1:9", f"{BUCKET}/away")
    with pytest.raises(files_gateway.Away):
        files.keep(client_id=make.client().id, handed=[files.Handed(b"a", "text/plain")], now=make.NINE)
    use_bucket(monkeypatch, server, "no-such-bucket/x")
    with pytest.raises(files_gateway.Away):
        files.keep(client_id=make.client().id, handed=[files.Handed(b"a", "text/plain")], now=make.NINE)
    with pytest.raises(files_gateway.Away):
        files_gateway.store().get(["1/2026-03-04/a"])

    assert not files_queries.files().exists()
