"""What comes in is treated as the clients' playbooks say."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.conversations import queries as conversations
from workfloor.core.journal import rules as journal
from workfloor.core.work import queries as work
from workfloor.ops.playbook import actions, queries


@journal.follows("playbook.apply", "work.received", "message.received")
def apply(facts: Sequence[journal.Followed], now: datetime) -> None:
    """Apply the rules to each item and each message that came in."""
    ruled = {client for client in {fact.client_id for fact in facts} if client and queries.playbook(client).rules}
    for fact in facts:
        item = work.item(fact.item_id) if fact.item_id and fact.client_id in ruled else None
        if item is None:
            continue
        if fact.event == "work.received":
            actions.apply_rules(item=item, when="received", text=item.title, now=now)
        elif message := conversations.message(fact.details["message"]):
            text = f"{message.subject}\n{message.text}"
            actions.apply_rules(item=item, when="message", text=text, now=now)
