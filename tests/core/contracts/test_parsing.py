"""The contract file: what is accepted, what is refused and where, and what changed between two."""

import json
import re
import tomllib
from datetime import time
from decimal import Decimal
from pathlib import Path
from time import process_time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workfloor.core.contracts import checks as contracts_checks
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.core.contracts import pricing
from workfloor.core.contracts import terms as contracts_terms
from workfloor.kit.text.toml import Refused

BANK = Path(__file__).parents[3].joinpath("examples", "bank", "contract.toml").read_text("utf-8")

# Every clause of the language once; each test below changes one line of it.
FULL = """\
[contract]
client = "harbour"
title = "Letters and calls"
signed_on = 2025-12-01
starts_on = 2026-01-01
ends_on = 2028-12-31
currency = "EUR"
zone = "Europe/Berlin"
country = "DE"
rounding = "half-up"

[calendars.office]
holidays = "DE-BE"
closed_on = [2026-12-24]
open_on = [2026-05-01]
week = { mon = ["08:00-12:00", "13:30-17:00"], fri = ["22:00-06:00"], sun = ["07:00-24:00"] }

[calendars.manila]
zone = "Asia/Manila"
week = { mon = ["00:00-24:00"] }

[[processes]]
name = "calls"
kind = "inbound-voice"
location = "onshore"
calendar = "office"
dispositions = ["resolved", "wrong-number"]

  [[processes.queues]]
  name = "regular"
  title = "Regular callers"
  requires = { german = 3, port = 2 }
  relax = [{ after = "30s", port = 1 }, { after = "2 min", port = 0 }]
  priority = 2
  answer_within = "20s"
  resolve_within = "4 working hours"
  offer_for = "30 seconds"

[[processes]]
name = "letters"
kind = "email"
location = "offshore"
calendar = "manila"
dispositions = ["answered"]
letter = { opening = "Dear {customer},", closing = "Kind regards, {agent}" }

  [[processes.queues]]
  name = "mail"
  requires = { german = 2 }
  resolve_within = "2h"
  max_concurrency = 4
  reopen_within = "30 days"

[[service_levels]]
name = "Answered"
measure = "answered-within"
of = ["regular"]
threshold = "20s"
per = "offered-less-short-abandons(5s)"
expected = "80 %"
minimum = "75.5%"
window = "month"
weight = "60 %"

[[service_levels]]
name = "Resolved"
measure = "resolved-within"
of = ["mail"]
threshold = "4 working hours"
expected = "95 %"
weight = "40 %"

[[service_levels]]
name = "Wait"
measure = "speed-of-answer"
expected = "25s"
minimum = "1 min"

[[service_levels]]
name = "Given up"
measure = "abandoned"
of = ["regular"]
per = "offered"

[credits]
rule = "at-risk"
at_risk = "12 %"
pool = "150 %"
cap = "10 %"

[[prices]]
title = "Calls"
unit = "contact"
of = ["regular"]
tiers = [{ up_to = 1000, rate = "1.10" }, { rate = "0.98" }]
tiering = "graduated"
minimum = "500.00"

[[prices]]
title = "Letters, minutes"
unit = "minute"
of = ["mail"]
rate = "0.4250"

[[prices]]
title = "Everything that arrives"
unit = "transaction"
counts = "received"
rate = "0.01"

[[prices]]
title = "Desk"
unit = "fixed"
rate = "900"
"""


def refused(text: str) -> list[str]:
    with pytest.raises(Refused) as refusal:
        contracts_parsing.read(text)
    return [f"{fault.line} {fault.place}: {fault.message}" for fault in refusal.value.faults]


def changed(old: str, new: str, text: str = FULL) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def line_of(part: str, text: str = FULL) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_every_clause_becomes_a_typed_term():
    contract = contracts_parsing.read(FULL)

    regular, mail = contract.queues().values()
    assert regular.relax == (contracts_terms.Ring(30, {"port": 1}), contracts_terms.Ring(120, {"port": 0}))
    assert (regular.answer_within_seconds, regular.resolve_within_seconds) == (20, 4 * 3600)
    assert (regular.offer_seconds, mail.offer_seconds, regular.max_concurrency, mail.max_concurrency) == (30, 20, 1, 4)
    assert (mail.title, mail.priority) == ("mail", 0)
    assert contract.calendars["office"].week["fri"] == ((time(22), time(6)),)
    assert contract.calendars["office"].week["sun"] == ((time(7), time(0)),)
    assert [calendar.zone for calendar in contract.calendars.values()] == ["Europe/Berlin", "Asia/Manila"]
    answered, resolved, wait, given_up = contract.service_levels
    assert (answered.per, answered.short_abandon_seconds) == ("offered-less-short-abandons", 5)
    assert (answered.expected, answered.minimum, answered.weight) == (80, Decimal("75.5"), 60)
    assert (resolved.threshold_seconds, resolved.per) == (4 * 3600, None)
    assert (wait.expected, wait.minimum, wait.of) == (25, 60, ("regular", "mail"))
    assert (given_up.per, given_up.expected, given_up.weight) == ("offered", None, None)
    calls, letters, everything, desk = contract.prices
    assert calls.tiers == (pricing.Tier(1000, Decimal("1.10")), pricing.Tier(None, Decimal("0.98")))
    assert [price.counts for price in contract.prices] == ["answered", "handled", "received", None]
    assert (letters.rate, everything.of, desk.of) == (Decimal("0.4250"), ("regular", "mail"), ())


def test_a_signed_file_reads_the_same_without_the_checks():
    assert contracts_parsing.stored(FULL) == contracts_parsing.read(FULL)


def test_the_bank_has_six_queues_and_promises_80_percent_in_20_seconds():
    contract = contracts_parsing.read(BANK)

    assert set(contract.queues()) == {
        "regular",
        "regular-english",
        "internet-support",
        "stock-exchange",
        "prospective",
        "called-back",
    }
    target = contract.service_levels[0]
    assert (target.measure, target.per, target.threshold_seconds, target.expected) == (
        "answered-within",
        "answered",
        20,
        80,
    )
    assert (contract.zone, contract.currency) == ("Asia/Jerusalem", "ILS")


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ('client = "harbour"', 'client = "Harbour Ltd"', "contract.client", "Small letters"),
        ('client = "harbour"', "", "contract.client", "missing"),
        ('title = "Letters and calls"', 'title = ""', "contract.title", "One line of text"),
        ('title = "Letters and calls"', 'title = "a\\u0000b"', "contract.title", "One line of text"),
        ("signed_on = 2025-12-01", 'signed_on = "first of May"', "contract.signed_on", "year-month-day"),
        ('currency = "EUR"', 'currency = "EUX"', "contract.currency", "ISO 4217"),
        ('currency = "EUR"', 'currency = "€"', "contract.currency", "ISO 4217"),
        ('zone = "Europe/Berlin"', 'zone = "CEST"', "contract.zone", "no time zone"),
        ('country = "DE"', 'country = "XX"', "contract.country", "ISO 3166"),
        ('rounding = "half-up"', 'rounding = "half-odd"', "contract.rounding", "half-even"),
        ('holidays = "DE-BE"', 'holidays = "DE-ZZ"', "calendars.office.holidays", "DE-ZZ"),
        ('"08:00-12:00", ', '"8-12", ', "calendars.office.week.mon[0]", "From and until"),
        ('"08:00-12:00", ', '"08:00-25:00", ', "calendars.office.week.mon[0]", "From and until"),
        ('"08:00-12:00", ', '"08:00-14:00", ', "calendars.office.week.mon[1]", "overlaps"),
        ('fri = ["22', 'fry = ["22', "calendars.office.week.fry", "Did you mean fri"),
        ("[calendars.manila]", "[calendars.Manila]", "calendars.Manila", "Small letters"),
        ('kind = "inbound-voice"', 'kind = "voice"', "processes[0].kind", "inbound-voice"),
        ('calendar = "office"', 'calendar = "offices"', "processes[0].calendar", "there is office, manila"),
        ('"resolved", "wrong-number"', "", "processes[0].dispositions", "empty"),
        ('"wrong-number"', '"resolved"', "processes[0].dispositions[1]", "twice"),
        ('name = "mail"', 'name = "regular"', "processes[1].queues[0].name", "twice"),
        ("german = 3", "german = 6", "processes[0].queues[0].requires.german", "at most 5"),
        ("german = 3", "german = 0", "processes[0].queues[0].requires.german", "at least 1"),
        ("german = 3", "german = true", "processes[0].queues[0].requires.german", "not understood"),
        ("port = 1 }", "port = 4 }", "processes[0].queues[0].relax[0].port", "only lower"),
        (", port = 1 }", " }", "processes[0].queues[0].relax[0]", "too little"),
        ("max_concurrency = 4", "max_concurrency = 7", "processes[1].queues[0].max_concurrency", "1 for a call"),
        (
            "max_concurrency = 4",
            'max_concurrency = 4\nsticky_for = "2 h"',
            "processes[1].queues[0].sticky_for",
            "Seconds or minutes",
        ),
        (
            "max_concurrency = 4",
            'max_concurrency = 4\npreemptible = "yes"',
            "processes[1].queues[0].preemptible",
            "not understood",
        ),
        (
            "max_concurrency = 4",
            "max_concurrency = 4\npreemptible = true\npreempts = true",
            "processes[1].queues[0].preemptible",
            "contradicts preempts",
        ),
        ('offer_for = "30 seconds"', "preemptible = true", "processes[0].queues[0].preemptible", "on the line"),
        ('resolve_within = "2h"', 'resolve_within = "2 days"', "processes[1].queues[0].resolve_within", "Days"),
        ('of = ["regular"]\nthreshold', 'of = ["regula"]\nthreshold', "service_levels[0].of[0]", "no queue regula"),
        ('threshold = "20s"\n', "", "service_levels[0].threshold", "missing"),
        ('(5s)"', '"', "service_levels[0].per", "share of"),
        ('expected = "80 %"', "expected = 0.8", "service_levels[0].expected", "percent"),
        ('expected = "80 %"', 'expected = "180 %"', "service_levels[0].expected", "more than all"),
        ('minimum = "75.5%"', 'minimum = "80.1 %"', "service_levels[0].minimum", "harder target"),
        ('minimum = "1 min"', 'minimum = "20s"', "service_levels[2].minimum", "harder target"),
        ('weight = "60 %"', 'weight = "59 %"', "service_levels[0].weight", "99 %, not 100 %"),
        ('window = "month"', 'window = "fortnight"', "service_levels[0].window", "day or week"),
        ('weight = "60 %"', 'exclude = ["x"]', "service_levels[0].exclude[0]", "force-majeure"),
        ('measure = "abandoned"', 'measure = "satisfaction"', "service_levels[3].measure", "not executed yet"),
        ('measure = "abandoned"', 'measure = "volume"', "service_levels[3].per", "means nothing here"),
        ('rule = "at-risk"', 'rule = "shared"', "credits.rule", "Known here: at-risk, fixed, linear, points"),
        ('cap = "10 %"', 'cap = "10 %"\nallocation = "3 %"', "credits.allocation", "not executed yet"),
        ('cap = "10 %"', 'cap = "10 %"\nper_point = "3 %"', "credits.per_point", "belongs to another rule"),
        ('unit = "minute"', 'unit = "pass-through"', "prices[1].rate", "with mark_up"),
        ('at_risk = "12 %"', 'at_risk = "120 %"', "credits.at_risk", "at most 100 %"),
        ('rate = "0.4250"', "rate = 0.425", "prices[1].rate", "in quotes"),
        ('rate = "0.4250"', 'rate = "-1"', "prices[1].rate", "digits and a point"),
        ('unit = "minute"', 'unit = "agent-hour"\ncounts = "done"', "prices[1].counts", "both sides approved"),
        ('unit = "minute"', 'unit = "minute"\ncounts = "received"', "prices[1].counts", "handled, talk"),
        ("up_to = 1000, ", "", "prices[0].tiers[0]", "only the last tier"),
        ('{ rate = "0.98" }', '{ up_to = 9, rate = "1" }, { rate = "0.98" }', "prices[0].tiers[1].up_to", "overlaps"),
        ('tiering = "graduated"\n', "", "prices[0].tiering", "missing"),
        ('minimum = "500.00"', 'minimum = "500.001"', "prices[0].minimum", "2 decimals"),
        ('rate = "900"', 'rate = "900"\nminimum = "1"', "prices[3].minimum", "its own minimum"),
        ("[credits]", "[credit]", "credit", "Did you mean credits"),
        (
            "Dear {customer}",
            "Dear {name}",
            "processes[1].letter.opening",
            "nothing fills in {name}; there is {customer}",
        ),
        (
            'reopen_within = "30 days"',
            'reopen_within = "a month"',
            "processes[1].queues[0].reopen_within",
            "a day is 24",
        ),
    ],
)
def test_a_faulty_clause_is_refused_at_its_place_and_line(old, new, place, says):
    text = changed(old, new)

    found = [one for one in refused(text) if f" {place}: " in one]
    assert len(found) == 1, refused(text)
    assert says in found[0]
    assert found[0].startswith(f"{expected_line(text, old, new, place)} ")


def expected_line(text: str, old: str, new: str, place: str) -> int:
    """Where the change is; what is missing is looked for where it should stand, at the head of its table."""
    clause = re.fullmatch(r"(\w+)(?:\[(\d+)\])?\.\w+", place)
    if new or not clause:
        added = [n for n, one in enumerate(text.split("\n"), 1) if place.split(".")[-1].split("[")[0] in one]
        first = line_of(old)
        return min((n for n in added if n >= first), default=first)
    head = f"[[{clause[1]}]]" if clause[2] else f"[{clause[1]}]"
    lines = [n for n, one in enumerate(text.split("\n"), 1) if one == head]
    return lines[int(clause[2] or 0)] if "dispositions" not in place else line_of(old)


def test_all_faults_of_a_file_come_at_once_in_the_order_of_its_lines():
    text = FULL
    for old, new in [
        ('country = "DE"', 'country = "XX"\nfrobnicate = 1'),
        ('calendar = "office"', 'calendar = "none"'),
        ("german = 3", "german = 9"),
        ('weight = "40 %"', 'weight = "50 %"'),
        ('{ rate = "0.98" }', '{ up_to = 5, rate = "0.98" }, { rate = "0.5" }'),
        ('currency = "EUR"', 'currency = "XYZ"'),
        ('zone = "Europe/Berlin"', 'zone = "Nowhere"'),
    ]:
        text = changed(old, new, text)

    found = refused(text)
    assert [re.split(r"[ :]", one)[1] for one in found] == [
        "contract.currency",
        "contract.zone",
        "contract.country",
        "contract.frobnicate",
        "processes[0].calendar",
        "processes[0].queues[0].requires.german",
        "service_levels[0].weight",
        "prices[0].tiers[1].up_to",
    ]
    lines = [int(one.split()[0]) for one in found]
    assert lines == sorted(lines)


def test_one_mistake_is_one_fault():
    assert len(refused(changed('weight = "60 %"', 'weight = "lots"'))) == 1
    assert len(refused(changed('name = "regular"', 'name = "Regular!"'))) == 1
    assert len(refused(changed("starts_on = 2026-01-01", "starts_on = 1"))) == 1
    assert len(refused(FULL.replace("[contract]", "[contact]"))) == 2  # unknown, and the known one missing
    assert len(refused(FULL.replace("calendars.", "calendar."))) == 2


fragments = st.sampled_from([part for part in re.split(r"(\s+|[=,\[\]{}\"])", FULL + BANK) if part])
junk = st.one_of(fragments, st.text(max_size=5), st.sampled_from(["nan", "inf", "9" * 30, "\x00", "[[", "'''", "-1"]))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(FULL)), st.integers(0, 12), junk)
@example(0, len(FULL), "")
def test_a_damaged_file_is_read_or_refused_but_never_brings_the_reader_down(at, length, put):
    damaged = FULL[:at] + put + FULL[at + length :]
    try:
        contract = contracts_parsing.read(damaged)
    except Refused as refusal:
        faults = refusal.faults
    else:
        assert contracts_checks.check(contract) == []
        return
    assert faults
    assert all(1 <= fault.line <= damaged.count("\n") + 1 and fault.message for fault in faults)


# The schema


def plain(text: str) -> object:
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_long_texts_of_spaces_are_refused_in_good_time():
    prices = "".join(f'[[prices]]\ntitle = "{" " * 1900}x"\nunit = "fixed"\nrate = "{n}"\n' for n in range(400))
    started = process_time()

    assert len(refused(FULL + prices)) == 400
    assert process_time() - started < 10


def test_the_guide_shows_a_contract_that_could_be_signed():
    guide = Path(__file__).parents[3].joinpath("docs", "guide", "contract.md").read_text("utf-8")

    (shown,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert contracts_parsing.read(shown).client == "harbour"


# Clauses that contradict each other, in the small contracts of examples/contracts
