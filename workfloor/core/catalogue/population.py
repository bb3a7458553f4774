"""What many measures share: which items count, waits, short abandons, what runs on an item's clocks; each in its forms.

Cancelled items count nowhere, and what we begin ourselves, such as an outbound email, is no contact. Every bound is
inclusive: "within 20 s" is a wait of 20 s or less, and "abandoned within 5 s" a wait of 5 s or less. An item that is
still open counts, as missed, once it is late. A customer who was connected once has not abandoned, whatever came later.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from workfloor.core.catalogue.declaring import Level, Working
from workfloor.core.catalogue.outcomes import Outcome

# --- Contacts: what we begin ourselves is none ------------------------------------------------------------------
BEGUN_BY_US = ("outbound-email",)  # the kinds of work that declare it (work/kinds.py), which lies above this


def is_contact(row: str) -> str:
    """Say whether a row of `work_item` is a contact (SQL)."""
    return f"{row}.kind <> ALL(ARRAY{list(BEGUN_BY_US)})"


# --- The wait ---------------------------------------------------------------------------------------------------
WAIT = "(item.connected_at - item.queued_at)"
WAIT_IN_VAIN = "(item.abandoned_at - item.queued_at)"
MICROSECONDS = 1_000_000  # in a second; waits are kept in these


def threshold(level: Level) -> timedelta:
    """Return the level's threshold, none where it has none."""
    return timedelta(seconds=level.threshold_seconds or 0)


def exact_seconds(span: timedelta) -> Decimal:
    """Return a time in seconds, to the microsecond."""
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)


# --- Short abandons, which a level may leave out -------------------------------------------------------------------
SHORT = f"""(%(per_patient)s AND item.connected_at IS NULL
    AND coalesce({WAIT_IN_VAIN} <= make_interval(secs => %(short)s), false))"""


def is_apart(level: Level, item: Outcome) -> bool:
    """Return whether the item is a short abandon that the level leaves out."""
    if level.per != "offered-less-short-abandons" or item.cancelled_at or item.connected_at:
        return False
    return item.abandoned_at is not None and item.waited(item.abandoned_at) <= timedelta(
        seconds=level.short_abandon_seconds or 0
    )


def short_seconds(level: Level) -> float:
    """Return within how many seconds an abandon is short, below 0 where the level leaves none out."""
    if level.per != "offered-less-short-abandons":
        return -1.0
    return float(level.short_abandon_seconds or 0)


# --- Rollups ----------------------------------------------------------------------------------------------------
def within(limit: str, values: str) -> str:
    """Count those of a bucket's list that are at most so much: by halving where it is sorted, else one by one (SQL)."""
    return f"""coalesce(CASE WHEN bucket.loose
        THEN (SELECT count(*) FROM unnest(bucket.{values}) AS value WHERE value <= {limit})
        ELSE width_bucket({limit}, bucket.{values}) END, 0)"""


SHORT_IN_BUCKET = f"CASE WHEN %(per_patient)s THEN {within('%(short)s * 1000000::bigint', 'left_after')} ELSE 0 END"
WAITS_WITHIN = within("%(threshold)s * 1000000::bigint", "waits")


# --- Contacts that were dealt with --------------------------------------------------------------------------------
HANDLED = "item.state = 'done' AND item.connected_at IS NOT NULL"
HANDLED_IN_BUCKET = "coalesce(cardinality(bucket.handled), 0)"


def is_handled(item: Outcome) -> bool:
    """Return whether the item was connected, and is ended and wrapped up."""
    return item.done and item.connected_at is not None


# --- An item's clocks -------------------------------------------------------------------------------------------
def is_over_time(level: Level, item: Outcome, now: datetime, working: Working) -> bool:
    """Return whether an open item's working time, its pauses taken out, is longer than the threshold."""
    pauses = item.paused_seconds + (working(item.awaiting_since, now) if item.awaiting_since else 0)
    begun = max(item.received_at, item.queued_at or item.received_at)  # scheduled work begins when it is due
    return working(begun, now) - pauses > (level.threshold_seconds or 0)


def clock_within(column: str) -> str:
    """Say whether a working time of the item is within the threshold; late open ones are not (SQL)."""
    return f"""CASE WHEN item.abandoned_at IS NOT NULL THEN NULL
        WHEN item.{column} IS NOT NULL THEN item.{column} <= %(threshold)s
        WHEN item.state <> 'done' AND item.id = ANY(%(late)s::bigint[]) THEN false END"""


def clock_seconds(column: str) -> str:
    """Give a working time of the item, where it has come to one (SQL)."""
    return f"CASE WHEN item.abandoned_at IS NULL THEN item.{column} END"
