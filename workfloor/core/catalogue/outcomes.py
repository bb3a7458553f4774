"""What became of one item, as far as a measure looks."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item; a None time has not happened."""

    item_id: int
    queue: str
    received_at: datetime
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    abandoned_at: datetime | None = None
    cancelled_at: datetime | None = None
    done: bool = False  # ended and wrapped up
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_seconds: int = 0
    working_seconds: int | None = None  # working time from received to resolved, pauses taken out
    paused_seconds: int = 0  # working time in which the customer owed an answer
    awaiting_since: datetime | None = None  # the customer owes one now
    disposition: str = ""  # how it ended
    reply_seconds: int | None = None  # working time from received to the first reply, pauses taken out
    in_conversation: bool = False  # connected to the customer, which is a reply; its time is known when it has ended
    ended_at: datetime | None = None
    came_back_seconds: int | None = None  # from the first resolution to the first reopening
    is_first_of_case: bool = False
    next_of_case_at: datetime | None = None  # when the next item of the same case came in
    transfers: int = 0  # how often it was passed on to another queue
    is_of_customer: bool = False  # it is of a case whose customer is known
    next_of_customer_at: datetime | None = None  # when that customer's next contact came in

    @property
    def handled_seconds(self) -> int:
        return self.talk_seconds + self.hold_seconds + self.wrap_seconds

    def waited(self, until: datetime) -> timedelta:
        """Return how long the item had been queueing at that instant."""
        return until - (self.queued_at or self.received_at)
