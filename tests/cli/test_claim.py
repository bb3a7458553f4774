"""The commands that claim, approve and list what statements count."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import connection, transaction

from tests import make, signing_in
from workfloor.cli import main
from workfloor.core.access import actors
from workfloor.core.contracts import actions as contracts
from workfloor.core.event_log import actions as event_log
from workfloor.core.people import actions as people
from workfloor.kit.database import rls
from workfloor.kit.time import clock

Run = Callable[..., Result]
EXAMPLES = Path(__file__).parents[2] / "examples" / "contracts"
OUTAGE = (
    "billing",
    "exclusion",
    "claim",
    "lisbon-light",
    "client-outage",
    "--from",
    "2026-03-04T09:00",
    "--until",
    "2026-03-04T09:30",
    "--reason",
    "Core system down",
    "--by",
    "rita@example.com",
)


@pytest.fixture
def run(real_database: str) -> Iterator[Run]:
    """Rita and Omar of the provider, Ben of a client that is charged by the hour, and a client with calls."""
    with transaction.atomic():
        rls.enter_every_client()
        event_log.make_partitions(first=make.NINE)
        make.client()
        contracts.sign(source=EXAMPLES.joinpath("deliveries.toml").read_text(), by=actors.ROOT, now=make.NINE)
        sold = next(each for each in type(make.client()).objects.all() if each.slug == "deliveries")
        for name, of in (("rita", None), ("omar", None), ("ben", sold)):
            hired = people.hire(
                name=name.title(),
                roles=["client" if of else "manager"],
                client=of,
                by=actors.ROOT,
                now=make.NINE,
                account=make.account(f"{name}@example.com"),
            )
            for client in () if of else (make.client(), sold):
                people.clear(person=hired, client=client, by=actors.ROOT, now=make.NINE)

    def ran(*arguments: str) -> Result:
        with clock.frozen(make.later(hours=1)), signing_in.by(arguments) as words:
            return CliRunner().invoke(main, words)

    yield ran
    connection.close()


def test_one_person_claims_another_approves_and_the_list_says_who(run: Run) -> None:
    claimed = run(*OUTAGE)
    assert "client-outage  2026-03-04T09:00 to 2026-03-04T09:30  all queues: Core system down" in claimed.stdout
    assert "Another person approves it: workfloor billing exclusion approve lisbon-light 1" in claimed.stdout

    own = run("billing", "exclusion", "approve", "lisbon-light", "1", "--by", "rita@example.com")
    assert (own.exit_code, "Rita did the other part of it" in own.output) == (1, True)
    approved = json.loads(
        run(
            "billing", "exclusion", "approve", "lisbon-light", "1", "--by", "omar@example.com", "--format", "json"
        ).stdout
    )
    assert (approved["state"], approved["claimed_by"], approved["decided_by"]) == ("approved", "Rita", "Omar")
    assert "(Rita, approved by Omar)" in run("billing", "exclusion", "list", "lisbon-light").stdout
    assert (
        json.loads(run("billing", "exclusion", "list", "lisbon-light", "--state", "claimed", "--format", "json").stdout)
        == []
    )


def test_a_time_is_of_the_contracts_zone_unless_it_says_its_own(run: Run) -> None:
    row = json.loads(run(*OUTAGE, "--format", "json").stdout)
    assert row["from"] == "2026-03-04T09:00:00+00:00"

    summer = [word.replace("2026-03-04T09:", "2026-07-01T09:") for word in OUTAGE]
    assert json.loads(run(*summer, "--format", "json").stdout)["from"] == "2026-07-01T09:00:00+01:00"  # Lisbon's
    told = [word.replace("2026-03-04T09:00", "2026-03-04T08:00:00Z") for word in OUTAGE]
    assert json.loads(run(*told, "--format", "json").stdout)["from"] == "2026-03-04T08:00:00+00:00"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("2026-03-04T09:00", "nine"), "'nine' is no time; write one such as 1999-02-03T10:00."),
        (("2026-03-04T09:30", "2026-03-04T08:30"), "It ends before it begins: give a later --until."),
        (("lisbon-light", "nobody"), "No client 'nobody' here. Clients: deliveries, lisbon-light."),
    ],
)
def test_what_cannot_be_claimed_is_refused_with_what_to_do(run: Run, changed: tuple[str, str], says: str) -> None:
    result = run(*(changed[1] if word == changed[0] else word for word in OUTAGE))

    assert (result.exit_code, says in result.output) == (1, True), result.output
    assert "0 claims" in run("billing", "exclusion", "list", "lisbon-light").stdout


def test_hours_that_both_sides_approved_and_a_cost_with_its_document_are_charged(run: Run, tmp_path: Path) -> None:
    paper = tmp_path / "postage.pdf"
    paper.write_bytes(b"%PDF postage")
    about = ("--on", "2026-03-02", "--reason", "March", "--by", "rita@example.com")
    run("billing", "delivery", "hours", "deliveries", "Night desk", "7.5", *about)
    run("billing", "delivery", "cost", "deliveries", "Postage", "100.00", "--document", str(paper), *about)

    refused = run("billing", "delivery", "approve", "deliveries", "1", "--by", "omar@example.com")
    assert "one of the client's own people approves it" in refused.output
    run("billing", "delivery", "approve", "deliveries", "1", "--by", "ben@example.com")
    run("billing", "delivery", "approve", "deliveries", "2", "--by", "omar@example.com")

    lines = json.loads(run("billing", "statement", "deliveries", "2026-03", "--format", "json").stdout)["lines"]
    assert [line["amount"] for line in lines] == ["183.75", "105.00", "0.00"]  # 7.5 x 24.50; 100 and 5 %
    back = tmp_path / "back.pdf"
    run("billing", "delivery", "document", "deliveries", "2", "--output", str(back))
    assert back.read_bytes() == paper.read_bytes()


def test_a_claim_of_one_group_is_none_of_the_other(run: Run) -> None:
    run(*OUTAGE)

    result = run("billing", "delivery", "approve", "lisbon-light", "1", "--by", "omar@example.com")
    assert "lisbon-light has no such claim 1." in result.output


def test_what_somebody_answers_for_is_nothing_for_whoever_has_not_signed_in(run: Run) -> None:
    result = run(*OUTAGE[:-2])

    assert (result.exit_code, "Sign in first: workfloor sign-in EMAIL" in result.output) == (1, True), result.output
    assert "0 claims" in run("billing", "exclusion", "list", "lisbon-light").stdout
