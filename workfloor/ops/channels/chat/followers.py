"""What a chat does when its item ends: it is over too."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.journal import rules as journal
from workfloor.ops.channels.chat import actions


@journal.follows("chat.close", "work.ended", "work.cancelled")
def close(facts: Sequence[journal.Followed], now: datetime) -> None:
    """Tell the visitors whose chats their agents have ended."""
    actions.close_with(item_ids=[fact.item_id for fact in facts if fact.item_id is not None], now=now)
