"""Signatures by which a receiver knows that what it was sent is ours, as Standard Webhooks has them.

https://www.standardwebhooks.com
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
BOTH_FOR: Final = timedelta(hours=24)  # after a rotation, the secret before signs too


def written(secret: bytes) -> str:
    """A secret as its receiver is given it."""
    return PREFIX + b64encode(secret).decode()


def read(secret: str) -> bytes:
    """A secret that was given to a receiver."""
    return b64decode(secret.removeprefix(PREFIX), validate=True)


def signature(secret: bytes, key: str, seconds: int, body: bytes) -> str:
    """HMAC-SHA256 over the event's id, the time in seconds since 1970 and the body, in base64 after its version."""
    return "v1," + b64encode(hmac.digest(secret, f"{key}.{seconds}.".encode() + body, "sha256")).decode()


def headers(secrets: Sequence[bytes], key: str, now: datetime, body: bytes) -> dict[str, str]:
    """What is sent with a body: its id, when it is sent, and a signature with each secret that holds."""
    seconds = int(now.timestamp())
    return {
        "webhook-id": key,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signature(secret, key, seconds, body) for secret in secrets),
    }
