"""Signing a contract, and amending it by signing it again."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated

from django.utils.translation import gettext as _

from workfloor.core.access import permissions
from workfloor.core.access.actors import Actor
from workfloor.core.access.declaring import action
from workfloor.core.clients import actions as clients
from workfloor.core.clients import queries as clients_queries
from workfloor.core.clients.models import Client
from workfloor.core.contracts import changes as contract_changes
from workfloor.core.contracts import events as contracts_events
from workfloor.core.contracts import models as contracts_models
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts import queries as contracts_queries
from workfloor.core.contracts import terms as contracts_terms
from workfloor.core.event_log import actions as event_log
from workfloor.kit.database import locks
from workfloor.kit.declarations import field
from workfloor.kit.text import toml

Refused = permissions.Refused


@dataclass(frozen=True)
class Signing:
    """The version in which a contract now stands; not new where its terms were signed before.

    `warnings` name what today's people are not, that it asks for.
    """

    version: contracts_models.Version
    is_new: bool
    changes: list[contract_changes.Change] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        name = f"{self.version.client.slug}: version {self.version.number}"
        if not self.is_new:
            head = f"{name} says the same already; nothing new was signed."
        else:
            head = f"{name} is signed; it holds from {self.version.effective_on}."
        return "\n".join([head, *map(str, self.changes), *(f"Warning: {each}" for each in self.warnings)])


@action(
    "Sign a contract",
    permission="contracts.sign",
    command="contracts sign",
    says="{result}",
    example="workfloor contracts sign contract.toml --effective 2027-01-01",
)
def sign(
    *,
    source: Annotated[
        str, field("Contract", "A TOML file, as the guide describes it.", from_file=True, most=toml.LARGEST)
    ],
    effective_on: Annotated[
        date | None, field("First day of the amendment", "Not of a first version.", flag="effective")
    ] = None,
    by: Actor,
    now: datetime,
) -> Signing:
    """Store a contract file as signed: the client's first version, or an amendment of it.

    The client is taken on where it is new. To amend a contract, change its file and sign it again with the day from
    which the changes hold; earlier versions stay as they were. Signing the same terms again changes nothing. A file
    with faults is refused with all of them, each with its line.
    """
    # The caller has entered every client: a new one is not inside anybody's wall yet.
    terms = contracts_parsing.read(source)
    locks.hold("contract", terms.client)
    client = clients_queries.by_slug(terms.client)
    latest = contracts_queries.latest(client.id) if client else None
    if client is None or latest is None:
        signing = _sign_first(client, source, terms, effective_on, by, now)
    else:
        permissions.admit(by, "contracts.sign", client_id=client.id)
        signing = _amend(client, latest, source, effective_on, by, now)
    return dataclasses.replace(signing, warnings=contracts_queries.warnings(terms, now))


def _sign_first(
    client: Client | None,
    source: str,
    terms: contracts_terms.Contract,
    effective_on: date | None,
    by: Actor,
    now: datetime,
) -> Signing:
    if effective_on not in (None, terms.starts_on):
        raise Refused(
            _("A first version holds from the start of the term, {starts_on}. Leave the day out.").format(
                starts_on=terms.starts_on
            )
        )
    event_log.make_partitions(first=now, count=1)  # past contracts are signed as of then
    client = client or clients.open_client(slug=terms.client, title=_name(terms.client), now=now, by=by)
    version = _store(client, 1, terms.starts_on, source, terms, now)
    signed = contracts_events.ContractSigned(1, version.effective_on, version.digest)
    event_log.record(signed, at=now, client_id=client.id, by=by)
    return Signing(version, is_new=True)


def _amend(
    client: Client,
    latest: contracts_models.Version,
    source: str,
    effective_on: date | None,
    by: Actor,
    now: datetime,
) -> Signing:
    before = contracts_queries.terms(latest)
    terms = contracts_parsing.read(source, before)
    changes = contract_changes.changes(before, terms)
    if latest.digest == _digest(source) or not changes:
        return Signing(latest, is_new=False)
    day = _amendment_day(latest, terms, effective_on)
    event_log.make_partitions(first=now, count=1)
    version = _store(client, latest.number + 1, day, source, terms, now)
    amended = contracts_events.ContractAmended(version.number, day, version.digest, [str(change) for change in changes])
    event_log.record(amended, at=now, client_id=client.id, by=by)
    return Signing(version, is_new=True, changes=changes)


def _amendment_day(
    latest: contracts_models.Version, terms: contracts_terms.Contract, effective_on: date | None
) -> date:
    if effective_on is None:
        raise Refused(
            _("{client} has signed version {number}; this file changes it. Say from which day: --effective.").format(
                client=terms.client, number=latest.number
            )
        )
    if effective_on < latest.effective_on:
        raise Refused(
            _(
                "Version {number} holds from {effective_on}; an amendment cannot go behind it. Give that day or "
                "a later one."
            ).format(number=latest.number, effective_on=latest.effective_on)
        )
    if effective_on > terms.ends_on:
        raise Refused(
            _("The term ends on {ends_on}: from {effective_on} on, nothing would be left to amend.").format(
                ends_on=terms.ends_on, effective_on=effective_on
            )
        )
    return effective_on


def _store(
    client: Client, number: int, day: date, source: str, terms: contracts_terms.Contract, now: datetime
) -> contracts_models.Version:
    for process in terms.processes:
        row, _ = contracts_models.Process.objects.get_or_create(client=client, name=process.name)
        for queue in process.queues:
            contracts_models.Queue.objects.get_or_create(client=client, name=queue.name, defaults={"process": row})
    return contracts_models.Version.objects.create(
        client=client,
        number=number,
        effective_on=day,
        source=source,
        digest=_digest(source),
        signed_at=now,
    )


def _name(slug: str) -> str:
    """ "first-bank" as people read it: First Bank."""
    return slug.replace("-", " ").title()


def _digest(source: str) -> str:
    return sha256(source.encode()).hexdigest()
