"""Counting buckets anew: to fold what was appended, and to fill in what was there before the rollups."""

from datetime import datetime

from django.db import connection

from workfloor.core.measures import models as measures_models

FOLDED_AT_ONCE = 200

_FOLD = f"""
SELECT count(measures_recount(%(client)s, starts_at, starts_at)) FROM (
    SELECT DISTINCT starts_at FROM {measures_models.TABLE} WHERE client_id = %(client)s AND loose
    ORDER BY starts_at LIMIT %(most)s) AS each
"""


def fold(*, client_id: int, most: int = FOLDED_AT_ONCE) -> int:
    """Put one row in the place of those appended to a bucket; returns for how many buckets it did so."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, {"client": client_id, "most": most})
        return int(cursor.fetchone()[0])


def recount(*, client_id: int, starts_at: datetime, ends_at: datetime) -> None:
    """Count the buckets between two instants anew, the last one's included, from the items."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT measures_recount(%s, %s, %s)", [client_id, starts_at, ends_at])
