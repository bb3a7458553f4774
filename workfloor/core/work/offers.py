"""Making offers, any number at once: what a router decided becomes so, all of it or nothing."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, connection

from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log.models import TABLE
from workfloor.core.people.models import AgentState, Clearance
from workfloor.core.work import actions as work
from workfloor.core.work import events as work_events
from workfloor.core.work import lifecycle
from workfloor.core.work import models as work_models


class TooLate(work.Refused):
    """Something has changed meanwhile, so that it cannot be done any more."""


MOST_NAMED = 200  # offers, whose names fit into one notice

_PREEMPTIBLE = {"preemptible": True}
_HOLD_AGENT_STATES = f"""
SELECT FROM {AgentState._meta.db_table} WHERE person_id = ANY(%s) ORDER BY person_id FOR NO KEY UPDATE
"""
_MAKE_ROOM = f"""
UPDATE {work_models.Assignment._meta.db_table} SET aside = true
WHERE person_id = %s AND preemptible AND NOT aside AND share && int4range(%s::int, %s::int)
"""

# One statement for any number of offers: whoever went away meanwhile, and whatever does not wait any more, is left out.
_OFFER_ALL = f"""
WITH given AS (
    SELECT row_number() OVER () AS place, * FROM json_to_recordset(%(offers)s)
        AS offer(item bigint, person bigint, low int, high int, until text, preemptible boolean)
), present AS (
    SELECT person_id FROM {AgentState._meta.db_table}
    WHERE person_id IN (SELECT person FROM given) AND state = 'available' ORDER BY person_id FOR NO KEY UPDATE
), taken AS (
    UPDATE {work_models.Item._meta.db_table} item
    SET state = 'offered', person_id = given.person, offer_expires_at = given.until::timestamptz
    FROM given JOIN present ON present.person_id = given.person
    WHERE item.id = given.item AND item.state = 'waiting' AND item.pending_customer_since IS NULL
      AND EXISTS (SELECT FROM {Clearance._meta.db_table} cleared WHERE cleared.person_id = given.person
                  AND cleared.client_id = item.client_id AND cleared.withdrawn_at IS NULL)
    RETURNING item.id, item.client_id, item.case_id, given.*
), handed AS (
    INSERT INTO {work_models.Assignment._meta.db_table} (item_id, client_id, person_id, share, since, preemptible)
    SELECT id, client_id, person, int4range(low, high), %(now)s, coalesce(preemptible, false) FROM taken
), told AS (
    INSERT INTO {TABLE} (at, client_id, item_id, case_id, person_id, event, details)
    SELECT %(now)s, client_id, id, case_id, person, '{work_events.Offered.name}',
           jsonb_build_object('expires_at', until) FROM taken ORDER BY place
)
SELECT id, client_id, case_id, person FROM taken
"""


def offer_all(*, offers: Sequence[lifecycle.Offer], now: datetime) -> None:
    """Make many offers at once, all of them or none: as `offer` does, in the order given.

    Raises TooLate when one of them cannot be made any more; then the caller's transaction must not be kept.
    """
    rows = [
        {
            "item": item,
            "person": person,
            "low": low,
            "high": high,
            "until": (now + timedelta(seconds=length)).isoformat(),
            **(_PREEMPTIBLE if preemptible else {}),
        }
        for item, person, low, high, length, preemptible, _ in offers
    ]
    try:
        with connection.cursor() as cursor:
            if over := [offer for offer in offers if offer.over]:
                cursor.execute(_HOLD_AGENT_STATES, [sorted({offer.person_id for offer in offers})])
                cursor.executemany(_MAKE_ROOM, [(offer.person_id, offer.low, offer.high) for offer in over])
            cursor.execute(_OFFER_ALL, {"offers": json.dumps(rows), "now": now})
            made = cursor.fetchall()
    except IntegrityError as fault:  # another router gave the same person something in the same moment
        raise TooLate(str(fault)) from fault
    if len(made) < len(offers):
        raise TooLate(f"{len(offers) - len(made)} of {len(offers)} offers cannot be made any more")
    kinds = ("item", "client", "case", "person") if len(made) <= MOST_NAMED else ()
    named = {f"{kind}:{number}" for row in made for kind, number in zip(kinds, row, strict=False) if number}
    event_log.announce(named or {"*"}, set())
