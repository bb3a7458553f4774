"""The measures' twins in SQL: each one expression over `work_item`, NULL where the item does not count.

A figure adds the expression up and an explanation lists the items where it is not NULL, so the two cannot disagree.
"""

_WAIT = "(item.connected_at - item.queued_at)"
SHORT = """(%(per_patient)s AND item.connected_at IS NULL
    AND coalesce(item.abandoned_at - item.queued_at <= make_interval(secs => %(short)s), false))"""
EXPRESSIONS = {
    "answered-within": f"""CASE WHEN item.connected_at IS NOT NULL THEN {_WAIT} <= make_interval(secs => %(threshold)s)
        WHEN %(per_answered)s OR {SHORT} THEN NULL
        WHEN item.abandoned_at IS NOT NULL OR item.id = ANY(%(late)s::bigint[]) THEN false END""",
    "abandoned": f"""CASE WHEN item.connected_at IS NOT NULL THEN false
        WHEN item.abandoned_at IS NOT NULL AND NOT {SHORT} THEN true END""",
    "resolved-within": """CASE WHEN item.abandoned_at IS NOT NULL THEN NULL
        WHEN item.working_seconds IS NOT NULL THEN item.working_seconds <= %(threshold)s
        WHEN item.state <> 'done' AND item.id = ANY(%(late)s::bigint[]) THEN false END""",
    "speed-of-answer": f"extract(epoch FROM {_WAIT})",
    "handled-time": """CASE WHEN item.state = 'done' AND item.connected_at IS NOT NULL
        THEN item.talk_seconds + item.hold_seconds + item.wrap_seconds END""",
    "volume": "1",
}
QUANTITIES = {
    None: "NULL::integer",
    "received": "1",
    "answered": "CASE WHEN item.connected_at IS NOT NULL THEN 1 END",
    "done": "CASE WHEN item.state = 'done' THEN 1 END",
    "talk": "CASE WHEN item.state = 'done' THEN item.talk_seconds END",
    "handled": "CASE WHEN item.state = 'done' THEN item.talk_seconds + item.hold_seconds + item.wrap_seconds END",
    "disposed": "CASE WHEN item.state = 'done' AND item.disposition = ANY(%(dispositions)s::text[]) THEN 1 END",
}
COUNTS = {
    "received": "true",
    "excluded": "item.cancelled_at IS NOT NULL",
    "answered": "item.cancelled_at IS NULL AND item.connected_at IS NOT NULL",
    "abandoned": "item.cancelled_at IS NULL AND item.connected_at IS NULL AND item.abandoned_at IS NOT NULL",
    "open": "item.cancelled_at IS NULL AND item.connected_at IS NULL AND item.abandoned_at IS NULL",
}
OF_PERIOD = """FROM work_item AS item
    WHERE item.client_id = %(client)s AND item.received_at >= %(starts_at)s AND item.received_at < %(ends_at)s"""
COUNTED = f"{OF_PERIOD} AND item.cancelled_at IS NULL AND item.queue_id = ANY(%(queues)s::bigint[])"

# In each, the row whose queue is NULL is all queues together.
SHARES = """SELECT queue_id, count(met), count(*) FILTER (WHERE met), count(*) FILTER (WHERE short)
    FROM (SELECT item.queue_id, {expression} AS met, {short} AS short {counted}) AS each
    GROUP BY GROUPING SETS ((queue_id), ())"""
SPANS = """SELECT queue_id, count(spent), coalesce(sum(spent), 0),
        percentile_disc(%(percentiles)s::float8[]) WITHIN GROUP (ORDER BY spent)
    FROM (SELECT item.queue_id, {expression} AS spent {counted}) AS each
    GROUP BY GROUPING SETS ((queue_id), ())"""
TOTALS = f"""SELECT item.queue_id, count(*),
        count(*) FILTER (WHERE {COUNTS["answered"]}), count(*) FILTER (WHERE {COUNTS["abandoned"]}),
        count(*) FILTER (WHERE {COUNTS["excluded"]}),
        coalesce(sum(item.talk_seconds) FILTER (WHERE {COUNTS["answered"]}), 0),
        coalesce(sum(item.hold_seconds) FILTER (WHERE {COUNTS["answered"]}), 0),
        coalesce(sum(item.wrap_seconds) FILTER (WHERE {COUNTS["answered"]}), 0)
    {OF_PERIOD} GROUP BY GROUPING SETS ((item.queue_id), ())"""
ITEMS = """SELECT id, key, queue, received_at, state, agent, value FROM (
        SELECT item.id, item.key, queue.name AS queue, item.received_at, item.state,
            coalesce(nullif(item.agent_label, ''), person.name, '') AS agent, {expression} AS value
        FROM (SELECT item.* {chosen}) AS item
        JOIN contracts_queue AS queue ON queue.id = item.queue_id
        LEFT JOIN people_person AS person ON person.id = item.done_by_id) AS each
    WHERE value IS NOT NULL ORDER BY received_at, id"""
