"""Playbooks and articles are given; what comes in is treated as their rules say."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from django.utils.translation import gettext as _

from workfloor.core.access import actors, permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients.models import Client
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts.models import Process, Queue
from workfloor.core.conversations import actions as conversations
from workfloor.core.conversations import queries as conversations_queries
from workfloor.core.conversations.messages import Address, Content
from workfloor.core.conversations.models import Message
from workfloor.core.event_log import actions as event_log
from workfloor.core.people.models import Person
from workfloor.core.work import actions as work
from workfloor.core.work import hands
from workfloor.core.work import kinds as work_kinds
from workfloor.core.work.models import Item
from workfloor.kit.database import locks
from workfloor.kit.declarations import field
from workfloor.kit.text import quantities
from workfloor.kit.time import calendars
from workfloor.ops.channels.playbooks import events as playbooks_events
from workfloor.ops.channels.playbooks import models as playbooks_models
from workfloor.ops.channels.playbooks import playbook_file
from workfloor.ops.channels.playbooks import queries as playbooks_queries
from workfloor.ops.channels.playbooks import rules as playbooks_rules

Refused = permissions.Refused
RULES: Final = actors.engine("playbooks")


@action(
    "Publish a playbook",
    permission="playbooks.write",
    command="channels playbook give",
    says="{result} holds for {client} from now on.",
    example="workfloor channels playbook give first-bank playbook.toml",
)
def give(
    *,
    client: Client,
    source: Annotated[
        str,
        field(
            "Playbook",
            "Canned answers, scripts, macros and rules in TOML; see docs/guide/chat.md.",
            most=500_000,
            from_file=True,
        ),
    ],
    by: Actor,
    now: datetime,
) -> playbooks_models.Version:
    """Let canned answers and rules hold from now on; all faults are told at once. The same again changes nothing."""
    locks.hold("playbook", client.id)
    queues = list(Queue.objects.filter(client=client).values_list("name", flat=True))
    playbook_file.read(source, queues, list(Process.objects.filter(client=client).values_list("name", flat=True)))
    known = playbooks_queries.latest(client.id)
    if known and known.source == source:
        return known
    number = known.number + 1 if known else 1
    version = playbooks_models.Version.objects.create(client=client, number=number, source=source, made_at=now)
    event_log.record(playbooks_events.Changed(number), at=now, client_id=client.id, by=by)
    return version


@action(
    "Write an article",
    permission="playbooks.write",
    command="channels playbook article",
    says="“{result}” is written.",
    example="workfloor channels playbook article first-bank/cards lost-card lost-card.md",
)
def write_article(
    *,
    process: Process,
    name: Annotated[str, field("Name", "Such as lost-card; the same name again is its next version.", most=100)],
    body: Annotated[str, field("Text", "Without a title, its first line is that.", most=200_000, from_file=True)],
    title: Annotated[str, field("Title", most=200)] = "",
    by: Actor,
    now: datetime,
) -> playbooks_models.Article:
    """Write an article for agents to look up, or its next version; the same again changes nothing."""
    if not title:
        title, _end, body = body.strip().partition("\n")
        title, body = title.lstrip("# ").strip(), body.strip()
    locks.hold("article", process.id, name)
    known = playbooks_queries.articles(process.id).filter(name=name).first()
    if known and (known.title, known.body) == (title, body):
        return known
    article = known or playbooks_models.Article(client_id=process.client_id, process=process, name=name, version=0)
    before = article.title or None
    article.title, article.body, article.version, article.changed_at = title, body, article.version + 1, now
    article.save()
    playbooks_models.ArticleVersion.objects.create(
        client_id=process.client_id,
        article=article,
        number=article.version,
        title=title,
        body=body,
        made_at=now,
        by_id=by.person_id,
    )
    written = playbooks_events.ArticleWritten(article.id, article.version, title, before if before != title else None)
    event_log.record(written, at=now, client_id=process.client_id, by=by)
    return article


def apply_rules(
    *, item: Item, when: str, text: str, now: datetime, version: playbooks_models.Version | None = None
) -> int:
    """Decide what the client's rules say of something that comes in, in the transaction that takes it in.

    Tags, queue and priority are given before anybody sees the work; each rule that applied is a fact. What a rule
    answers follows from that fact (`answer`). Returns how many applied.
    """
    version = version or playbooks_queries.latest(item.client_id)
    if version is None:
        return 0
    applied = 0
    for rule in playbook_file.stored(version.source).rules:
        if playbooks_rules.applies(rule, _arrived(item, when, text, now)):  # an earlier rule may have moved it
            _apply(item, rule, version.number, now)
            item.refresh_from_db()
            applied += 1
    return applied


def _arrived(item: Item, when: str, text: str, now: datetime) -> playbooks_rules.Arrived:
    calendar = contracts_queries.terms_of(item.queue, now).calendar
    return playbooks_rules.Arrived(
        when, item.kind, item.process.name, item.queue.name, text, calendars.is_open(calendar, now)
    )


def _apply(item: Item, rule: playbooks_rules.Rule, version: int, now: datetime) -> None:
    queue = Queue.objects.filter(client_id=item.client_id, name=rule.queue).first() if rule.queue else None
    moves = queue is not None and item.state == "waiting" and queue.id != item.queue_id
    if rule.tag:
        playbooks_models.Tag.objects.get_or_create(client_id=item.client_id, item=item, name=rule.tag)
    if moves and queue:
        work.transfer(item=item, queue=queue, by=RULES, note=f"by rule {rule.name}", now=now)
    raises = rule.priority not in (None, item.priority) and item.state in ("waiting", "offered", "held")
    if raises and rule.priority is not None:
        # By its queue's target, the new one's if it moved.
        work.prioritise(item=item, priority=rule.priority, by=RULES, now=now)
    done = playbooks_events.RuleApplied(
        rule.name,
        version,
        rule.tag or None,
        queue.id if moves and queue else None,
        rule.priority if raises else None,
    )
    event_log.record(done, at=now, client_id=item.client_id, item_id=item.id, case_id=item.case_id, by=RULES)


def run_macro(
    *, item: Item, macro: playbooks_rules.Macro, by: Person, now: datetime, answered: Message | None = None
) -> Item:
    """Take a macro's steps about an item in hand, as one fact beside those of the steps.

    What it answers was sent before, by the channel that the customer is on. Raises Refused where a step cannot be.
    """
    hands.admit(by, "work.handle", item)
    version = playbooks_queries.latest(item.client_id)
    until = now + timedelta(seconds=quantities.seconds(macro.snooze) or 0) if macro.snooze else None
    if until and item.declared.live:
        raise work.Refused(_("The customer is there: a call or a chat cannot be snoozed."))
    if macro.disposition and item.state == "held" and item.declared.on_the_line:
        raise work.Refused(_("The customer is on the line still. End it first."))
    done = playbooks_events.MacroRun(
        macro.name,
        version.number if version else 0,
        macro.tag or None,
        answered.id if answered else None,
        until,
        macro.disposition or None,
    )
    event_log.record(done, at=now, client_id=item.client_id, item_id=item.id, case_id=item.case_id, by=by)
    if macro.tag:
        playbooks_models.Tag.objects.get_or_create(client_id=item.client_id, item=item, name=macro.tag)
    if until:
        return work.snooze(item=item, until=until, by=by, now=now)
    if macro.disposition:
        item = work.end(item=item, by=by, now=now) if item.state == "held" else item
        return work.wrap_up(item=item, by=by, disposition=macro.disposition, now=now)
    return item


def answer(*, item: Item, rule_name: str, version: int, now: datetime) -> bool:
    """Send what a rule that applied to an item answers, if it does; returns whether it was sent, which is a fact."""
    given = playbooks_models.Version.objects.filter(client_id=item.client_id, number=version).first()
    playbook = playbook_file.stored(given.source) if given else playbooks_rules.Playbook()
    rule = next((each for each in playbook.rules if each.name == rule_name), None)
    text = playbook.answer(rule.answer) if rule else None
    if text is None or not _answer(item, text, rule_name, now):
        return False
    done = playbooks_events.RuleAnswered(rule_name, version, text.name)
    event_log.record(done, at=now, client_id=item.client_id, item_id=item.id, case_id=item.case_id, by=RULES)
    return True


def _answer(item: Item, answer: playbooks_rules.Answer, rule: str, now: datetime) -> bool:
    """Send a canned answer once an item, over the channel by which the customer wrote; False if there is none."""
    wrote = conversations_queries.of_case(item.case_id).filter(direction="in").last() if item.case_id else None
    if wrote is None or wrote.channel not in work_kinds.TWO_WAY:
        return False
    channel = work_kinds.CHANNELS[wrote.channel]
    key = f"rule/{rule}/{item.id}"
    if conversations_queries.by_key(item.client_id, wrote.channel, key):
        return False
    if (
        channel.is_mail
        and conversations_queries.automatic(item.case, since=now - playbooks_rules.A_DAY)
        >= playbooks_rules.MOST_AUTOMATIC
    ):
        return False  # whoever answers each of ours with a new mail may be a program that does not say so
    to = wrote.answers_to if channel.is_mail else Address(wrote.sender, wrote.sender_name)
    text = playbooks_rules.filled(answer.text, playbooks_queries.named(item, None))
    conversations.reply(
        item=item,
        channel=wrote.channel,
        content=Content(text),
        recipients=[to],
        by=RULES,
        now=now,
        key=key,
        at_once=channel.at_once,
    )
    return True
