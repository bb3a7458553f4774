"""`workfloor people`: sites, teams, people, what they can and may do, and when they work."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.people.models import Person, Site


as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)

email_argument = click.argument("email")
ROLES = ("agent", "leader", "planner", "manager")
PROOFS = ("training", "test", "diploma")


@contextmanager
def provider() -> Iterator[datetime]:
    """A transaction that has entered every client; what the rules refuse ends the command with their words."""
    with edge.database():
        from django.core.exceptions import ValidationError

        from workfloor.kit.database import rls
        from workfloor.kit.time import clock

        rls.enter_every_client()
        try:
            yield clock.now()
        except ValidationError as refused:
            raise click.ClickException(" ".join(refused.messages)) from refused
        except ValueError as refused:
            raise click.ClickException(str(refused)) from refused


def known(email: str) -> "Person":
    """Who signs in with this address."""
    from workfloor.core.people import queries as people_queries

    person = people_queries.by_email(email)
    if person is None:
        raise click.ClickException(f"Nobody who is with us signs in as {email}. See: workfloor people list")
    return person


def _site(name: str) -> "Site":
    from workfloor.core.people import queries as people_queries

    found = people_queries.site(name)
    if found is None:
        raise click.ClickException(f"There is no site {name}. Add it: workfloor people site add {name} ...")
    return found


@click.group()
def site() -> None:
    """Name the places with people; teams and people belong to one."""


@site.command("add", epilog="\b\nExample:\n  workfloor people site add Porto --country PT --zone Europe/Lisbon\n")
@click.argument("name")
@click.option("--country", required=True, help="Two letters, such as PT: where the client is too, it is onshore.")
@click.option("--zone", required=True, help="The clock on the wall, such as Europe/Lisbon.")
def add_site(name: str, country: str, zone: str) -> None:
    """Add a site."""
    with provider():
        from workfloor.core.people import actions as people

        people.open_site(name=name, country=country.upper(), zone=zone)
    click.echo(f"{name} is a site now.")


@site.command(
    "team", epilog="\b\nExample:\n  workfloor people site team Porto 'Porto days' --leader rita@example.com\n"
)
@click.argument("site_name", metavar="SITE")
@click.argument("name")
@click.option("--leader", help="The address that the team leader signs in with.")
def add_team(site_name: str, name: str, leader: str | None) -> None:
    """Form a team at a SITE; people join it with `workfloor people add --team`."""
    with provider():
        from workfloor.core.people import actions as people

        people.form_team(name=name, site=_site(site_name), leader=known(leader) if leader else None)
    click.echo(f"{name} is a team of {site_name} now.")


@click.group("people")
def group() -> None:
    """Add people, certify what they can, and clear them for clients."""


@group.command(
    "add",
    epilog="\b\nExamples:\n  workfloor people add 'Rita Melo' rita@example.com --role leader --site Porto\n"
    "  workfloor people add 'Joao Reis' joao@example.com --role agent --site Porto\n"
    "  workfloor people add 'Dana Levy' dana@first-bank.example --of first-bank     one of a client's own\n",
)
@click.argument("name")
@email_argument
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be given twice.")
@click.option("--of", "slug", metavar="CLIENT", help="Not ours, but one of this client's own people.")
@click.option("--site", "site_name", help="Where the person works; see: workfloor people site add")
@click.option("--team", "team_name", help="The team to join; see: workfloor people site team")
def add_person(
    name: str, email: str, roles: tuple[str, ...], slug: str | None, site_name: str | None, team_name: str | None
) -> None:
    """Take somebody on, or (--of) put one of a client's own people on file, who may dispute and agree for the client.

    A first password is printed once.
    """
    if bool(slug) == bool(roles) or (slug and (site_name or team_name)):
        raise click.UsageError("Give either --role, or --of CLIENT alone.")
    password = secrets.token_urlsafe(12)
    with provider() as now:
        from workfloor.core.people import actions as people
        from workfloor.core.people import queries as people_queries

        place = _site(site_name) if site_name else None
        team = people_queries.team(team_name) if team_name else None
        if team_name and team is None:
            raise click.ClickException(
                f"There is no team {team_name}. Form it: workfloor people site team SITE {team_name!r}"
            )
        account = people.open_account(email=email, password=password)
        people.hire(
            name=name,
            roles=roles or ["client"],
            site=place or (team.site if team else None),
            team=team,
            client=edge.named(slug) if slug else None,
            account=account,
            now=now,
        )
    click.echo(f"{name} signs in as {email} with the password  {password}  (shown this once; change it after).")


@group.command("list")
@as_text_or_json
def list_people(form: str) -> None:
    """List who is with us, with skills and clearances."""
    with provider() as now:
        from workfloor.core.people import queries as people_queries

        rows = people_queries.profiles(now)
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        skills = ", ".join(f"{skill} {level}" for skill, level in row["skills"].items()) or "no skills"
        clients = ", ".join(row["clients"]) or "no client"
        click.echo(f"{row['name']:<24} {row['email'] or '':<32} {'/'.join(row['roles']):<16} {skills}; {clients}")


@group.command(
    epilog="\b\nExample:\n  workfloor people certify joao@example.com english 4 --proof test --expires 2027-12-31\n"
)
@email_argument
@click.argument("skill")
@click.argument("level", type=click.IntRange(1, 5))
@click.option("--proof", type=click.Choice(PROOFS), required=True, help="What was passed or shown.")
@click.option("--expires", type=edge.DAY, help="The last day on which it counts.")
def certify(email: str, skill: str, level: int, proof: str, expires: date | None) -> None:
    """Grant somebody a SKILL at a LEVEL from 1 to 5."""

    def granted(found: "Person", now: datetime) -> Any:
        from workfloor.core.people import actions as people
        from workfloor.core.people import queries as people_queries
        from workfloor.kit.time import calendars

        people.certify(
            person=found,
            skill=skill,
            level=level,
            proof=proof,
            valid_from=calendars.day_of(now, people_queries.zone_of(found)),
            expires_on=expires,
            now=now,
        )

    _change(email, granted, f"{skill} {level}")


@group.command(epilog="\b\nExample:\n  workfloor people clear joao@example.com first-bank\n")
@email_argument
@click.argument("client")
def clear(email: str, client: str) -> None:
    """Give somebody the right to touch a CLIENT's work."""

    def cleared(found: "Person", now: datetime) -> Any:
        from workfloor.core.clients import queries as clients_queries
        from workfloor.core.people import actions as people

        known = clients_queries.by_slug(client)
        if known is None:
            raise click.ClickException(f"There is no client {client}. Sign its contract: workfloor contracts sign FILE")
        people.clear(person=found, client=known, now=now)

    _change(email, cleared, f"cleared for {client}")


@group.command(epilog="\b\nExample:\n  workfloor people withdraw joao@example.com first-bank\n")
@email_argument
@click.argument("client")
def withdraw(email: str, client: str) -> None:
    """Take back the right to touch a CLIENT's work, at once; what the person has of it goes back in line."""

    def withdrawn(found: "Person", now: datetime) -> Any:
        from workfloor.core.people import actions as people
        from workfloor.core.people import queries as people_queries

        clearance = people_queries.clearance(found, client)
        if clearance is None:
            raise click.ClickException(f"{found.name} is not cleared for {client}. See: workfloor people list")
        people.withdraw_clearance(clearance=clearance, now=now)

    _change(email, withdrawn, f"no longer cleared for {client}")


@group.command(
    epilog="\b\nExample:\n  workfloor people revoke joao@example.com english --reason 'failed the yearly test'\n"
)
@email_argument
@click.argument("skill")
@click.option("--reason", required=True, help="Kept with the fact.")
def revoke(email: str, skill: str, reason: str) -> None:
    """Take back every certificate of a SKILL, at once."""

    def revoked(found: "Person", now: datetime) -> Any:
        from workfloor.core.people import actions as people
        from workfloor.core.people import queries as people_queries

        certificates = people_queries.certificates(found, skill)
        if not certificates:
            raise click.ClickException(f"{found.name} has no certificate of {skill}. See: workfloor people list")
        for certificate in certificates:
            people.revoke_certificate(certificate=certificate, reason=reason, now=now)

    _change(email, revoked, f"{skill} revoked")


@group.command()
@email_argument
def password(email: str) -> None:
    """Set a new password and print it once; whoever is signed in with the old one is signed out."""
    new = secrets.token_urlsafe(12)

    def renewed(found: "Person", now: datetime) -> Any:
        from workfloor.core.people import actions as people

        people.set_password(person=found, password=new, now=now)

    _change(email, renewed, f"the new password is  {new}  (shown this once; change it after)")


@group.command()
@email_argument
@click.confirmation_option(prompt="Nothing will be offered to this person any more, and the account closes. Go on?")
def leave(email: str) -> None:
    """Let somebody go: the account closes at once, the facts stay."""

    def gone(found: "Person", now: datetime) -> Any:
        from workfloor.core.people import actions as people

        people.leave(person=found, now=now)

    _change(email, gone, "has left")


def _change(email: str, action: "Callable[[Person, datetime], Any]", done: str) -> None:
    with provider() as now:
        found = known(email)
        action(found, now)
        name = found.name
    click.echo(f"{name}: {done}.")


DAY = edge.DAY


@click.group()
def shift() -> None:
    """Plan when agents work, by the clock of their site.

    An agent with shifts on file is offered nothing outside them. One without any takes work while they say so.
    """


@shift.command(
    "add",
    epilog="""\b
Examples:
  workfloor people shift add joao@example.com 09:00-17:00 2026-11-30 2026-12-01
  workfloor people shift add joao@example.com 22:00-06:00 2026-11-30     until six the next morning
""",
)
@email_argument
@click.argument("hours", metavar="FROM-UNTIL")
@click.argument("days", metavar="DAY...", nargs=-1, required=True, type=DAY)
def add(email: str, hours: str, days: tuple[date, ...]) -> None:
    """Plan a shift on each DAY, all or none of them."""
    with provider() as now:
        from workfloor.core.people import actions as people

        found = known(email)
        zone = _zone(found)
        for starts_at, ends_at in _spans(hours, list(days), zone):
            people.plan_shift(person=found, starts_at=starts_at, ends_at=ends_at, now=now)
        name = found.name
    click.echo(f"{name}: {len(days)} shift{'s' if len(days) > 1 else ''} planned, {hours} in {zone}.")


@shift.command("list", epilog="\b\nExample:\n  workfloor people shift list joao@example.com\n")
@email_argument
@as_text_or_json
def list_shifts(email: str, form: str) -> None:
    """List the shifts that are not over."""
    with provider() as now:
        from workfloor.core.people import queries as people_queries

        found = known(email)
        zone = ZoneInfo(_zone(found))
        rows = [
            (each.starts_at.astimezone(zone), each.ends_at.astimezone(zone))
            for each in people_queries.shifts(found, now)
        ]
    if form == "json":
        shown = [{"starts_at": starts.isoformat(), "ends_at": ends.isoformat()} for starts, ends in rows]
        click.echo(json.dumps(shown, indent=2))
        return
    for starts, ends in rows:
        click.echo(f"{starts:%a %Y-%m-%d  %H:%M}-{ends:%H:%M}")
    if not rows:
        click.echo("No shift is ahead. Plan one: workfloor people shift add EMAIL FROM-UNTIL DAY")


@shift.command("cancel", epilog="\b\nExample:\n  workfloor people shift cancel joao@example.com 2026-11-30\n")
@email_argument
@click.argument("day", type=DAY)
def cancel(email: str, day: date) -> None:
    """Take back the shifts that begin on a DAY."""
    with provider() as now:
        from workfloor.core.people import actions as people
        from workfloor.core.people import queries as people_queries
        from workfloor.kit.time import calendars

        found = known(email)
        zone = ZoneInfo(_zone(found))
        ahead = people_queries.shifts(found, now)
        chosen = [each for each in ahead if calendars.day_of(each.starts_at, zone) == day]
        if not chosen:
            raise click.ClickException(
                f"{found.name} has no shift on {day:%Y-%m-%d}. See: workfloor people shift list {email}"
            )
        for each in chosen:
            people.cancel_shift(shift=each, now=now)
        name = found.name
    click.echo(f"{name}: no shift on {day:%Y-%m-%d} any more.")


def _zone(person: "Person") -> str:
    if person.site is None:
        raise click.ClickException(f"{person.name} belongs to no site, whose clock would tell when a shift begins.")
    return person.site.zone


def _spans(hours: str, days: list[date], zone: str) -> Iterator[tuple[datetime, datetime]]:
    """The instants between which somebody works: until the next day where the hours pass midnight."""
    from workfloor.kit.time import calendars

    try:
        opens, closes = map(time.fromisoformat, hours.replace("24:00", "00:00").split("-"))
    except ValueError:
        raise click.ClickException(f"“{hours}” is no shift; write it as in 09:00-17:00") from None
    for day in days:
        ends_on = day if closes > opens else day + timedelta(days=1)
        yield calendars.instant(day, opens, zone), calendars.instant(ends_on, closes, zone)


group.add_command(site)
group.add_command(shift)
