"""What comes in is treated as the clients' playbooks say."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.event_log import events as event_log_events
from workfloor.core.work import queries as work_queries
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks import queries as playbooks_queries


@event_log_events.follows("playbooks.apply", "work.received", "message.received")
def apply(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Apply the rules to each item and each message that came in."""
    ruled = {
        client for client in {fact.client_id for fact in facts} if client and playbooks_queries.playbook(client).rules
    }
    for fact in facts:
        item = work_queries.item(fact.item_id) if fact.item_id and fact.client_id in ruled else None
        if item is None:
            continue
        if fact.event == "work.received":
            playbooks.apply_rules(item=item, when="received", text=item.title, now=now)
        elif message := conversations_queries.message(fact.details["message"]):
            text = f"{message.subject}\n{message.text}"
            playbooks.apply_rules(item=item, when="message", text=text, now=now)
