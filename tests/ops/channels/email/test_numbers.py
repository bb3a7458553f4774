"""Card and account numbers in mails are nowhere in the clear, unless the contract keeps them; no mail is lost by it."""

import base64
import re
from datetime import date

import pytest
from django.db import connection

from tests import mail, make
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.files import actions as files
from workfloor.core.files import queries as files_queries
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import models as email_models
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email import reading, sorting

CARD, IBAN = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"
COVERED, COVERED_IBAN = "•••• •••• •••• 1111", "•••• •••• •••• •••• ••30 00"
BOTH = f"my card {CARD}\nmy account {IBAN}\n> you asked for {CARD}"
KEPT = ('name = "letters"\n', 'name = "letters"\nunmasked = ["account"]\n')


def clear_numbers() -> dict[str, int]:
    """How often the numbers stand in each table, in whichever column, and in files, whatever stands between the digits.

    After the job that deletes what nothing refers to any more.
    """
    files.forget(now=make.later(hours=1))
    held = files_queries.contents(files_queries.files()).values()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT (row.*)::text FROM "{table}" row')
            found[table] = sum(_numbers_in(row) for (row,) in cursor.fetchall())
    found["files"] = sum(_numbers_in(rf"\\x{each.hex()}") for each in held)
    return {table: many for table, many in found.items() if many}


def _numbers_in(row: str) -> int:
    return len(re.findall("4111111111111111|DE89370400440532013000", _as_text(row)))


def _as_text(row: str) -> str:
    """A row's text and its binary columns, those in base64 too, without what stands between digits."""
    blobs = [bytes.fromhex(each).replace(b"\r", b"") for each in re.findall(r"\\\\x([0-9a-f]+)", row)]
    lines = [line for blob in blobs for line in blob.split(b"\n\n")]
    decoded = [
        base64.b64decode(each)
        for each in lines
        if re.fullmatch(rb"([A-Za-z0-9+/\n]{4,})={0,2}\n*", each) and len(each.replace(b"\n", b"")) % 4 == 0
    ]
    whole = "\n".join([row, *(each.decode("latin-1") for each in [*blobs, *decoded])])
    return re.sub(r"(?<=\w)[ -](?=\w)", "", whole)


def in_base64(text: str) -> bytes:
    head = mail.letter("", Content_Transfer_Encoding="base64", Content_Type="text/plain; charset=utf-8")
    return head + base64.encodebytes(text.encode())


@pytest.mark.parametrize(
    "raw", [mail.letter(BOTH, Subject=f"My card {CARD}"), in_base64(BOTH)], ids=["plain", "base64"]
)
def test_what_somebody_typed_is_covered_wherever_it_is_kept(post, raw):
    arrival = post.comes(raw)
    message = arrival.message

    assert clear_numbers() == {}
    assert message.text == f"my card {COVERED}\nmy account {COVERED_IBAN}"
    assert message.folded_text.strip() == f"> you asked for {COVERED}"
    titles = {arrival.subject, message.subject, message.item.title, message.case.subject}
    assert titles in ({f"My card {COVERED}"}, {"My bill"})


def test_a_test_that_looks_for_numbers_would_find_them(post):
    post.comes(mail.letter("no number here"))
    [file] = files.keep(
        client_id=make.client().id, handed=[files.Handed(in_base64(CARD), "message/rfc822")], now=make.NINE
    )
    email_models.Arrival.objects.update(file=file, reason=IBAN)

    assert clear_numbers() == {"email_arrival": 1, "files": 1}


def test_html_is_covered_as_it_is_shown(post):
    html = mail.letter(f"<p>{CARD} <b>4111</b> 1111&nbsp;1111 1111</p>", Content_Type="text/html; charset=utf-8")

    message = post.comes(html).message

    assert message.html == f"<p>{COVERED} <b>••••</b> ••••&nbsp;•••• 1111</p>\n"
    assert message.text == f"{COVERED} {COVERED}"
    assert clear_numbers() == {}


def test_the_same_mail_once_more_is_still_the_same_item(post):
    raw = mail.letter(BOTH)
    first, again = post.comes(raw), post.comes(raw)
    kept = post.comes(email_queries.raw(first))  # and so is the one that we keep

    assert [again.reason, kept.reason] == ["it came before"] * 2
    assert Item.objects.count() == 1
    assert clear_numbers() == {}


def test_a_mail_that_was_set_aside_is_covered_and_can_still_be_taken_in(post):
    aside = post.comes(mail.letter(BOTH, Auto_Submitted="auto-replied"))
    assert (aside.state, clear_numbers()) == ("set-aside", {})

    email.run_again(arrivals=[aside], by=make.ROOT, now=make.NINE)
    email.take(arrivals=[aside], now=make.NINE)

    aside.refresh_from_db()
    assert aside.message.text == f"my card {COVERED}\nmy account {COVERED_IBAN}"
    assert post.comes(mail.letter(BOTH)).reason == "it came before"
    assert clear_numbers() == {}


def test_a_mail_that_could_not_be_read_waits_as_it_came_and_is_covered_once_it_is_read(post, monkeypatch):
    arrival = unread(post, mail.letter(BOTH))
    assert clear_numbers() == {"files": 3}  # nobody can say yet what it holds
    assert CARD not in arrival.reason

    email.run_again(arrivals=[arrival], by=make.ROOT, now=make.NINE)
    email.take(arrivals=[arrival], now=make.NINE)

    arrival.refresh_from_db()
    assert (arrival.state, clear_numbers()) == ("taken", {})


def test_one_that_is_never_read_goes_when_somebody_has_dealt_with_it(post):
    arrival = unread(post, mail.letter(BOTH))

    email.discard(arrivals=[arrival], by=make.ROOT, now=make.NINE)

    assert clear_numbers() == {}


def unread(post, raw):
    email.store(mails=[email.Incoming(post.mailbox, raw, "", post.mailbox.address)], now=make.NINE)
    arrival = email_models.Arrival.objects.get(state="waiting")
    email.mark_unread(arrival=arrival, reason=f"ValueError: what is {CARD}", now=make.NINE)
    return arrival


def test_one_that_cannot_be_written_anew_is_kept_in_its_case_alone(post, monkeypatch):
    monkeypatch.setattr("workfloor.kit.mail.masking.written_anew", lambda raw, kinds: b"")
    monkeypatch.setattr(email.READERS, "ask", lambda *asked, seconds: reading.answer(*asked))  # in this very process

    taken, aside = post.comes(mail.letter(BOTH)), post.comes(mail.letter(BOTH, Auto_Submitted="auto-replied"))

    assert (email_queries.raw(taken), taken.message.text) == (b"", f"my card {COVERED}\nmy account {COVERED_IBAN}")
    assert email_queries.raw(aside)  # it is nowhere else


def test_a_mail_without_a_number_stays_byte_by_byte(post):
    raw = mail.letter("call me at +49 1511 2345678 about order 7100000000000004")

    assert email_queries.raw(post.comes(raw)) == raw


def test_replies_notes_and_what_agents_say_to_one_another_are_covered_too(post):
    ana = make.agent("Ana")
    item = mail.hold(post.writes().message.item, ana, make.NINE)
    reply = conversations.reply(
        item=item,
        channel="email",
        content=Content(BOTH),
        recipients=[Address("rui@example.com")],
        by=ana,
        now=make.NINE,
    )
    conversations.note(case=item.case, item=item, text=BOTH, by=ana, now=make.NINE)
    work.escalate(item=item, by=ana, note=BOTH, now=make.NINE)
    conversations.mark_undelivered(message=reply, reason=f"550 holds {CARD}", by=make.MAIL, now=make.NINE)
    post.comes(mail.letter(BOTH, Message_ID="<second@example.com>"))
    work.transfer(item=item, queue=make.queue("calls"), by=ana, note=BOTH, now=make.NINE)

    assert clear_numbers() == {}
    assert all(CARD not in str(fact.details) for fact in event_log_queries.of_item(item.id))
    assert COVERED in email_queries.letters(item.case_id)[-1].text


# --- the contract keeps them -----------------------------------------------------------------------------------------


def test_a_process_whose_contract_keeps_accounts_has_them_as_they_were_typed_and_no_cards(post):
    make.amended(KEPT)
    ana = make.agent("Ana")

    arrival = post.comes(mail.letter(BOTH, Subject=f"From {IBAN}"))
    item = mail.hold(arrival.message.item, ana, make.NINE)
    note = conversations.note(case=item.case, item=item, text=BOTH, by=ana, now=make.NINE)

    assert arrival.message.text == f"my card {COVERED}\nmy account {IBAN}"
    assert arrival.subject == item.title == item.case.subject == f"From {IBAN}"
    assert note.text == f"my card {COVERED}\nmy account {IBAN}\n> you asked for {COVERED}"
    assert CARD.encode() not in email_queries.raw(arrival)
    assert sorting.opened(email_queries.raw(arrival), "", "", (), "", lambda raw: False).mail.text.count(IBAN) == 1


def test_the_version_in_force_when_it_was_written_decides(post):
    amendment = make.CONTRACT.format(slug="lisbon-light").replace(*KEPT)
    contracts.sign(source=amendment, effective_on=date(2026, 3, 5), by=actors.ROOT, now=make.NINE)

    today, tomorrow = post.comes(mail.letter(IBAN)), post.comes(mail.letter(f"{IBAN}!"), at=make.later(days=1))

    assert today.message.text == COVERED_IBAN
    assert tomorrow.message.text == f"{IBAN}!"


def test_facts_never_hold_a_number_for_they_cannot_be_deleted(post):
    make.amended(KEPT)
    ana = make.agent("Ana")
    item = mail.hold(post.writes().message.item, ana, make.NINE)

    work.escalate(item=item, by=ana, note=IBAN, now=make.NINE)

    assert event_log_queries.of_item(item.id).filter(event="work.escalated").get().details["note"] == COVERED_IBAN
