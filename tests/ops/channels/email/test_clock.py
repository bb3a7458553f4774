"""The target of four working hours on a letter, by hand: Lisbon, Monday to Friday 9 to 18, Portuguese holidays.

In 2026: Good Friday is 3 April, 1 May a Friday; clocks go forward on Sunday 29 March at 1 and back on 25 October at 2.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests import mail, make
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.kit.database import rls

LISBON = ZoneInfo("Europe/Lisbon")
ALWAYS = """
[calendars.always]
[calendars.always.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]

[[processes]]
name = "night-letters"
kind = "email"
location = "onshore"
calendar = "always"
dispositions = ["answered"]

  [[processes.queues]]
  name = "night"
  requires = { portuguese = 2 }
  resolve_within = "4 hours"
"""


@dataclass
class Letter:
    """A letter on its way: when it came, then each thing that happened to it, "what when", in Lisbon's time."""

    came: str
    happened: tuple[str, ...] = ()
    queue: str = "mail"


# (what it shows, the letter, when it is due, hours that count if the last thing is that it was done)
EXAMPLES = [
    ("within a day: 9 + 4", Letter("Wed 4 Mar 09:00"), "Wed 4 Mar 13:00", None),
    ("before hours it begins at 9", Letter("Wed 4 Mar 06:00"), "Wed 4 Mar 13:00", None),
    ("over the evening: 2 + 2", Letter("Wed 4 Mar 16:00"), "Thu 5 Mar 11:00", None),
    ("after hours it begins the next morning", Letter("Wed 4 Mar 20:30"), "Thu 5 Mar 13:00", None),
    ("over a weekend: 1 + 3", Letter("Fri 6 Mar 17:00"), "Mon 9 Mar 12:00", None),
    ("on a Saturday", Letter("Sat 7 Mar 11:00"), "Mon 9 Mar 13:00", None),
    ("over Good Friday and the weekend: 2 + 2", Letter("Thu 2 Apr 16:00"), "Mon 6 Apr 11:00", None),
    ("on Good Friday", Letter("Fri 3 Apr 10:00"), "Mon 6 Apr 13:00", None),
    ("over 1 May: ½ + 3½", Letter("Thu 30 Apr 17:30"), "Mon 4 May 12:30", None),
    ("over the weekend on which clocks go forward: 2 + 2", Letter("Fri 27 Mar 16:00"), "Mon 30 Mar 11:00", None),
    ("over the weekend on which they go back: 2 + 2", Letter("Fri 23 Oct 16:00"), "Mon 26 Oct 11:00", None),
    (
        "in the night that lacks an hour: 1 until 1, then 3 from 2",
        Letter("Sun 29 Mar 00:00", (), "night"),
        "Sun 29 Mar 05:00",
        None,
    ),
    (
        "in the night that has one twice: 0 to 2, 1 to 2 again, 1 more",
        Letter("Sun 25 Oct 00:00", (), "night"),
        "Sun 25 Oct 03:00",
        None,
    ),
    (
        "two hours of waiting for the customer: 13 + 2; done at 14 it took 5 - 2",
        Letter("Wed 4 Mar 09:00", ("waits Wed 4 Mar 10:00", "answer Wed 4 Mar 12:00", "done Wed 4 Mar 14:00")),
        "Wed 4 Mar 15:00",
        3,
    ),
    (
        "waiting over the evening: 17 to 18 and 9 to 10, so 11 + 2",
        Letter("Wed 4 Mar 16:00", ("waits Wed 4 Mar 17:00", "answer Thu 5 Mar 10:00")),
        "Thu 5 Mar 13:00",
        None,
    ),
    (
        "waiting over a weekend: 16 to 18 and 9 to 10, so 10 + 3; done at 11 it took 1 + 1",
        Letter("Fri 6 Mar 15:00", ("waits Fri 6 Mar 16:00", "answer Mon 9 Mar 10:00", "done Mon 9 Mar 11:00")),
        "Mon 9 Mar 13:00",
        2,
    ),
    (
        "an answer on a Sunday: 17 to 18, so 10 + 1",
        Letter("Fri 6 Mar 15:00", ("waits Fri 6 Mar 17:00", "answer Sun 8 Mar 12:00")),
        "Mon 9 Mar 11:00",
        None,
    ),
    (
        "waiting twice: 13 + 1 + ½",
        Letter(
            "Wed 4 Mar 09:00",
            ("waits Wed 4 Mar 10:00", "answer Wed 4 Mar 11:00", "waits Wed 4 Mar 12:00", "answer Wed 4 Mar 12:30"),
        ),
        "Wed 4 Mar 14:30",
        None,
    ),
    (
        "waiting while clocks go forward: 17 to 18 and 9 to 10, so 11 + 2",
        Letter("Fri 27 Mar 16:00", ("waits Fri 27 Mar 17:00", "answer Mon 30 Mar 10:00")),
        "Mon 30 Mar 13:00",
        None,
    ),
    (
        "opened again: 2 of 4 were left at 11, and the clock goes on at 10 the next day",
        Letter("Wed 4 Mar 09:00", ("done Wed 4 Mar 11:00", "answer Thu 5 Mar 10:00")),
        "Thu 5 Mar 12:00",
        None,
    ),
    (
        "waited for, then opened again: 2 hours waited, 1 left at 14, on from Friday 9:30; done at 10 it took 3 + ½",
        Letter(
            "Wed 4 Mar 09:00",
            (
                "waits Wed 4 Mar 10:00",
                "answer Wed 4 Mar 12:00",
                "done Wed 4 Mar 14:00",
                "answer Fri 6 Mar 09:30",
                "done Fri 6 Mar 10:00",
            ),
        ),
        "Fri 6 Mar 10:30",
        3.5,
    ),
    (
        "opened again on Good Friday: 1 was left, and it counts from Monday 9",
        Letter("Thu 2 Apr 09:00", ("done Thu 2 Apr 12:00", "answer Fri 3 Apr 12:00")),
        "Mon 6 Apr 10:00",
        None,
    ),
    (
        "our question never came: waiting from 10 to 12 stopped nothing, it is due at 13 still; done at 14 it took 5",
        Letter("Wed 4 Mar 09:00", ("asks Wed 4 Mar 10:00", "bounce Wed 4 Mar 12:00", "done Wed 4 Mar 14:00")),
        "Wed 4 Mar 13:00",
        5,
    ),
    (
        "asked again after that: 11 to 12 and no more is waited, so 13 + 1; done at 13 it took 4 - 1",
        Letter(
            "Wed 4 Mar 09:00",
            (
                "asks Wed 4 Mar 09:30",
                "bounce Wed 4 Mar 10:30",
                "asks Wed 4 Mar 11:00",
                "answer Wed 4 Mar 12:00",
                "done Wed 4 Mar 13:00",
            ),
        ),
        "Wed 4 Mar 14:00",
        3,
    ),
    (
        "done at 11, but our answer never came, says a report the next day: due at 13, and done at 10 it took 9 + 1",
        Letter(
            "Wed 4 Mar 09:00",
            ("replies Wed 4 Mar 10:30", "done Wed 4 Mar 11:00", "bounce Thu 5 Mar 09:30", "done Thu 5 Mar 10:00"),
        ),
        "Wed 4 Mar 13:00",
        10,
    ),
]


def local(text: str) -> datetime:
    """ "Wed 4 Mar 09:00" in 2026 in Lisbon; a wrong weekday is a slip of the example."""
    at = datetime.strptime(f"{text} 2026", "%a %d %b %H:%M %Y").replace(tzinfo=LISBON)
    assert f"{at:%a}" == text[:3], text
    return at.astimezone(ZoneInfo("UTC"))


@pytest.fixture
def ana(everyone):
    event_log.make_partitions(first=datetime(2026, 1, 1, tzinfo=LISBON), count=12)
    source = make.CONTRACT.format(slug="lisbon-light").replace(
        "[calendars.office]", '[calendars.office]\nholidays = "PT"'
    )
    contracts.sign(source=source + ALWAYS, by=actors.ROOT, now=datetime(2025, 12, 1, tzinfo=LISBON))
    return make.agent("Ana")


@pytest.mark.parametrize(
    ("letter", "due", "hours"), [each[1:] for each in EXAMPLES], ids=[each[0] for each in EXAMPLES]
)
def test_a_letter_is_due(ana, letter, due, hours):
    post = mail.Post()
    post.mailbox.queue = make.queue(letter.queue)
    post.mailbox.save()
    item = post.writes(at=local(letter.came)).message.item

    for number, each in enumerate(letter.happened):
        what, _, when = each.partition(" ")
        HAPPENS[what](post, item, ana, local(when), number)

    rls.enter_every_client()
    item = Item.objects.get()
    assert item.due_at == local(due), f"{item.due_at.astimezone(LISBON):%a %d %b %H:%M}"
    assert hours is None or item.working_seconds == hours * 3600


def waits(post, item, ana, at, number):
    work.set_pending_customer(item=in_hand(item, ana, at), by=ana, now=at)


def answer(post, item, ana, at, number):
    """The customer's mail comes; it names the first one."""
    answered = post.writes(
        f"Answer {number}", at, Message_ID=f"<{number}@example.com>", References="<first@example.com>"
    )
    assert answered.message.item_id == item.id


def replies(post, item, ana, at, number):
    """Ana writes, and a mail server takes it."""
    reply = conversations.reply(
        item=in_hand(item, ana, at),
        channel="email",
        content=Content("Which meter?"),
        by=ana,
        now=at,
        recipients=[Address("rui@example.com")],
    )
    reply = conversations.name(
        message=reply, external_id=f"{number}@lisbon.example", sender=Address("help@x.example"), by=make.MAIL
    )
    conversations.mark_sent(
        message=conversations.start_sending(message=reply, by=make.MAIL, now=at), by=make.MAIL, now=at
    )


def asks(post, item, ana, at, number):
    replies(post, item, ana, at, number)
    waits(post, item, ana, at, number)


def bounce(post, item, ana, at, number):
    """The last reply's report comes, and it did not arrive."""
    reply = Message.objects.filter(direction="out").latest("id")
    told = post.comes(mail.REPORT.format(to=post.mailbox.address, name=reply.external_id).encode(), at)
    assert (told.state, told.message) == ("set-aside", reply)


def done(post, item, ana, at, number):
    mail.finish(in_hand(item, ana, at), ana, at)


def in_hand(item, ana, at):
    rls.enter_every_client()
    item = Item.objects.get(id=item.id)
    return item if item.person_id == ana.id else mail.hold(item, ana, at)


HAPPENS = {"waits": waits, "answer": answer, "done": done, "replies": replies, "asks": asks, "bounce": bounce}


def test_there_are_twenty_examples_and_more():
    assert len(EXAMPLES) >= 20
