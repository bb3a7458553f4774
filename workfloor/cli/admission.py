"""What commands ask of whoever signed in; of the root of the installation they ask nothing.

Commands of declared actions ask for the permission of their action. Those that are written by hand stand here, so that
one that stands nowhere is refused to whoever signed in. It is asked where a command meets the database (`edge`).
"""

from typing import Final

import click

# By command, the permission that it takes. Those that write ask again, in their action.
ASKS: Final[dict[str, str]] = {
    "search": "conversations.read",
    "people list": "people.read",
    "people print-link": "people.print-link",
    "people site list": "people.read",
    "people shift list": "people.read",
    "people shift add": "people.plan-shifts",
    "people shift cancel": "people.plan-shifts",
    "contracts diff": "contracts.read",
    "presales history import": "history.import",
    "presales history list": "history.read",
    "presales backtest": "history.read",
    "presales quote": "history.read",
    "presales simulate": "history.read",
    "routing pool list": "routing.read",
    "routing escalation list": "escalations.see",
    "routing explain": "floor.see",
    "routing utilisation": "routing.read",
    "channels mailbox list": "channels.read",
    "channels mail list": "mail.look-after",
    "channels mail show": "mail.look-after",
    "channels widget list": "channels.read",
    "channels playbook articles": "playbooks.read",
    "billing statement": "statements.read",
    "billing explain": "statements.read",
    "billing reconcile": "statements.read",
    "billing claim document": "statements.read",
    "billing claim list": "statements.read",
    "billing period list": "periods.read",
    "billing dispute list": "statements.read",
    "billing legal-entity list": "legal-entities.read",
    "billing invoice list": "invoices.read",
    "billing invoice show": "invoices.read",
    "relationship review": "reviews.read",
    "relationship action-item list": "reviews.read",
    "admin client list": "clients.issue-tokens",
    "admin token list": "clients.issue-tokens",
    "admin retention show": "retention.set",
    "admin audit": "audit.read",
    "admin webhook list": "webhooks.set-up",
    "admin webhook deliveries": "webhooks.set-up",
    "admin failed list": "failures.handle",
}

# What the root of the installation does, and nobody who signed in: it is about all clients' data at once.
ROOT_ALONE: Final[dict[str, str]] = {
    "admin demo": "fills a whole provider into the database",
    "admin backup": "copies every client's data",
    "admin restore": "puts another database in the place of this one",
    "admin files check": "reads every client's files, and can remove some",
}

# What asks nobody, and why not.
ASKS_NOTHING: Final[dict[str, str]] = {
    "up": "runs the installation; what its processes do, they do as themselves",
    "web": "runs the web server, which asks each visitor who they are",
    "worker": "runs jobs and followers, which act as themselves",
    "router": "offers work, as itself",
    "channels mail listen": "takes mail in, as itself",
    "channels mail fetch": "fetches mail, as itself",
    "admin migrate": "changes the form of tables and nothing in them; `up` does the same",
    "admin doctor": "says how the installation is, and shows nothing of a client's work",
    "admin compile": "compiles simulations, without a database",
    "admin actions": "prints the declarations, without a database",
    "admin webhook events": "prints the catalogue of events, without a database",
    "sign-in": "asks for the password",
    "sign-out": "ends one's own sign-in",
    "contracts schema": "prints what a contract may hold, without a database",
    "contracts measures": "prints the catalogue of measures, without a database",
    "contracts check": "judges a file; of the database it counts who could do its work",
    "presales history schema": "prints what a map may hold, without a database",
    "routing replay": "reads a file of one's own, without a database",
}


def name(context: click.Context) -> str:
    """The words of a command as they are typed, without the program's own."""
    return context.command_path.partition(" ")[2]


def permission(context: click.Context) -> str | None:
    """What a command asks for; None where it asks nothing. Raises click's words for a command that stands nowhere."""
    if declared := getattr(context.command, "permission", ""):
        return str(declared)
    command = name(context)
    if command in ASKS:
        return ASKS[command]
    if command in ASKS_NOTHING:
        return None
    raise click.ClickException(
        f"Only the root of the installation does this ({ROOT_ALONE.get(command, 'nobody said who else may')}). "
        "Sign out first: workfloor sign-out"
    )
