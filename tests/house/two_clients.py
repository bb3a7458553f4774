"""Two clients side by side, each with a row in every table: what the tests of the walls stand on."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from tests import make
from tests.ops.billing import samples
from workfloor.core.access import actors
from workfloor.core.claims import actions as claims
from workfloor.core.clients import actions as clients
from workfloor.core.clients.models import Client
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations.messages import Address, Content, File
from workfloor.core.conversations.models import Attachment, Message
from workfloor.core.event_log.models import Parked
from workfloor.core.looks import actions as looks
from workfloor.core.people import actions as people
from workfloor.core.people.models import Person
from workfloor.core.periods.models import Adjustment
from workfloor.core.retention import actions as retention
from workfloor.core.team_messages.models import Receipt, TeamMessage
from workfloor.core.work import actions as work
from workfloor.core.work import reporting
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.ops.billing import einvoice, invoices
from workfloor.ops.billing import models as billing_models
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat.models import Widget
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import delivering
from workfloor.ops.channels.email.models import Arrival
from workfloor.ops.channels.playbooks import actions as playbooks
from workfloor.ops.channels.playbooks.models import Article
from workfloor.ops.escalation import actions as escalation
from workfloor.ops.escalation.models import Escalation, Notice
from workfloor.ops.webhooks import actions as webhooks
from workfloor.ops.webhooks.models import Delivery, Endpoint

# A word in every text of the south's, and in none of anybody else's; staff are the provider's and go without.
SECRET = "zanzibar"
SCOPES = ("work:write", "work:read", "statement:read", "invoice:read")
STAFF = ("agent", "leader", "planner", "manager")


@dataclass
class Side:
    """One client with everything of its own."""

    client: Client
    token: str
    staff: dict[str, Person]  # by role; cleared for this client alone
    own: Person  # the client's own person
    waiting: Item
    held: Item
    widget: Widget
    file: Attachment
    arrival: Arrival
    reply: Message
    article: Article
    invoice: billing_models.Invoice
    endpoint: Endpoint
    delivery: Delivery
    escalation: Escalation
    notices: list[Notice]
    whispered: TeamMessage


def side(slug: str, word: str) -> Side:
    """A client whose texts all hold a word, with its people and with work in several states."""
    rls.enter_every_client()
    client = make.client(slug, chats=True)
    staff = {role: make.person(role, name=f"{role} {slug[:1]}") for role in STAFF}
    for person in staff.values():
        people.clear(person=person, client=client, by=actors.ROOT, now=make.NINE)
    agent = staff["agent"]
    people.certify(
        person=agent,
        skill="portuguese",
        level=3,
        proof="test",
        valid_from=date(2026, 1, 1),
        by=actors.ROOT,
        now=make.NINE,
    )
    people.go_available(person=agent, by=agent, now=make.NINE)
    retention.set_days(kind="raw-mail", days=30, client=client, by=actors.ROOT, now=make.NINE)
    customer = work.Customer(f"{word}-7", f"Customer {word}")
    more: dict[str, Any] = {"customer": customer, "title": f"Title {word}", "payload": {word: [word]}}
    held = make.item("mail", of=slug, key=f"{word}-held", **more)
    held = work.offer(item=held, person=agent, max_concurrency=3, offer_seconds=30, by=make.ROUTER, now=make.NINE)
    held = work.accept(item=held, by=agent, now=make.NINE)
    conversations.keep_draft(item=held, text=word, by=agent, now=make.NINE)
    letter = File(f"{word}.txt", "text/plain", word.encode())
    message, _ = conversations.receive(
        case=held.case,
        item=held,
        channel="email",
        key=word,
        sender=Address(f"{word}@example.com", word),
        content=Content(word, word, f"<p>{word}</p>", word),
        files=[letter],
        by=make.CUSTOMER,
        now=make.NINE,
    )
    for address in (f"{word}@mail.example", f"{word}-too@mail.example"):
        box = email.open_mailbox(queue=held.queue, address=address, title=word, by=actors.ROOT, now=make.NINE)
    email.store(mails=[email.Incoming(box, word.encode(), f"{word}@example.com", box.address)], now=make.NINE)
    email.store_fetched(mailbox=box, uid_validity=7, mails=[email.Fetched(7, word.encode())], now=make.NINE)
    reply = conversations.reply(
        item=held,
        channel="email",
        content=Content(word, html=f"<p>{word}</p>"),
        recipients=[Address(word)],
        by=agent,
        now=make.NINE,
    )
    delivering.post(message=reply, now=make.NINE)
    waiting = make.item("calls", of=slug, key=f"{word}-waiting", **more)
    stranger = work.Customer(f"{word}-8", f"Stranger {word}", is_claimed=True)
    make.item("calls", of=slug, key=f"{word}-stranger", customer=stranger)
    elsewhere = make.item("calls", of=slug, key=f"{word}-elsewhere", came_at=make.NINE, **more)
    said = reporting.Said("answered", agent=word)
    reporting.report(item=elsewhere, key=word, said=said, at=make.NINE, source=word, by=make.ROOT, now=make.NINE)
    for queues in (["calls"], []):
        claim = claims.claim_event(
            client=client,
            kind="client-outage",
            starts_at=make.NINE,
            ends_at=make.later(hours=1),
            queues=queues,
            reason=f"Line {word}",
            by=staff["leader"],
            now=make.NINE,
        )
        claims.approve(claim=claim, by=staff["manager"], now=make.NINE)
    own = make.person("client", name=f"Own {word}", of=client)
    token = clients.issue_token(client=client, title=word, scopes=SCOPES, by=actors.ROOT, now=make.NINE)
    widget = chats.add_widget(
        queue=make.queue("chats", slug),
        origins=[f"https://{slug}.example"],
        by=actors.ROOT,
        now=make.NINE,
        source=f'title = {{ en = "{word}" }}',
    )
    chats.begin(
        widget=widget,
        secret=word.ljust(43, "x"),
        key=word.ljust(8, "x"),
        message=word,
        answers={},
        address=word,
        now=make.NINE,
        page=word,
        language="en",
    )
    answers = f'[[answers]]\nname = "hello"\ntext = "{word}"\n'
    rule = f'[[rules]]\nname = "tagged"\nwhen = "received"\nthen = {{ tag = "{word}" }}\n'
    playbooks.give(client=client, source=answers + rule, by=actors.ROOT, now=make.NINE)
    playbooks.apply_rules(item=waiting, when="received", text="", now=make.NINE)
    article = playbooks.write_article(
        process=held.process, name=word, title=word, body=word, by=actors.ROOT, now=make.NINE
    )
    endpoint, _ = webhooks.add(
        client=client, title=word, url=f"https://{word}.example/", events=["work"], by=actors.ROOT, now=make.NINE
    )
    whispered = TeamMessage.objects.create(
        client=client, item=held, sender=staff["leader"], text=word, sent_at=make.NINE
    )
    Receipt.objects.create(client=client, message=whispered, person=agent)
    raised = escalation.escalate(
        item=waiting,
        agreed=contracts_terms.Escalation(word, "word", (contracts_terms.Step("leader"),)),
        said=word,
        by=escalation.ENGINE,
        now=make.NINE,
    )
    made = Side(
        client,
        token,
        staff,
        own,
        waiting,
        held,
        widget,
        message.attachments.get(),
        box.arrivals.first(),
        reply,
        article,
        invoiced(client, word, staff["manager"]),
        endpoint,
        webhooks.send_test(endpoint=endpoint, by=actors.ROOT, now=make.NINE),
        raised,
        list(raised.notices.all()),
        whispered,
    )
    looks.look(
        seen=[looks.Seen("item", held.id, client.id, held.case_id)], place=word, by=staff["leader"], now=make.NINE
    )
    Parked.objects.create(
        follower=word, position=1, event="work.received", client_id=client.id, error=word, parked_at=make.NINE
    )
    billing_models.ClosingStep.objects.create(
        client=client, period="2026-03", step="propose", asked_by=staff["leader"], asked_at=make.NINE, error=word
    )
    for model in walled_models():
        row_of(model, client, word)
    return made


def invoiced(client: Client, word: str, by: Person, number: str | None = None) -> billing_models.Invoice:
    """An invoice of the client that says the word, and a line that corrects a month."""
    sold = replace(samples.GOOD["a credit"], buyer=replace(samples.BUYER, name=word), number=number or client.slug)
    entity, _ = billing_models.LegalEntity.objects.get_or_create(
        slug="ours", defaults={"name": "Ours", "country": "PT"}
    )
    made = billing_models.Invoice.objects.create(
        client=client,
        entity=entity,
        series=word,
        number=1,
        name=sold.number,
        kind=sold.kind,
        period="2026-03",
        value=invoices.kept(sold),
        ubl=einvoice.ubl(sold).decode(),
        cii=einvoice.cii(sold).decode(),
        currency="EUR",
        gross=sold.totals.gross,
        issued_on=sold.issued_on,
        issued_at=make.NINE,
        issued_by=by,
    )
    Adjustment.objects.create(
        client=client,
        period="2026-02",
        figure="l1",
        subject=word,
        title=word,
        into="2026-03",
        amount=-1,
        currency="EUR",
        because="late facts",
        made_at=make.NINE,
    )
    return made


def both() -> tuple[Side, Side]:
    """The north, from which the tests look, and the south, which they must not see."""
    return side("north", "north"), side(f"{SECRET}-south", SECRET)


# --- what is walled -------------------------------------------------------------------------------------------------


def walled_models() -> list[type[models.Model]]:
    """Every model with a client, and the client itself; new ones are found by themselves."""
    return [
        model
        for model in apps.get_models()
        if model is Client or any(field.column == "client_id" for field in model._meta.concrete_fields)
    ]


def column_of(model: type[models.Model]) -> str:
    """Which column holds the client."""
    return "id" if model is Client else "client_id"


def walled_tables() -> dict[str, str]:
    """Every table and partition of the database with a client, also those that no model tells of -> its column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE a.attname = 'client_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p') "
            "AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        found = {name: "client_id" for (name,) in cursor.fetchall()}
    return found | {Client._meta.db_table: "id"}


# --- a row of every model ---------------------------------------------------------------------------------------------


def row_of(model: type[models.Model], client: Client, word: str) -> models.Model:
    """A row of a model that belongs to a client: one that is there, or one made up from the fields."""
    known = model._default_manager.filter(**{column_of(model): client.id}).first()
    if known is None:
        values = {field.name: _made_up(field, client, word) for field in model._meta.concrete_fields if _needed(field)}
        try:
            known = model._default_manager.create(**values)
        except Exception as fault:
            raise AssertionError(f"teach two_clients.side() to make a {model._meta.label}: {fault}") from fault
    return known


def _needed(field: Any) -> bool:
    return not (field.null or field.has_default() or isinstance(field, models.AutoField))


_VALUES: list[tuple[Any, Any]] = [
    (models.DateTimeField, datetime(2026, 3, 4, 9, tzinfo=UTC)),
    (models.DateField, date(2026, 3, 4)),
    (models.BooleanField, False),
    (models.IntegerField, 1),
    (models.DecimalField, 1),
    (models.JSONField, {}),
    (ArrayField, []),
    (models.CharField, ""),
    (models.TextField, ""),
    (models.BinaryField, b""),
]


def _made_up(field: Any, client: Client, word: str) -> Any:
    if isinstance(field, models.ForeignKey):
        target = field.related_model
        assert isinstance(target, type)
        if target is Client:
            return client
        return row_of(target, client, word) if target in walled_models() else target._default_manager.first()
    if field.choices:
        return field.choices[0][0]
    for kind, value in _VALUES:
        if isinstance(field, kind):
            return word if value == "" else value
    raise AssertionError(f"teach two_clients._VALUES what a {type(field).__name__} holds ({field})")
