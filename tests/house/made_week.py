"""A week in which somebody does everything that can be done, once at least: what the audit is held against."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from django.db import transaction

from tests import make
from tests.ops.billing.test_invoicing_actions import BILLED, LISBON, TAXED
from tests.ops.presales.test_actions import ANSWERED, HEADER, MAP
from workfloor.core.access import actors
from workfloor.core.claims import actions as claims
from workfloor.core.clients import actions as clients
from workfloor.core.clients.models import Client, Token
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.terms import CALL_FOR_HELP
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.event_log import actions as event_log
from workfloor.core.event_log import queries as event_log_queries
from workfloor.core.event_log.models import Parked
from workfloor.core.files import actions as files
from workfloor.core.people import actions as people
from workfloor.core.people import granting, own_account
from workfloor.core.people.models import Certificate, Person, Site, Team
from workfloor.core.retention import actions as retention
from workfloor.core.team_messages import actions as team_messages
from workfloor.core.work import actions as work
from workfloor.core.work import joining, reporting
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.ops.billing import actions as billing
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import delivering, writing
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks.rules import Macro
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.presales import actions as presales
from workfloor.ops.presales import gateway as presales_gateway
from workfloor.ops.presales import map_file
from workfloor.ops.presales import queries as presales_queries
from workfloor.ops.relationship import actions as relationship
from workfloor.ops.routing import actions as routing
from workfloor.ops.webhooks import actions as webhooks

# Actions that stand in modules of other names.
ACTIONS_ELSEWHERE: Final = {
    "workfloor.core.people.granting",
    "workfloor.core.people.own_account",
    "workfloor.core.work.intake",
    "workfloor.core.work.joining",
    "workfloor.core.work.reporting",
    "workfloor.core.work.connecting",
    "workfloor.ops.channels.email.delivering",
}
SLUG: Final = "lisbon-light"
NINE: Final = make.NINE
APRIL: Final = datetime(2026, 4, 2, 9, tzinfo=UTC)
HOURS: Final = """
[[prices]]
title = "Project hours"
unit = "agent-hour"
rate = "20.00"
tax = "vat"
"""
CONTRACT: Final = make.CONTRACT.format(slug=SLUG) + 'tax = "vat"\n' + HOURS + make.CHAT + TAXED + BILLED


def made() -> None:
    """Do all of it. The caller has entered every client."""
    rls.enter_every_client()
    who = _people()
    client = _client(who)
    _clearances(who, client)
    _channels(who, client)
    _work(who)
    _beside(who)
    _escalations(who)
    _conversations(who)
    _mail(who)
    _chat(who, client)
    _money(who, client)
    _history(who)
    _leaving(who, client)


def _people() -> SimpleNamespace:
    """An administrator, whom the installation's root takes on, takes the others on."""
    root: Any = {"by": actors.ROOT, "now": NINE}
    account = people.open_account(email="adele@example.com")
    adele = people.hire(name="Adele", roles=["administrator"], account=account, **root)
    does: Any = {"by": adele, "now": NINE}
    porto = people.open_site(name="Porto", country="PT", zone="Europe/Lisbon", **does)
    people.open_site(name="Cebu", country="PH", zone="Asia/Manila", **does)
    porto = people.change_site(site=porto, name="Porto, harbour", **does)
    for name, roles in (
        ("Teresa", ["leader"]),
        ("Marta", ["manager"]),
        ("Nuno", ["manager"]),
        ("Ana", ["agent"]),
        ("Bruno", ["agent"]),
        ("Carla", ["agent"]),
    ):
        people.take_on(name=name, email=f"{name.lower()}@example.com", roles=roles, site=porto, **does)
    found = {each.name.lower(): each for each in Person.objects.all()}
    people.take_on(name="Tiago", email="tiago@example.com", roles=["agent"], site=porto, **does)
    team = people.form_team(site=porto, name="Days", leader=found["teresa"], **does)
    people.change_team(team=team, name="Porto days", **does)
    people.change_site(site=porto, leader=found["teresa"], **does)
    for name in ("ana", "bruno", "carla"):
        people.change_person(person=found[name], team=Team.objects.get(), **does)
    people.assign_roles(person=found["carla"], roles=["agent", "planner"], **does)
    _links(found, does)
    people.vouch(person=found["nuno"], **root)
    signed_in, _ = own_account.sign_in(person=found["marta"], title="a laptop", now=NINE)
    own_account.choose_language(language="es", by=found["marta"], now=NINE)
    own_account.sign_out(sign_in=signed_in, by=found["marta"], now=make.later(minutes=1))
    return SimpleNamespace(**{name: Person.objects.get(id=each.id) for name, each in found.items()})


def _links(found: dict[str, Person], does: dict[str, Any]) -> None:
    """Invitations and other links by which people choose their passwords."""
    people.invite(person=found["carla"], **does)
    people.withdraw_invitation(person=found["carla"], **does)
    people.send_link(person=found["carla"], **does)
    own_account.ask_for_reset(email="carla@example.com")
    own_account.send_reset(email="carla@example.com", now=NINE)
    printed = own_account.print_link(person=found["bruno"], by=actors.ROOT, now=NINE)
    own_account.choose_password(link=printed, password="another long one", now=NINE)
    own_account.change_own_password(person=found["bruno"], password="yet another long one", now=NINE)


def _client(who: SimpleNamespace) -> Client:
    signed = datetime(2025, 12, 1, 9, tzinfo=UTC)
    clients.open_client(slug="harbour", title="Harbour", by=who.adele, now=NINE)
    contracts.sign(source=CONTRACT, by=who.marta, now=signed)
    for person in (who.adele, who.marta):
        people.clear(person=person, client=Client.objects.get(slug=SLUG), by=actors.ROOT, now=signed)
    amended = CONTRACT.replace('rate = "20.00"', 'rate = "21.00"')
    contracts.sign(source=amended, effective_on=date(2026, 1, 1), by=who.marta, now=signed + timedelta(days=1))
    client = Client.objects.get(slug=SLUG)
    clients.issue_token(client=client, title="their desk", scopes=["work:read"], by=who.marta, now=NINE)
    clients.revoke_token(token=Token.objects.get(), by=who.marta, now=make.later(hours=1))
    return client


def _clearances(who: SimpleNamespace, client: Client) -> None:
    does: Any = {"by": who.adele, "now": NINE}
    for name in ("teresa", "nuno", "ana", "bruno", "carla"):
        people.clear(person=getattr(who, name), client=client, **does)
    people.withdraw(person=who.carla, client=client, **does)
    people.withdraw_clearance(clearance=people.clear(person=who.carla, client=client, **does), **does)
    for person in (who.ana, who.bruno):
        people.certify(
            person=person,
            skill="portuguese",
            level=4,
            proof="test",
            valid_from=date(2026, 1, 1),
            by=who.teresa,
            now=NINE,
        )
        people.go_available(person=person, by=person, now=NINE)
    people.certify(person=who.carla, skill="english", level=2, proof="diploma", expires_on=date(2027, 1, 1), **does)
    people.revoke(person=who.carla, skill="english", reason="failed the yearly test", **does)
    people.certify(person=who.carla, skill="spanish", level=2, proof="test", valid_from=date(2026, 1, 1), **does)
    spanish = Certificate.objects.get(skill__name="spanish")
    granting.grant_skill(
        person=who.carla, skill="spanish", level=3, ends_at=make.later(hours=3), queue="calls", by=who.marta, now=NINE
    )
    granting.end_grants(person=who.carla, by=who.marta, now=make.later(hours=1))
    granting.grant_skill(
        person=who.carla, skill="spanish", level=2, ends_at=make.later(hours=2), queue="calls", by=who.marta, now=NINE
    )
    granting.end_lapsed_grants(by=actors.CLOCK, now=make.later(hours=2))
    people.revoke_certificate(certificate=spanish, reason="entered twice", **does)
    shift = people.plan_shift(
        person=who.carla, starts_at=make.later(days=1), ends_at=make.later(days=1, hours=8), by=who.teresa, now=NINE
    )
    people.cancel_shift(shift=shift, by=who.teresa, now=make.later(hours=1))
    people.go_available(person=who.carla, by=who.carla, now=NINE)
    people.set_state(person=who.carla, state="away", reason="training", by=who.teresa, now=make.later(hours=2))
    people.go_away(person=who.carla, reason="lunch", by=who.carla, now=make.later(hours=3))
    people.set_state(person=who.carla, state="signed-out", by=who.nuno, now=make.later(hours=4))
    own_account.keep_signature(text="{agent} of {client}", by=who.carla, now=make.later(hours=5))
    people.go_available(person=who.carla, by=who.carla, now=make.later(hours=5))
    people.sign_out_of_work(person=who.carla, by=who.carla, now=make.later(hours=6))


def _channels(who: SimpleNamespace, client: Client) -> None:
    """Mailboxes, widgets, playbooks, pools, webhooks, and for how long things are kept."""
    does: Any = {"by": who.marta, "now": NINE}
    box = email.open_mailbox(
        queue=make.queue("mail"), address="help@lisbon.example", title="Lisbon Light", most_per_sender=12, **does
    )
    email.open_mailbox(
        queue=make.queue("mail"),
        address="sales@lisbon.example",
        signature="{signature}",
        signs="mailbox",
        language="en",
        only_to="lisbon.example",
        **does,
    )
    fetched = email.open_mailbox(
        queue=make.queue("mail"),
        address="old@lisbon.example",
        source_url="imaps://old@imap.lisbon.example",
        password="a password of old",
        **does,
    )
    email.change_mailbox(
        mailbox=fetched,
        title="Old",
        most_per_sender=6,
        source_url="imaps://older@imap.lisbon.example",
        password="another password of old",
        **does,
    )
    email.close_mailbox(mailbox=fetched, by=who.marta, now=make.later(hours=1))
    settings, origins = 'title = { en = "Ask us" }', ["https://www.lisbon.example"]
    widget = chats.add_widget(queue=make.queue("chats"), origins=origins, source=settings, **does)
    chats.change_widget(
        widget=widget,
        queue=make.queue("chats"),
        origins=[*origins, "https://shop.lisbon.example"],
        source=settings.replace("Ask us", "Write to us"),
        **does,
    )
    playbook = '[[rules]]\nname = "tagged"\nwhen = "received"\nthen = { tag = "seen" }\n'
    playbooks.give(client=client, source=playbook, by=who.teresa, now=NINE)
    for title, body in (("Returns", "Within 14 days."), ("Returns and refunds", "Within 30 days.")):
        playbooks.write_article(
            process=make.queue("mail").process, name="returns", title=title, body=body, by=who.teresa, now=NINE
        )
    for pool in ("night", "main", "night"):
        routing.put_into_pool(queue=make.queue("calls"), pool=pool, **does)
    routing.even_out(pool="main", seconds=60, **does)
    routing.even_out(pool="main", seconds=0, **does)
    retention.set_days(kind="raw-mail", days=30, client=client, **does)
    retention.set_days(kind="raw-mail", days=60, client=client, **does)
    retention.reset_days(kind="raw-mail", client=client, **does)
    _webhooks(client, does)
    Parked.objects.create(
        follower="a follower", position=1, event="work.received", client_id=client.id, error="x", parked_at=NINE
    )
    [parked] = event_log_queries.failures()
    event_log.run_again(failures=[parked], **does)
    event_log.drop(failure=parked, **does)
    done = relationship.agree(client=client, who="Marta", what="Train two more", until=date(2026, 5, 1), **does)
    relationship.finish(action_item=done, note="Both passed", by=who.marta, now=make.later(days=2))
    assert box.closed_at is None


def _webhooks(client: Client, does: dict[str, Any]) -> None:
    endpoint, _ = webhooks.add(
        client=client, title="their CRM", url="https://crm.lisbon.example/in", events=["work"], **does
    )
    webhooks.pause(endpoint=endpoint, **does)
    webhooks.resume(endpoint=endpoint, **does)
    webhooks.rotate(endpoint=endpoint, **does)
    sent = webhooks.send_test(endpoint=endpoint, **does)
    [attempt] = webhooks.begin(endpoint_id=endpoint.id, busy=[], most=1, now=NINE)
    webhooks.mark(attempt=attempt, answer=_accepted(), now=NINE)
    webhooks.send_again(delivery=sent, **does)
    webhooks.remove(endpoint=endpoint, **does)


def _accepted() -> Any:
    from workfloor.ops.webhooks import retries

    return retries.Answer(code=200, words="OK", took=5)


# --- work -------------------------------------------------------------------------------------------------------------


def _held(person: Person, queue: str, at: datetime, **more: Any) -> Item:
    """An item that somebody has in hand."""
    made = make.item(queue, at=at, **more)
    work.offer(
        item=made,
        person=person,
        max_concurrency=1 if queue == "calls" else 3,
        offer_seconds=60,
        by=actors.engine("router"),
        now=at,
    )
    return work.accept(item=made, by=person, now=at + timedelta(seconds=5))


def _customer(reference: str, **more: Any) -> work.Customer:
    return work.Customer(reference, f"Customer {reference}", **more)


def _work(who: SimpleNamespace) -> None:
    at, ana = make.later(minutes=10), who.ana
    later = lambda **passed: at + timedelta(**passed)  # noqa: E731
    call = _held(ana, "calls", at, customer=_customer("C-1"))
    work.hold(item=call, by=ana, now=later(seconds=20))
    work.resume(item=call, by=ana, now=later(seconds=30))
    work.escalate(item=call, by=ana, note="angry", now=later(seconds=40))
    work.come_back(
        item=call, kind="callback", queue=make.queue("calls"), at=later(hours=4), by=ana, now=later(seconds=50)
    )
    work.end(item=call, by=ana, now=later(seconds=60))
    work.wrap_up(item=call, by=ana, disposition="resolved", resolved=False, now=later(seconds=70))
    work.reopen(item=call, reason="not so", by=who.teresa, now=later(seconds=80))
    work.prioritise(item=call, priority=1, by=who.teresa, now=later(seconds=90))
    work.cancel(item=call, reason="a test", by=who.teresa, now=later(seconds=100))
    declined = make.item("calls", at=later(minutes=5))
    work.stand_since(item=declined, since=later(minutes=4), by=actors.CUSTOMER, now=later(minutes=5))
    work.offer(
        item=declined, person=ana, max_concurrency=1, offer_seconds=60, by=actors.engine("router"), now=later(minutes=5)
    )
    work.decline(item=declined, by=ana, now=later(minutes=5, seconds=5))
    work.abandon(item=declined, by=actors.CUSTOMER, now=later(minutes=6))
    letter = _held(ana, "mail", later(minutes=10), customer=_customer("C-2"))
    work.send_reply(item=letter, by=ana, now=later(minutes=11))
    work.transfer(item=letter, queue=make.queue("calls"), by=ana, note="by telephone", now=later(minutes=12))
    pending = _held(ana, "mail", later(minutes=20), customer=_customer("C-3"))
    work.set_pending_customer(item=pending, by=ana, now=later(minutes=21))
    work.customer_answered(item=pending, by=ana, now=later(minutes=22))
    snoozed = _held(ana, "mail", later(minutes=30), customer=_customer("C-4"))
    work.snooze(item=snoozed, until=later(hours=5), by=ana, now=later(minutes=31))
    claimed = _held(ana, "mail", later(minutes=40), customer=_customer("C-5", is_claimed=True))
    work.confirm_customer(case=claimed.case, by=ana, now=later(minutes=41))
    claimed = work.end(item=claimed, by=ana, now=later(minutes=42))
    closes = Macro("close", "Close", disposition="answered")
    playbooks.run_macro(item=claimed, macro=closes, by=ana, now=later(minutes=43))
    elsewhere = make.item("calls", at=later(minutes=50), came_at=later(minutes=50))
    said = reporting.Said("answered", agent="extension 214")
    reporting.report(
        item=elsewhere,
        key="pbx-1",
        said=said,
        at=later(minutes=51),
        source="pbx",
        by=actors.ROOT,
        now=later(minutes=51),
    )
    playbooks.apply_rules(item=elsewhere, when="received", text="", now=later(minutes=52))


def _beside(who: SimpleNamespace) -> None:
    """Colleagues who come in, a leader who listens, and documents that are keyed twice."""
    at, ana, bruno = make.later(hours=2), who.ana, who.bruno
    later = lambda **passed: at + timedelta(**passed)  # noqa: E731
    call = _held(ana, "calls", at)
    joining.ask(item=call, to=bruno, by=ana, now=later(seconds=10))
    joining.decline(item=call, by=bruno, now=later(seconds=12))
    joining.ask(item=call, to=bruno, by=ana, now=later(seconds=14))
    joining.withdraw(item=call, of=bruno, by=ana, now=later(seconds=16))
    joining.monitor(item=call, by=who.teresa, now=later(seconds=18))
    team_messages.whisper(item=call, text="Slowly", by=who.teresa, now=later(seconds=19))
    asked = team_messages.send(to=[ana, bruno], text="Who can stay?", by=who.teresa, now=later(seconds=19))
    team_messages.read(received=asked, by=bruno, now=later(seconds=19))
    team_messages.answer(received=asked, text="I can", by=ana, now=later(seconds=19))
    team_messages.write_to_leader(text="Until when?", by=ana, now=later(seconds=19))
    joining.leave(item=call, by=who.teresa, now=later(seconds=20))
    joining.ask(item=call, to=bruno, by=ana, now=later(seconds=22))
    joining.accept(item=call, by=bruno, now=later(seconds=24))
    joining.transfer(item=call, to=bruno, by=ana, now=later(seconds=30))
    work.end(item=call, by=bruno, now=later(seconds=40))
    work.wrap_up(item=call, by=bruno, disposition="resolved", now=later(seconds=50))
    for number, calls_off in enumerate((False, True)):
        start = later(minutes=10 + 10 * number)
        paper = make.item("mail", at=start, kind="document")
        joining.ask_second_keying(item=paper, by=who.teresa, now=start)
        work.offer(item=paper, person=ana, max_concurrency=3, offer_seconds=60, by=actors.engine("router"), now=start)
        work.accept(item=paper, by=ana, now=start + timedelta(seconds=5))
        if calls_off:
            joining.call_off_second_keying(item=paper, by=who.teresa, now=start + timedelta(seconds=6))
        else:
            joining.begin_second_keying(item=paper, by=bruno, now=start + timedelta(seconds=6))
            joining.finish_second_keying(item=paper, by=bruno, now=start + timedelta(seconds=50))
        work.end(item=paper, by=ana, now=start + timedelta(seconds=60))
        work.wrap_up(item=paper, by=ana, disposition="answered", now=start + timedelta(seconds=70))


def _escalations(who: SimpleNamespace) -> None:
    """Calls for help: told on, acknowledged and answered; answered on the floor; over with their work."""
    at, ana = make.later(hours=3), who.ana
    later = lambda **passed: at + timedelta(**passed)  # noqa: E731
    for number in range(3):
        begun, ended = later(minutes=10 * number), later(minutes=10 * number + 5)
        call = _held(ana, "calls", begun)
        call = work.escalate(item=call, by=ana, note="May I?", now=begun + timedelta(seconds=10))
        engine: Any = {"by": escalation.ENGINE, "now": ended}
        raised = escalation.escalate(item=call, agreed=CALL_FOR_HELP, said="May I?", by=escalation.ENGINE, now=begun)
        raised = escalation.tell_next(escalation=raised, by=escalation.ENGINE, now=begun + timedelta(minutes=2))
        escalation.mail(notices=raised.notices.all()[:1], by=escalation.ENGINE, now=begun + timedelta(minutes=2))
        if number == 0:
            escalation.acknowledge(escalation=raised, by=who.teresa, now=begun + timedelta(minutes=3))
            escalation.answer(escalation=raised, text="Yes", by=who.teresa, now=begun + timedelta(minutes=4))
        elif number == 1:
            escalation.mark_answered(escalation=raised, text="Yes", person_id=who.teresa.id, **engine)
        work.end(item=call, by=ana, now=ended)
        work.wrap_up(item=call, by=ana, disposition="resolved", now=ended)
        if number == 2:
            escalation.close(escalation=raised, because="the work is over", **engine)


def _conversations(who: SimpleNamespace) -> None:
    at, ana = make.later(hours=3), who.ana
    does: Any = {"by": ana, "now": at + timedelta(minutes=2)}
    one, two, three = (_held(ana, "mail", at + timedelta(seconds=each), customer=_customer("C-6")) for each in range(3))
    paper = File("bill.txt", "text/plain", b"a bill")
    message, _ = conversations.receive(
        case=one.case,
        item=one,
        channel="email",
        key="m-1",
        sender=Address("maria@example.com", "Maria"),
        content=Content("Hello", html="<p>Hello</p>"),
        files=[paper],
        by=actors.CUSTOMER,
        now=at,
    )
    conversations.allow_pictures(message=message, **does)
    conversations.note(case=one.case, item=one, text="a regular", **does)
    conversations.keep_draft(item=one, text="Dear", **does)
    conversations.classify(case=one.case, kind="complaint", **does)
    conversations.merge(case=two.case, into=one.case, **does)
    two.refresh_from_db()
    conversations.split(item=two, subject="something else", **does)
    first, second = (
        conversations.reply(
            item=each, channel="email", content=Content("Yes"), recipients=[Address("maria@example.com")], **does
        )
        for each in (one, three)
    )
    conversations.withdraw(message=first, **does)
    conversations.start_sending(message=second, by=actors.CLOCK, now=at + timedelta(minutes=3))
    conversations.mark_undelivered(
        message=second, reason="no such address", by=actors.CLOCK, now=at + timedelta(minutes=4)
    )
    conversations.try_again(message=second, by=who.teresa, now=at + timedelta(minutes=5))
    for each in (one, two, three):
        each.refresh_from_db()
        if each.state == "held":
            work.transfer(item=each, queue=each.queue, by=ana, now=at + timedelta(minutes=6))


def _mail(who: SimpleNamespace) -> None:
    """Mail that somebody looks at, and replies that are taken back or sent again."""
    at = make.later(hours=4)
    box = make.queue("mail").mailboxes.get(address="help@lisbon.example")
    letters = [email.Incoming(box, f"letter {number}".encode(), "<x@example.com>", box.address) for number in range(2)]
    email.store(mails=letters, now=at)
    for arrival, do in zip(box.arrivals.order_by("id"), (email.run_again, email.discard), strict=True):
        arrival.state = "held"
        arrival.save(update_fields=["state"])
        do(arrivals=[arrival], by=who.teresa, now=at + timedelta(minutes=1))
    item = _held(who.ana, "mail", at, customer=_customer("C-7"))
    to: Any = {"channel": "email", "content": Content("Yes"), "recipients": [Address("rui@example.com")]}
    first = conversations.reply(item=item, by=who.ana, now=at, **to)
    writing.take_back(reply=first, by=who.ana, now=at)
    item.refresh_from_db()
    if item.state != "held":
        item = _held(who.ana, "mail", at + timedelta(minutes=2))
    second = conversations.reply(item=item, by=who.ana, now=at + timedelta(minutes=3), **to)
    delivering.post(message=second, now=at + timedelta(minutes=3))
    conversations.start_sending(message=second, by=actors.CLOCK, now=at + timedelta(minutes=4))
    conversations.mark_undelivered(message=second, reason="full", by=actors.CLOCK, now=at + timedelta(minutes=5))
    email.send_again(message=second, by=who.teresa, now=at + timedelta(minutes=6))
    work.transfer(item=item, queue=item.queue, by=who.ana, now=at + timedelta(minutes=7))


def _chat(who: SimpleNamespace, client: Client) -> None:
    at = make.later(hours=5)
    widget = client.widgets.get()
    chat = chats.begin(
        widget=widget,
        secret="x" * 43,
        key="k" * 8,
        message="Hello",
        answers={},
        address="192.0.2.1",
        now=at,
    )
    work.offer(item=chat.item, person=who.ana, max_concurrency=4, offer_seconds=60, by=actors.engine("router"), now=at)
    work.accept(item=chat.item, by=who.ana, now=at + timedelta(seconds=3))
    chat.refresh_from_db()
    chats.reply(chat=chat, by=who.ana, text="Good morning", now=at + timedelta(seconds=9))
    chats.send_transcript(
        chat=chat,
        to="visitor@example.com",
        key="t" * 8,
        address="192.0.2.1",
        zone="Europe/Lisbon",
        now=at + timedelta(seconds=20),
    )
    chats.leave(chat=chat, now=at + timedelta(seconds=30))
    work.end(item=chat.item, by=who.ana, now=at + timedelta(seconds=40))
    work.wrap_up(item=chat.item, by=who.ana, disposition="resolved", now=at + timedelta(seconds=50))
    chats.withdraw_widget(widget=widget, by=who.marta, now=at + timedelta(hours=1))


# --- money ------------------------------------------------------------------------------------------------------------


def _money(who: SimpleNamespace, client: Client) -> None:
    people.take_on(name="Dana", email="dana@lisbon.example", client=client, by=who.adele, now=NINE)
    dana = Person.objects.get(name="Dana")
    hour: Any = {"starts_at": NINE, "ends_at": make.later(hours=1), "client": client}
    for decide in (claims.approve, claims.refuse):
        claim = claims.claim_event(
            kind="client-outage", queues=["calls"], reason="their line", by=who.teresa, now=NINE, **hour
        )
        decide(claim=claim, reason="seen in their log", by=who.marta, now=make.later(hours=2))
    hours = claims.claim_delivery(
        client=client,
        price="Project hours",
        on=date(2026, 3, 4),
        quantity=Decimal("2.5"),
        reason="training",
        document=claims.File("hours.pdf", b"%PDF hours"),
        by=who.teresa,
        now=NINE,
    )
    claims.approve(claim=hours, by=dana, now=make.later(hours=2))
    month: Any = {"client": client, "period": "2026-03", "now": APRIL}
    _finish_all(who)
    billing.propose(by=who.teresa, **month)
    billing.reopen(by=who.teresa, reason="one is missing", **month)
    billing.propose(by=who.teresa, **month)
    disputed = [
        billing.raise_dispute(figure=figure, words="Two were tests", by=dana, **month) for figure in ("l1", "total")
    ]
    billing.reject(dispute=disputed[1], words="They were not", by=who.marta, now=APRIL)
    billing.reject(dispute=disputed[0], words="They were not", by=who.marta, now=APRIL)
    billing.approve(by=who.marta, **month)
    again = billing.raise_dispute(figure="l1", words="One was a test", by=dana, **month)
    billing.uphold(dispute=again, amount="-1.50", words="It was", by=who.marta, now=APRIL)
    billing.restate(client=client, by=who.teresa, now=APRIL)
    entity = billing.register_entity(slug="lisbon", **LISBON, by=who.marta, now=APRIL)
    billing.change_entity(legal_entity=entity, street="Rua do Ouro 2", by=who.marta, now=APRIL)
    invoice = billing.issue_invoice(by=who.marta, **month)
    billing.credit_invoice(invoice=invoice, words="the wrong address", by=who.marta, now=APRIL)


def _finish_all(who: SimpleNamespace) -> None:
    """Nothing is left unfinished that would keep a month from being closed."""
    for item in Item.objects.filter(state__in=("waiting", "offered", "held", "wrapping")):
        work.cancel(item=item, reason="left over", by=who.teresa, now=make.later(days=1))


def _history(who: SimpleNamespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.csv"
        path.write_text(HEADER + ANSWERED.replace("2026-03-02", "2026-02-02"))
        form, client = map_file.read(MAP), Client.objects.get(slug=SLUG)
        place = presales_queries.place(client, APRIL)
        assert place
        with presales_gateway.opened(path) as export, transaction.atomic():
            presales.import_calls(
                export=export,
                map_=form,
                place=place,
                by=who.marta,
                now=APRIL,
                progress=lambda done: None,
                make_room=presales.make_room,
            )


def _leaving(who: SimpleNamespace, client: Client) -> None:
    people.leave(person=who.carla, by=who.adele, now=APRIL)
    files.erase_key(client=client, reason="the contract is over", by=who.adele, now=APRIL)
    assert Site.objects.count() == 2
