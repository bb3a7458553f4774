"""What a chat does when its item ends: it is over too."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.journal import rules as journal
from workfloor.core.work.models import Item
from workfloor.ops.channels.chat import actions


@journal.follows("chat.close", "work.ended", "work.cancelled")
def close(facts: Sequence[journal.Followed], now: datetime) -> None:
    """Tell the visitors whose chats their agents have ended."""
    actions.close_with(item_ids=[fact.item_id for fact in facts if fact.item_id is not None], now=now)


@journal.follows("chat.move", "case.merged", "case.split")
def move(facts: Sequence[journal.Followed], now: datetime) -> None:
    """Let chats follow their items into other cases."""
    cases = {fact.details.get("into") or fact.case_id for fact in facts}
    items = Item.objects.filter(case_id__in=cases, kind="chat").values_list("id", flat=True)
    actions.move(item_ids=list(items), now=now)
