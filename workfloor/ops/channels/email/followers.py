"""What the outbox does when somebody writes to a customer."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.event_log import events as event_log_events
from workfloor.ops.channels.email import delivering


@event_log_events.follows("email.post", "message.reply-written")
def post(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Put replies on their way that go by mail."""
    for fact in facts:
        message = conversations_queries.message(fact.details["message"]) if fact.details["channel"] == "email" else None
        if message:
            delivering.post(message=message, now=now)
