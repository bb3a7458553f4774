"""Facts about work, in words."""

from collections.abc import Mapping
from typing import Any

_SAID = {
    "work.received": "Received",
    "work.queued": "Queued",
    "work.scheduled": "Scheduled",
    "work.kept": "Kept for whoever knows the case",
    "work.offered": "Offered",
    "work.accepted": "Accepted",
    "work.declined": "Declined",
    "work.offer-expired": "Offer lapsed",
    "work.offer-withdrawn": "Offer withdrawn for more urgent work",
    "work.put-aside": "Put aside for more urgent work",
    "work.taken-up-again": "Taken up again",
    "work.connected": "Connected",
    "work.held": "Put on hold",
    "work.resumed": "Resumed",
    "work.awaits-customer": "Waits for the customer",
    "work.customer-answered": "The customer answered",
    "work.reply-undelivered": "Reply not delivered",
    "work.waited-in-vain": "Waits no more: the customer never had our reply",
    "work.reply-sent": "Reply sent",
    "work.transferred": "Passed on",
    "work.snoozed": "Laid aside until later",
    "work.prioritised": "Given priority",
    "work.escalated": "Help asked for",
    "work.ended": "Ended",
    "work.wrapped-up": "Wrapped up",
    "work.abandoned": "The customer left",
    "work.cancelled": "Cancelled",
    "work.reopened": "Reopened",
}


def said(event: str, details: Mapping[str, Any]) -> str:
    """Word a fact about an item, with what its details add for a reader."""
    words = _SAID.get(event, event.replace(".", " ").replace("-", " ").capitalize())
    added = details.get("note") or details.get("disposition") or details.get("reason") or details.get("priority")
    return f"{words}: {added}" if added else words
