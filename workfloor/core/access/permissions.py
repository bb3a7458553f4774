"""The one table of who may do what. Actions ask `admit` first, so that no page, command or call can forget to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from workfloor.core.access.actors import Actor
from workfloor.kit.text.translation import gettext as _
from workfloor.kit.text.translation import gettext_noop

# What each role is, in the words of the page that shows them.
ROLES: Final = {
    "agent": "does the work",
    "leader": "leads a team and its floor",
    "planner": "plans who works when",
    "manager": "answers for clients, people and money",
    "administrator": "sets the installation up: sites, people, roles; touches no client's money",
    "client": "one of a client's own people",
}

# Who does something of a client's and is nobody with an account; `actors` makes them.
OUTSIDE: Final = {"customer": gettext_noop("a customer"), "system": gettext_noop("a client's system")}

Scope = Literal["installation", "client", "team"]


class Refused(ValueError):
    """It may not be done by this actor, or not like this, or not now; the words say what to do."""


class NotYours(Refused):
    """Those who have it in hand may, and this actor has not, or has not any more."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that can be done, and whose roles open it.

    Roles that are in `own` open it only of what is the person's own: the work that they have in hand. A `client`
    permission holds for the clients that the person is cleared for; a `team` permission of a leader for the teams
    that they lead and those of a site that they lead, and of the other roles for everybody. What takes a person is
    nothing for the root of the installation: somebody answers for it by name. `apart_from` is the duty that nobody
    may have of the same thing. What makes a client looks `across` the walls: a new one is inside nobody's yet.
    """

    name: str
    words: str
    roles: frozenset[str]
    scope: Scope = "installation"
    takes_a_person: bool = False
    apart_from: str = ""
    own: frozenset[str] = frozenset()
    across: bool = False


def _permission(name: str, words: str, *roles: str, own: str = "", **more: object) -> Permission:
    theirs = frozenset(filter(None, [own]))
    return Permission(name, words, theirs.union(roles), own=theirs, **more)  # type: ignore[arg-type]


PERMISSIONS: Final[dict[str, Permission]] = {
    each.name: each
    for each in (
        # The work of every day
        _permission("work.handle", "Handle work: accept, hold, transfer, snooze, wrap up", own="agent", scope="client"),
        _permission("work.route", "Offer work, take offers back, report what a channel sees of a contact"),
        _permission(
            "work.send-in", "Send work in, answer, and leave", "customer", "system", own="agent", scope="client"
        ),
        _permission(
            "work.customer-answered",
            "Say that a customer has answered",
            "customer",
            "leader",
            "manager",
            own="agent",
            scope="client",
        ),
        _permission(
            "work.supervise",
            "End, assign, put back and take over others' work, raise its priority, have it keyed twice",
            "leader",
            "manager",
            scope="client",
        ),
        _permission(
            "escalations.handle",
            "Acknowledge and answer escalations",
            "leader",
            "manager",
            scope="client",
            takes_a_person=True,
        ),
        _permission("escalations.see", "See escalations", "leader", "manager", scope="client"),
        _permission("escalations.raise", "Raise escalations, tell the next of a chain, close what is over"),
        _permission("work.cancel", "Cancel work", "leader", "manager", "system", scope="client"),
        _permission("work.reopen", "Take up again what was done", "customer", "leader", "manager", scope="client"),
        _permission("work.monitor", "Monitor work in hand", "leader", scope="client"),
        _permission("customers.confirm", "Confirm who a customer is", "leader", own="agent", scope="client"),
        _permission(
            "conversations.read", "Read cases and their messages", "agent", "leader", "manager", scope="client"
        ),
        _permission("conversations.reply", "Write to customers", own="agent", scope="client"),
        _permission("conversations.begin", "Write mail that answers nothing", "agent", scope="client"),
        _permission("messages.deliver", "Deliver what is written, and say what became of it"),
        _permission(
            "conversations.note",
            "Write notes in cases, classify, merge and split them, take replies back",
            "leader",
            "manager",
            own="agent",
            scope="client",
        ),
        _permission("signatures.keep", "Keep a signature of one's own", "agent", takes_a_person=True),
        _permission("states.set-own", "Take work, be away, sign out of work", "agent"),
        _permission("states.set-others", "Set somebody else's state", "leader", "manager", scope="team"),
        _permission("skills.grant", "Let people work in another queue for some hours", "leader", "manager"),
        _permission(
            "team-messages.send", "Write to people on the floor, and whisper to whom one monitors", "leader", "manager"
        ),
        _permission("team-messages.write-to-leader", "Write to whoever leads one", "agent"),
        _permission(
            "team-messages.answer", "Read and answer what was written to one on the floor", "agent", "leader", "manager"
        ),
        _permission(
            "floor.see", "See the floor, and why work went where", "leader", "manager", "planner", scope="client"
        ),
        _permission(
            "mail.look-after", "Look after mail that nobody could read or deliver", "leader", "manager", scope="client"
        ),
        # People and places
        _permission(
            "administration.see", "See what can be changed", "administrator", "client", "leader", "manager", "planner"
        ),
        _permission("sites.open", "Open a site", "administrator", "manager"),
        _permission("sites.change", "Change a site", "administrator", "manager"),
        _permission("teams.form", "Form a team", "administrator", "manager"),
        _permission("teams.change", "Change a team and its leader", "administrator", "manager"),
        _permission("people.hire", "Take people on", "administrator", "manager"),
        _permission("people.change", "Change what is on file of people", "administrator", "manager"),
        _permission("people.assign-roles", "Give people roles and take them back", "administrator"),
        _permission("people.let-go", "Let people go", "administrator", "manager"),
        _permission("people.vouch", "Vouch for people whom somebody else took on", "administrator", "manager"),
        _permission("people.invite", "Invite people again, and withdraw invitations", "administrator", "manager"),
        _permission("people.send-link", "Send people links to choose a new password", "administrator"),
        _permission("people.print-link", "Print a sign-in link"),
        _permission(
            "people.certify", "Certify skills, and revoke them", "administrator", "leader", "manager", scope="team"
        ),
        _permission("people.clear", "Clear people for clients, and withdraw that", "administrator"),
        _permission("people.plan-shifts", "Plan shifts", "leader", "manager", "planner", scope="team"),
        # Clients and their contracts
        _permission("clients.take-on", "Take a client on", "administrator", "manager", across=True),
        _permission(
            "clients.issue-tokens", "Issue tokens to clients' systems", "administrator", "manager", scope="client"
        ),
        _permission("contracts.sign", "Sign contracts and amendments", "manager", across=True),
        # How work comes, is answered and is shared out
        _permission("channels.set-up", "Set up mailboxes and chat widgets", "administrator", "manager", scope="client"),
        _permission(
            "webhooks.set-up",
            "Set up webhooks, and send events again",
            "administrator",
            "manager",
            "leader",
            scope="client",
        ),
        _permission("playbooks.read", "Read playbooks and articles in force", "leader", "manager", scope="client"),
        _permission("playbooks.write", "Write playbooks and articles", "leader", "manager", scope="client"),
        _permission(
            "routing.set-up", "Put queues into pools, and even out loads", "administrator", "manager", "planner"
        ),
        _permission("failures.handle", "Run again or drop what failed", "administrator", "leader", "manager"),
        _permission("jobs.handle", "Run again or drop jobs that failed, which are of no client", "manager"),
        _permission("reviews.read", "Read reviews", "leader", "manager", scope="client"),
        _permission("reviews.agree", "Agree action items, and finish them", "leader", "manager", scope="client"),
        _permission("history.import", "Import past work", "manager", "planner", scope="client"),
        # What is kept
        _permission("retention.set", "Say for how long data is kept", "administrator", "manager"),
        _permission("files.erase", "Make a client's files unreadable for ever", "administrator", "manager"),
        # A client's money
        _permission("statements.read", "Read statements down to items and facts", "leader", "manager", scope="client"),
        _permission("invoices.read", "Read invoices", "leader", "manager", scope="client"),
        _permission("periods.read", "See which months are proposed and approved", "leader", "manager", scope="client"),
        _permission(
            "periods.propose",
            "Propose a month, reopen and restate it",
            "leader",
            "manager",
            scope="client",
            takes_a_person=True,
        ),
        _permission(
            "periods.approve",
            "Approve a month",
            "manager",
            scope="client",
            takes_a_person=True,
            apart_from="periods.propose",
        ),
        _permission(
            "disputes.raise",
            "Dispute a figure",
            "client",
            "leader",
            "manager",
            scope="client",
            takes_a_person=True,
        ),
        _permission(
            "disputes.decide",
            "Decide a dispute",
            "leader",
            "manager",
            scope="client",
            takes_a_person=True,
            apart_from="disputes.raise",
        ),
        _permission(
            "claims.make",
            "Claim exclusions, outages, hours and costs",
            "client",
            "leader",
            "manager",
            scope="client",
            takes_a_person=True,
        ),
        _permission(
            "claims.decide",
            "Approve and refuse claims",
            "client",
            "leader",
            "manager",
            scope="client",
            takes_a_person=True,
            apart_from="claims.make",
        ),
        _permission(
            "invoices.issue",
            "Issue invoices, and take them back",
            "manager",
            scope="client",
            takes_a_person=True,
        ),
        _permission("legal-entities.change", "Change the provider's legal entities", "manager"),
        # What may be looked at
        _permission(
            "people.read", "Look up people, their skills and shifts", "administrator", "leader", "manager", "planner"
        ),
        _permission(
            "contracts.read", "Read contracts and what changed in them", "leader", "manager", "planner", scope="client"
        ),
        _permission(
            "history.read", "Use past work in back-tests, quotes and simulations", "manager", "planner", scope="client"
        ),
        _permission(
            "legal-entities.read", "Look up the provider's legal entities", "administrator", "leader", "manager"
        ),
        _permission(
            "channels.read", "Look up mailboxes and chat widgets", "administrator", "leader", "manager", scope="client"
        ),
        _permission(
            "routing.read",
            "Look up pools, and how evenly work was shared out",
            "administrator",
            "leader",
            "manager",
            "planner",
        ),
        # The record
        _permission("audit.read", "Read who changed what", "administrator", "manager"),
    )
}


_NOBODY: Final = gettext_noop("of nobody: Workfloor does it itself, or the root of the installation at the machine")


def admit(
    by: Actor,
    permission: str,
    *,
    client_id: int | None = None,
    team: int | Literal["any"] | None = "any",
    already: Iterable[Actor | int | None] = (),
    own: bool = True,
) -> None:
    """Refuse whoever may not do that: by role, by the client's wall, by team, or because they did the other part.

    `already` is who had the duty that this one is apart from, as actors or as numbers of people; `own` whether it is
    the actor's own (`Permission.own`). Raises Refused, in words that say what it takes, and NotYours.
    """
    wanted = PERMISSIONS[permission]
    what = _uncapitalised(wanted.words)
    if by.person_id is None and wanted.takes_a_person:
        raise Refused(
            _("Somebody answers by name for this ({what}): sign in first, with workfloor sign-in EMAIL.").format(
                what=what
            )
        )
    if not may(by, permission, team=team):
        takes = _listed(wanted.roles.difference(OUTSIDE) or wanted.roles) or _(_NOBODY)
        raise Refused(
            _("{by} may not {what}: that takes the role {roles}{condition}.").format(
                by=by.name, what=what, roles=takes, condition=_of_team(by, wanted)
            )
        )
    if not own and not may(by, permission, team=team, own=False):
        raise NotYours(_("This is not with you any more."))
    if client_id is not None and not by.may_enter(client_id):
        raise Refused(
            _("{by} is not cleared for this client; a manager or an administrator can clear them.").format(by=by.name)
        )
    did = {each if isinstance(each, int) or each is None else each.person_id for each in already} - {None}
    if by.person_id in did:
        raise Refused(
            _("{by} did the other part of it ({other}): somebody else does this one.").format(
                by=by.name, other=_uncapitalised(PERMISSIONS[wanted.apart_from].words)
            )
        )
    if did and by.is_made_up_with([each for each in did if each is not None]):  # which asks the database
        raise Refused(
            _(
                "One of the two who do this and the other part of it ({other}) took the other on: somebody else "
                "vouches for them first, with workfloor people vouch."
            ).format(other=_uncapitalised(PERMISSIONS[wanted.apart_from].words))
        )


def may(by: Actor, permission: str, *, team: int | Literal["any"] | None = "any", own: bool = True) -> bool:
    """Whether the actor's roles open something; for a page that shows only what can be done.

    Of `team` it is asked where somebody of that team (None: of no team) is meant, else in general: leaders may certify.
    So it is of what is not their `own`.
    """
    wanted = PERMISSIONS[permission]
    if by.person_id is None and not by.roles:  # the root of the installation, or an engine
        return not wanted.takes_a_person
    roles = wanted.roles.intersection(by.roles)
    if not own:
        roles -= wanted.own
    if wanted.scope == "team" and team != "any" and not by.leads(team):
        roles -= {"leader"}
    return bool(roles)


def _listed(roles: Iterable[str]) -> str:
    return _(" or ").join(map(_, sorted(roles)))


def _uncapitalised(words: str) -> str:
    said = _(words)
    return said[0].lower() + said[1:]


def _of_team(by: Actor, wanted: Permission) -> str:
    return _(", and leaders only of their own team or site") if wanted.scope == "team" and "leader" in by.roles else ""
