"""What was said is read as it was sent, by those who may, and by nobody else."""

import base64
import re
from datetime import timedelta

import pytest

from tests import make
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import messages as conversations_messages
from workfloor.core.conversations import models as conversations_models
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.work import actions as work

pytestmark = pytest.mark.usefixtures("everyone")
RUI = Address("rui@example.com", "Rui Costa")
LOGO = File("logo.png", "image/png", b"\x89PNG logo", "Logo@x")
HTML = '<p>See <img src="cid:logo%40x"> and <img src="https://e.example/seen.png"></p>'


@pytest.fixture
def ana(client):
    ana = make.agent("Ana")
    client.force_login(ana.account)
    return ana


@pytest.fixture
def stranger(client):
    """An agent of another client, who is signed in."""
    found = make.agent("Bruno", clear_for="porto-power")
    client.force_login(found.account)
    return found


def item_of_rui(queue="mail", of="lisbon-light", **more):
    return make.item(queue, of=of, customer=work.Customer(RUI.address, RUI.name), **more)


def mailed(item=None, key="m1", files=(), at=make.NINE, **content):
    item = item or item_of_rui(title="My bill")
    said = {"text": "My bill is wrong", "html": HTML, "subject": "My bill"} | content
    found, _ = conversations.receive(
        case=item.case,
        item=item,
        channel="email",
        key=key,
        sender=RUI,
        content=Content(**said),
        files=files,
        by=make.CUSTOMER,
        now=at,
    )
    return found


def frame(client, message):
    return client.get(f"/conversations/messages/{message.id}/")


# --- a mail as it was sent --------------------------------------------------------------------------------------------


def test_a_mail_is_shown_in_a_sandbox_that_loads_nothing_from_elsewhere(client, ana):
    answer = frame(client, mailed(files=[LOGO]))
    policy = answer.headers["Content-Security-Policy"]

    assert "sandbox allow-scripts allow-popups" in policy and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy and "img-src data:;" in policy and "frame-ancestors 'self'" in policy
    assert "script-src http://testserver/static/conversations/letter.js;" in policy
    assert (answer.headers["X-Frame-Options"], answer.headers["Referrer-Policy"]) == ("SAMEORIGIN", "no-referrer")
    assert "e.example" not in answer.content.decode() and '<base target="_blank">' in answer.content.decode()


def test_pictures_that_came_along_stand_in_the_mail_and_not_below_it(client, ana):
    other = File("bill.png", "image/png", b"\x89PNG bill")
    found = conversations_queries.message(mailed(files=[LOGO, other]).id)

    logo = f"data:image/png;base64,{base64.b64encode(LOGO.content).decode()}"
    assert f'src="{logo}"' in frame(client, found).content.decode()
    assert [each.name for each in found.files_apart] == ["bill.png"]


def test_a_picture_too_large_for_the_mail_is_a_file_below_it(client, ana, monkeypatch):
    monkeypatch.setattr(conversations_messages, "MOST_WITHIN", len(LOGO.content) - 1)
    found = conversations_queries.message(mailed(files=[LOGO]).id)

    assert "data:image" not in frame(client, found).content.decode()
    assert [each.name for each in found.files_apart] == ["logo.png"]


def test_pictures_from_elsewhere_are_shown_once_somebody_lets_them_and_only_in_that_mail(client, ana):
    one, other = mailed(), mailed(key="m2")

    assert client.post(f"/conversations/messages/{one.id}/pictures/", headers={"HX-Request": "true"}).status_code == 204
    for _ in range(2):  # it stays so
        answer = frame(client, one)
        assert "img-src data: https:;" in answer.headers["Content-Security-Policy"]
        assert 'src="https://e.example/seen.png"' in answer.content.decode()
    assert "e.example" not in frame(client, other).content.decode()
    client.post(f"/conversations/messages/{one.id}/pictures/")
    facts = [fact for fact in event_log_queries.of_item(one.item_id) if fact.event == "message.pictures-allowed"]
    assert [(fact.by_id, fact.details) for fact in facts] == [(ana.id, {"message": one.id})]


def test_the_choice_is_offered_only_where_there_is_something_to_choose(client, ana):
    case = mailed(html="<p>Plain</p>").case_id
    assert "Show the pictures" not in client.get(f"/conversations/cases/{case}/").content.decode()
    other = mailed(key="m2").case_id
    assert "Show the pictures of this mail" in client.get(f"/conversations/cases/{other}/").content.decode()


def test_a_mail_without_html_has_no_such_page(client, ana):
    assert frame(client, mailed(html="")).status_code == 404


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "media_type", "shown_as"),
    [
        ("page.html", "text/html", "application/octet-stream"),
        ("logo.svg", "image/svg+xml", "application/octet-stream"),
        ("bill.pdf", "application/pdf", "application/octet-stream"),
        ("feed.xml", "application/xml; charset=x", "application/octet-stream"),
        ("bill.png", "image/png", "image/png"),
    ],
)
def test_a_browser_shows_pictures_saves_the_rest_and_runs_nothing(client, ana, name, media_type, shown_as):
    found = mailed(files=[File(name, media_type, b"<script>alert(1)</script>")]).attachments.get()

    answer = client.get(f"/conversations/files/{found.id}/")

    assert answer.headers["Content-Type"] == shown_as
    assert answer.headers["Content-Disposition"].startswith("inline" if shown_as == "image/png" else "attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("name", ['a"; filename="b.exe', "Zähler über 7.pdf", "a\\b.pdf", "; .txt"])
def test_a_name_stays_one_name_in_the_answer(client, ana, name):
    found = mailed(files=[File(name, "application/pdf", b"x")]).attachments.get()

    said = client.get(f"/conversations/files/{found.id}/").headers["Content-Disposition"]

    assert said.startswith("attachment") and "\n" not in said and said.isascii()
    assert len(re.findall(r'filename\*?=(?:"(?:[^"\\]|\\.)*"|utf-8)', said)) == 1


def test_pictures_are_previewed(client, ana):
    found = mailed(html="", files=[File("bill.png", "image/png", b"x"), File("bill.pdf", "application/pdf", b"x")])
    page = client.get(f"/conversations/cases/{found.case_id}/").content.decode()

    assert page.count('class="said-preview"') == 1 and "bill.pdf" in page


# --- a customer's history ---------------------------------------------------------------------------------------------


def history(client, customer, **asked):
    page = client.get(f"/conversations/customers/{customer.id}/", asked).content.decode()
    return [" ".join(each.split()) for each in re.findall(r'dir="auto">([^<]*)</a>', page)], page


def test_everything_of_a_customer_stands_there_newest_first(client, ana):
    mail = item_of_rui(title="My bill", at=make.NINE)
    mailed(mail, at=make.NINE)
    mailed(mail, key="m2", subject="Re: My bill", at=make.later(hours=2))
    call = item_of_rui("calls", title="Where is it", at=make.later(hours=1))
    make.item("mail", title="Somebody else's", customer=work.Customer("eva@example.com", "Eva"))

    found, page = history(client, mail.case.customer)

    assert found == ["Re: My bill", "Where is it", "Case opened: Where is it", "My bill", "Case opened: My bill"]
    assert f"/conversations/cases/{call.case_id}/" in page and "Somebody else" not in page
    assert history(client, mail.case.customer, kind="calls")[0] == ["Where is it"]
    assert history(client, mail.case.customer, kind="mails")[0] == ["Re: My bill", "My bill"]
    assert history(client, mail.case.customer, kind="cases")[0] == ["Case opened: Where is it", "Case opened: My bill"]


def test_it_is_searched_by_words_that_all_must_be_there(client, ana):
    item = item_of_rui(title="A letter")
    mailed(item, text="The meter counts backwards 100%", subject="Meter")
    mailed(item, key="m2", text="Thank you for the meter", subject="Thanks")

    assert history(client, item.case.customer, words="METER backwards")[0] == ["Meter"]
    assert history(client, item.case.customer, words="100%")[0] == ["Meter"]
    assert history(client, item.case.customer, words="1_0")[0] == []
    assert "Nothing more was found." in history(client, item.case.customer, words="parcel")[1]


def test_what_was_said_in_a_chat_or_named_as_a_file_is_found(client, ana):
    make.client(chats=True)
    call = item_of_rui("calls", title="A call")
    conversations.receive(
        case=call.case,
        item=call,
        channel="chat",
        key="c",
        sender=RUI,
        content=Content("zebra"),
        by=make.CUSTOMER,
        now=make.NINE,
    )
    mailed(call, files=[File("quagga.pdf", "application/pdf", b"x")], subject="With a file")

    assert history(client, call.case.customer, words="zebra")[0] == ["A call"]
    assert history(client, call.case.customer, words="quagga")[0] == ["With a file"]


def test_a_long_history_is_read_page_by_page_and_each_entry_once(client, ana, monkeypatch):
    monkeypatch.setattr(conversations_queries, "PAGE", 4)
    items = [item_of_rui("calls", title=f"call {n}", at=make.NINE + timedelta(minutes=n // 3)) for n in range(9)]
    mailed(items[0], subject="mail 1"), mailed(items[0], key="m2", subject="mail 2")
    read, after = [], ""
    while after is not None:
        found, page = history(client, items[0].case.customer, after=after)
        assert 0 < len(found) <= 4
        read += found
        assert len(read) <= 20
        onward = re.search(r'after=([0-9-]+)" rel="next"', page)
        after = onward[1] if onward else None

    # 9 calls, 9 cases that they opened, 2 mails: 20 entries, 4 a page.
    assert len(read) == len(set(read)) == 20
    assert read[-1].startswith("Case opened: call")


@pytest.mark.parametrize("asked", [{"after": "x"}, {"kind": "x"}, {"words": "x" * 201}])
def test_what_cannot_be_looked_for_is_said_and_nothing_breaks(client, ana, asked):
    answer = client.get(f"/conversations/customers/{item_of_rui().case.customer_id}/", asked)

    assert answer.status_code == 200 and "wf-fault" in answer.content.decode()


def test_a_long_case_is_read_page_by_page(client, ana, monkeypatch):
    monkeypatch.setattr(conversations_queries, "MOST_MESSAGES", 3)
    item = item_of_rui(title="Long")
    for n in range(5):
        mailed(item, key=f"m{n}", text=f"letter {n}", html="", at=make.later(minutes=n))

    newest = client.get(f"/conversations/cases/{item.case_id}/").content.decode()
    earlier = client.get(
        f"/conversations/cases/{item.case_id}/?{re.search(r'before=[0-9]+', newest)[0]}"
    ).content.decode()

    assert re.findall(r"letter \d", newest) == ["letter 2", "letter 3", "letter 4"]
    assert re.findall(r"letter \d", earlier) == ["letter 0", "letter 1"]
    assert client.get(f"/conversations/cases/{item.case_id}/?before={'9' * 30}").status_code == 200


# --- walls ------------------------------------------------------------------------------------------------------------


def addresses_of(message):
    return [
        f"/conversations/messages/{message.id}/",
        f"/conversations/files/{message.attachments.get().id}/",
        f"/conversations/cases/{message.case_id}/",
        f"/conversations/customers/{message.case.customer_id}/",
    ]


def test_another_clients_agent_finds_none_of_it(client, stranger):
    message = mailed(files=[LOGO])

    for address in addresses_of(message):
        assert client.get(address).status_code == 404, address
    assert client.post(f"/conversations/messages/{message.id}/pictures/").status_code == 404
    assert conversations_models.Message.objects.get(id=message.id).pictures_allowed_at is None


def test_the_same_customer_at_another_client_is_another_customer(client, ana):
    here, there = item_of_rui(title="Here"), item_of_rui(of="porto-power", title="There")

    assert "There" not in history(client, here.case.customer)[1]
    assert client.get(f"/conversations/customers/{there.case.customer_id}/").status_code == 404


def test_whoever_may_see_them_sees_them_and_planners_and_the_clients_own_people_do_not(client, ana):
    message = mailed(files=[LOGO])

    assert [client.get(each).status_code for each in addresses_of(message)] == [200] * 4
    for person in (make.person("planner"), make.person("client", of=make.client())):
        client.force_login(person.account)
        assert {client.get(each).status_code for each in addresses_of(message)} == {403}
