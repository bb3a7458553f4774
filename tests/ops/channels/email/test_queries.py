"""Which mail is read next."""

from collections import Counter

from tests import mail, make
from workfloor.kit.database import rls
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import queries as email_queries


def test_one_mailbox_with_a_flood_keeps_no_other_waiting(post):
    other = mail.Post(of="porto-power", address="help@porto.example")
    rls.enter_every_client()
    for mailbox, many in ((post.mailbox, 100), (other.mailbox, 3)):
        raws = [mail.letter(f"Number {n}", Message_ID=f"<{n}@example.com>") for n in range(many)]
        mails = [email.Incoming(mailbox, raw, "", mailbox.address) for raw in raws]
        email.store(mails=mails, now=make.NINE)

    next_ones = email_queries.waiting(50)

    assert Counter(each.mailbox_id for each in next_ones) == {post.mailbox.id: 25, other.mailbox.id: 3}
