"""Backlog: how much is open at the end."""

from workfloor.core.catalogue import backlog_older_than
from workfloor.core.catalogue.declaring import Measure, Without

MEASURE = Measure(
    name="backlog",
    title="backlog",
    definition="How many items are open at the end of the month, or now while it goes on: received and neither "
    "resolved, abandoned nor cancelled, whenever they came in. It is reported and has no target; an age is agreed "
    "with backlog-older-than.",
    source="A plain count.",
    shape="count-at-end",
    better=None,
    item=Without("looks at one instant, whichever item was open then"),
    sql=f"nullif({backlog_older_than.OPEN_ON}, 0)",
    rollup=Without("looks at what is open, and rollups hold finished work"),
    simulation=Without("looks at the end, and a simulation works off what has come"),
)
