"""`workfloor people`: sites, teams, people, what they can and may do, and when they work."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from workfloor.cli import declared, edge

if TYPE_CHECKING:
    from workfloor.core.people.models import Person


as_text_or_json = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it."
)

email_argument = click.argument("email")


@contextmanager
def provider() -> Iterator[datetime]:
    """A transaction that has entered every client; what the rules refuse ends the command with their words."""
    with edge.database():
        from django.core.exceptions import ValidationError

        from workfloor.kit.time import clock

        edge.enter_all()
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


MODULES = ("workfloor.core.clients.queries", "workfloor.core.people.actions", "workfloor.core.people.own_account")


@click.group(cls=declared.Group, under="people site", modules=MODULES)
def site() -> None:
    """Name the places with people; teams and people belong to one."""


@site.command("list")
@as_text_or_json
def list_sites(form: str) -> None:
    """List sites with their teams."""
    with provider():
        from workfloor.core.people import queries as people_queries

        rows: list[dict[str, Any]] = [
            {
                "site": each.name,
                "country": each.country,
                "zone": each.zone,
                "teams": [{"team": team.name, "leader": team.leader and team.leader.name} for team in each.teams.all()],
            }
            for each in people_queries.sites()
        ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        teams = ", ".join(f"{each['team']} ({each['leader'] or 'no leader'})" for each in row["teams"]) or "no team"
        click.echo(f"{row['site']:<24} {row['country']}  {row['zone']:<24} {teams}")
    if not rows:
        click.echo("No site yet. Add one: workfloor people site add NAME --country PT --zone Europe/Lisbon")


@click.group("people", cls=declared.Group, under="people", modules=MODULES)
def group() -> None:
    """Add people, certify what they can, and clear them for clients."""


@group.command("list")
@as_text_or_json
def list_people(form: str) -> None:
    """List who is with us, with skills and clearances."""
    with provider() as now:
        from workfloor.core.looks import actions as looks
        from workfloor.core.looks import models as looks_models
        from workfloor.core.people import queries as people_queries

        rows = people_queries.profiles(now)
        looks.look(seen=[looks.Seen(looks_models.EXPORT)], place="workfloor people list", by=edge.acting(), now=now)
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        skills = ", ".join(f"{skill} {level}" for skill, level in row["skills"].items()) or "no skills"
        clients = ", ".join(row["clients"]) or "no client"
        can = f"{skills}; {clients}; {row['way_in']}"
        click.echo(f"{row['name']:<24} {row['email'] or '':<32} {'/'.join(row['roles']):<16} {can}")


@group.command("print-link", epilog="\b\nExample:\n  workfloor people print-link rita@example.com\n")
@email_argument
def print_link(email: str) -> None:
    """Print a link by which somebody chooses their password, where no mail can be sent.

    Only at the machine itself, by whoever has not signed in: the facts say that the root of the installation did.
    """
    with provider() as now:
        from workfloor.core.people import letters as people_letters
        from workfloor.core.people import own_account

        found = known(email)
        link = own_account.print_link(person=found, by=edge.acting(), now=now)
        said = f"For {found.name}, to open once until {link.ends_at:%Y-%m-%d %H:%M} UTC:"
        address = people_letters.address(link)
    click.echo(f"{said}\n{address}")


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

        found, by = known(email), edge.acting()
        zone = _zone(found)
        for starts_at, ends_at in _spans(hours, list(days), zone):
            people.plan_shift(person=found, starts_at=starts_at, ends_at=ends_at, by=by, now=now)
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

        found, by = known(email), edge.acting()
        zone = ZoneInfo(_zone(found))
        ahead = people_queries.shifts(found, now)
        chosen = [each for each in ahead if calendars.day_of(each.starts_at, zone) == day]
        if not chosen:
            raise click.ClickException(
                f"{found.name} has no shift on {day:%Y-%m-%d}. See: workfloor people shift list {email}"
            )
        for each in chosen:
            people.cancel_shift(shift=each, by=by, now=now)
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
