"""An agent keeps a signature of their own: it stands once beneath a mail, where the client lets it."""

import pytest

from tests import make
from tests.desks.agent.test_replies import Desk
from tests.desks.agent.test_replies import replies as sent
from workfloor.core.access import actors
from workfloor.core.event_log.models import Fact
from workfloor.core.people import own_account
from workfloor.core.people.models import Person
from workfloor.kit.database import rls
from workfloor.kit.time import clock
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import replies
from workfloor.ops.channels.email.models import Mailbox

HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(everyone):
    return Desk()


def keeps(desk, text, language="any"):
    return desk.browser.post("/desk/signature/", {"text": text, "language": language}, headers=HTMX)


def mailbox_is(**changed):
    rls.enter_every_client()
    email.change_mailbox(mailbox=Mailbox.objects.get(), by=actors.ROOT, now=clock.now(), **changed)


def beneath(desk, key="key-0001"):
    assert desk.answers(sign="on", key=key).status_code == 204
    return sent()[-1].folded_text


def test_one_s_own_stands_beneath_one_s_mails_and_is_shown_before_it_is_sent(desk):
    mailbox_is(signature="{agent} of {client}")
    assert beneath(desk) == "-- \nAna of Lisbon Light"

    assert keeps(desk, "Ana Duarte\r\nBilling, {client}").status_code == 204
    assert "Ana Duarte<br>Billing, Lisbon Light" in desk.shown()
    assert beneath(desk, "key-0002") == "-- \nAna Duarte\nBilling, Lisbon Light"
    assert "Billing, {client}</textarea>" in desk.browser.get("/desk/day/").content.decode()


def test_it_stands_within_what_the_mailbox_has_around_it(desk):
    mailbox_is(signature="{signature}\n{client}, Rua Augusta 1")
    assert beneath(desk) == "-- \nLisbon Light, Rua Augusta 1"

    keeps(desk, "Ana Duarte")
    assert beneath(desk, "key-0002") == "-- \nAna Duarte\nLisbon Light, Rua Augusta 1"


@pytest.mark.parametrize(("signs", "expected"), [("mailbox", "-- \nYour team"), ("none", "")])
def test_a_client_may_fix_the_signature_or_want_none(desk, signs, expected):
    mailbox_is(signature="Your team", signs=signs)
    keeps(desk, "Ana Duarte")
    assert beneath(desk) == expected
    assert "Ana Duarte" not in desk.shown()


def test_in_a_language_only_that_of_the_mailbox_or_one_for_all(desk):
    mailbox_is(signature="Your team", language="es")
    keeps(desk, "Ana, Billing", "en")
    assert beneath(desk) == "-- \nYour team"

    keeps(desk, "Ana, Facturas", "es")
    assert beneath(desk, "key-0002") == "-- \nAna, Facturas"
    keeps(desk, "", "es")
    keeps(desk, "Ana")
    assert beneath(desk, "key-0003") == "-- \nAna"


def test_the_audit_has_what_it_was_and_is_without_card_numbers(desk):
    keeps(desk, "Ana")
    keeps(desk, "Ana 4111 1111 1111 1111")
    rls.enter_every_client()
    changed = Fact.objects.filter(event="record.changed", details__of="person").order_by("id").last()
    assert (changed.by_id, changed.details["before"]) == (desk.ana.id, {"signatures": {"any": "Ana"}})
    assert "4111 1111" not in changed.details["after"]["signatures"]["any"]
    assert Person.objects.get(id=desk.ana.id).signatures.keys() == {"any"}


def test_whoever_writes_no_mail_keeps_none(desk):
    with pytest.raises(own_account.Refused, match="takes the role agent"):
        own_account.keep_signature(text="Rita", by=make.person("leader"), now=make.NINE)


def test_what_stands_for_no_name_stays_as_it_is():
    assert replies.signed("{me} {agent}", "", {"agent": "Ana"}) == "{me} Ana"
