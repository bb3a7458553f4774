"""Clauses that are each well-formed and contradict one another."""

from pathlib import Path

import pytest

from tests.core.contracts.test_parsing import changed, refused
from workfloor.core.contracts import parsing as contracts_parsing

EXAMPLES = Path(__file__).parents[3] / "examples" / "contracts"


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "says"),
    [
        (
            "stacking",
            'cap = "34 %"',
            'cap = "19 %"',
            "service_levels[0].credit",
            "20 % is more than credits.cap (19 %) ever lets through.",
        ),
        (
            "points-from-a-table",
            'cap = "10 %"',
            'cap = "9 %"',
            "credits.table[5].credit",
            "10 % is more than credits.cap (9 %) ever lets through.",
        ),
        (
            "earn-back",
            'within = "2 months", ',
            "",
            "credits.earn_back.within",
            'is missing: credits.earn_back has no window; write one, such as within = "3 months".',
        ),
        ("baseline", 'rate = "2.00"\n', "", "prices[0].rate", "is missing: prices[0].baseline is charged at it."),
        (
            "baseline",
            'reduced = "1.50"',
            'reduced = "2.60"',
            "prices[0].baseline.reduced",
            "gives back more than the 2.00 that was charged.",
        ),
        ("baseline", ', additional = "1.80"', "", "prices[0].baseline.additional", "is missing."),
        (
            "taxes",
            'tax = "exempt"',
            'tax = "luxury"',
            "prices[1].tax",
            "there is no tax luxury; there is standard, exempt.",
        ),
        ("taxes", 'tax = "exempt"\n', "", "prices[1].tax", "is missing: name one of standard, exempt."),
        (
            "taxes",
            'cap = "50 %"\ntax = "standard"\n',
            'cap = "50 %"\n',
            "credits.tax",
            "is missing: name the tax whose base credits lessen: standard, exempt.",
        ),
        ("escalations", 'before = "30 min"', "", "escalations[0].before", "is missing: at-risk needs it."),
        (
            "escalations",
            'words = ["lawyer", "see you in court"]',
            'customers = ["C-1"]\nwords = ["lawyer"]',
            "escalations[2].customers",
            "has no effect: word does not look at it. Take it out.",
        ),
        (
            "escalations",
            'dispositions = ["complaint"]\n\n',
            'dispositions = ["angry"]\n\n',
            "escalations[1].dispositions[0]",
            "no process ends with angry.",
        ),
        (
            "escalations",
            'timeout = "3 min"',
            "",
            "escalations[3].steps[0].timeout",
            'is missing: after which time is the next told? Such as "10 min".',
        ),
        (
            "escalations",
            'email = "quality@escalations.example"',
            'timeout = "1 h"',
            "escalations[1].steps[1].timeout",
            "has no effect: nobody is told after the last step. Take it out.",
        ),
        (
            "escalations",
            'dispositions = ["complaint"]\n\n',
            'dispositions = ["complaint"]\nmail = "never"\n\n',
            "escalations[1].mail",
            "keeps it from the client, who is told by mail alone.",
        ),
        (
            "escalations",
            "quality@escalations.example",
            "quality",
            "escalations[1].steps[1].email",
            "quality is no mail address.",
        ),
        (
            "escalations",
            '"A lawyer is mentioned"',
            '"Complaint"',
            "escalations[2].title",
            "Complaint is there twice; the first is at escalations[1].title.",
        ),
        ("taxes", 'rate = "0 %"', 'rate = "5 %"', "taxes.exempt.rate", "category E is never charged; its rate is 0 %."),
        (
            "taxes",
            'category = "S"',
            'category = "X"',
            "taxes.standard.category",
            "X is an unknown value. Known here: S, Z, E, AE, K, G, O, L, M.",
        ),
        (
            "indexed",
            'indexed_by = "cola"',
            'indexed_by = "wages"',
            "prices[0].indexed_by",
            "there is no indexation wages; there is cola, cpi.",
        ),
        (
            "indexed",
            "from = 2028-01-01",
            "from = 2026-01-01",
            "indexation.cpi.values[1].from",
            "must be later than 2027-01-01.",
        ),
        (
            "stacking",
            '"Time to repair"]',
            '"Time to fly"]',
            "service_levels[2].not_with[1]",
            "there is no other service level Time to fly.",
        ),
        (
            "stacking",
            'credit = "4 %"',
            'credit = "4 %"\nnot_with = ["Round trip"]',
            "service_levels[1].not_with[0]",
            "service_levels[2].not_with names this one too: if both were missed, neither would be owed.",
        ),
        (
            "stacking",
            'credit = "4 %"',
            'weight = "4 %"',
            "service_levels[1].weight",
            "means nothing where credits.rule is fixed; it belongs to at-risk.",
        ),
        (
            "ramp-up",
            'minimum = "1000.00"\n',
            "",
            "prices[0].ramp_up",
            "nothing here is committed; a ramp-up lowers a minimum, a baseline, an agreed quantity or a fixed amount.",
        ),
        ("ramp-up", 'quantity = "12.5"\n', "", "prices[1].quantity", "is missing."),
        (
            "outcomes",
            '["resolved"]\nrate',
            '["paid"]\nrate',
            "prices[0].dispositions[0]",
            "no process of its queues has a disposition paid.",
        ),
        (
            "repeated-misses",
            "{ months = 3,",
            "{ months = 2,",
            "credits.repeat[1].months",
            "must be more than 2, of the row before it.",
        ),
        (
            "earn-back",
            "misses = 2",
            "misses = 4",
            "termination[0].misses",
            "4 months do not fit into termination[0].within (3 months).",
        ),
        (
            "earn-back",
            'short_of = "expected"',
            'short_of = "minimum"',
            "termination[0].of[0]",
            "Answered in 20 seconds has no minimum to be short of; see service_levels[0].minimum.",
        ),
        (
            "ratchet",
            'expected = "95 %"\n',
            "",
            "service_levels[0].ratchet",
            "needs expected: there is no target to move.",
        ),
        ("linear", 'per_point = "1 %"\n', "", "credits.per_point", "is missing."),
        (
            "targets",
            "from = 2026-05-15",
            "from = 2026-02-15",
            "service_levels[0].targets[1].from",
            "must be later than service_levels[0].targets[0].from.",
        ),
        (
            "targets",
            'minimum = "75 %"',
            'minimum = "85 %"',
            "service_levels[0].targets[0]",
            "the minimum (85 %) is a harder target than expected (80 %).",
        ),
        (
            "targets",
            'expected = "70 %"\n',
            "",
            "service_levels[0].targets",
            "needs service_levels[0].expected, which holds until the first of them.",
        ),
        (
            "exclusions",
            '[[forecasts]]\nof = ["calls"]\nfrom = 2026-01-01\n'
            "week = { mon = 20, tue = 20, wed = 20, thu = 20, fri = 20, sat = 0 }\n",
            "",
            "service_levels[0].exclude",
            "there is no forecast of calls: write it under [[forecasts]].",
        ),
        (
            "exclusions",
            ', "volume-above-forecast(115 %)"',
            "",
            "forecasts[0]",
            'has no effect: no service level of its queues has exclude = ["volume-above-forecast(...)"].',
        ),
        (
            "exclusions",
            "from = 2026-01-01",
            "from = 2026-01-01\nmonth = 9",
            "forecasts[0]",
            "needs either month or week.",
        ),
        (
            "exclusions",
            "[credits]",
            '[[forecasts]]\nof = ["calls"]\nfrom = 2025-12-31\nmonth = 5\n[credits]',
            "forecasts[1].from",
            "must be later than forecasts[0].from, of the same queues.",
        ),
        (
            "hours",
            'hours = "office"',
            'hours = "nights"',
            "service_levels[0].hours",
            "there is no calendar nights; there is office.",
        ),
        (
            "availability",
            '["maintenance"]',
            '["volume-above-forecast(115 %)"]',
            "service_levels[0].exclude",
            "volume-above-forecast leaves out items; availability counts time.",
        ),
        (
            "availability",
            'measure = "availability"',
            'measure = "backlog-older-than"\nthreshold = "2d"',
            "service_levels[0].exclude",
            "means nothing here. It looks at what is open, whenever it came in.",
        ),
        (
            "windows",
            'window = "quarter"',
            'window = "quarter"\nratchet = { after = "12 months" }',
            "service_levels[1].ratchet",
            "counts months; take it out, or make the window a month.",
        ),
        (
            "windows",
            'cap = "50 %"',
            'cap = "50 %"\nearn_back = { within = "2 months" }',
            "credits.earn_back.within",
            "is shorter than the quarter of service_levels[1].window: nothing ever comes back.",
        ),
        (
            "windows",
            "[credits]",
            '[[termination]]\ntitle = "Leave"\nof = ["In the quarter"]\nmisses = 2\n'
            'within = "3 months"\nshort_of = "expected"\n[credits]',
            "termination[0].of[0]",
            "In the quarter is judged by the quarter: 2 do not fit into termination[0].within.",
        ),
        (
            "currencies",
            'currency = "USD"\nminimum',
            'currency = "GBP"\nminimum',
            "prices[0].currency",
            "no rate is agreed for GBP: write [currencies.GBP], or take it out.",
        ),
        ("currencies", "[currencies.USD]", "[currencies.USX]", "currencies.USX", "USX is no currency of ISO 4217."),
        (
            "currencies",
            "[currencies.USD]",
            "[currencies.EUR]",
            "currencies.EUR",
            "EUR is the contract's own currency; take it out.",
        ),
        (
            "currencies",
            "from = 2026-01-01",
            "from = 2026-01-02",
            "currencies.USD.rates[0].from",
            "the contract starts on 2026-01-01, before the first rate holds.",
        ),
        (
            "currencies",
            "from = 2026-04-01",
            "from = 2026-01-01",
            "currencies.USD.rates[1].from",
            "must be later than 2026-01-01.",
        ),
        (
            "deliveries",
            'mark_up = "5 %"',
            'rate = "2.00"',
            "prices[1].rate",
            "means nothing here. Costs are charged as they are, with mark_up.",
        ),
        ("deliveries", 'rate = "24.50"\n', "", "prices[0]", "needs either a rate or tiers."),
        ("bonus-bank", 'bank = "3 %"\n', "", "credits.bank", "is missing: service_levels[0].bonus pays into it."),
        (
            "bonus-bank",
            'better_than = "90 %"',
            'better_than = "79 %"',
            "service_levels[0].bonus.better_than",
            "must be no easier than service_levels[0].expected; see there.",
        ),
    ],
)
def test_clauses_that_contradict_are_refused_with_both_places_named(name, old, new, place, says):
    text = changed(old, new, EXAMPLES.joinpath(f"{name}.toml").read_text("utf-8"))

    assert f"{place}: {says}" in [one.split(" ", 1)[1] for one in refused(text)]


def test_what_is_beyond_one_of_two_bands_is_beyond_the_lesser():
    text = EXAMPLES.joinpath("exclusions.toml").read_text("utf-8")
    (level,) = contracts_parsing.read(
        changed('"client-outage", ', '"volume-above-forecast(120 %)", ', text)
    ).service_levels

    assert (level.exclude, level.above_forecast) == (("force-majeure",), 115)
