"""What items may live through, at random; and what became of them, as a measure's rule sees it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from workfloor.core.catalogue.outcomes import Outcome
from workfloor.core.clients.models import Client
from workfloor.core.contracts.models import Queue
from workfloor.core.event_log.events import Event
from workfloor.core.work import events as work_events
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work import lifecycle
from workfloor.core.work.models import Case, Customer, Item

# Some days about which clocks change in Europe, and a week before they do in Sydney.
FIRST = datetime(2026, 3, 27, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 9, 7, 30, tzinfo=UTC)
QUEUES = ("calls", "mail", "chats")
KINDS = {"calls": ("call", "callback"), "mail": ("email", "message"), "chats": ("chat", "chat")}

STEPS = (
    "accept",
    "accept",
    "hold",
    "resume",
    "end",
    "end",
    "wrap-up",
    "wrap-up",
    "abandon",
    "abandon",
    "transfer",
    "ask",
    "answer",
    "reply",
    "reopen",
    "cancel",
)


@dataclass(frozen=True)
class Life:
    """What one item lives through: when it came in, to which queue, of which case, and steps with seconds between."""

    came: datetime
    queued_after: float
    queue: str
    case: int  # 0: of none
    steps: Sequence[tuple[str, float, int]]  # what, how long after the one before, working seconds that it tells


# Also the bounds of what is counted, to the instant.
gaps = st.floats(0, 90).map(lambda each: round(each, 6)) | st.sampled_from([0, 5, 5.000001, 20, 20.000001, 86400])
came = st.integers(0, 5 * 24 * 4).map(lambda quarter: FIRST + timedelta(minutes=15 * quarter)) | st.integers(
    0, 5 * 86400 - 1
).map(lambda second: FIRST + timedelta(seconds=second, microseconds=second % 7))
lives = st.builds(
    Life,
    came,
    st.sampled_from([0, 0, 0.5, 10]),
    st.sampled_from(list(QUEUES)),
    st.integers(0, 4),
    st.lists(st.tuples(st.sampled_from(STEPS), gaps, st.integers(3590, 3610) | st.integers(0, 9000)), max_size=9)
    | st.tuples(gaps, gaps, gaps, st.integers(3590, 3610)).map(
        lambda told: [("accept", told[0], 0), ("end", told[1], told[3]), ("wrap-up", told[2], 0)]
    ),
)


def lived(life: Life, queues: dict[str, Queue], number: int) -> lifecycle.Item:
    """Follow a life by the facts' own rules; what cannot happen does not, nor what is still to come."""
    state, at = lifecycle.Item(), life.came
    own = queues[life.queue]
    received = work_events.Received(str(number), KINDS[life.queue][number % 3 == 2], own.process_id)
    lifecycle.follow(state, received, at, None)
    at += timedelta(seconds=life.queued_after)
    lifecycle.follow(state, work_events.Queued(own.id), at, None)
    for step, after, told in life.steps:
        at += timedelta(seconds=after)
        if at >= NOW:
            break
        with suppress(lifecycle.NotNow):
            for event in _events(step, told, queues):
                lifecycle.follow(state, event, at, None)
    if state.state in lifecycle.WITH_SOMEBODY:  # somebody who is not here: it is passed back
        lifecycle.follow(state, work_events.Transferred(own.id, "back"), at, None) if state.state == "held" else (
            lifecycle.follow(state, work_events.WrappedUp("resolved"), at, None)
        )
    return state


def _events(step: str, told: int, queues: dict[str, Queue]) -> list[Event]:
    other = queues["calls" if told % 2 else "mail"]
    return {
        "accept": [work_events.Accepted(), work_events.Connected()],
        "hold": [work_events.Held()],
        "resume": [work_events.Resumed()],
        "end": [work_events.Ended(told, 1, told // 2)],
        "wrap-up": [work_events.WrappedUp("resolved")],
        "abandon": [work_events.Abandoned()],
        "transfer": [work_events.Transferred(other.id, "for you")],
        "ask": [work_events.PendingCustomer(told)],
        "answer": [work_events.CustomerAnswered(told)],
        "reply": [work_events.ReplySent(told)],
        "reopen": [work_events.Reopened("not so")],
        "cancel": [work_events.Cancelled("a test call")],
    }[step]


def store(client: Client, month: Sequence[Life]) -> list[Item]:
    """Put what was lived through into the place of all items: those of three customers, and of nobody known."""
    Item.objects.all().delete()
    Case.objects.all().delete()
    customers = [Customer.objects.get_or_create(client=client, reference=name)[0] for name in ("ana", "rui")]
    # Two cases of one customer, one of another, one of somebody unknown.
    of = [customers[0], customers[0], customers[1], None]
    cases = [Case.objects.create(client=client, kind="request", opened_at=FIRST, customer=each) for each in of]
    queues = {queue.name: queue for queue in Queue.objects.filter(client=client)}
    items = []
    for number, life in enumerate(month):
        state = lived(life, queues, number)
        items.append(Item(client=client, case=cases[life.case - 1] if life.case else None, **vars(state)))
    Item.objects.bulk_create(items)
    return list(Item.objects.select_related("queue", "case").order_by("received_at", "id"))


def customer_of(item: Item) -> int | None:
    return item.case.customer_id if item.case else None


def outcome(item: Item, month: Sequence[Item] = ()) -> Outcome:
    """What became of an item among those of a month, by looking at all of them."""

    def place(each: Item) -> tuple[datetime, int]:
        return each.received_at, each.id

    of_case = [each for each in month if each.case_id and each.case_id == item.case_id and not each.cancelled_at]
    later = [each.received_at for each in of_case if place(each) > place(item)]
    return Outcome(
        item_id=item.id,
        queue=item.queue.name,
        received_at=item.received_at,
        queued_at=item.queued_at,
        connected_at=item.connected_at,
        abandoned_at=item.abandoned_at,
        cancelled_at=item.cancelled_at,
        done=item.state == "done",
        talk_seconds=item.talk_seconds,
        hold_seconds=item.hold_seconds,
        wrap_seconds=item.wrap_seconds,
        working_seconds=item.working_seconds,
        paused_seconds=item.paused_seconds,
        awaiting_since=item.pending_customer_since,
        reply_seconds=item.reply_seconds,
        in_conversation=item.connected_at is not None and item.kind in work_kinds.CONVERSATIONS,
        ended_at=item.ended_at,
        came_back_seconds=item.came_back_seconds,
        is_first_of_case=bool(of_case) and min(map(place, of_case)) == place(item),
        next_of_case_at=min(later, default=None),
        transfers=item.transfers,
        is_of_customer=customer_of(item) is not None,
        next_of_customer_at=min(
            (
                each.received_at
                for each in month
                if customer_of(each) and customer_of(each) == customer_of(item)
                if not each.cancelled_at and each.kind != "callback" and place(each) > place(item)
            ),
            default=None,
        ),
    )
