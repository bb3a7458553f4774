"""`workfloor routing pool`: which router serves which queue."""

import json

import pytest
from click.testing import CliRunner
from django.db import transaction

from tests import make
from workfloor.cli import main
from workfloor.core.event_log.models import Fact
from workfloor.kit.database import rls


@pytest.fixture
def queues(real_database):
    with transaction.atomic():
        rls.enter_every_client()
        make.client()


def run(*words):
    ran = CliRunner().invoke(main, ["routing", "pool", *words])
    return ran.exit_code, ran.output


def test_queues_are_in_the_main_pool_until_they_are_put_into_another_and_back(queues):
    assert json.loads(run("list", "--format", "json")[1]) == {"lisbon-light/calls": "main", "lisbon-light/mail": "main"}

    assert run("put", "lisbon-light/mail", "night") == (0, "mail is in the pool night.\n")
    assert json.loads(run("list", "--format", "json")[1])["lisbon-light/mail"] == "night"

    assert run("put", "lisbon-light/mail", "main")[0] == 0
    assert json.loads(run("list", "--format", "json")[1])["lisbon-light/mail"] == "main"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["put", "lisbon-light/fax", "night"],
            "There is no queue “lisbon-light/fax”. See: workfloor routing pool list",
        ),
        (["put", "lisbon-light/mail", "The Night"], "is no name of a pool"),
        (["put", "lisbon-light/mail"], "Missing argument 'POOL'"),
        (["even-out", "main", "long"], "Seconds is a whole number"),
        (["even-out", "main", "100000"], "Seconds is from 0 to 86400"),
        (["even-out", "The Night", "600"], "is no name of a pool"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(queues, words, says):
    code, said = run(*words)

    assert code != 0
    assert says in said


def test_a_pool_evens_out_by_a_length_until_it_is_taken_back(queues):
    assert run("even-out", "main", "600") == (0, "main evens out by 600 seconds.\n")
    assert run("even-out", "main", "0")[0] == 0

    with transaction.atomic():
        rls.enter_every_client()
        told = Fact.objects.filter(event="pool.evens-out").order_by("id").values_list("details", flat=True)
        assert list(told) == [
            {"pool": "main", "seconds": 600, "seconds_before": 0},
            {"pool": "main", "seconds": 0, "seconds_before": 600},
        ]
