"""What is sealed opens whole, for its own client and digest, and in no other way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.files import sealing

KEY, SECRET = bytes(range(32)), bytes(range(32, 64))
ABOUT = {"key": KEY, "secret": SECRET, "client_id": 7, "digest": "ab"}
SIZES = [0, 1, sealing.CHUNK - 1, sealing.CHUNK, sealing.CHUNK + 1, 3 * sealing.CHUNK]


def content(size: int) -> bytes:
    return bytes(each % 251 for each in range(1000)) * (size // 1000) + b"x" * (size % 1000)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens_and_is_as_long_as_was_said(size):
    sealed = sealing.seal(content(size), **ABOUT)

    assert sealing.opened(sealed, **ABOUT) == content(size)
    assert len(sealed) == sealing.sealed_size(size)
    assert size < 100 or content(size)[:100] not in sealed


@pytest.mark.parametrize(
    "other", [{"key": SECRET}, {"secret": KEY}, {"client_id": 8}, {"digest": "ac"}], ids=lambda other: next(iter(other))
)
def test_nobody_opens_it_for_another_client_or_content_or_with_another_key(other):
    sealed = sealing.seal(b"a mail", **ABOUT)

    with pytest.raises(sealing.Damaged):
        sealing.opened(sealed, **ABOUT | other)


@given(st.binary(max_size=200), st.integers(min_value=0), st.integers(1, 255))
def test_a_byte_that_changed_is_noticed_wherever_it_is(held, at, by):
    sealed = bytearray(sealing.seal(held, **ABOUT))
    sealed[at % len(sealed)] ^= by

    with pytest.raises(sealing.Damaged):
        sealing.opened(bytes(sealed), **ABOUT)


def chunks(sealed: bytes) -> list[bytes]:
    body, step = sealed[len(sealing.VERSION) :], sealing.CHUNK + sealing.TAG
    return [body[at : at + step] for at in range(0, len(body), step)]


@pytest.mark.parametrize(
    "order",
    [[0], [0, 1], [1, 0, 2], [0, 0, 2], [0, 1, 2, 2], []],
    ids=["one", "cut", "moved", "doubled", "more", "none"],
)
def test_no_chunk_is_left_out_moved_or_doubled(order):
    first, second, last = chunks(sealing.seal(content(2 * sealing.CHUNK + 5), **ABOUT))

    with pytest.raises(sealing.Damaged):
        sealing.opened(sealing.VERSION + b"".join([first, second, last][each] for each in order), **ABOUT)


def test_equal_content_of_two_clients_is_told_apart_by_nobody_outside():
    assert sealing.digest(KEY, b"the same") != sealing.digest(SECRET, b"the same")
    assert sealing.seal(b"the same", **ABOUT) != sealing.seal(b"the same", **ABOUT | {"secret": KEY})


def test_a_clients_key_is_of_that_client_and_of_this_installation():
    stored = sealing.wrapped(KEY, SECRET, 7)

    assert sealing.unwrapped(stored, SECRET, 7) == KEY
    for key, client_id in ((SECRET, 8), (KEY, 7)):
        with pytest.raises(sealing.Damaged):
            sealing.unwrapped(stored, key, client_id)
