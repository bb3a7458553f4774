"""Filling the sample provider into an empty installation, through the same actions as real work."""

from datetime import date, datetime, timedelta
from email.utils import format_datetime
from importlib import resources
from itertools import cycle

from workfloor.core.access import actors
from workfloor.core.clients import queries as clients_queries
from workfloor.core.contracts import actions as contracts
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Process, Queue
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.core.people import queries as people_queries
from workfloor.core.people.models import Account, Person, Site, Team
from workfloor.core.people.qualification import qualifies
from workfloor.core.work import actions as work
from workfloor.core.work.models import Item
from workfloor.demo import sample
from workfloor.kit.time import calendars
from workfloor.ops.channels.chat import actions as chats
from workfloor.ops.channels.email import actions as email
from workfloor.ops.channels.email import queries as email_queries
from workfloor.ops.channels.playbooks import actions as playbooks

_JOINED = timedelta(days=60)


def fill(*, now: datetime) -> None:
    """Fill in two clients with their contracts and channels, two sites, a leader, ten agents, work done and open."""
    event_log.make_partitions(first=(now - timedelta(days=31)), count=5)
    for slug in sample.KINDS:
        contracts.sign(source=_file("contracts", f"{slug}.toml"), effective_on=None, by=actors.ROOT, now=now - _JOINED)
        _give_playbook(slug, now - _JOINED)
    sites = {
        name: people.open_site(name=name, country=country, zone=zone, by=actors.ROOT, now=now)
        for name, country, zone in sample.SITES
    }
    staff = _hire(sites, now)
    for slug in sample.KINDS:
        _work_off(slug, sample.past_arrivals(slug, now), staff)
        for number, arrival in enumerate(sample.open_arrivals(slug, now), start=1):
            if arrival.queue not in (sample.MAIL_QUEUE, sample.CHAT_QUEUE):  # whose customers really write
                _receive(slug, arrival, f"open-{number}")
    _open_chat(now)
    _take_mails(now)


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


def _open_chat(now: datetime) -> None:
    """Let one client's site chat; its page to try it on is told with the sign-ins."""
    queue = Queue.objects.select_related("client").get(client__slug="pier-telecom", name=sample.CHAT_QUEUE)
    source, origins = _file("playbooks", "pier-telecom-chat.toml"), [sample.SITE_OF_PIER]
    # These visitors have no page that could say that it is open, so their widget lets nobody leave for hours.
    patient = f'left_for = "8h"\nsilent_for = "8h"\n{source}'
    at = now - timedelta(hours=1)
    widget = chats.add_widget(queue=queue, origins=origins, source=patient, by=actors.ROOT, now=at)
    arrivals = [each for each in sample.open_arrivals("pier-telecom", now) if each.queue == sample.CHAT_QUEUE]
    for number, arrival in enumerate(arrivals, start=1):
        said, name = sample.CONTENT[arrival.title], sample.CUSTOMERS[arrival.customer]
        email_address = f"{name.lower().replace(' ', '.')}@customer.example"
        chats.begin(
            widget=widget,
            secret=f"sample-visitor-{number}".ljust(43, "-"),
            key=f"sample-{number}",
            message=str(said["first message"]),
            answers={"name": name, "email": email_address},
            address=f"sample-{number}",
            page=f"{sample.SITE_OF_PIER}{said['page']}",
            now=arrival.at,
        )
    chats.withdraw_widget(widget=widget, by=actors.ROOT, now=now)
    chats.add_widget(queue=queue, origins=origins, source=source, by=actors.ROOT, now=now)


def _take_mails(now: datetime) -> None:
    """Let the other client's customers write, through the reading that real mail goes through."""
    queue = Queue.objects.select_related("client").get(client__slug="alder-insurance", name=sample.MAIL_QUEUE)
    mailbox = email.open_mailbox(
        queue=queue, address=sample.MAILBOX, title="Alder Insurance claims", by=actors.ROOT, now=now
    )
    for number, name in enumerate(sample.MAILS):
        at = now - timedelta(minutes=25 - 9 * number)
        raw = f"Date: {format_datetime(at)}\n{_file('mails', f'{name}.eml')}".encode()
        email.store(mails=[email.Incoming(mailbox, raw, "", sample.MAILBOX)], now=at)
    email.take(arrivals=email_queries.waiting(len(sample.MAILS)), now=now)


def _hire(sites: dict[str, Site], now: datetime) -> list[Person]:
    joined = max(now - _JOINED, now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=28))
    leader, *agents = sample.PEOPLE
    led_by = _hire_one(leader, sites, None, joined)
    _hire_one(sample.ADMINISTRATOR, sites, None, joined)
    teams = {
        name: people.form_team(name=f"{name} team", site=site, leader=led_by, by=actors.ROOT, now=now)
        for name, site in sites.items()
    }
    return [_hire_one(agent, sites, teams, joined) for agent in agents]


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


def _receive(slug: str, arrival: sample.Arrival, key: str) -> Item:
    queue = Queue.objects.select_related("client").get(client__slug=slug, name=arrival.queue)
    customer = work.Customer(arrival.customer, sample.CUSTOMERS[arrival.customer])
    payload = sample.CONTENT.get(arrival.title)
    item, _ = work.receive(
        queue=queue, key=key, title=arrival.title, payload=payload, customer=customer, now=arrival.at
    )
    return item


def _work_off(slug: str, arrivals: list[sample.Arrival], staff: list[Person]) -> None:
    able = {kind.queue: cycle(_able(slug, kind.queue, arrivals[0].at, staff)) for kind in sample.KINDS[slug]}
    for number, arrival in enumerate(arrivals, start=1):
        item = _receive(slug, arrival, f"past-{number}")
        answered = arrival.at + timedelta(seconds=arrival.wait_seconds)
        if arrival.leaves:
            work.abandon(item=item, now=answered)
        else:
            _do(item, arrival, next(able[arrival.queue]), answered)


def _able(slug: str, queue: str, at: datetime, staff: list[Person]) -> list[Person]:
    requires = contracts_queries.terms_of(Queue.objects.get(client__slug=slug, name=queue), at).requires
    cleared = [person for person in staff if person.clearances.filter(client__slug=slug).exists()]
    return [person for person in cleared if qualifies(people_queries.skills_at(person, at), requires)]


def _do(item: Item, arrival: sample.Arrival, agent: Person, answered: datetime) -> None:
    ended = answered + timedelta(seconds=arrival.work_seconds)
    people.go_available(person=agent, now=arrival.at)
    work.offer(item=item, person=agent, max_concurrency=1, offer_seconds=30, now=answered)
    work.accept(item=item, by=agent, now=answered)
    work.end(item=item, by=agent, now=ended)
    done = ended + timedelta(seconds=arrival.wrap_seconds)
    work.wrap_up(item=item, by=agent, disposition=arrival.disposition, now=done)
    people.sign_out_of_work(person=agent, now=done)
