"""What the outbox does when somebody writes to a customer."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.conversations import queries as conversations
from workfloor.core.journal import rules as journal
from workfloor.ops.channels.outbox import actions


@journal.follows("outbox.post", "message.reply-written")
def post(facts: Sequence[journal.Followed], now: datetime) -> None:
    """Put replies on their way that go by mail."""
    for fact in facts:
        message = conversations.message(fact.details["message"]) if fact.details["channel"] == "email" else None
        if message:
            actions.post(message=message, now=now)
