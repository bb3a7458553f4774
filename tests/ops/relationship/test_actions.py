"""Action items: recorded once, done once, each a fact."""

from datetime import timedelta

import pytest

from tests import make
from workfloor.core.access import actors
from workfloor.core.event_log import queries as event_log_queries
from workfloor.ops.relationship import actions as relationship
from workfloor.ops.relationship import queries as relationship_queries

pytestmark = pytest.mark.usefixtures("everyone")
IN_MAY = make.NINE.date() + timedelta(days=60)


def agreed():
    return relationship.agree(
        client=make.client(), who=" First Bank ", what="Move the mailing", until=IN_MAY, by=actors.ROOT, now=make.NINE
    )


def told(client) -> list[str]:
    return [fact.event for fact in event_log_queries.of_client(client.id) if fact.event.startswith("action-item.")]


def test_what_was_agreed_is_kept_and_done_once():
    found = agreed()
    done = relationship.finish(action_item=found, note="since Monday", by=actors.ROOT, now=make.later(days=3))

    assert (found.who, done.done_at, done.note) == ("First Bank", make.later(days=3), "since Monday")
    assert told(found.client) == ["action-item.agreed", "action-item.done"]
    with pytest.raises(relationship.Refused, match="done since 2026-03-07"):
        relationship.finish(action_item=found, note="", by=actors.ROOT, now=make.later(days=4))


def test_what_says_nothing_or_lies_behind_is_refused_with_every_fault():
    with pytest.raises(relationship.Refused, match=r"Say who.*Say what.*is over: name a day to come"):
        relationship.agree(
            client=make.client(),
            who=" ",
            what="",
            until=make.NINE.date() - timedelta(days=1),
            by=actors.ROOT,
            now=make.NINE,
        )
    with pytest.raises(relationship.Refused, match="at most 500"):
        relationship.agree(client=make.client(), who="x", what="y" * 501, until=IN_MAY, by=actors.ROOT, now=make.NINE)
    with pytest.raises(relationship.Refused, match="500 characters"):
        relationship.finish(action_item=agreed(), note="y" * 501, by=actors.ROOT, now=make.NINE)


def test_a_month_shows_what_was_not_done_before_it():
    old, still, new = agreed(), agreed(), agreed()
    relationship.finish(action_item=old, note="", by=actors.ROOT, now=make.later(days=1))
    relationship.finish(action_item=new, note="", by=actors.ROOT, now=make.later(days=9))

    assert list(relationship_queries.action_items(old.client, since=make.later(days=5))) == [still, new]
