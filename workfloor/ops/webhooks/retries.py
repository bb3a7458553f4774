"""What an answer means, when an event is tried again, and when a receiver is left in peace for a while."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

STATES: Final = ("waiting", "accepted", "failed")
ENDPOINT_STATES: Final = ("enabled", "paused", "gone", "removed")
GIVE_UP_AFTER: Final = timedelta(days=3)
BACK_OFF_SECONDS: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800)
JITTER: Final = 0.2  # of the time, at most, sooner or later
FAILURES_BEFORE_REST: Final = 3  # in a row
REST_SECONDS: Final = (15, 30, 60, 120, 300, 600, 900, 1800)
LONGEST_RETRY_AFTER: Final = timedelta(days=1)

Verdict = Literal["accepted", "gone", "refused", "unwell"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered, or without a code why there is no answer; how long that took, in milliseconds."""

    code: int | None
    words: str
    took: int
    retry_after: str = ""


def verdict(answer: Answer) -> Verdict:
    """Whether an event was accepted or refused, or its receiver is gone for good, or unwell and to be left in peace."""
    code = answer.code
    if code is None or code >= 500 or code in (408, 425, 429):
        return "unwell"
    if 200 <= code < 300:
        return "accepted"
    return "gone" if code == 410 else "refused"


def next_try(key: str, tries: int, first: datetime, now: datetime) -> datetime | None:
    """When to try again after so many tries since `first`, later each time; None once it has lasted too long.

    A fifth sooner or later, by chance that is the same for the same event and try: many do not come at one moment.
    """
    if now - first >= GIVE_UP_AFTER:
        return None
    drawn = int.from_bytes(hashlib.sha256(f"{key}/{tries}".encode()).digest()[:4], "big") / 2**32
    seconds = BACK_OFF_SECONDS[min(tries, len(BACK_OFF_SECONDS)) - 1]
    return now + timedelta(seconds=seconds * (1 - JITTER + 2 * JITTER * drawn))


def rest_until(failures: int, now: datetime) -> datetime | None:
    """Until when a receiver is left in peace after so many failures in a row; None for too few."""
    step = failures - FAILURES_BEFORE_REST
    return now + timedelta(seconds=REST_SECONDS[min(step, len(REST_SECONDS) - 1)]) if step >= 0 else None


def asked_until(retry_after: str, now: datetime) -> datetime | None:
    """Until when a receiver asks us to wait (Retry-After: seconds, or a date), a day at most; None if it does not."""
    written = retry_after.strip()
    if written.isascii() and written.isdigit():
        wait = timedelta(seconds=min(int(written[:9]), int(LONGEST_RETRY_AFTER.total_seconds())))
        return now + wait if wait else None
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(until, now + LONGEST_RETRY_AFTER) if until > now else None
