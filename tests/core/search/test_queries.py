"""Customers, cases and messages are found inside the walls, the best first, a page after the other."""

from datetime import timedelta

import pytest
from django.db import connection

from tests import make
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.conversations.models import Message
from workfloor.core.search import models as search_models
from workfloor.core.search import queries as search_queries
from workfloor.core.search.asking import Asked
from workfloor.core.work import actions as work
from workfloor.core.work.models import Case, Customer
from workfloor.kit.database import rls

pytestmark = pytest.mark.usefixtures("everyone")
MARIA = work.Customer("C-1007", "María Fernández Costa")


def written(text, *, subject="", at=make.NINE, of="lisbon-light", item=None, channel="email", sender=None, **more):
    item = item or make.item("mail", of=of, **more)
    found, _ = conversations.receive(
        case=item.case,
        item=item,
        channel=channel,
        key=f"m{Message.objects.count()}",
        sender=sender or Address("rui@example.com", "Rui Costa"),
        content=Content(text=text, subject=subject),
        by=make.CUSTOMER,
        now=make.NINE,
    )
    if at != make.NINE:  # the event log of tests has no months so long ago
        Message.objects.filter(id=found.id).update(said_at=at)
    return found


def look_for(words, *, of=("lisbon-light",), until=make.NINE + timedelta(days=1), **more):
    ids = tuple(make.client(slug).id for slug in of)
    return search_queries.found(Asked(words, ids, until=until, **more))


def cases_of(found):
    return [hit.case.id for hit in found.hits]


def names_of(found):
    return [who.name for who in found.people]


# --- messages and cases -----------------------------------------------------------------------------------------------


def test_a_message_is_found_by_all_of_its_words_and_none_without_one_of_them():
    bill = written("My electricity bill of March is wrong.")
    written("The bill came late.")

    assert cases_of(look_for("bill March")) == [bill.case_id]
    assert cases_of(look_for("bill April")) == []


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Fatura de ELECTRICIDADE já paga às 10", "ja electricidade as"),
        ("Größe und Łódź", "grosse lodz"),
        ("Fe\u0301lix wrote", "félix"),
        ("नमस्ते, मेरा बिल गलत है।", "बिल"),
        ("أريد إلغاء العقد", "اريد الغاء"),
        ("مُحَمَّد wrote", "محمد"),
        ("Mail to rui.costa@example.com please", "rui.costa@example.com"),
        ("Mail to rui.costa@example.com please", "example.com"),
        ("order 2026-00417/B was lost", "00417"),
        ("O’Brien's meter", "o'brien"),
        ("Счёт за МАРТ", "счет март"),
        ("请看李明的账单 thanks", "thanks"),
    ],
)
def test_accents_capitals_and_signs_make_no_difference(said, typed):
    message = written(said)

    assert cases_of(look_for(typed)) == [message.case_id]


def test_what_begins_so_is_found_where_nothing_is_so_or_with_a_star():
    message = written("Two invoices are missing")

    found = look_for("invoi")
    assert (cases_of(found), found.only_beginnings) == ([message.case_id], True)
    found = look_for("invoi* missing")
    assert (cases_of(found), found.only_beginnings) == ([message.case_id], False)
    assert cases_of(look_for("in*")) == [], "two letters begin too many words"


def test_what_begins_so_is_found_however_long_ago_it_was_said():
    old = written("An invoice of old", at=make.NINE - timedelta(days=3_000))
    new = written("An invoice of today")

    found = look_for("invoi")

    assert (set(cases_of(found)), found.only_beginnings) == ({old.case_id, new.case_id}, True)


def test_a_note_and_the_title_of_a_case_are_found_and_a_case_stands_there_once():
    item = make.item("mail", title="Meter exchange")
    written("about the meter", item=item)
    written("the meter again", item=item)
    conversations.note(
        case=item.case,
        item=item,
        text="Meter is in the cellar",
        by=make.in_charge("leader", make.client()),
        now=make.NINE,
    )

    assert cases_of(look_for("meter")) == [item.case_id]
    assert cases_of(look_for("cellar", channel="note")) == [item.case_id]
    assert cases_of(look_for("cellar", channel="email")) == []


def test_a_subject_counts_for_more_than_a_text_and_the_new_for_more_than_the_old():
    old = written("tariff", at=make.NINE - timedelta(days=700))
    new = written("tariff")
    subject = written("hello", subject="tariff", at=make.NINE - timedelta(days=700))

    assert cases_of(look_for("tariff")) == [subject.case_id, new.case_id, old.case_id]


def test_days_and_channels_keep_to_what_was_said_then_and_there():
    early = written("meter", at=make.NINE - timedelta(days=40))
    late = written("meter")
    chat = written("meter", channel="chat", at=make.NINE - timedelta(days=1))

    assert set(cases_of(look_for("meter"))) == {early.case_id, late.case_id, chat.case_id}
    assert cases_of(look_for("meter", until=make.NINE - timedelta(days=30))) == [early.case_id]
    assert set(cases_of(look_for("meter", since=make.NINE - timedelta(days=2)))) == {late.case_id, chat.case_id}
    assert cases_of(look_for("meter", channel="chat")) == [chat.case_id]


def test_pages_show_every_case_once_whatever_is_written_meanwhile(monkeypatch):
    monkeypatch.setattr(search_queries, "PAGE", 3)
    monkeypatch.setattr(search_queries, "WINDOW", 4)
    items = [make.item("mail", title=f"Case {place}") for place in range(11)]
    for day, item in enumerate([*items, *items[::2]]):
        written("word " * (1 + day % 3), item=item, at=make.NINE - timedelta(days=30 - day))

    seen, after = [], None
    while True:
        found = look_for("word", after=after)
        seen += cases_of(found)
        assert len(found.hits) <= 3
        if (after := found.rest) is None:
            break
        written("word word word", at=make.NINE + timedelta(days=1, seconds=1))

    assert sorted(seen) == sorted(each.case_id for each in items)


# --- the walls --------------------------------------------------------------------------------------------------------


def test_nothing_is_found_behind_a_wall_even_where_it_is_asked_for():
    hidden = written("zanzibar", of="porto-power", customer=MARIA)
    shown = written("zanzibar")
    both = ("lisbon-light", "porto-power")

    assert set(cases_of(look_for("zanzibar", of=both))) == {hidden.case_id, shown.case_id}
    assert cases_of(look_for("zanzibar")) == [shown.case_id]
    ids = tuple(make.client(slug).id for slug in both)
    rls.enter(make.client("lisbon-light").id)
    found = search_queries.found(Asked("zanzibar", ids, until=make.NINE))
    assert cases_of(found) == [shown.case_id]
    assert search_queries.found(Asked("costa", ids, until=make.NINE)).people == []
    assert search_queries.found(Asked(str(hidden.case_id), ids, until=make.NINE)).numbered == []


def test_the_index_answers_behind_the_walls_for_words_and_for_names():
    written("meter", customer=MARIA)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for table, index, setting, sought in (
            ("search_passage", "passage_words", search_models.WORDS, "'meter'"),
            ("search_name", "name_parts", search_models.NAMES, "costa"),
        ):
            cursor.execute("SELECT set_config(%s, %s, true)", [setting, sought])
            cursor.execute(f"EXPLAIN SELECT id FROM {table}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert f"Bitmap Index Scan on {index}" in plan and "Index Cond" in plan


# --- what changes and what goes ---------------------------------------------------------------------------------------


def test_what_is_said_otherwise_is_found_otherwise_and_what_is_deleted_not_at_all():
    message = written("zanzibar", customer=MARIA)
    Message.objects.filter(id=message.id).update(text="meter")

    assert (cases_of(look_for("zanzibar")), cases_of(look_for("meter"))) == ([], [message.case_id])
    Message.objects.filter(id=message.id).delete()
    assert cases_of(look_for("meter")) == []
    assert not search_models.Passage.objects.filter(message_id=message.id).exists()


def test_a_case_that_was_merged_is_found_as_what_it_is_now():
    customer = Customer.objects.create(client=make.client(), reference="C-9", name="Nuno")
    first, second = written("meter"), written("cellar")
    Case.objects.filter(id__in=[first.case_id, second.case_id]).update(customer=customer)
    conversations.merge(
        case=Case.objects.get(id=first.case_id),
        into=Case.objects.get(id=second.case_id),
        by=make.in_charge("leader", make.client()),
        now=make.NINE,
    )

    assert cases_of(look_for("meter")) == [second.case_id]


# --- customers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def customers():
    client = make.client()
    for reference, name in (
        ("C-1007", "María Fernández Costa"),
        ("C-2040", "Mario Costa Ferreira"),
        ("351912345678", "Joana Almeida"),
        ("rui@example.com", "Rui Silva"),
    ):
        Customer.objects.create(client=client, reference=reference, name=name)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("fernandez", ["María Fernández Costa"]),
        ("costa maria", ["María Fernández Costa"]),
        ("FERNANDES", ["María Fernández Costa"]),
        ("fereira", ["Mario Costa Ferreira"]),
        ("almedia", ["Joana Almeida"]),
        ("912345", ["Joana Almeida"]),
        ("1007", ["María Fernández Costa"]),
        ("rui@example.com", ["Rui Silva"]),
        ("costa", ["María Fernández Costa", "Mario Costa Ferreira"]),
        ("xavier", []),
        ("li", []),
    ],
)
def test_a_customer_is_found_by_parts_of_name_address_and_number_also_mistyped(customers, typed, names):
    assert sorted(names_of(look_for(typed))) == sorted(names)


def test_a_customer_is_found_by_another_name_once_it_has_changed(customers):
    Customer.objects.filter(reference="C-1007").update(name="Maria Pinto")

    assert names_of(look_for("pinto")) == ["Maria Pinto"]
    assert names_of(look_for("fernandez")) == []


def test_who_somebody_says_to_be_is_found_as_not_confirmed():
    item = make.item("mail", customer=work.Customer("nuno@example.com", "Nuno Prata", is_claimed=True))

    [who] = look_for("prata").people
    assert (who.customer, who.case, who.reference) == (None, item.case, "nuno@example.com")


def test_a_case_is_found_by_its_number_and_by_the_senders_key():
    item = make.item("mail", key="mail-2026-11-21-0042")

    assert look_for(f"#{item.case_id}").numbered == [item.case]
    assert look_for("mail-2026-11-21-0042").numbered == [item.case]
    assert look_for("99999999999999999999999").numbered == []


# --- what people type -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["''''", '""', "😀", "& | ! <->", "'", "\\", "*", "---", "=1 @m24000 #chat", "%_%"])
def test_signs_are_no_language_of_their_own(typed):
    written("plain words")

    found = look_for(typed)
    assert found.hits == []


@pytest.mark.parametrize(
    "typed", ["a'b\\c", "plain' | 'zanzibar", "plain:*A", "(plain", "!zanzibar plain", "plain<->words"]
)
def test_whatever_is_typed_is_only_words(typed):
    written("zanzibar")

    look_for(typed)
    assert cases_of(look_for("!zanzibar")) != []


def test_a_text_of_any_length_and_script_is_kept():
    message = written("x " + " ".join(f"word{place}" for place in range(40_000)) + " ﷺ" * 30_000 + "😀" * 1000)

    assert cases_of(look_for("word17")) == [message.case_id]
