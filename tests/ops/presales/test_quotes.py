"""What is left of a contract after its people, and what it risks."""

import math

import pytest

from workfloor.ops.presales import quotes as presales_quotes
from workfloor.ops.simulation.projections import EVERY


def money(**amounts: float) -> dict[tuple[str, str, str], float]:
    return {("money", EVERY, name): amount for name, amount in amounts.items()}


def test_what_is_left_after_people() -> None:
    found = presales_quotes.margin(money(due=1000.0, cost=850.0))

    assert found["money", EVERY, "margin"] == 150
    assert found["money", EVERY, "margin_percent"] == 15


def test_a_month_that_pays_nothing_has_no_percent() -> None:
    assert math.isnan(presales_quotes.margin(money(due=0.0, cost=850.0))["money", EVERY, "margin_percent"])
    assert presales_quotes.margin(money(due=5.0)) == money(due=5.0)


def test_risk_is_how_often_and_the_most_but_for_one_in_twenty() -> None:
    # Twenty months, three of them with credits: the second worst is not exceeded in 19 of 20.
    assert presales_quotes.risk([0.0] * 17 + [30.0, 10.0, 20.0]) == presales_quotes.Risk(15.0, 20.0)
    assert presales_quotes.risk([0.0] * 20) == presales_quotes.Risk(0.0, 0.0)
    with pytest.raises(ValueError, match="no replication"):
        presales_quotes.risk([])
