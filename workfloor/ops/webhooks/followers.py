"""What is put on its way to other systems when something happens."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.event_log import events as event_log_events
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks import public_events


@event_log_events.follows("webhooks.post", *public_events.EVENTS)
def post(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Put facts on their way to the endpoints that want them."""
    webhooks.post(facts=facts, now=now)
