"""Slugs and tokens: how a client is named, and how its systems prove who they are."""

import hashlib
import hmac
import re

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 50
SCOPES = ("work:write", "work:read", "statement:read", "invoice:read")
_TOKEN = re.compile(r"wf_([0-9]{1,18})_([A-Za-z0-9_-]{43})")


def is_slug(text: str) -> bool:
    """Whether a name is one that addresses and files can carry: "first-bank"."""
    return len(text) <= LONGEST_SLUG and SLUG.fullmatch(text) is not None


def written(token_id: int, secret: str) -> str:
    """A token as its holder keeps it: `wf_<number>_<secret>`."""
    return f"wf_{token_id}_{secret}"


def parsed(text: str) -> tuple[int, str] | None:
    """The number and the secret of a written token; None if it is not one."""
    found = _TOKEN.fullmatch(text)
    return (int(found[1]), found[2]) if found else None


def digest(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits, so one round of SHA-256 is enough (no dictionary helps)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, stored: str) -> bool:
    """Whether a secret is the stored one, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(digest(secret), stored)
