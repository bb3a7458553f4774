"""The one table of who may do what. Actions ask `admit` first, so that no page, command or call can forget to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from workfloor.core.access.actors import Actor
from workfloor.kit.text.translation import gettext as _

# What each role is, in the words of the page that shows them.
ROLES: Final = {
    "agent": "does the work",
    "leader": "leads a team and its floor",
    "planner": "plans who works when",
    "manager": "answers for clients, people and money",
    "administrator": "sets the installation up: sites, people, roles; touches no client's money",
    "client": "one of a client's own people",
}

Scope = Literal["installation", "client", "team"]


class Refused(ValueError):
    """It may not be done by this actor, or not like this, or not now; the words say what to do."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that can be done, and whose roles open it.

    A `client` permission holds for the clients that the person is cleared for; a `team` permission of a leader for the
    teams that they lead, and of the other roles for everybody. What takes a person is nothing for the root of the
    installation: somebody answers for it by name. `apart_from` is the duty that nobody may have of the same thing.
    """

    name: str
    words: str
    roles: frozenset[str]
    scope: Scope = "installation"
    takes_a_person: bool = False
    apart_from: str = ""


def _permission(name: str, words: str, *roles: str, **more: object) -> Permission:
    return Permission(name, words, frozenset(roles), **more)  # type: ignore[arg-type]


PERMISSIONS: Final[dict[str, Permission]] = {
    each.name: each
    for each in (
        # People and places
        _permission("sites.open", "Open a site", "administrator", "manager"),
        _permission("sites.change", "Change a site", "administrator", "manager"),
        _permission("teams.form", "Form a team", "administrator", "manager"),
        _permission("teams.change", "Change a team and its leader", "administrator", "manager"),
        _permission("people.hire", "Take people on", "administrator", "manager"),
        _permission("people.change", "Change what is on file of people", "administrator", "manager"),
        _permission("people.assign-roles", "Give people roles and take them back", "administrator"),
        _permission("people.let-go", "Let people go", "administrator", "manager"),
        _permission("people.set-password", "Set somebody's password", "administrator"),
        _permission(
            "people.certify", "Certify skills, and revoke them", "administrator", "leader", "manager", scope="team"
        ),
        _permission("people.clear", "Clear people for clients, and withdraw that", "administrator"),
        _permission("people.plan-shifts", "Plan shifts", "leader", "manager", "planner", scope="team"),
        # Clients and their contracts
        _permission("clients.take-on", "Take a client on", "administrator", "manager"),
        _permission("clients.issue-tokens", "Issue tokens to clients' systems", "administrator", "manager"),
        _permission("contracts.sign", "Sign contracts and amendments", "manager"),
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
        _permission("playbooks.write", "Write playbooks and articles", "leader", "manager", scope="client"),
        _permission(
            "routing.set-up", "Put queues into pools, and even out loads", "administrator", "manager", "planner"
        ),
        _permission("failures.handle", "Run again or drop what failed", "administrator", "leader", "manager"),
        _permission("reviews.agree", "Agree action items, and finish them", "leader", "manager", scope="client"),
        # What is kept
        _permission("retention.set", "Say for how long data is kept", "administrator", "manager"),
        _permission("files.erase", "Make a client's files unreadable for ever", "administrator", "manager"),
        # A client's money
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
        # The record
        _permission("audit.read", "Read who changed what", "administrator", "manager"),
    )
}


def admit(
    by: Actor,
    permission: str,
    *,
    client_id: int | None = None,
    team: int | Literal["any"] | None = "any",
    already: Iterable[Actor | int | None] = (),
) -> None:
    """Refuse whoever may not do that: by role, by the client's wall, by team, or because they did the other part.

    `already` is who had the duty that this one is apart from, as actors or as numbers of people. Raises Refused, in
    words that say what it takes.
    """
    wanted = PERMISSIONS[permission]
    what = _uncapitalised(wanted.words)
    if by.person_id is None:
        if wanted.takes_a_person:
            raise Refused(
                _("Somebody answers by name for this ({what}): sign in first, with workfloor sign-in EMAIL.").format(
                    what=what
                )
            )
        return
    if not may(by, permission, team=team):
        raise Refused(
            _("{by} may not {what}: that takes the role {roles}{condition}.").format(
                by=by.name, what=what, roles=_listed(wanted.roles), condition=_of_team(by, wanted)
            )
        )
    if client_id is not None and not by.may_enter(client_id):
        raise Refused(
            _("{by} is not cleared for this client; a manager or an administrator can clear them.").format(by=by.name)
        )
    if by.person_id in {each if isinstance(each, int) or each is None else each.person_id for each in already}:
        raise Refused(
            _("{by} did the other part of it ({other}): somebody else does this one.").format(
                by=by.name, other=_uncapitalised(PERMISSIONS[wanted.apart_from].words)
            )
        )


def may(by: Actor, permission: str, *, team: int | Literal["any"] | None = "any") -> bool:
    """Whether the actor's roles open something; for a page that shows only what can be done.

    Of `team` it is asked where somebody of that team (None: of no team) is meant, else in general: leaders may certify.
    """
    wanted = PERMISSIONS[permission]
    if by.person_id is None:
        return not wanted.takes_a_person
    roles = wanted.roles.intersection(by.roles)
    if wanted.scope == "team" and team != "any" and not by.leads(team):
        roles -= {"leader"}
    return bool(roles)


def _listed(roles: Iterable[str]) -> str:
    return _(" or ").join(map(_, sorted(roles)))


def _uncapitalised(words: str) -> str:
    said = _(words)
    return said[0].lower() + said[1:]


def _of_team(by: Actor, wanted: Permission) -> str:
    return _(", and leaders only of their own team") if wanted.scope == "team" and "leader" in by.roles else ""
