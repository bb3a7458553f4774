"""The statement over the API: for the right token alone."""

import pytest
from django.test import Client as Caller

from tests.ops.billing.test_statements import AGREED, NOW, call, sign, store
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.kit.time import clock
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements

pytestmark = pytest.mark.usefixtures("everyone")


def asked(period, client, scope="statement:read"):
    token = clients.issue_token(client=client, title="ledger", scopes=[scope], by=actors.ROOT, now=clock.now())
    return Caller().get(f"/api/statements/{period}", headers={"authorization": f"Bearer {token}"})


def test_a_token_reads_its_own_clients_statement():
    acme = sign()
    store(acme, [call(10)])

    answer = asked("2026-03", acme)
    assert answer.status_code == 200
    assert (answer.json()["client"], answer.json()["totals"]["received"]) == ("acme", 1)


def test_the_api_answers_with_the_whole_statement():
    acme = sign()
    store(acme, [call(10), call(30), call(8, answered=False)])

    with clock.frozen(NOW):
        assert asked("2026-03", acme).json() == billing_presenting.plain(statements.statement(acme, "2026-03", now=NOW))


def test_another_clients_work_is_not_in_it():
    acme, other = sign(), sign(AGREED.replace('"acme"', '"other"'), slug="other")
    store(acme, [call(10)])

    answer = asked("2026-03", other)
    assert (answer.json()["client"], answer.json()["totals"]["received"]) == ("other", 0)


def test_a_month_outside_the_contract_is_not_found_with_the_reason():
    answer = asked("2025-12", sign())

    assert answer.status_code == 404
    assert answer.json() == {"detail": "The contract of acme starts on 2026-01-15; 2025-12 lies before it."}


@pytest.mark.parametrize("period", ["2026-13", "2026-3", "march", "2026-03-01"])
def test_what_is_no_month_is_refused_with_the_field(period):
    answer = asked(period, sign())

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["fields"]] == ["period"]


def test_a_wrong_token_and_a_wrong_scope_learn_nothing():
    acme = sign()

    assert Caller().get("/api/statements/2026-03").status_code == 401
    assert Caller().get("/api/statements/2026-03", headers={"authorization": "Bearer wf_1_x"}).status_code == 401
    assert asked("2026-03", acme, scope="work:read").status_code == 404
