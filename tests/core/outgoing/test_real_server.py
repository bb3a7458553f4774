"""With Postfix and Dovecot: an invitation lies in its person's box."""

import time
from email import message_from_bytes

import pytest
from django.db import transaction

from tests import make
from tests.ops.channels.email import servers
from workfloor.core.access import actors
from workfloor.core.outgoing import tasks as outgoing_tasks
from workfloor.core.outgoing.models import Mail
from workfloor.core.people import actions as people
from workfloor.core.people import tasks as people_tasks
from workfloor.kit.database import rls
from workfloor.kit.time import clock

pytestmark = [pytest.mark.installation, pytest.mark.skipif(bool(servers.missing()), reason=servers.missing())]

BOXES = ["joao@customer.example"]


def test_an_invitation_lies_in_its_persons_box_and_one_that_no_box_takes_says_why(real_database, settings):
    assert people_tasks  # as the worker has it, so that it knows what such mails say
    with servers.running({}, ["customer.example"], BOXES) as mta:
        settings.WORKFLOOR_SMTP_URL = f"smtp://127.0.0.1:{mta.smtp}"
        settings.WORKFLOOR_MAIL_FROM, settings.WORKFLOOR_MAIL_FROM_NAME = "floor@porto.example", "Our floor"
        with transaction.atomic():
            rls.enter_every_client()
            for name in ("joao", "nobody"):
                email = f"{name}@customer.example"
                people.take_on(name=name.title(), email=email, roles=["agent"], by=actors.ROOT, now=make.NINE)
            mails = list(Mail.objects.order_by("id"))
        with clock.frozen(make.NINE):
            for each in mails:
                outgoing_tasks.deliver(each.id)

        with transaction.atomic():
            taken, refused = Mail.objects.order_by("id")
        assert taken.state == "sent", mta.said()
        assert refused.state == "failed"
        assert "User unknown" in refused.answer
        letter = message_from_bytes(until_there(mta))
        assert letter["From"] == "Our floor <floor@porto.example>"
        assert "accounts/password/choose/?link=" in letter.get_payload(decode=True).decode()


def until_there(mta):
    """What Postfix took, it delivers when it likes."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if found := mta.inbox("joao"):
            return found[0]
        time.sleep(0.1)
    raise AssertionError(mta.said())
