"""Filling the sample provider into an empty installation, through the same actions as real work."""

from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from importlib import resources

from workfloor.core.access import actors
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts.models import Process, Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.people.models import Account, Person, Site, Team
from workfloor.demo import past, sample
from workfloor.kit.time import calendars
from workfloor.ops.billing import actions as billing
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.chat.models import Widget
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.email.models import Mailbox
from workfloor.ops.channels.playbooks import actions as playbooks

_SIGNED_BEFORE = timedelta(days=14)  # the first of the past months
# Who issues the provider's invoices; the tax and account numbers have right check digits and belong to nobody known.
_LEGAL_ENTITY = "sample-floor"
_LEGAL_ENTITY_TERMS: billing.Terms = {
    "name": "Sample Floor Lda",
    "street": "Rua do Heroísmo 40",
    "city": "Porto",
    "postcode": "4300-254",
    "country": "PT",
    "vat_id": "PT501964843",
    "legal_id": "501964843",
    "account": "PT50000201231234567890154",
    "contact": "Billing",
    "email": "billing@sample.example",
    "phone": "+351 220 000 000",
}


def fill(*, now: datetime) -> None:
    """Fill in two clients with their contracts and channels, two sites, their people, work done and open.

    The month before the last is closed and invoiced, the last one is there to be closed.
    """
    signed = datetime.combine(sample.months_before(now, 2), time(9), UTC) - _SIGNED_BEFORE
    event_log.make_partitions(first=signed, count=6)
    for slug in sample.KINDS:
        contracts.sign(source=_file("contracts", f"{slug}.toml"), effective_on=None, by=actors.ROOT, now=signed)
        _give_playbook(slug, signed)
    sites = {
        name: people.open_site(name=name, country=country, zone=zone, by=actors.ROOT, now=signed)
        for name, country, zone in sample.SITES
    }
    staff = _hire(sites, signed)
    channels = _open_channels(signed)
    past.work_off(now, [staff[each.email] for each in sample.PEOPLE[1:]], channels)
    for slug in sample.KINDS:
        for number, arrival in enumerate(sample.open_arrivals(slug, now), start=1):
            if arrival.queue != sample.MAIL_QUEUE:  # to which other customers really write
                past.receive(f"open-{slug}-{number}", channels.queues[slug, arrival.queue], arrival, channels)
    _take_mails(channels.mailbox, now)
    _end_patience(channels.widget, now)
    _close(staff[sample.PEOPLE[0].email], staff[sample.MANAGER.email], now)


def _file(*path: str) -> str:
    return resources.files("workfloor.demo").joinpath("sample", *path).read_text("utf-8")


def _give_playbook(slug: str, at: datetime) -> None:
    client = clients_queries.by_slug(slug)
    assert client is not None
    playbooks.give(client=client, source=_file("playbooks", f"{slug}.toml"), by=actors.ROOT, now=at)
    for process, name in sample.ARTICLES[slug]:
        title, _, body = _file("articles", f"{name}.md").partition("\n")
        of = Process.objects.get(client=client, name=process)
        playbooks.write_article(
            process=of, name=name, title=title.lstrip("# "), body=body.strip(), by=actors.ROOT, now=at
        )


def _open_channels(at: datetime) -> past.Channels:
    """Open one client's mailbox, and let the other's site chat."""
    queues = {(queue.client.slug, queue.name): queue for queue in Queue.objects.select_related("client").order_by("id")}
    mails, chat = queues["alder-insurance", sample.MAIL_QUEUE], queues["pier-telecom", sample.CHAT_QUEUE]
    mailbox = email.open_mailbox(
        queue=mails, address=sample.MAILBOX, title="Alder Insurance claims", by=actors.ROOT, now=at
    )
    # These visitors have no page that could say that it is open, so their widget lets nobody leave for hours.
    patient = f'left_for = "8h"\nsilent_for = "8h"\n{_widget()}'
    widget = chats.add_widget(queue=chat, origins=[sample.SITE_OF_PIER], source=patient, by=actors.ROOT, now=at)
    return past.Channels(mailbox, widget, queues)


def _widget() -> str:
    return _file("playbooks", "pier-telecom-chat.toml")


def _end_patience(widget: Widget, now: datetime) -> None:
    """Let real visitors have a widget of their own; its page to try it on is told with the sign-ins."""
    chats.withdraw_widget(widget=widget, by=actors.ROOT, now=now)
    chats.add_widget(queue=widget.queue, origins=widget.origins, source=_widget(), by=actors.ROOT, now=now)


def _take_mails(mailbox: Mailbox, now: datetime) -> None:
    """Let customers have written a moment ago."""
    for number, name in enumerate(sample.MAILS):
        at = now - timedelta(minutes=25 - 9 * number)
        raw = f"Date: {format_datetime(at)}\n{_file('mails', f'{name}.eml')}".encode()
        email.store(mails=[email.Incoming(mailbox, raw, "", sample.MAILBOX)], now=at)
    email.take(arrivals=email_queries.waiting(len(sample.MAILS)), now=now)


def _close(leader: Person, manager: Person, now: datetime) -> None:
    """Close the month before the last with both clients on the third of the next, and invoice it."""
    period = f"{sample.months_before(now, 2):%Y-%m}"
    at = datetime.combine(sample.months_before(now, 1).replace(day=3), time(10), UTC)
    billing.register_entity(slug=_LEGAL_ENTITY, by=manager, now=at, **_LEGAL_ENTITY_TERMS)
    for client in Client.objects.filter(slug__in=sample.KINDS).order_by("slug"):
        billing.propose(client=client, period=period, by=leader, now=at)
        billing.approve(client=client, period=period, by=manager, now=at + timedelta(hours=4))
        billing.issue_invoice(client=client, period=period, by=manager, now=at + timedelta(hours=5))


def _hire(sites: dict[str, Site], joined: datetime) -> dict[str, Person]:
    """Take everybody on; by their address."""
    leader, *agents = sample.PEOPLE
    found = {
        each.email: _hire_one(each, sites, None, joined) for each in (leader, sample.MANAGER, sample.ADMINISTRATOR)
    }
    teams = {
        name: people.form_team(name=f"{name} team", site=site, leader=found[leader.email], by=actors.ROOT, now=joined)
        for name, site in sites.items()
    }
    return found | {each.email: _hire_one(each, sites, teams, joined) for each in agents}


def _hire_one(whom: sample.Sample, sites: dict[str, Site], teams: dict[str, Team] | None, joined: datetime) -> Person:
    account = Account.objects.create_user(whom.email, sample.PASSWORD)
    person = people.hire(
        name=whom.name,
        roles=whom.roles,
        site=sites[whom.site],
        team=teams[whom.site] if teams else None,
        account=account,
        by=actors.ROOT,
        now=joined,
    )
    for skill, level in whom.skills.items():
        expires = date(joined.year + 2, joined.month, 1)
        people.certify(
            person=person,
            skill=skill,
            level=level,
            proof="test",
            valid_from=calendars.day_of(joined, "UTC"),
            expires_on=expires,
            by=actors.ROOT,
            now=joined,
        )
    for slug in whom.clients:
        client = clients_queries.by_slug(slug)
        assert client is not None
        people.clear(person=person, client=client, by=actors.ROOT, now=joined)
    return person
