"""Sealing what files hold: AES-256-GCM in chunks, each bound to its client, its digest, its place and the end.

Chunks are numbered and the last one is marked (STREAM, Hoang et al. 2015, https://eprint.iacr.org/2015/189), so none
can be left out, doubled, moved or cut off. Each file has a key of its own, with which only it is ever sealed; so the
chunk's number serves as nonce.
"""

import hmac
import os
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
CHUNK: Final = 1 << 20  # bytes
TAG: Final = 16  # bytes that each chunk grows by
VERSION: Final = b"WF1\n"
_NONCE: Final = 12


class Damaged(Exception):
    """What is sealed is not what was sealed for this client under this digest."""


def new_secret() -> bytes:
    """What makes a key, or a file's key, from chance."""
    return os.urandom(KEY_BYTES)


def digest(key: bytes, content: bytes) -> str:
    """HMAC-SHA256 of content under a client's key, in hexadecimal: it tells nothing to whoever has not the key."""
    return hmac.digest(_derived(key, b"digest"), content, "sha256").hex()


def wrapped(key: bytes, by: bytes, client_id: int) -> bytes:
    """A client's key as it is stored, sealed by the installation's."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(by).encrypt(nonce, key, b"key of client %d" % client_id)


def unwrapped(stored: bytes, by: bytes, client_id: int) -> bytes:
    """A client's key. Raises Damaged where another key wrapped it, or for another client."""
    try:
        return AESGCM(by).decrypt(stored[:_NONCE], stored[_NONCE:], b"key of client %d" % client_id)
    except (InvalidTag, ValueError) as fault:
        raise Damaged("the client's key was wrapped by another key of the installation") from fault


def seal(content: bytes, *, key: bytes, secret: bytes, client_id: int, digest: str) -> bytes:
    """What the store is given: VERSION and the sealed chunks, of which the last one may be empty."""
    cipher, view, about = AESGCM(_derived(key, secret)), memoryview(content), _about(client_id, digest)
    sealed = [VERSION]
    for number, start, is_last in _chunks(len(content), CHUNK):
        sealed.append(cipher.encrypt(_nonce(number, is_last), view[start : start + CHUNK], about))
    return b"".join(sealed)


def opened(sealed: bytes, *, key: bytes, secret: bytes, client_id: int, digest: str) -> bytes:
    """What was sealed. Raises Damaged where it is not that, whole, and of this client and digest."""
    if sealed[: len(VERSION)] != VERSION:
        raise Damaged("it is no sealed file")
    cipher, view, about = AESGCM(_derived(key, secret)), memoryview(sealed)[len(VERSION) :], _about(client_id, digest)
    found, step = [], CHUNK + TAG
    try:
        for number, start, is_last in _chunks(len(view), step):
            found.append(cipher.decrypt(_nonce(number, is_last), view[start : start + step], about))
    except (InvalidTag, ValueError) as fault:
        raise Damaged("it was changed, cut or swapped since it was sealed") from fault
    return b"".join(found)


def sealed_size(size: int) -> int:
    """How many bytes the store has of content of that size."""
    return len(VERSION) + size + TAG * sum(1 for _ in _chunks(size, CHUNK))


def _chunks(size: int, step: int) -> Iterator[tuple[int, int, bool]]:
    """Number and start of each chunk and whether it is the last one; of nothing there is one, which is empty."""
    count = max(1, -(-size // step))
    return ((number, number * step, number == count - 1) for number in range(count))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(_NONCE - 1, "big") + (b"\1" if is_last else b"\0")


def _about(client_id: int, digest: str) -> bytes:
    return b"%d %s" % (client_id, digest.encode())


def _derived(key: bytes, label: bytes) -> bytes:
    return hmac.digest(key, label, "sha256")
