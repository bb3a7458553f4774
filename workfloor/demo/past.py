"""The sample provider's past months: each day's work done by whoever was there, a month closed and invoiced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import groupby

from workfloor.core.access import actors
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Queue
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.people import actions as people
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person
from workfloor.core.people.qualification import qualifies
from workfloor.core.work import actions as work
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.models import Item
from workfloor.demo import sample
from workfloor.kit.time import calendars
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat import queries as chat_queries
from workfloor.ops.channels.chat.models import Widget
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import delivering
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Mailbox

CHATS = work_kinds.over(chat_queries.CHANNEL)
SIGNS_IN_BEFORE, STAYS_AFTER = timedelta(minutes=10), timedelta(minutes=15)


@dataclass(frozen=True)
class Channels:
    """By what customers write, and where others' work waits, by client and queue."""

    mailbox: Mailbox
    widget: Widget
    queues: dict[tuple[str, str], Queue]


@dataclass
class Colleague:
    """Somebody who works off the past, and when they have no more in hand."""

    person: Person
    free_at: datetime


def work_off(now: datetime, staff: Sequence[Person], channels: Channels) -> None:
    """Let each day's work of all clients be done by those who can, one piece at a time each."""
    every = [(slug, each) for slug in sample.KINDS for each in sample.past_arrivals(slug, now)]
    every.sort(key=lambda pair: pair[1].at)
    there = [Colleague(person, every[0][1].at) for person in staff]
    able = {place: _able(queue, place[0], every[0][1].at, there) for place, queue in channels.queues.items()}
    for _, day in groupby(enumerate(every, start=1), key=lambda pair: calendars.day_of(pair[1][1].at, "UTC")):
        _work_off_a_day(list(day), there, able, channels)


def _able(queue: Queue, slug: str, at: datetime, there: Iterable[Colleague]) -> list[Colleague]:
    requires = contracts_queries.terms_of(queue, at).requires
    cleared = [each for each in there if each.person.clearances.filter(client__slug=slug).exists()]
    return [each for each in cleared if qualifies(people_queries.skills_at(each.person, at), requires)]


def _work_off_a_day(
    day: Sequence[tuple[int, tuple[str, sample.Arrival]]],
    there: Sequence[Colleague],
    able: Mapping[tuple[str, str], Sequence[Colleague]],
    channels: Channels,
) -> None:
    begins = day[0][1][1].at - SIGNS_IN_BEFORE
    for each in there:
        each.free_at = begins
        people.go_available(person=each.person, by=each.person, now=begins)
    for number, (slug, arrival) in day:
        one = min(able[slug, arrival.queue], key=lambda each: each.free_at)
        answered = max(arrival.at + timedelta(seconds=arrival.wait_seconds), one.free_at)
        queue = channels.queues[slug, arrival.queue]
        one.free_at = _work_off_one(f"past-{number}", queue, arrival, one, answered, channels)
    ends = max(each.free_at for each in there) + STAYS_AFTER
    for each in there:
        people.sign_out_of_work(person=each.person, by=each.person, now=ends)


def _work_off_one(
    key: str, queue: Queue, arrival: sample.Arrival, one: Colleague, answered: datetime, channels: Channels
) -> datetime:
    """Receive a piece of work and do it; returns when whoever did it is free again."""
    item = receive(key, queue, arrival, channels)
    if arrival.leaves:
        if item.kind in CHATS:
            chats.leave(chat=item.chats.get(), now=arrival.at + timedelta(seconds=arrival.wait_seconds))
        else:
            work.abandon(item=item, by=actors.CUSTOMER, now=arrival.at + timedelta(seconds=arrival.wait_seconds))
        return one.free_at
    ended = answered + timedelta(seconds=arrival.work_seconds)
    done = ended + timedelta(seconds=arrival.wrap_seconds)
    work.offer(
        item=item, person=one.person, max_concurrency=1, offer_seconds=30, by=actors.engine("router"), now=answered
    )
    work.accept(item=item, by=one.person, now=answered)
    _talk(item, arrival, one.person, answered, ended)
    work.end(item=item, by=one.person, now=ended)
    if item.kind in CHATS:
        chats.close_with(item_ids=[item.id], by=actors.CLOCK, now=ended)
        chats.rate(chat=item.chats.get(), score=sample.SAID[arrival.title][1], comment="", now=done)
    work.wrap_up(item=item, by=one.person, disposition=arrival.disposition, now=done)
    return done


# --- how it came, and what was said ---------------------------------------------------------------------------------


def receive(key: str, queue: Queue, arrival: sample.Arrival, channels: Channels) -> Item:
    """Let a customer call, write or chat."""
    if queue.name == sample.MAIL_QUEUE:
        return _write(key, arrival, channels.mailbox)
    if queue.name == sample.CHAT_QUEUE:
        return begin_chat(key, arrival, channels.widget)
    customer = work.Customer(arrival.customer, sample.CUSTOMERS[arrival.customer])
    payload = sample.CONTENT.get(arrival.title)
    item, _ = work.receive(
        queue=queue,
        key=key,
        title=arrival.title,
        payload=payload,
        customer=customer,
        by=actors.CUSTOMER,
        now=arrival.at,
    )
    return item


def begin_chat(key: str, arrival: sample.Arrival, widget: Widget) -> Item:
    """Let a visitor begin a chat with their first words."""
    said, name = sample.CONTENT[arrival.title], sample.CUSTOMERS[arrival.customer]
    return chats.begin(
        widget=widget,
        secret=f"sample-visitor-{key}".ljust(43, "-"),
        key=key,
        message=str(said["first message"]),
        answers={"name": name, "email": _address(name)},
        address=key,
        page=f"{sample.SITE_OF_PIER}{said['page']}",
        now=arrival.at,
    ).item


def _write(key: str, arrival: sample.Arrival, mailbox: Mailbox) -> Item:
    """Let a customer write a mail, through the reading that real mail goes through."""
    name, said = sample.CUSTOMERS[arrival.customer], sample.CONTENT[arrival.title]
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = format_datetime(arrival.at)
    mail["From"] = f"{name} <{_address(name)}>"
    mail["To"] = sample.MAILBOX
    mail["Subject"] = arrival.title
    mail["Message-ID"] = f"<{key}@customer.example>"
    mail.set_content(str(said["body"]))
    email.store(mails=[email.Incoming(mailbox, mail.as_bytes(), "", sample.MAILBOX)], now=arrival.at)
    [came] = email_queries.waiting(1)
    email.take(arrivals=[came], now=arrival.at)
    assert came.message is not None
    assert came.message.item is not None
    return came.message.item


def _address(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@customer.example"


def _talk(item: Item, arrival: sample.Arrival, agent: Person, begins: datetime, ends: datetime) -> None:
    """Let agent and customer write what they wrote, spread over the time that it took."""
    if item.kind in work_kinds.BY_MAIL:
        _answer(item, arrival, agent, ends - timedelta(seconds=20))
    elif item.kind in CHATS:
        said, _ = sample.SAID[arrival.title]
        for number, (ours, text) in enumerate(said):
            at = begins + (ends - begins) * (number + 0.5) / len(said)
            if ours:
                chats.reply(chat=item.chats.get(), by=agent, text=text, now=at)
            else:
                chats.say(chat=item.chats.get(), key=f"{item.key}/{number}", text=text, now=at)


def _answer(item: Item, arrival: sample.Arrival, agent: Person, at: datetime) -> None:
    """Answer a mail; the customer's server has long taken the answer."""
    asked = item.messages.get(direction="in")
    reply = conversations.reply(
        item=item,
        channel="email",
        content=Content(sample.ANSWERS[arrival.title], subject=f"Re: {arrival.title}"),
        recipients=[Address(asked.sender, asked.sender_name)],
        by=agent,
        now=at,
    )
    delivering.post(message=reply, now=at)
    delivery = delivering.begin(message_id=reply.id, now=at + email_queries.undo())
    assert delivery is not None
    delivering.mark_delivered(delivery=delivery, answer="250 2.0.0 Ok", refused=[], now=at + email_queries.undo())
