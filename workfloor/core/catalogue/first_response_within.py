"""First response within: the share of items that had a first reply within so much working time."""

from datetime import datetime

from workfloor.core.catalogue import population
from workfloor.core.catalogue.declaring import Level, Measure, Seen, Without, Working
from workfloor.core.catalogue.outcomes import Outcome


def _counted(level: Level, item: Outcome, seen: Seen) -> bool | None:
    if item.abandoned_at:
        return None
    if item.reply_seconds is not None:
        return item.reply_seconds <= (level.threshold_seconds or 0)
    return False if item.item_id in seen.late and not item.done else None


def _is_late(level: Level, item: Outcome, now: datetime, working: Working) -> bool:
    replied = item.reply_seconds is not None or item.in_conversation
    return not replied and population.is_over_time(level, item, now, working)


MEASURE = Measure(
    name="first-response-within",
    title="first response within",
    definition="The share of items that had their first reply within the threshold, in working time of the "
    "process's calendar. A first reply is what a person first wrote, a question that the customer owes an answer "
    "to, the answer of a call or a chat, or the end; an automatic acknowledgement is none. An open item without "
    "one counts, as missed, once its clock is past the threshold.",
    source="Items replied to within the target divided by items.",
    shape="share",
    better="higher",
    item=_counted,
    sql=population.clock_within("reply_seconds"),
    rollup=Without("counts replies to work that may still be open, and rollups hold finished work"),
    simulation=Without("runs in working time, with pauses that customers cause, and a simulation has neither"),
    late=_is_late,
    runs_in_working_time=True,
)
