"""What a chat does when its item ends: it is over too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from workfloor.core.access import actors
from workfloor.core.event_log import events as event_log_events
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.models import Item
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries

CHATS: Final = actors.engine("chats")


@event_log_events.follows("chat.close", "work.ended", "work.cancelled")
def close(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Tell the visitors whose chats their agents have ended."""
    chats.close_with(item_ids=[fact.item_id for fact in facts if fact.item_id is not None], by=CHATS, now=now)


@event_log_events.follows("chat.move", "case.merged", "case.split")
def move(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Let chats follow their items into other cases."""
    cases = {fact.details.get("into") or fact.case_id for fact in facts}
    items = Item.objects.filter(case_id__in=cases, kind__in=work_kinds.over(chat_queries.CHANNEL)).values_list(
        "id", flat=True
    )
    chats.move(item_ids=list(items), now=now)
