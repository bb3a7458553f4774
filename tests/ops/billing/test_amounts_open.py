"""Every amount on a statement opens to numbers that recompute it, read as the API gives them and computed here anew."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from fractions import Fraction
from io import BytesIO
from typing import Any

import pytest
from django.test import Client as Caller
from hypothesis import given
from hypothesis import strategies as some
from pypdf import PdfReader

from tests.ops.billing.test_billing_views import signed_in
from tests.ops.billing.test_explain_walk import EVERY, WITH_CREDITS, worked
from tests.ops.billing.test_invoicing import DAY, contract, prices
from tests.ops.billing.test_mechanisms import signed
from tests.ops.billing.test_settlement import contract as example
from tests.ops.billing.test_settlement import month
from tests.ops.billing.test_statements import call, store
from workfloor.cli.billing import _show_items, _write_items
from workfloor.core.access import actors
from workfloor.core.clients import actions as clients
from workfloor.core.clients.models import Client
from workfloor.core.contracts import pricing
from workfloor.core.contracts.models import Queue
from workfloor.core.work.models import Item
from workfloor.kit.database import rls
from workfloor.kit.figures import money, steps
from workfloor.kit.time import clock
from workfloor.ops.billing import settlement, statements

pytestmark = pytest.mark.usefixtures("everyone")

LATER = datetime(2027, 12, 1, tzinfo=UTC)
WIDE = Context(prec=300)
MODES = {
    "half-even": ROUND_HALF_EVEN,
    "half-up": ROUND_HALF_UP,
    "half-down": ROUND_HALF_DOWN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}
Json = dict[str, Any]


# --- The arithmetic, with nothing of the product -----------------------------------------------------------------


def recomputed(step: Json) -> Fraction:
    """What a step comes to by its own numbers alone; each number on the way must be the one that it says."""
    parts = [recomputed(each) for each in step.get("operands", ())]
    found = computed(step, parts)
    assert found == Fraction(step["result"]), step
    for each in step.get("because", ()):
        assert recomputed(each) == 1, each
    return found


def computed(step: Json, parts: list[Fraction]) -> Fraction:
    operation = step["operation"]
    if operation == "given":
        return Fraction(step["result"])
    if operation == "product":
        return multiplied(step, parts)
    if operation == "looked-up":
        return looked_up(step, parts[0])
    if operation == "rounded":
        [part] = parts
        exact = WIDE.divide(Decimal(part.numerator), Decimal(part.denominator))
        return Fraction(exact.quantize(Decimal(1).scaleb(-step["decimals"]), MODES[step["rounding"]], WIDE))
    first, *others = parts or [Fraction(0)]
    return {
        "sum": lambda: first + sum(others),
        "difference": lambda: first - sum(others),
        "quotient": lambda: first / others[0],
        "negated": lambda: -first,
        "least": lambda: min(parts),
        "greatest": lambda: max(parts),
        "is-below": lambda: Fraction(first < others[0]),
        "is-above": lambda: Fraction(first > others[0]),
    }[operation]()


def multiplied(step: Json, parts: list[Fraction]) -> Fraction:
    found = Fraction(1)
    for each, part in zip(step["operands"], parts, strict=True):
        found *= part / 100 if each.get("unit") == "%" else part
    return found * 100 if step.get("unit") == "%" else found


def looked_up(step: Json, key: Fraction) -> Fraction:
    for row in step["table"]:
        bound = Fraction(row["bound"] or 0)
        holds = {
            "at-most": key <= bound,
            "at-least": key >= bound,
            "below": key < bound,
            "above": key > bound,
            "else": True,
        }
        if holds[row["when"]]:
            return recomputed(row["value"])
    raise AssertionError(step)


def every_step(step: Json) -> list[Json]:
    rows = [row["value"] for row in step.get("table", ())]
    inner = [*step.get("operands", ()), *step.get("because", ()), *rows]
    return [step, *(each for part in inner for each in every_step(part))]


# --- What a reader holds against it ------------------------------------------------------------------------------


class Statements(dict[str, Json]):
    """A client's statements by their period, asked of the API with a token when they are looked at."""

    def __init__(self, client: Client) -> None:
        token = clients.issue_token(client=client, title="ledger", scopes=["statement:read"], by=actors.ROOT, now=LATER)
        self.token = {"authorization": f"Bearer {token}"}

    def __missing__(self, period: str) -> Json:
        with clock.frozen(LATER):
            answer = Caller().get(f"/api/statements/{period}", headers=self.token)
        assert answer.status_code == 200, answer.content
        self[period] = answer.json()
        return self[period]


def amounts(statement: Json) -> dict[str, str]:
    """Every amount that a statement says, by its id."""
    parts = ("lines", "credits", "adjustments", "taxes")
    rows = {row["id"]: row["amount"] for part in parts for row in statement[part]}
    sums = {name: statement[name] for name in ("charges", "net", "total")}
    return rows | sums | ({} if statement["bank"] is None else {"bank": statement["bank"]})


def check(statement: Json, others: Mapping[str, Json]) -> None:
    """Each amount opens, is recomputed by its numbers, and each figure among those is what its statement says."""
    how = statement["how"]
    assert amounts(statement).keys() <= how.keys()
    for name, amount in amounts(statement).items():
        assert recomputed(how[name]) == Fraction(amount), name
        assert how[name]["result"] == amount
    for credit in statement["credits"]:
        within = {each["result"] for each in every_step(how[credit["id"]])}
        assert credit["amount"] < "0" or credit["computed"] in within
        assert credit["from_bank"] is None or credit["from_bank"] in within
    for tax in statement["taxes"]:
        assert {tax["base"], tax["rate"]} <= {each["result"] for each in every_step(how[tax["id"]])}
    for step in (each for tree in how.values() for each in every_step(tree)):
        linked(step, statement, others)


def linked(step: Json, statement: Json, others: Mapping[str, Json]) -> None:
    if not step.get("figure"):
        return
    period = step.get("period", "")
    of = others[period] if period else statement
    levels = {row["id"]: row["attained"] for row in of["measures"] if row["queue"] is None}
    if step["figure"] in levels:
        assert float(Fraction(step["result"])) == levels[step["figure"]], step
    else:
        assert step["result"] == of["how"][step["figure"]]["result"], step


@pytest.mark.parametrize("name", EVERY)
def test_every_amount_of_every_example_opens_to_numbers_that_recompute_it(name: str):
    found = Statements(worked(name))

    for period in ("2026-01", "2026-02", "2026-03", "2026-04"):
        check(found[period], found)


MONTHS = [f"2026-{month:02}" for month in range(1, 13)] + ["2027-01", "2027-02", "2027-03"]
MISSED = ("2026-01", "2026-02", "2027-03")


def varied(name: str) -> Statements:
    """Fifteen months of an example: missed, then kept for a year, then missed, for what looks back."""
    client = signed(name)
    queues = list(Queue.objects.filter(client=client).values_list("name", flat=True))
    days = [datetime(int(month[:4]), int(month[5:]), day, 15, tzinfo=UTC) for month in MONTHS for day in range(5, 9)]
    store(client, [came(day, queue) for day in days for queue in queues])
    return Statements(client)


def came(day: datetime, queue: str) -> Item:
    return call(9 * 86400 if f"{day:%Y-%m}" in MISSED and day.day > 5 else 5, at=day, queue=queue)


@pytest.mark.parametrize("name", EVERY)
def test_every_amount_of_months_that_look_back_opens_too(name: str):
    found = varied(name)

    for period in ("2026-02", "2026-04", "2027-03"):
        check(found[period], found)


def operands(step: Json, words: str) -> list[str]:
    """The numbers that a step of these words is computed from."""
    found = next(each for each in every_step(step) if each["words"] == words)
    return [each["result"] for each in found["operands"]]


def test_a_target_that_a_ratchet_moved_opens_to_the_months_that_moved_it():
    march = varied("ratchet")["2027-03"]

    [missed] = march["how"]["c1"]["operands"][0]["because"]
    # 25 % in March; a year at 100 % had moved 95 % half-way
    assert [each["result"] for each in missed["operands"]] == ["25.0000", "97.5000"]
    assert operands(missed, "target after the step") == ["95", "2.5"]
    assert operands(missed, "mean") == ["1200", "12"]


def test_what_is_earned_back_opens_to_the_credit_that_it_was():
    earned = varied("earn-back")["2026-04"]["how"]["c1"]

    [given] = earned["operands"]
    assert (earned["operation"], earned["result"]) == ("negated", "-40.00")
    assert (given["figure"], given["period"], given["result"]) == ("c1", "2026-02", "40.00")


def test_a_credit_that_the_bonus_bank_met_says_so_and_so_does_the_bank():
    found = varied("bonus-bank")
    credit, bank = found["2027-03"]["how"]["c1"], found["2027-03"]["how"]["bank"]

    # 4 % of 1,000 less the 30 that were saved at most, 3 % of 1,000
    assert [each["result"] for each in credit["operands"]] == ["40.00", "30.00"]
    assert operands(bank, "left after what it met") == ["30.00", "30.00"]
    assert (credit["result"], bank["result"]) == ("10.00", "0.00")


# --- Any contract -------------------------------------------------------------------------------------------------


@given(
    some.sampled_from(sorted(money.MINOR_UNITS)),
    some.sampled_from(sorted(money.ROUNDINGS)),
    some.lists(some.tuples(prices(), some.integers(0, 100_000)), min_size=1, max_size=6),
)
def test_lines_and_taxes_of_any_prices_are_recomputed(currency: str, mode: str, charged: list[Any]):
    book = contract(currency, mode).book
    made = pricing.lines(book, [price for price, _ in charged], [count for _, count in charged], DAY)

    for line in [*made, *pricing.taxes(book, made, money.Money(Decimal(7), currency), "vat")]:
        assert line.how
        assert recomputed(steps.plain(line.how)) == Fraction(line.amount.amount)


@given(
    some.sampled_from(WITH_CREDITS),
    some.lists(some.tuples(*[some.decimals(0, 100, places=4) | some.none()] * 3), min_size=1, max_size=8),
    some.integers(0, 10**7),
    some.sampled_from(sorted(money.ROUNDINGS)),
)
def test_credits_of_any_figures_and_charges_are_recomputed(name: str, figures: list[Any], cents: int, mode: str):
    agreed, charges = example(name), Decimal(cents).scaleb(-2)
    levels = len(agreed.service_levels)
    rows = [(*row, *row, *row)[:levels] for row in figures]
    months = [replace(month(agreed, n, row, str(charges)), rounding=mode) for n, row in enumerate(rows)]

    for settled in settlement.settle(months):
        for credit in settled.credits:
            assert credit.how
            assert recomputed(steps.plain(credit.how)) == Fraction(credit.amount.amount)
        if settled.saved:
            assert settled.bank is not None
            assert recomputed(steps.plain(settled.saved)) == Fraction(settled.bank.amount)


# --- What people read ---------------------------------------------------------------------------------------------


def test_a_credit_is_worded_with_its_formula_and_its_rounding():
    agreed = example("at-risk")
    [settled] = settlement.settle([month(agreed, 0, ("70", "94"), "1234.56")])
    second = settled.credits[1].how

    # 1,234.56 x 10 % x 50 % x 60 % = 37.0368; 10 % of 1,234.56 less the 24.69 of the first
    assert second
    assert steps.worksheet(second, "2026-01") == [
        "Answered in a minute was missed: 94 % (attained in Answered in a minute, m2) is below 95 % "
        "(expected of Answered in a minute)",
        "Credit for Answered in a minute: 1,234.56 USD (charges) × 10 % (at risk) × 50 % (pool) × 60 % "
        "(weight of Answered in a minute) = 37.0368 USD, rounded half-even to 37.04 USD",
        "cap of the month: 1,234.56 USD (charges) × 10 % (cap) = 123.456 USD, rounded half-even to 123.46 USD",
        "left by the caps for it: 123.46 USD (cap of the month) − 24.69 USD "
        "(credit for Answered in 20 seconds, within the caps) = 98.77 USD",
        "Credit for Answered in a minute, within the caps: the lesser of 37.04 USD (Credit for Answered in a minute) "
        "and 98.77 USD (left by the caps for it) = 37.04 USD",
    ]


def test_a_level_that_owes_nothing_beside_another_says_why():
    client = worked("stacking")
    how = Statements(client)["2026-01"]["how"]["credits"]

    assert [each["result"] for each in how["operands"]] == ["200.00", "40.00", "0.00"]
    assert how["operands"][2]["words"] == "Round trip: no credit, since Availability was missed too"


def test_page_paper_and_command_say_what_an_amount_was_computed_from(capsys: pytest.CaptureFixture[str]):
    client = worked("repeated-misses")
    says = "× 4 % (credit of Answered in 20 seconds) × 1.5 (factor for repeated misses) = 60.00 USD"
    path = f"/clients/{client.slug}/statements/2026-02/"

    def got(what: str) -> bytes:
        rls.enter_every_client()
        with clock.frozen(datetime(2026, 6, 1, tzinfo=UTC)):
            return bytes(signed_in("leader", clear_for=client).get(f"{path}{what}").content)

    page, opened, total = (got(each).decode() for each in ("", "items/c1/", "items/total/"))
    paper = PdfReader(BytesIO(got("statement.pdf")))
    assert page.count("How it was computed") == 6  # a line, the charges, the credit, net, the tax, what is due
    assert says in page and says in opened
    assert "Total due: 940.00 USD (net) + 0.00 USD (Services outside the Union, t1) = 940.00 USD" in total
    assert "No items of its own" in total
    text = " ".join(" ".join(each.extract_text() for each in paper.pages).split())
    assert "How each amount was computed" in text and says in text

    rls.enter_every_client()
    subject = statements.subject(client, "2026-02", "c1", now=LATER)
    _write_items(subject, client.slug, "2026-02")
    assert json.loads(capsys.readouterr().out)["how"]["result"] == "60.00"
    _show_items(subject, "2026-02")
    assert says in capsys.readouterr().out
