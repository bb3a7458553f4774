"""`python -m tests.stories.documents FOLDER` writes every document that the examples and the bank's month come to.

Two versions of the product that should write the same are compared by `diff -r` of two such folders. All is driven by
the commands, on databases of their own, at one instant, with work that chance of a fixed seed lets come in.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

import click
from click.testing import CliRunner

from benchmarks import databases
from workfloor.cli import main as workfloor

# What is asked for, and the words that ask for it; a word may hold values, which stay one word.
COMMANDS: Final = {
    "make partitions": "admin migrate",
    "sign": "contracts sign {file} --format {form}",
    "amend": "contracts sign {file} --effective {day} --format {form}",
    "compare versions": "contracts diff {client} --from 1 --to 2 --format {form}",
    "compare with a file": "contracts diff {client} --file {file} --format {form}",
    "describe contracts": "contracts schema --format {form}",
    "describe history": "presales history schema",
    "import": "presales history import {file} --map {map} --format {form}",
    "add a person": "people add {name} {email} --role {role}",
    "clear a person": "people clear {email} {client}",
    "add an entity": (
        "billing legal-entity add lisbon --name {name} --street {street} --city {city} --postcode {postcode} "
        "--country {country} --vat-id {vat_id} --account {account}"
    ),
    "statement": "billing statement {client} {month} --format {form}",
    "explain": "billing explain {client} {month} {figure} --format {form}",
    "explain an item": "billing explain {client} {month} {figure} --item {item} --format {form}",
    "review": "relationship review {client} {month} --no-ahead --format {form}",
    "review and look ahead": "relationship review {client} {month} --format {form}",
    "agree": "relationship action-item add {client} --who {who} --what {what} --until {day} --format {form}",
    "reconcile": "billing reconcile {client} {month} --format {form}",
    "propose": "billing period propose {client} {month} --by {by} --format {form}",
    "approve": "billing period approve {client} {month} --by {by} --format {form}",
    "periods": "billing period list {client} --format {form}",
    "dispute": "billing dispute raise {client} {month} {figure} --reason {words} --by {by} --format {form}",
    "uphold": "billing dispute uphold {number} --figure {quantity} --reason {words} --by {by} --format {form}",
    "disputes": "billing dispute list {client} --format {form}",
    "issue": "billing invoice issue {client} {month} --by {by} --format {form}",
    "show": "billing invoice show {client} {number} --format {form}",
    "credit": "billing invoice credit {number} --yes --reason {words} --by {by} --format {form}",
    "invoices": "billing invoice list {client} --format {form}",
    "back-test": "presales backtest {file} --client {client} --format {form}",
    "back-test two": "presales backtest {file} {other} --client {client} --format {form}",
    "back-test the log": "presales backtest {file} --history {log} --map {map} --format {form}",
    "quote": "presales quote {file} --scenario {scenario} --replications {count} --seed 7 --format {form}",
    "simulate": "presales simulate {file} --replications {count} --seed 7 --format {form}",
}

# The forms in which a document can be asked for, and how a file of each is named.
SUFFIXES: Final = {
    "text": "txt",
    "json": "json",
    "html": "html",
    "pdf": "pdf",
    "markdown": "md",
    "ubl": "ubl.xml",
    "cii": "cii.xml",
    "factur-x": "factur-x.pdf",
}
TOLD: Final = ("json", "text")
READ: Final = (*TOLD, "html")
PRINTED: Final = (*READ, "pdf")
INVOICED: Final = ("text", "html", "ubl", "cii")

ROOT: Final = Path(__file__).parents[2]
# From there on: some commands print the path that they are given.
EXAMPLES: Final = Path("examples")
BANK: Final = EXAMPLES / "bank"
LOG: Final = Path("../shared/data/calls/bank_1999_02.csv")
MONTHS: Final = ("2026-01", "2026-02", "2026-03")
ITEMS: Final = 14  # a month
NOW: Final = datetime(2026, 4, 20, 9, tzinfo=UTC)

TERESA, MARTA = "teresa@sample.example", "marta@sample.example"
SELLER: Final = {
    "name": "Sample Floor Lda",
    "street": "Rua do Ouro 1",
    "city": "Lisboa",
    "postcode": "1100-060",
    "country": "PT",
    "vat_id": "PT501964843",
    "account": "PT50000201231234567890154",
}
TAXED: Final = """
[taxes.vat]
title = "VAT"
category = "S"
rate = "17 %"
"""
BILLED: Final = """
[billing]
name = "First Buyer Ltd"
street = "1 Rothschild Boulevard"
city = "Tel Aviv"
postcode = "6688101"
country = "IL"
vat_id = "IL520000472"
reference = "Desk 4711"
due_within = "45 days"
"""

# What differs between two PDFs of the same: when they were set, and the digests that this goes into. Blanks of the same
# length take its place, so that whatever a PDF says of its own bytes still holds.
SET_AT: Final = re.compile(
    rb"(?<=ModDate\(D:)\d+|(?<=CreationDate\(D:)\d+|(?<=<xmp:ModifyDate>)[^<]+|(?<=<xmp:CreateDate>)[^<]+"
    rb"|(?<=<xmpMM:InstanceID>)[^<]+|(?<=<xmpMM:DocumentID>)[^<]+|(?<=/ID\[\()[^]]+(?=\)\])"
)


class Failed(Exception):
    """A command ended with a fault: which, and what it said."""


class Binder:
    """A folder of documents of one client, each what a command has printed."""

    def __init__(self, folder: Path, client: str = "") -> None:
        self.folder, self.client = folder, client
        folder.mkdir(exist_ok=True)

    def keep(self, name: str, command: str, forms: Sequence[str] = ("json",), **values: object) -> None:
        """Write what a command prints in each form to a file of that name."""
        for form in forms:
            self.write(f"{name}.{SUFFIXES[form]}", self.run(command, form=form, **values))

    def told(self, name: str, command: str, **values: object) -> Any:
        """Keep what a command prints as JSON, and return what that says."""
        written = self.run(command, **values)
        self.write(f"{name}.json", written)
        return json.loads(written)

    def write(self, name: str, content: bytes) -> None:
        """Write a file; of a PDF all but when it was set."""
        (self.folder / name).write_bytes(
            SET_AT.sub(lambda found: b" " * len(found[0]), content) if content.startswith(b"%PDF") else content
        )

    def run(self, command: str, **values: object) -> bytes:
        """What a command prints; where it fails, all ends with what it said."""
        known = {"client": self.client, "form": "json"} | values
        words = [word.format(**known) for word in COMMANDS[command].split()]
        result = CliRunner().invoke(workfloor, words)
        if result.exit_code:
            said = f"{result.output}{result.stderr}{result.exception!r}\n"
            raise Failed(f"workfloor {' '.join(words)}\n{said}") from result.exception
        return result.stdout_bytes


# --- A month that is stated, closed and invoiced ------------------------------------------------------------------


def figures(binder: Binder, month: str) -> list[str]:
    """The ids of all that a month's statement says and that can be opened."""
    stated = json.loads(binder.run("statement", month=month))
    parts = ("measures", "excluded", "lines", "credits")
    named = dict.fromkeys(row["id"] for part in parts for row in stated[part])
    return [*named, "received", "answered", "abandoned", "cancelled", "open"]


def explained(binder: Binder, month: str, figures: Iterable[str]) -> None:
    """Open figures, and the first item behind the first figure that has some; one that does not open is said to."""
    shown = None
    for figure in figures:
        name = f"{month}-explain-{figure.replace('/', '-')}"
        try:
            found = binder.told(name, "explain", month=month, figure=figure)
        except Failed as fault:
            binder.write(f"{name}-fault.txt", str(fault).encode())
            continue
        if found["items"] and shown is None:
            shown, item = figure, found["items"][0]["item"]
            binder.keep(name, "explain", ("text",), month=month, figure=figure)
            binder.keep(f"{month}-facts", "explain an item", TOLD, month=month, figure=figure, item=item)


def close(binder: Binder, month: str, teresa: str, marta: str) -> None:
    binder.keep(f"{month}-proposed", "propose", month=month, by=teresa)
    binder.keep(f"{month}-approved", "approve", month=month, by=marta)
    binder.keep(f"{month}-closed-statement", "statement", ("json", "html", "pdf"), month=month)


def invoice(binder: Binder, month: str, marta: str) -> str:
    """Issue a month's invoice and keep it in every form; returns its number."""
    number = named(binder.told(f"{month}-issued", "issue", month=month, by=marta))
    binder.keep(f"{month}-invoice", "show", INVOICED, number=number)
    return number


def named(told: Any) -> str:
    """The number of the invoice that a command says it has made, whatever legal entity issued it."""
    return str(told["made"]).rpartition("/")[2]


def credit(binder: Binder, month: str, number: str, marta: str) -> None:
    """Keep an invoice in the forms that are left, and take it back."""
    binder.keep(f"{month}-invoice", "show", ("json", "pdf", "factur-x"), number=number)
    note = binder.told(f"{month}-credited", "credit", number=number, words="wrong address", by=marta)
    binder.keep(f"{month}-credit-note", "show", INVOICED, number=named(note))
    binder.keep("invoices", "invoices", TOLD)


def billed_from(binder: Binder, day: str, contract: Path) -> None:
    """Amend a contract by a tax on every price and by somebody to send invoices to; and be a legal entity."""
    source = (ROOT / contract).read_text()
    if "[taxes." not in source:
        source = source.replace("[[prices]]", '[[prices]]\ntax = "vat"') + TAXED
    binder.write("billed.toml", (source + BILLED).encode())
    binder.keep("amended", "amend", file=binder.folder / "billed.toml", day=day)
    binder.keep("amended-by", "compare versions", TOLD)
    binder.run("add an entity", **SELLER)


# --- The stories --------------------------------------------------------------------------------------------------


def example(file: Path, folder: Path) -> None:
    """Three months of work under an example's contract: stated, amended, closed, invoiced, credited, tried."""
    desk, contract, number = lived(file), file.relative_to(ROOT), ""
    binder = Binder(folder, desk.client.slug)
    teresa, marta = (person.account.email for person in (desk.teresa, desk.marta))
    for month in MONTHS:
        binder.keep(f"{month}-statement", "statement", READ, month=month)
        binder.keep(f"{month}-reconciled", "reconcile", month=month)
    binder.keep("back-test", "back-test", READ, file=contract)
    billed_from(binder, "2026-01-01", contract)
    for month in MONTHS:
        close(binder, month, teresa, marta)
        number = invoice(binder, month, marta)
        binder.keep(f"{month}-review", "review", ("html",), month=month)
    binder.keep(f"{MONTHS[-1]}-review", "review", ("json", "text", "pdf"), month=MONTHS[-1])
    binder.keep(f"{MONTHS[-1]}-review-ahead", "review and look ahead", month=MONTHS[-1])
    explained(binder, MONTHS[1], figures(binder, MONTHS[1]))
    credit(binder, MONTHS[-1], number, marta)
    binder.keep("periods", "periods", TOLD)


def lived(file: Path) -> Any:
    """A client under an example's contract, with people and three months of work; the same each time."""
    from django.db import transaction

    from tests import make
    from tests.stories import test_past_months
    from workfloor.kit.database import rls

    make._numbers, test_past_months._numbers = count(1), count(1)
    with transaction.atomic():
        rls.enter_every_client()
        desk, chance = test_past_months.Desk(file.read_text()), Random(file.stem)
        for month in range(1, len(MONTHS) + 1):
            work(desk, month, chance)
            events(desk, month, chance)
            desk.deliver(month)
    return desk


def work(desk: Any, month: int, chance: Random) -> None:
    """Let items come in, some of them into cases that are there already."""
    cases: list[Any] = [None]
    for number in range(ITEMS):
        queue = chance.choice([*desk.agreed.queues()])
        hour, minute = chance.choice([8, 10, 14, 17, 22]), chance.randrange(60)
        at = datetime(2026, month, 1 + number * 27 // ITEMS, hour, minute, number, tzinfo=UTC)
        cases.append(desk.live(queue, at, chance, case=chance.choice(cases)).case)


def events(desk: Any, month: int, chance: Random) -> None:
    """Let things happen that may be excluded from SLA."""
    for kind, day in (("client-outage", 5), ("force-majeure", 9), ("maintenance", 12), ("outage", 16)):
        began = datetime(2026, month, day, chance.choice([9, 13]), 30, tzinfo=UTC)
        desk.claim(kind, began, began + timedelta(hours=5))


def bank(folder: Path) -> None:
    """The bank's month from its call log: imported, stated, closed, invoiced, disputed, put right in March."""
    binder, month, contract = Binder(folder, "first-bank"), "1999-02", BANK / "contract.toml"
    binder.keep("signed", "sign", file=contract)
    binder.keep("imported", "import", file=LOG, map=BANK / "history.toml")
    binder.keep(f"{month}-statement", "statement", PRINTED, month=month)
    billed_from(binder, "1999-02-01", contract)
    for email, role in ((TERESA, "leader"), (MARTA, "manager")):
        binder.run("add a person", name=email.partition("@")[0].title(), email=email, role=role)
        binder.run("clear a person", email=email)

    binder.run("agree", who="First Bank", what="Move the statement run to the 5th", day="2026-06-01")
    close(binder, month, TERESA, MARTA)
    binder.keep(f"{month}-review", "review", PRINTED, month=month)
    binder.keep(f"{month}-review-ahead", "review and look ahead", ("json", "html"), month=month)
    explained(binder, month, ("m1/internet-support", "m1/stock-exchange", "l2", "c1", "cancelled"))
    invoice(binder, month, MARTA)
    disputed(binder, month)
    binder.keep(f"{month}-reconciled", "reconcile", month=month)
    binder.keep("1999-03-statement", "statement", READ, month="1999-03")
    close(binder, "1999-03", TERESA, MARTA)
    credit(binder, "1999-03", invoice(binder, "1999-03", MARTA), MARTA)
    for name in ("periods", "disputes"):
        binder.keep(name, name, TOLD)
    binder.keep("back-test", "back-test", READ, file=contract)
    binder.keep("back-test-of-two", "back-test two", ("html",), file=contract, other=binder.folder / "billed.toml")
    binder.keep("back-test-of-the-log", "back-test the log", file=contract, log=LOG, map=BANK / "history.toml")
    binder.keep("simulated", "simulate", file=BANK / "scenario.toml", count=2)


def disputed(binder: Binder, month: str) -> None:
    """Hold 200 calls of a closed month's second line to be wrong, and be right."""
    words, stated = "200 of these calls were our own tests", json.loads(binder.run("statement", month=month))
    made = binder.told(f"{month}-dispute", "dispute", month=month, figure="l2", words=words, by=TERESA)
    right = {"number": made["made"], "quantity": stated["lines"][1]["quantity"] - 200}
    binder.keep(f"{month}-upheld", "uphold", words="They were", by=MARTA, **right)


def quotes(folder: Path) -> None:
    """What each of the hotels' contracts will cost, pay and risk; each form once, for a quote takes its time."""
    binder, asked = Binder(folder), {"scenario": EXAMPLES / "quote/scenario.toml", "count": 4}
    binder.keep("contract", "quote", ("json", "html"), file=EXAMPLES / "quote/contract.toml", **asked)
    binder.keep("stricter", "quote", ("text",), file=EXAMPLES / "quote/stricter.toml", **asked)


def simulations(folder: Path) -> None:
    """What the examples' scenarios come to."""
    binder = Binder(folder)
    for file in sorted((ROOT / EXAMPLES / "scenarios").glob("*.toml")):
        binder.keep(file.stem, "simulate", READ, file=file.relative_to(ROOT), count=4)


def contracts(folder: Path) -> None:
    """What a contract and a map can say, and what differs between the hotels' two."""
    binder = Binder(folder, "harbour-hotels")
    binder.keep("contract", "describe contracts", ("json", "markdown"))
    binder.keep("history", "describe history")
    binder.run("sign", file=EXAMPLES / "quote/contract.toml")
    binder.keep("stricter", "compare with a file", TOLD, file=EXAMPLES / "quote/stricter.toml")


def stories() -> dict[str, Callable[[Path], None]]:
    """Every story, by the name of its folder."""
    found: dict[str, Callable[[Path], None]] = {"contracts": contracts, "quotes": quotes, "simulations": simulations}
    if (ROOT / LOG).exists():
        found["bank"] = bank
    else:
        click.echo(f"The bank's month is left out: its call log is not at {LOG}.", err=True)
    files = sorted((ROOT / EXAMPLES / "contracts").glob("*.toml"))
    return found | {file.stem: partial(example, file) for file in files}


class Migrated:
    """Knows at once that no migration is missing, which each command asks anew, and many take less time than that."""

    def __init__(self, connection: object) -> None:
        self.loader = self.graph = self

    def leaf_nodes(self) -> list[object]:
        return []

    def migration_plan(self, targets: object) -> list[object]:
        return []


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--only", "names", multiple=True, metavar="NAME", help="Only this story; may be given again.")
def main(folder: Path, names: tuple[str, ...]) -> None:
    """Write every document of the examples and of the bank's month into FOLDER, a folder a story.

    A story in which a command fails ends there, and the others go on; the exit status is 1 then.
    """
    known = stories()
    if unknown := set(names) - set(known):
        raise click.UsageError(f"No story {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    if there := [name for name in names or known if (folder / name).exists()]:
        raise click.UsageError(f"{folder} holds {', '.join(there)} already.")
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    os.chdir(ROOT)
    os.environ |= {"COLUMNS": "140", "TERM": "dumb", "NO_COLOR": "1"}  # how wide a text is
    failed = list[str]()
    with databases.migrated() as template, mock.patch("django.db.migrations.executor.MigrationExecutor", Migrated):
        for number, name in enumerate(names or known, 1):
            began = time.monotonic()
            try:
                tell(known[name], folder / name, template)
            except Failed as fault:
                failed.append(f"{name}: {fault}")
            seconds = time.monotonic() - began
            click.echo(f"{number:>3} of {len(names or known)}  {seconds:5.1f} s  {name}", err=True)
    if failed:
        raise click.ClickException("\n".join(failed))


def tell(story: Callable[[Path], None], folder: Path, template: str) -> None:
    """Write a story's documents, in a database of its own, at the one instant."""
    from workfloor.kit.time import clock

    with clock.frozen(NOW), databases.copy(template):
        Binder(folder).run("make partitions")
        story(folder)


if __name__ == "__main__":
    main()
