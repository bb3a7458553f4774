"""The command line: `workfloor COMMAND`, each command loaded when it is called."""

import importlib
from typing import Any, Final

import click

# name: where it is, or the commands of a group, and its line in `--help`
Command = tuple[str, str]
COMMANDS: Final[dict[str, Command]] = {
    "up": ("workfloor.cli.run:up", "Run everything: database, web server, worker, router."),
    "web": ("workfloor.cli.run:web", "Run the web server alone."),
    "worker": ("workfloor.cli.run:worker", "Run background jobs and followers."),
    "router": ("workfloor.cli.run:router", "Offer waiting work to the people who may do it."),
    "sign-in": ("workfloor.cli.signing_in:sign_in", "Let commands act as you."),
    "sign-out": ("workfloor.cli.signing_in:sign_out", "End that."),
    "search": ("workfloor.cli.search:search", "Look for customers, cases and messages."),
    "people": ("workfloor.cli.people:group", "Sites, teams, people, their skills and clearances, shifts."),
    "contracts": ("workfloor.cli.contracts:group", "Check, sign and compare contracts."),
}
GROUPS: Final[dict[str, tuple[str, dict[str, Command]]]] = {
    "presales": (
        "Past work, contracts tried on it, quotes, simulations.",
        {
            "history": ("workfloor.cli.presales:history", "Import past work from any provider's export."),
            "backtest": (
                "workfloor.cli.backtest:backtest",
                "Compute what a contract would have come to on past months.",
            ),
            "quote": ("workfloor.cli.quote:quote", "Say what a contract will cost us, what it will pay, what we risk."),
            "simulate": (
                "workfloor.cli.simulate:simulate",
                "Simulate work and people under the rules that route live work.",
            ),
        },
    ),
    "routing": (
        "Pools, routing explanations, utilisation, decision logs replayed.",
        {
            "pool": ("workfloor.cli.routing:pool", "Say which router serves which queue, or change it."),
            "escalation": ("workfloor.cli.routing:escalation", "See, acknowledge and answer escalations."),
            "explain": ("workfloor.cli.routing:explain", "Say who could have had an item, and who could not and why."),
            "utilisation": ("workfloor.cli.routing:utilisation", "Say how evenly a month's work was shared out."),
            "replay": ("workfloor.cli.routing:replay", "Say whether what a router decided is what the policy decides."),
        },
    ),
    "channels": (
        "Mailboxes and mail, chat widgets, playbooks.",
        {
            "mailbox": (
                "workfloor.cli.channels:mailbox",
                "Say which addresses customers write to, and where it waits.",
            ),
            "mail": ("workfloor.cli.channels:mail", "Take mail in, and look after what became no work."),
            "widget": ("workfloor.cli.channels:widget", "Let clients' own sites chat with their visitors."),
            "playbook": ("workfloor.cli.channels:playbook", "Give agents canned answers, rules and articles."),
        },
    ),
    "billing": (
        "Statements, claims, closing, disputes, invoices.",
        {
            "statement": ("workfloor.cli.billing:statement", "Compute a client's statement for a month."),
            "explain": ("workfloor.cli.billing:explain", "List the items and facts behind one figure."),
            "reconcile": ("workfloor.cli.billing:reconcile", "Recount a month from its facts; list every difference."),
            "claim": (
                "workfloor.cli.claims:claim",
                "Claim and approve what is excluded from SLA, outages, hours and costs.",
            ),
            "period": ("workfloor.cli.closing:period", "Close months: proposed by one, approved by another."),
            "dispute": ("workfloor.cli.closing:dispute", "Dispute figures of closed months, and decide."),
            "legal-entity": (
                "workfloor.cli.invoicing:entity",
                "Name the provider's legal entities, which issue invoices.",
            ),
            "invoice": ("workfloor.cli.invoicing:invoice", "Issue invoices of closed months, and take them back."),
        },
    ),
    "relationship": (
        "Service reviews, and what both sides agreed to do.",
        {
            "review": ("workfloor.cli.relationship:review", "Put a client's service review of a month together."),
            "action-item": (
                "workfloor.cli.relationship:action_item",
                "Record action items, and that they are done.",
            ),
        },
    ),
    "admin": (
        "Tables, the sample provider, tokens, what is wrong.",
        {
            "migrate": ("workfloor.cli.admin:migrate", "Make or update the tables."),
            "demo": ("workfloor.cli.admin:demo", "Fill in the sample provider."),
            "doctor": ("workfloor.cli.admin:doctor", "Say what is wrong with this installation, and what to do."),
            "compile": ("workfloor.cli.simulate:compile_", "Compile simulations for this machine, once."),
            "client": ("workfloor.cli.admin:client_", "Take clients on, and list them."),
            "token": ("workfloor.cli.admin:token", "Issue and revoke the tokens of clients' systems."),
            "backup": ("workfloor.cli.backup:backup", "Back the embedded database up while everything runs."),
            "restore": ("workfloor.cli.backup:restore", "Make the database out of a backup, as of any moment."),
            "files": ("workfloor.cli.kept:kept_files", "Prove that no file is missing; erase a client's."),
            "retention": ("workfloor.cli.retention:group", "Say for how long what is kept stays."),
            "audit": ("workfloor.cli.admin:audit", "Say who changed what, from what to what."),
            "actions": ("workfloor.cli.admin:actions", "List what can be changed, and by whom."),
            "webhook": ("workfloor.cli.webhooks:group", "Tell other systems what happens, and see what arrived."),
            "failed": ("workfloor.cli.admin:failed", "See what failed and was left out; have it tried again."),
        },
    ),
}

EPILOG: Final = """\b
Examples:
  workfloor up                                      a server on 127.0.0.1:8000
  WORKFLOOR_BIND=127.0.0.1:8001 workfloor up        ... on another port
  workfloor contracts check examples/bank/contract.toml
  workfloor billing statement first-bank 1999-02 --format json
  workfloor admin doctor                            when something seems wrong

Settings are environment variables: WORKFLOOR_DATA (folder), WORKFLOOR_BIND
(address:port), WORKFLOOR_DATABASE_URL (a PostgreSQL 15 or later of your own).
"""


class Group(click.Group):
    """A group whose commands are imported when called, so that `--help` answers at once."""

    def __init__(self, *args: Any, lazy: dict[str, Command] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.lazy = lazy or {}

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return None
        module, attribute = self.lazy[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.lazy.items()])


class Commands(Group):
    """All commands: those that run the installation, and the groups."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS, *GROUPS]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in GROUPS:
            line, commands = GROUPS[name]
            return Group(name, lazy=commands, help=line, short_help=line)
        return super().get_command(context, name)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as fault:
            from workfloor.kit import extras  # only now: it is slow to load
            from workfloor.kit.database import postgres

            if isinstance(fault, postgres.ServerFault | extras.Missing):
                raise click.ClickException(str(fault)) from fault
            raise

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        lines = {name: line for name, (_, line) in COMMANDS.items()} | {
            name: line for name, (line, _) in GROUPS.items()
        }
        with formatter.section("Commands"):
            formatter.write_dl(list(lines.items()))


@click.command(cls=Commands, lazy=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="workfloor", message="%(version)s")
def main() -> None:
    """Workfloor: from the contract through the work to the invoice."""
