"""A statement for programs, and a statement for people."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader

from tests.ops.billing.test_statements import NOW, call, sign, store
from workfloor.ops.billing import gateway as billing_gateway
from workfloor.ops.billing import presenting as billing_presenting
from workfloor.ops.billing import statements

pytestmark = pytest.mark.usefixtures("everyone")


@pytest.fixture
def made():
    acme = sign()
    store(acme, [call(10), call(10), call(30), call(40, answered=False), call(7, queue="vip")])
    return statements.statement(acme, "2026-03", now=NOW)


def test_the_json_holds_what_a_program_needs(made):
    plain = json.loads(json.dumps(billing_presenting.plain(made)))

    assert plain["period"] == {
        "name": "2026-03",
        "state": "open",
        "from": "2026-03-01T00:00:00+00:00",
        "to": "2026-04-01T00:00:00+01:00",
        "zone": "Europe/Lisbon",
    }
    first = plain["measures"][0]
    assert {key: first[key] for key in ("name", "measure", "queue", "counted", "met", "attained", "version")} == {
        "name": "Answered",
        "measure": "answered-within",
        "queue": None,
        "counted": 4,
        "met": 3,
        "attained": 75.0,
        "version": 1,
    }
    assert [row["queue"] for row in plain["measures"][:3]] == [None, "calls", "vip"]
    assert {key: plain["totals"][key] for key in ("received", "answered", "abandoned", "cancelled")} == {
        "received": 5,
        "answered": 4,
        "abandoned": 1,
        "cancelled": 0,
    }


def test_lines_and_credits_of_the_json_add_up_to_its_total(made):
    plain = billing_presenting.plain(made)
    charges = sum(Decimal(line["amount"]) for line in plain["lines"])

    assert plain["credits"]
    assert Decimal(plain["charges"]) == charges
    assert Decimal(plain["total"]) == charges - sum(Decimal(credit["amount"]) for credit in plain["credits"])


def test_an_open_period_says_so_and_a_closed_one_does_not(made):
    over = statements.statement(made.client, "2026-03", now=datetime(2026, 4, 1, tzinfo=UTC))

    assert billing_presenting.printed(made)["notice"] == (
        "This period is still open: the figures stand as of 5 March 2026, 09:00 and will change."
    )
    assert (billing_presenting.plain(over)["period"]["state"], billing_presenting.printed(over)["notice"]) == (
        "over",
        "",
    )


def test_people_read_promises_and_slices_in_words(made):
    worded = billing_presenting.printed(made)
    target = {row["name"]: row["target"] for row in worded["measures"]}

    assert worded["period"] == "1 March 2026 to 31 March 2026, Europe/Lisbon"
    assert (target["Answered"], target["Abandoned"]) == ("at least 80 %, never below 75 %", "at most 5 %")
    assert [row["counts"] for row in worded["measures"] if row["name"] == "Of patient"] == [
        "answered within 20 s, of offered, less those abandoned within 5 s"
    ]
    assert worded["lines"][0]["rate"] == "3 at 1.10; 1 at 0.98"
    assert worded["credits"][0]["amount"].startswith("-")


def test_the_pdf_is_tagged_and_reads_nothing_of_the_data_as_markup(made, tmp_path):
    worded = billing_presenting.printed(made)
    worded["client"] = 'Acme #panic("no") *bold* $x$ <b> \\ @cite'
    (tmp_path / "statement.pdf").write_bytes(billing_gateway.statement_pdf(worded))
    read = PdfReader(tmp_path / "statement.pdf")
    root = read.trailer["/Root"]

    assert worded["client"] in read.pages[0].extract_text()
    assert (root["/MarkInfo"]["/Marked"], root["/Lang"]) == (True, "en")
    assert "pdfuaid:part" in root["/Metadata"].get_object().get_data().decode()


def test_a_statement_of_a_contract_without_levels_or_work_prints(made):
    bare = billing_presenting.printed(made) | {"measures": [], "by_queue": [], "credits": [], "lines": []}

    assert billing_gateway.statement_pdf(bare).startswith(b"%PDF")
