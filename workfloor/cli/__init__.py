"""The command line: `workfloor COMMAND`, each command loaded when it is called."""

import importlib
from typing import Any, Final

import click

# name: where it is, and its line in `workfloor --help`
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("workfloor.cli.run:up", "Run everything: database, web server, worker, router."),
    "migrate": ("workfloor.cli.run:migrate", "Make or update the tables."),
    "demo": ("workfloor.cli.run:demo", "Fill in the sample provider."),
    "worker": ("workfloor.cli.run:worker", "Run background jobs and followers."),
    "pool": ("workfloor.cli.routing:pool", "Say which router serves which queue, or change it."),
    "why": ("workfloor.cli.routing:why", "Say who could have had an item, and who could not and why."),
    "fairness": ("workfloor.cli.routing:fairness", "Say how evenly a month's work was shared out."),
    "web": ("workfloor.runtime.web:web", "Run the web server alone."),
    "router": ("workfloor.cli.run:router", "Offer waiting work to the people who may do it."),
    "replay": ("workfloor.cli.routing:replay", "Say whether what a router decided is what the policy decides."),
    "doctor": ("workfloor.cli.admin:doctor", "Say what is wrong with this installation, and what to do."),
    "site": ("workfloor.cli.people:site", "Name the places with people."),
    "person": ("workfloor.cli.people:person", "Add people, certify what they can, clear them for clients."),
    "shift": ("workfloor.cli.people:shift", "Plan when agents work."),
    "contract": ("workfloor.cli.contracts:contract", "Check, sign and compare contracts."),
    "mailbox": (
        "workfloor.cli.channels:mailbox",
        "Say which addresses customers write to, and where their mail waits.",
    ),
    "mail": ("workfloor.cli.channels:mail", "Take mail in, and look after what became no work."),
    "token": ("workfloor.cli.admin:token", "Issue and revoke the tokens of clients' systems."),
    "playbook": ("workfloor.cli.channels:playbook", "Give agents canned answers, rules and articles."),
    "widget": ("workfloor.cli.channels:widget", "Let clients' own sites chat with their visitors."),
    "history": ("workfloor.cli.presales:history", "Import past work from any provider's export."),
    "exclusion": ("workfloor.cli.claims:exclusion", "Claim and approve what service levels leave out; record outages."),
    "delivery": ("workfloor.cli.claims:delivery", "Record and approve hours and costs that are charged."),
    "statement": ("workfloor.cli.billing:statement", "Compute a client's statement for a month."),
    "period": ("workfloor.cli.closing:period", "Close months: proposed by one, approved by another."),
    "dispute": ("workfloor.cli.closing:dispute", "Dispute figures of closed months, and decide."),
    "entity": ("workfloor.cli.invoicing:entity", "Name the provider's legal entities, which issue invoices."),
    "invoice": ("workfloor.cli.invoicing:invoice", "Issue invoices of closed months, and take them back."),
    "reconcile": ("workfloor.cli.billing:reconcile", "Recount a month from its facts; list every difference."),
    "explain": ("workfloor.cli.billing:explain", "List the items and facts behind one figure."),
    "review": ("workfloor.cli.relationship:review", "Put a client's service review of a month together."),
    "undertaking": ("workfloor.cli.relationship:undertaking", "Record what was agreed to be done, and that it is."),
    "simulate": ("workfloor.cli.simulate:simulate", "Simulate work and people under the rules that route live work."),
    "backtest": ("workfloor.cli.backtest:backtest", "Compute what a contract would have come to on past months."),
    "quote": ("workfloor.cli.quote:quote", "Say what a contract will cost us, what it will pay, what we risk."),
}

EPILOG: Final = """\b
Examples:
  workfloor up                                      a server on 127.0.0.1:8000
  WORKFLOOR_BIND=127.0.0.1:8001 workfloor up        ... on another port
  workfloor contract check examples/bank/contract.toml
  workfloor statement first-bank 1999-02 --format json
  workfloor doctor                                  when something seems wrong

Settings are environment variables: WORKFLOOR_DATA (folder), WORKFLOOR_BIND
(address:port), WORKFLOOR_DATABASE_URL (a PostgreSQL 15 or later of your own).
"""


class Commands(click.Group):
    """A group whose commands are imported when called, so that `--help` answers at once."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except Exception as fault:
            from workfloor.kit import extras  # only now: it is slow to load
            from workfloor.kit.database import postgres

            if isinstance(fault, postgres.ServerFault | extras.Missing):
                raise click.ClickException(str(fault)) from fault
            raise

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="workfloor", message="%(version)s")
def main() -> None:
    """Workfloor: from the contract through the work to the invoice."""
