"""The sample provider is whole: everything in it went through the same actions as real work."""

from collections import Counter
from datetime import timedelta

from tests import make
from workfloor.core.clients.models import Client
from workfloor.core.people import actions as people
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Person, Site
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.demo import filling, sample
from workfloor.kit.time import clock
from workfloor.ops.billing import statements
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat.models import Chat
from workfloor.ops.routing import leader as routing_leader


def test_the_sample_provider(everyone):
    now = clock.now()
    filling.fill(now=now)

    assert Client.objects.count() == 2
    assert len(set(Site.objects.values_list("country", flat=True))) == 2
    roles = Counter(role for person in Person.objects.all() for role in person.roles)
    assert (roles["agent"], roles["leader"]) == (10, 1)
    assert Item.objects.filter(state="waiting").count() == 18
    first_words = {chat.item.messages.get().text for chat in Chat.objects.select_related("item")}
    assert (Chat.objects.count(), "Nothing works here, is there an outage in Matosinhos?" in first_words) == (4, True)
    assert chats.sweep(by=make.ROUTER, now=now + timedelta(hours=1)) == 0, "visitors without a page wait all the same"
    for item in Item.objects.all():
        assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_every_queue_of_the_sample_can_be_served_by_someone(everyone):
    filling.fill(now=make.NINE)
    for person in people_queries.staff().filter(roles__contains=["agent"]):
        people.go_available(person=person, by=person, now=make.NINE)

    assert routing_leader.pulse(now=make.NINE) >= 10
    assert set(Item.objects.filter(state="offered").values_list("queue__name", flat=True)) == {
        kind.queue for kinds in sample.KINDS.values() for kind in kinds
    }


def test_the_sample_has_a_statement_for_each_client(everyone):
    now = clock.now()
    filling.fill(now=now)

    for client in Client.objects.all():
        statement = statements.statement(client, f"{now:%Y-%m}", now=now)
        assert statement.totals.received > 0
