"""`workfloor shift`: when people are to work."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from workfloor.cli.person import as_text_or_json, email_argument, known, people

if TYPE_CHECKING:
    from workfloor.core.people.models import Person

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def shift() -> None:
    """Plan when agents work, by the clock of their site.

    An agent with shifts on file is offered nothing outside them. One without any takes work while they say so.
    """


@shift.command(
    "add",
    epilog="""\b
Examples:
  workfloor shift add joao@example.com 09:00-17:00 2026-11-30 2026-12-01
  workfloor shift add joao@example.com 22:00-06:00 2026-11-30     until six the next morning
""",
)
@email_argument
@click.argument("hours", metavar="FROM-UNTIL")
@click.argument("days", metavar="DAY...", nargs=-1, required=True, type=DAY)
def add(email: str, hours: str, days: tuple[datetime, ...]) -> None:
    """Plan a shift on each DAY, all or none of them."""
    with people() as now:
        from workfloor.core.people import actions

        found = known(email)
        zone = _zone(found)
        for starts_at, ends_at in _spans(hours, [each.date() for each in days], zone):
            actions.plan_shift(person=found, starts_at=starts_at, ends_at=ends_at, now=now)
        name = found.name
    click.echo(f"{name}: {len(days)} shift{'s' if len(days) > 1 else ''} planned, {hours} in {zone}.")


@shift.command("list", epilog="\b\nExample:\n  workfloor shift list joao@example.com\n")
@email_argument
@as_text_or_json
def list_shifts(email: str, form: str) -> None:
    """List the shifts that are not over."""
    with people() as now:
        from workfloor.core.people import queries

        found = known(email)
        zone = ZoneInfo(_zone(found))
        rows = [(each.starts_at.astimezone(zone), each.ends_at.astimezone(zone)) for each in queries.shifts(found, now)]
    if form == "json":
        shown = [{"starts_at": starts.isoformat(), "ends_at": ends.isoformat()} for starts, ends in rows]
        click.echo(json.dumps(shown, indent=2))
        return
    for starts, ends in rows:
        click.echo(f"{starts:%a %Y-%m-%d  %H:%M}-{ends:%H:%M}")
    if not rows:
        click.echo("No shift is ahead. Plan one: workfloor shift add EMAIL FROM-UNTIL DAY")


@shift.command("cancel", epilog="\b\nExample:\n  workfloor shift cancel joao@example.com 2026-11-30\n")
@email_argument
@click.argument("day", type=DAY)
def cancel(email: str, day: datetime) -> None:
    """Take back the shifts that begin on a DAY."""
    with people() as now:
        from workfloor.core.people import actions, queries

        found = known(email)
        zone = ZoneInfo(_zone(found))
        ahead = queries.shifts(found, now)
        chosen = [each for each in ahead if each.starts_at.astimezone(zone).date() == day.date()]
        if not chosen:
            raise click.ClickException(
                f"{found.name} has no shift on {day:%Y-%m-%d}. See: workfloor shift list {email}"
            )
        for each in chosen:
            actions.cancel_shift(shift=each, now=now)
        name = found.name
    click.echo(f"{name}: no shift on {day:%Y-%m-%d} any more.")


def _zone(person: "Person") -> str:
    if person.site is None:
        raise click.ClickException(f"{person.name} belongs to no site, whose clock would tell when a shift begins.")
    return person.site.zone


def _spans(hours: str, days: list[date], zone: str) -> Iterator[tuple[datetime, datetime]]:
    """The instants between which somebody works: until the next day where the hours pass midnight."""
    from workfloor.kit import calendars

    try:
        opens, closes = map(time.fromisoformat, hours.replace("24:00", "00:00").split("-"))
    except ValueError:
        raise click.ClickException(f"“{hours}” is no shift; write it as in 09:00-17:00") from None
    for day in days:
        ends_on = day if closes > opens else day + timedelta(days=1)
        yield calendars.instant(day, opens, zone), calendars.instant(ends_on, closes, zone)
