"""Facts and looks as sentences that a person reads: who did what to what, from what to what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from workfloor.core.retention import kinds
from workfloor.core.work import events as work_events
from workfloor.ui import kept_words

# What is said of whoever did it; in braces what the fact tells, besides {about} (the person), {client}, {item}, {case}.
SAYS: Final[Mapping[str, Any]] = {
    "record.changed": lazy("changed the {of} {called}: {changes}"),
    "site.opened": lazy("opened the site {called} ({country}, {zone})"),
    "team.formed": lazy("formed the team {called} at {site}, led by {leader}"),
    "person.joined": lazy("took {about} on as {roles}, at {site}"),
    "person.left": lazy("let {about} go"),
    "person.invited": lazy("invited {about}, by a mail to {to}"),
    "person.sign-in-link-sent": lazy("sent {about} a link to choose a new password, by a mail to {to}"),
    "person.sign-in-link-printed": lazy("printed a sign-in link of {about}"),
    "person.password-forgotten": lazy("was asked for a link to choose a new password for {about}, by a mail to {to}"),
    "person.link-withdrawn": lazy("withdrew the sign-in link of {about}"),
    "person.password-chosen": lazy("chose their own password ({by_way_of})"),
    "own-mail.sent": lazy("sent a mail of the installation's own"),
    "own-mail.undelivered": lazy("could not send a mail of the installation's own: {reason}"),
    "person.second-factor-added": lazy("set up a second factor to sign in with ({factor})"),
    "person.second-factor-removed": lazy("removed a second factor to sign in with ({factor})"),
    "person.recovery-codes-made": lazy("made new recovery codes to sign in with"),
    "person.signed-in-by-command": lazy("signed in for commands on {title}"),
    "person.signed-out-by-command": lazy("ended the sign-in of {about} for commands"),
    "person.certified": lazy("certified {about}: {skill} {level}, on the proof {proof}, from {valid_from}"),
    "person.certificate-revoked": lazy("revoked {skill} of {about}: {reason}"),
    "person.skill-granted": lazy("granted {about} {skill} {level} until {ends_at}, for work of {queue}"),
    "person.skill-grant-ended": lazy("ended what was granted to {about}: {skill}"),
    "person.cleared": lazy("cleared {about} for {client}"),
    "person.clearance-withdrawn": lazy("withdrew the clearance of {about} for {client}"),
    "person.available": lazy("set {about} to Available"),
    "person.away": lazy("set {about} to Not ready: {reason}"),
    "person.signed-in": lazy("signed {about} in to work"),
    "person.signed-out": lazy("signed {about} out of work"),
    "person.shift-planned": lazy("planned a shift of {about} from {starts_at} to {ends_at}"),
    "person.shift-cancelled": lazy("cancelled the shift of {about} from {starts_at} to {ends_at}"),
    "team-message.sent": lazy("wrote to people on the floor"),
    "team-message.whispered": lazy("whispered to {about} about work that they monitored"),
    "team-message.read": lazy("read what was written to them on the floor"),
    "client.opened": lazy("took {title} ({slug}) on as a client"),
    "client.token-issued": lazy("issued the token {title} of {client}, for {scopes}"),
    "client.token-revoked": lazy("revoked the token {title} of {client}"),
    "contract.signed": lazy("signed version {version} of the contract with {client}, in force from {effective_on}"),
    "contract.amended": lazy(
        "amended the contract with {client} by version {version}, from {effective_on}: {changes_signed}"
    ),
    "retention.set": lazy("changed for how many days this is kept: {kind}; from {days_before} to {days}"),
    "retention.expired": lazy("deleted what was older than {days} days: {kind} ({count})"),
    "files.key-made": lazy("made the key for the files of {client}"),
    "files.key-erased": lazy("erased the key of {files} files of {client}: {reason}"),
    "claim.made": lazy("claimed {kind} from {starts_at} to {ends_at} for {client}: {reason}"),
    "claim.approved": lazy("approved claim {claim}: {reason}"),
    "claim.refused": lazy("refused claim {claim}: {reason}"),
    "period.proposed": lazy("proposed to close {period} of {client}"),
    "period.reopened": lazy("reopened {period} of {client}: {reason}"),
    "period.closed": lazy("closed {period} of {client}"),
    "period.restated": lazy("corrected {figure} of {period} by {amount} {currency} in {into}: {because}"),
    "dispute.raised": lazy("disputed {figure} of {period}: {words}"),
    "dispute.upheld": lazy("upheld dispute {dispute}: {words}"),
    "dispute.rejected": lazy("rejected dispute {dispute}: {words}"),
    "legal-entity.registered": lazy("put the legal entity {entity} on file"),
    "legal-entity.changed": lazy("changed the legal entity {entity}: {changed}"),
    "invoice.issued": lazy("issued invoice {invoice} of {entity} for {period}: {gross} {currency}"),
    "invoice.credited": lazy("took invoice {invoice} back by credit note {credit_note}: {words}"),
    "history.imported": lazy("imported past work from {file}: {rows} rows"),
    "mail.mailbox-opened": lazy("opened the mailbox {address} into the queue {queue_name}"),
    "mail.mailbox-password-set": lazy("set another password to fetch the mail of {address} with"),
    "mail.mailbox-closed": lazy("closed the mailbox {address}"),
    "mail.fetching-failed": lazy("could not fetch mail: {reason}"),
    "mail.fetched-again": lazy("fetched mail again"),
    "mail.set-aside": lazy("set a mail aside: {reason}"),
    "mail.held-back": lazy("held a mail back: {reason}"),
    "mail.unread": lazy("could not read a mail: {reason}"),
    "mail.run-again": lazy("had mail {arrival} read again"),
    "mail.discarded": lazy("discarded mail {arrival}"),
    "chat.widget-added": lazy("added a chat widget of {client} for {origins}, into the queue {queue_name}"),
    "chat.widget-changed": lazy("changed a chat widget of {client}: {changes}"),
    "chat.widget-withdrawn": lazy("withdrew a chat widget of {client}"),
    "chat.closed": lazy("ended the chat: {ended_as}"),
    "chat.gone-on": lazy("went on with the chat"),
    "chat.turned": lazy("left word instead of chatting: {into}"),
    "chat.rated": lazy("rated the chat {score}"),
    "chat.transcript-asked": lazy("asked for a copy of the chat"),
    "escalation.raised": lazy("raised an escalation over {item}: {title}"),
    "escalation.step-told": lazy("told step {step} ({tell}) of the escalation over {item}"),
    "escalation.acknowledged": lazy("acknowledged the escalation over {item}"),
    "escalation.answered": lazy("answered the escalation over {item}: {note}"),
    "escalation.closed": lazy("closed the escalation over {item}: {reason}"),
    "playbook.changed": lazy("put version {version} of the playbook of {client} into force"),
    "playbook.article-written": lazy("wrote version {version} of the article {title} of {client}"),
    "playbook.rule-applied": lazy("applied the rule {rule} to {item}"),
    "playbook.rule-answered": lazy("answered {item} by the rule {rule}"),
    "playbook.macro-run": lazy("ran the macro {macro} on {item}"),
    "router.took-over": lazy("began to lead the pool {pool}"),
    "queue.put-into-pool": lazy("put the queue {queue_name} from the pool {pool_before} into {pool}"),
    "pool.evens-out": lazy("set by how many seconds the pool {pool} evens out: from {seconds_before} to {seconds}"),
    "action-item.agreed": lazy("agreed with {client} that {who} does this until {until}: {what}"),
    "action-item.done": lazy("finished action item {action_item} of {client}: {note}"),
    "webhook.endpoint-added": lazy("added the webhook {title} of {client} to {host}, for {events}"),
    "webhook.endpoint-paused": lazy("paused the webhook {title} of {client}"),
    "webhook.endpoint-resumed": lazy("resumed the webhook {title} of {client}"),
    "webhook.endpoint-removed": lazy("removed the webhook {title} of {client}"),
    "webhook.endpoint-gone": lazy("ended the webhook {title} of {client}: its receiver takes nothing any more"),
    "webhook.secret-rotated": lazy("rotated the secret of the webhook {title} of {client}"),
    "webhook.test-sent": lazy("sent a test event to the webhook {title} of {client}"),
    "webhook.not-delivered": lazy("could not deliver {count} events of {client}: {reason}"),
    "webhook.sent-again": lazy("had an event of {client} sent again to its webhook"),
    "engine.decision-failed": lazy("could not decide about {item}: {error}"),
    "engine.dropped": lazy("dropped the fact {event} that {follower} failed over: {error}"),
    "engine.run-again": lazy("had {failure} tried again, which had failed: {what}"),
    "engine.job-dropped": lazy("dropped the job {job} that had failed: {task}"),
    "engine.entered-every-client": lazy("entered every client"),
    "case.opened": lazy("opened {case} ({kind})"),
    "case.classified": lazy("classified {case} as {kind}"),
    "case.merged": lazy("merged {case} into case {into}"),
    "case.split": lazy("split {case} from case {out_of}"),
    "case.customer-confirmed": lazy("confirmed who the customer of {case} is: {claimed_reference}"),
    "case.resolved": lazy("resolved {case}"),
    "case.reopened": lazy("reopened {case}"),
    "message.received": lazy("received a message of {case}, by {channel}"),
    "message.reply-written": lazy("wrote to the customer of {case}, by {channel}"),
    "message.note-written": lazy("wrote an internal note in {case}"),
    "message.pictures-allowed": lazy("let a mail of {case} show pictures from elsewhere"),
    "message.sending-began": lazy("began to send a reply of {case}"),
    "message.delayed": lazy("could not deliver a reply of {case} yet: {reason}"),
    "message.sent": lazy("sent a reply of {case}"),
    "message.read": lazy("heard that the customer read a reply of {case}"),
    "message.undelivered": lazy("could not deliver a reply of {case}: {reason}"),
    "message.tried-again": lazy("had a reply of {case} sent again"),
    "message.withdrawn": lazy("took a reply of {case} back"),
}
# What is said of whoever did it to nobody but themselves.
OF_ONESELF: Final[Mapping[str, Any]] = {
    "person.available": lazy("went available"),
    "person.away": lazy("went to Not ready: {reason}"),
    "person.signed-in": lazy("signed in to work"),
    "person.signed-out": lazy("signed out of work"),
    "person.signed-out-by-command": lazy("ended their sign-in for commands"),
}
# What is said where a fact tells nothing under a name.
WITHOUT: Final[Mapping[tuple[str, str], Any]] = {
    ("person.joined", "site"): lazy("took {about} on as {roles}"),
    ("team.formed", "leader"): lazy("formed the team {called} at {site}"),
}
SEEN: Final[Mapping[str, Any]] = {
    "case": lazy("looked at the conversation of case {number}"),
    "item": lazy("looked at item {number} and its customer's details"),
    "customer": lazy("looked at everything about customer {number}"),
    "message": lazy("looked at message {number}"),
    "attachment": lazy("looked at attachment {number}"),
    "mail": lazy("looked at mail {number} as it came"),
    "person": lazy("looked at what is on file of {about}"),
    "export": lazy("exported a list"),
}
NAMELESS: Final[Mapping[str, Any]] = {
    "root": lazy("The root of the installation"),
    "": lazy("Workfloor itself"),
    "customer": lazy("The customer"),
    "router": lazy("The router"),
    "clock": lazy("The clock"),
    "escalation": lazy("The escalations"),
    "worker": lazy("The worker"),
    "mail": lazy("The mail"),
    "chats": lazy("The chats"),
    "playbooks": lazy("The playbooks"),
    "webhooks": lazy("The webhooks"),
    "file store": lazy("The file store"),
    "sign-in page": lazy("The sign-in page"),
    "taking back": lazy("The taking back"),
}
_SYSTEM: Final = "client's system "  # how actors name one, before its title
# What the product words among what facts tell; the rest is names and what people wrote.
WORDED: Final = frozenset({"channel", "kind", "of", "reason", "roles"})
LONGEST: Final = 300  # letters of one value


class _Told(dict[str, Any]):
    """What a fact tells, each value in words; what it does not tell is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def who(name: str, acted_as: str) -> str:
    """Whoever did it: a person's name, or what acted by itself."""
    if name:
        return name
    if acted_as.startswith(_SYSTEM):
        return _("The client's system {title}").format(title=acted_as.removeprefix(_SYSTEM))
    return str(NAMELESS.get(acted_as) or _("The {engine}").format(engine=acted_as))


def sentence(by: str, event: str, details: Mapping[str, Any], named: Mapping[str, str]) -> str:
    """A fact as a sentence; `named` are the person, client, item, case and queue that it is about, as people call them.

    What happened to an item is said as its own history says it.
    """
    told = _Told({name: value(_worded(name, each)) for name, each in details.items() if value(each) != "–"})
    told |= {name: each for name, each in named.items() if each}
    is_of_oneself = told["about"] == by
    if is_of_oneself:
        told["about"] = _("themselves")
    if event.startswith("retention.") and told["kind"] in kinds.KINDS:
        told["kind"] = _(kinds.KINDS[told["kind"]].title)
    told["changes"] = changes(details)
    told["changes_signed"] = value(details.get("changes"))
    if event.startswith("work."):
        about = f" ({named['about']})" if named.get("about") not in (None, "", by) else ""
        return f"{by}, {told['item']}: {work_events.said(event, details)}{about}"
    lacking = (each for (of, name), each in WITHOUT.items() if of == event and name not in told)
    says = next(lacking, OF_ONESELF.get(event) if is_of_oneself else None) or SAYS.get(event)
    if says is None:
        return f"{by}: {event.replace('.', ' ').replace('-', ' ')}"
    return f"{by} {str(says).format_map(told)}"


def looked(by: str, what: str, number: int, about: str = "") -> str:
    """A look as a sentence."""
    return f"{by} {str(SEEN[what]).format(number=number, about=about or number)}"


def changes(details: Mapping[str, Any]) -> str:
    """What was changed in place, field by field: "name from A to B"."""
    before, after = details.get("before"), details.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return "–"
    return ", ".join(
        _("{field} from {before} to {after}").format(
            field=_(name.replace("_", " ")),
            before=value(_worded(name, before.get(name))),
            after=value(_worded(name, each)),
        )
        for name, each in after.items()
    )


def _worded(name: str, told: object) -> object:
    """What the product words, in the reader's language; anything else as it is."""
    if name not in WORDED:
        return told
    if isinstance(told, list):
        return [_worded(name, each) for each in told]
    return kept_words.translated(told) if isinstance(told, str) else told


def value(told: object) -> str:
    """A value of a fact in words; long ones are cut."""
    if told is None or told == "" or told == []:
        return "–"
    if isinstance(told, list):
        told = ", ".join(map(str, told))
    text = " ".join(_instant(str(told)).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _instant(text: str) -> str:
    """An instant as people write it; any other text as it is."""
    if len(text) < 19 or text[10:11] != "T":
        return text
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M %Z}"
    except ValueError:
        return text
