"""Rollups of the work that was finished before there were any: day by day, each in a transaction of its own.

Meanwhile the floor goes on, for the triggers count what is finished; counting a day anew twice does no harm.
"""

from datetime import UTC, timedelta

from django.db import connection, migrations, transaction

from workfloor.kit import rls

_DAYS = """
SELECT DISTINCT client_id, date_trunc('day', received_at, 'UTC') FROM work_item
WHERE state IN ('done', 'abandoned', 'cancelled') ORDER BY 1, 2
"""


def count(apps, schema_editor):
    for client, day in _asked(_DAYS):
        last = day.astimezone(UTC) + timedelta(hours=23, minutes=45)
        _asked("SELECT rollups_recount(%s, %s, %s)", [client, day, last])


def _asked(sql, values=None):
    with transaction.atomic(), connection.cursor() as cursor:
        rls.enter_every_client()
        cursor.execute(sql, values)
        return cursor.fetchall()


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("rollups", "0001_initial")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
