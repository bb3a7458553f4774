"""`workfloor search`: customers, cases and messages, looked for at a terminal."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import click

from workfloor.cli import declared, edge


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--client", "slug", default="", help="Only what is this client's.")
@click.option("--from", "since", type=edge.DAY, help="From this day on, in UTC.")
@click.option("--to", "until", type=edge.DAY, help="Up to the end of this day, in UTC.")
@click.option("--channel", default="", help="Only what came over it: email, chat, voice ...; note for internal notes.")
@click.option("--after", default="", help="Go on where the page before ended, as it said.")
@declared.form_option
def search(
    words: tuple[str, ...], slug: str, since: date | None, until: date | None, channel: str, after: str, form: str
) -> None:
    """Look for customers, cases and messages that have all of WORDS; the best first, a page at a time.

    Names are also found where they are mistyped, words also without their accents. Whoever signed in looks in the
    clients that they are cleared for, the root of the installation in all. Who is shown is recorded as looked at.

    \b
    Examples:
      workfloor search electricity bill --client lisbon-light --from 2026-03-01
      workfloor search fernandez
    """
    with edge.database():
        from workfloor.core.looks import actions as looks
        from workfloor.core.search import asking
        from workfloor.core.search import queries as search_queries
        from workfloor.kit.time import clock

        by, now = edge.enter_all(), clock.now()
        if slug:
            edge.enter(slug)
        try:
            mark = asking.Mark.read(after) if after else None
        except ValueError:
            raise click.BadParameter("this is no place in what was found", param_hint="--after") from None
        typed = " ".join(words)
        if len(typed) > asking.LONGEST:
            raise click.BadParameter(f"look for fewer words: {asking.LONGEST} characters at most", param_hint="WORDS")
        begins = datetime.combine(since, time(), UTC) if since else None
        ends = datetime.combine(until, time(), UTC) + timedelta(days=1) if until else now
        inside = tuple(each.id for each in search_queries.clients_of(by, slug))
        found = search_queries.found(asking.Asked(typed, inside, begins, min(ends, now), channel, mark))
        looks.look(seen=found.seen, place="workfloor search", by=by, now=now)
        rows = search_queries.rows(found)
    if form == "json":
        click.echo(json.dumps(rows, indent=2, default=_instant))
        return
    for line in _lines(rows):
        click.echo(line)


def _instant(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lines(rows: dict[str, Any]) -> list[str]:
    lines = [
        f"customer {each['customer'] or '(not confirmed)'}  {each['name']}, {each['reference']}  ({each['client']})"
        for each in rows["customers"]
    ]
    for each in [*rows["by_number"], *rows["cases"]]:
        lines.append(f"case {each['case']}  {each['opened_at']:%Y-%m-%d}  {each['subject']}  ({each['client']})")
        if each["excerpt"]:
            lines.append(f"    {each['said_at']:%Y-%m-%d %H:%M}  {each['excerpt']}")
    if rows["after"]:
        lines.append(f"There is more: --after {rows['after']}")
    return lines or ["Nothing was found."]
