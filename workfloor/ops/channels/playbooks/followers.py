"""What comes in is treated as the clients' playbooks say: decided at once, answered after that."""

from collections.abc import Sequence
from datetime import datetime

from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.event_log import events as event_log_events
from workfloor.core.work import queries as work_queries
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks import queries as playbooks_queries


@event_log_events.decides(
    "playbooks.decide", "work.received", "message.received", may_decide=playbooks_queries.have_playbooks
)
def decide(entries: Sequence[event_log_events.Entry], now: datetime) -> set[int]:
    """Apply the rules to each item and each message that comes in; returns the items to which one applied."""
    clients = {entry.client_id for entry in entries if entry.client_id}
    versions = {client: playbooks_queries.with_rules(client) for client in clients}
    changed = set()
    for entry in entries:
        version = versions.get(entry.client_id or 0)
        item = work_queries.item(entry.item_id) if version and entry.item_id else None
        if item is None:
            continue
        when, text = "received", item.title
        if entry.event.name == "message.received":
            message = conversations_queries.message(entry.event.details()["message"])
            when, text = "message", f"{message.subject}\n{message.text}" if message else ""
        if playbooks.apply_rules(item=item, when=when, text=text, now=now, version=version):
            changed.add(item.id)
    return changed


@event_log_events.follows("playbooks.answer", "playbook.rule-applied")
def answer(facts: Sequence[event_log_events.Followed], now: datetime) -> None:
    """Send what the rules that applied answer."""
    for fact in facts:
        item = work_queries.item(fact.item_id) if fact.item_id else None
        if item is not None:
            playbooks.answer(item=item, rule_name=fact.details["rule"], version=fact.details["version"], now=now)
