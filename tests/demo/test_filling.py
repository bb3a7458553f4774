"""The sample provider is whole: everything in it went through the same actions as real work."""

from collections import Counter
from datetime import datetime, timedelta

from tests import make
from workfloor.core.clients.models import Client
from workfloor.core.people import actions as people
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person, Site
from workfloor.core.periods import queries as periods_queries
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.demo import filling, sample
from workfloor.kit.time import clock
from workfloor.ops.billing import closing, statements
from workfloor.ops.billing.models import Invoice
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.routing import leader as routing_leader


def test_the_sample_provider(everyone):
    now = clock.now()
    filling.fill(now=now)

    assert Client.objects.count() == 2
    assert len(set(Site.objects.values_list("country", flat=True))) == 2
    roles = Counter(role for person in Person.objects.all() for role in person.roles)
    assert (roles["agent"], roles["leader"], roles["manager"]) == (10, 1, 2)
    assert Item.objects.filter(state="waiting").count() == 18
    open_chats = [chat for chat in Chat.objects.select_related("item") if chat.item.state == "waiting"]
    first_words = {chat.item.messages.get().text for chat in open_chats}
    assert (len(open_chats), "Nothing works here, is there an outage in Matosinhos?" in first_words) == (4, True)
    assert chats.sweep(by=make.ROUTER, now=now + timedelta(hours=1)) == 0, "visitors without a page wait all the same"
    _holds_together()
    _has_been_answered()
    _has_past_months(now)


def _holds_together() -> None:
    for item in Item.objects.all():
        assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def _has_been_answered() -> None:
    """Whoever wrote or chatted in the past has the conversation that there was, and every answer was sent."""
    for item in Item.objects.filter(state="done", kind__in=("email", "chat")):
        said = item.messages.order_by("id")
        assert said[0].direction == "in"
        ours = [each for each in said if each.direction == "out"]
        assert ours, f"{item.title} was answered by nobody"
        assert all(each.state in ("sent", "read") for each in ours)


def _has_past_months(now: datetime) -> None:
    """The month before the last is closed and invoiced, the last one can be closed."""
    before, last = (f"{sample.months_before(now, count):%Y-%m}" for count in (2, 1))
    for client in Client.objects.all():
        assert periods_queries.state(client.id, before) == "closed"
        assert Invoice.objects.get(client=client).period == before
        assert periods_queries.state(client.id, last) == "open"
        assert closing.hindrances(client, last, now=now) == []
        for period in (before, last, f"{now:%Y-%m}"):
            assert statements.statement(client, period, now=now).totals.received > 0


def test_every_queue_of_the_sample_can_be_served_by_someone(everyone):
    filling.fill(now=make.NINE)
    for person in people_queries.staff().filter(roles__contains=["agent"]):
        people.go_available(person=person, by=person, now=make.NINE)

    assert routing_leader.pulse(now=make.NINE) >= 10
    assert set(Item.objects.filter(state="offered").values_list("queue__name", flat=True)) == {
        kind.queue for kinds in sample.KINDS.values() for kind in kinds
    }
