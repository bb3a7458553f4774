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
    "claim",
    "exclusion",
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


def listed(run: Run, *more: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        run("billing", "claim", "list", "lisbon-light", "--format", "json", *more).stdout
    )
    return found


def test_one_person_claims_another_approves_and_the_list_says_who(run: Run) -> None:
    assert "Another person decides it: workfloor billing claim approve 1" in run(*OUTAGE).stdout
    told = run("billing", "claim", "list", "lisbon-light").stdout
    assert "client-outage  2026-03-04T09:00 to 2026-03-04T09:30  all queues: Core system down" in told

    own = run("billing", "claim", "approve", "1", "--by", "rita@example.com")
    assert (own.exit_code, "Rita did the other part of it" in own.output) == (1, True)
    approved = run("billing", "claim", "approve", "1", "--by", "omar@example.com")
    assert approved.stdout == "Claim 1 is approved: it counts from now on.\n"
    [row] = listed(run)
    assert (row["state"], row["claimed_by"], row["decided_by"]) == ("approved", "Rita", "Omar")
    assert "(Rita, approved by Omar)" in run("billing", "claim", "list", "lisbon-light").stdout
    assert listed(run, "--state", "claimed") == listed(run, "--kind", "cost") == []


def test_a_time_is_of_the_contracts_zone_unless_it_says_its_own(run: Run) -> None:
    summer = [word.replace("2026-03-04T09:", "2026-07-01T09:") for word in OUTAGE]
    told = [word.replace("2026-03-04T09:00", "2026-03-04T08:00:00Z") for word in OUTAGE]
    for words in (OUTAGE, summer, told):
        run(*words)

    assert sorted(str(row["from"]) for row in listed(run)) == [
        "2026-03-04T08:00:00+00:00",
        "2026-03-04T09:00:00+00:00",
        "2026-07-01T09:00:00+01:00",  # Lisbon's
    ]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (("2026-03-04T09:00", "nine"), "From is a time, written like 2027-01-31T10:00; not “nine”."),
        (("2026-03-04T09:30", "2026-03-04T08:30"), "It ends before it begins: give a later --until."),
        (("lisbon-light", "nobody"), "There is no client “nobody”. See: workfloor admin client list"),
    ],
)
def test_what_cannot_be_claimed_is_refused_with_what_to_do(run: Run, changed: tuple[str, str], says: str) -> None:
    result = run(*(changed[1] if word == changed[0] else word for word in OUTAGE))

    assert (result.exit_code, says in result.output) == (1, True), result.output
    assert "0 claims" in run("billing", "claim", "list", "lisbon-light").stdout


def test_hours_that_both_sides_approved_and_a_cost_with_its_document_are_charged(run: Run, tmp_path: Path) -> None:
    paper = tmp_path / "postage.pdf"
    paper.write_bytes(b"%PDF postage")
    about = ("--on", "2026-03-02", "--reason", "March", "--by", "rita@example.com")
    run("billing", "claim", "delivery", "deliveries", "Night desk", "7.5", *about)
    run("billing", "claim", "delivery", "deliveries", "Postage", "100.00", "--document", str(paper), *about)

    refused = run("billing", "claim", "approve", "1", "--by", "omar@example.com")
    assert "one of the client's own people decides this" in refused.output
    run("billing", "claim", "approve", "1", "--by", "ben@example.com")
    run("billing", "claim", "approve", "2", "--by", "omar@example.com")

    lines = json.loads(run("billing", "statement", "deliveries", "2026-03", "--format", "json").stdout)["lines"]
    assert [line["amount"] for line in lines] == ["183.75", "105.00", "0.00"]  # 7.5 x 24.50; 100 and 5 %
    back = tmp_path / "back.pdf"
    run("billing", "claim", "document", "deliveries", "2", "--output", str(back))
    assert back.read_bytes() == paper.read_bytes()


def test_a_cost_without_its_document_and_a_claim_that_is_none_are_refused(run: Run) -> None:
    words = ("claim", "delivery", "deliveries", "Postage", "1.00", "--on", "2026-03-02", "--reason", "x")
    refused = run("billing", *words, "--by", "rita@example.com")
    assert "A cost needs its document" in refused.output

    result = run("billing", "claim", "approve", "7", "--by", "omar@example.com")
    assert "There is no claim “7”. See: workfloor billing claim list CLIENT" in result.output


def test_whoever_is_not_cleared_for_a_client_finds_none_of_its_claims(run: Run) -> None:
    run(*OUTAGE)

    assert "There is no claim “1”" in run("billing", "claim", "approve", "1", "--by", "ben@example.com").output


def test_what_somebody_answers_for_is_nothing_for_whoever_has_not_signed_in(run: Run) -> None:
    result = run(*OUTAGE[:-2])

    assert (result.exit_code, "sign in first, with workfloor sign-in EMAIL" in result.output) == (1, True), (
        result.output
    )
    assert "0 claims" in run("billing", "claim", "list", "lisbon-light").stdout
