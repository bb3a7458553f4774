"""The contract file: what is accepted, what is refused and where, and what changed between two."""

import json
import re
import tomllib
from datetime import time
from decimal import Decimal
from pathlib import Path
from time import monotonic

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workfloor.core.contracts import forms, rules
from workfloor.core.contracts.forms import Refused

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
  at_once = 4
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
        forms.read(text)
    return [f"{fault.line} {fault.place}: {fault.message}" for fault in refusal.value.faults]


def changed(old: str, new: str, text: str = FULL) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def line_of(part: str, text: str = FULL) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_every_clause_becomes_a_typed_term():
    contract = forms.read(FULL)

    regular, mail = contract.queues().values()
    assert regular.relax == (rules.Ring(30, {"port": 1}), rules.Ring(120, {"port": 0}))
    assert (regular.answer_within_seconds, regular.resolve_within_seconds) == (20, 4 * 3600)
    assert (regular.offer_seconds, mail.offer_seconds, regular.at_once, mail.at_once) == (30, 20, 1, 4)
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
    assert calls.tiers == (rules.Tier(1000, Decimal("1.10")), rules.Tier(None, Decimal("0.98")))
    assert [price.counts for price in contract.prices] == ["answered", "handled", "received", None]
    assert (letters.rate, everything.of, desk.of) == (Decimal("0.4250"), ("regular", "mail"), ())


def test_a_signed_file_reads_the_same_without_the_checks():
    assert forms.stored(FULL) == forms.read(FULL)


def test_the_bank_has_six_queues_and_promises_80_percent_in_20_seconds():
    contract = forms.read(BANK)

    assert set(contract.queues()) == {
        "regular", "regular-english", "internet-support", "stock-exchange", "prospective", "called-back",
    }  # fmt: skip
    promise = contract.service_levels[0]
    assert (promise.measure, promise.per, promise.threshold_seconds, promise.expected) == (
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
        ("at_once = 4", "at_once = 7", "processes[1].queues[0].at_once", "1 for a call"),
        ("at_once = 4", 'at_once = 4\nkeep_for = "2 h"', "processes[1].queues[0].keep_for", "Seconds or minutes"),
        ("at_once = 4", 'at_once = 4\nyields = "yes"', "processes[1].queues[0].yields", "not understood"),
        (
            "at_once = 4",
            "at_once = 4\nyields = true\ninterrupts = true",
            "processes[1].queues[0].yields",
            "contradicts interrupts",
        ),
        ('offer_for = "30 seconds"', "yields = true", "processes[0].queues[0].yields", "on the line"),
        ('resolve_within = "2h"', 'resolve_within = "2 days"', "processes[1].queues[0].resolve_within", "Days"),
        ('of = ["regular"]\nthreshold', 'of = ["regula"]\nthreshold', "service_levels[0].of[0]", "no queue regula"),
        ('threshold = "20s"\n', "", "service_levels[0].threshold", "missing"),
        ('(5s)"', '"', "service_levels[0].per", "share of"),
        ('expected = "80 %"', "expected = 0.8", "service_levels[0].expected", "percent"),
        ('expected = "80 %"', 'expected = "180 %"', "service_levels[0].expected", "more than all"),
        ('minimum = "75.5%"', 'minimum = "80.1 %"', "service_levels[0].minimum", "promises more"),
        ('minimum = "1 min"', 'minimum = "20s"', "service_levels[2].minimum", "promises more"),
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
        contract = forms.read(damaged)
    except Refused as refusal:
        faults = refusal.faults
    else:
        assert rules.check(contract) == []
        return
    assert faults
    assert all(1 <= fault.line <= damaged.count("\n") + 1 and fault.message for fault in faults)


# The schema


def plain(text: str) -> object:
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_the_schema_is_draft_2020_12_and_accepts_the_examples_as_any_validator_reads_it():
    schema = forms.schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    validator = jsonschema.Draft202012Validator(schema)
    for text in (FULL, BANK):
        assert list(validator.iter_errors(plain(text))) == []


def nodes(schema: object, path: str = "") -> list[tuple[str, dict]]:
    if not isinstance(schema, dict):
        return []
    found = [(f"{path}.{key}", one) for key, one in schema.get("properties", {}).items()]
    return found + [
        one for key, inner in {**schema.get("$defs", {}), **dict(found)}.items() for one in nodes(inner, key)
    ]


def test_every_key_of_the_schema_says_what_it_means_and_shows_an_example():
    schema = forms.schema()
    described = nodes({key: one for key, one in schema.items() if key != "allOf"})

    assert len(described) > 60
    for path, node in described:
        target = schema["$defs"][node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else {}
        assert {"title", "description", "examples"} <= {*node, *target}, path


def test_every_example_of_the_schema_satisfies_it():
    schema = forms.schema()
    for path, node in nodes({key: one for key, one in schema.items() if key != "allOf"}):
        validator = jsonschema.Draft202012Validator({**node, "$defs": schema["$defs"]})
        for shown in node.get("examples", []):
            assert list(validator.iter_errors(shown)) == [], path


def test_long_texts_of_spaces_are_refused_in_good_time():
    prices = "".join(f'[[prices]]\ntitle = "{" " * 1900}x"\nunit = "fixed"\nrate = "{n}"\n' for n in range(400))
    started = monotonic()

    assert len(refused(FULL + prices)) == 400
    assert monotonic() - started < 10


def test_the_reference_tells_every_key_of_the_schema_and_is_up_to_date():
    written = Path(__file__).parents[3].joinpath("docs", "guide", "contract-reference.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([a-z_]+)` \|", written, re.MULTILINE))

    assert written == forms.reference(), (
        "workfloor contract schema --format markdown > docs/guide/contract-reference.md"
    )
    tables = [one for one in forms.schema()["$defs"].values() if "properties" in one]
    assert told >= {key for one in [*tables, forms.schema()["properties"]["contract"]] for key in one["properties"]}


# What changed


def words(old: str, new: str) -> list[str]:
    return [str(change) for change in forms.changes(forms.read(FULL), forms.read(changed(old, new)))]


def test_a_file_does_not_differ_from_itself_nor_from_other_words_for_the_same():
    assert forms.changes(forms.read(FULL), forms.read(FULL)) == []
    assert words('resolve_within = "2h"', 'resolve_within = "120 minutes"') == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ends_on = 2028-12-31", "ends_on = 2030-12-31", "Contract: ends on: 2028-12-31 becomes 2030-12-31"),
        ('"13:30-17:00"', '"13:00-24:00"', "Calendar office: week mon: 08:00-12:00, 13:30-17:00 becomes "
         "08:00-12:00, 13:00-24:00"),
        (', "wrong-number"', "", "Process calls: dispositions: resolved, wrong-number becomes resolved"),
        ("german = 3", "german = 4", "Queue regular: requires german: 3 becomes 4"),
        ('answer_within = "20s"', "", "Queue regular: answer within: 20 s becomes nothing"),
        ('reopen_within = "30 days"', "", "Queue mail: reopen within: 720 h becomes 336 h"),
        ("regards, {agent}", "regards", "Process letters: letter closing: Kind regards, {agent} becomes Kind regards"),
        ("2 min", "90s", "Queue regular: relax: after 30 s port 1, after 2 min port 0 becomes "
         "after 30 s port 1, after 90 s port 0"),
        ('expected = "80 %"', 'expected = "82.5 %"', "Service level “Answered”: expected: 80 % becomes 82.5 %"),
        ('expected = "25s"', 'expected = "30s"', "Service level “Wait”: expected: 25 s becomes 30 s"),
        ('cap = "10 %"', 'cap = "12 %"', "Credits: cap: 10 % becomes 12 %"),
        ('rate = "0.98"', 'rate = "0.95"', "Price “Calls”: tiers: up to 1000 at 1.10, beyond at 0.98 becomes "
         "up to 1000 at 1.10, beyond at 0.95"),
        ('minimum = "500.00"', "", "Price “Calls”: minimum: 500.00 becomes nothing"),
        ('title = "Desk"', 'title = "Service desk"', "Price “Desk”: taken out"),
        ('title = "Desk"', 'title = "Service desk"', "Price “Service desk”: added"),
        ("at_once = 4", 'at_once = 4\n[[processes.queues]]\nname = "fax"\nrequires = {}', "Queue fax: added"),
        ("at_once = 4", 'at_once = 4\nkeep_for = "2 min"', "Queue mail: keep for: nothing becomes 2 min"),
        ("at_once = 4", "at_once = 4\nyields = true", "Queue mail: yields: nothing becomes yes"),
        ("letter = {", 'keep_clear = ["account"]\nletter = {', "Process letters: keep clear: nothing becomes account"),
    ],
)  # fmt: skip
def test_each_change_is_said_in_words(old, new, says):
    assert says in words(old, new)


def test_the_guide_shows_a_contract_that_could_be_signed():
    guide = Path(__file__).parents[3].joinpath("docs", "guide", "contract.md").read_text("utf-8")

    (shown,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert forms.read(shown).client == "harbour"


# Clauses that contradict each other, in the small contracts of examples/contracts

EXAMPLES = Path(__file__).parents[3] / "examples" / "contracts"


@pytest.mark.parametrize(
    ("name", "old", "new", "place", "says"),
    [
        ("stacking", 'cap = "34 %"', 'cap = "19 %"', "service_levels[0].credit",
         "20 % is more than credits.cap (19 %) ever lets through."),
        ("points-from-a-table", 'cap = "10 %"', 'cap = "9 %"', "credits.table[5].credit",
         "10 % is more than credits.cap (9 %) ever lets through."),
        ("earn-back", 'within = "2 months", ', "", "credits.earn_back.within",
         'is missing: credits.earn_back has no window; write one, such as within = "3 months".'),
        ("baseline", 'rate = "2.00"\n', "", "prices[0].rate", "is missing: prices[0].baseline is charged at it."),
        ("baseline", 'reduced = "1.50"', 'reduced = "2.60"', "prices[0].baseline.reduced",
         "gives back more than the 2.00 that was charged."),
        ("baseline", ', additional = "1.80"', "", "prices[0].baseline.additional", "is missing."),
        ("taxes", 'tax = "exempt"', 'tax = "luxury"', "prices[1].tax",
         "there is no tax luxury; there is standard, exempt."),
        ("taxes", 'tax = "exempt"\n', "", "prices[1].tax", "is missing: name one of standard, exempt."),
        ("taxes", 'cap = "50 %"\ntax = "standard"\n', 'cap = "50 %"\n', "credits.tax",
         "is missing: name the tax whose base credits lessen: standard, exempt."),
        ("taxes", 'rate = "0 %"', 'rate = "5 %"', "taxes.exempt.rate",
         "category E is never charged; its rate is 0 %."),
        ("taxes", 'category = "S"', 'category = "X"', "taxes.standard.category",
         "X is an unknown value. Known here: S, Z, E, AE, K, G, O, L, M."),
        ("indexed", 'indexed_by = "cola"', 'indexed_by = "wages"', "prices[0].indexed_by",
         "there is no indexation wages; there is cola, cpi."),
        ("indexed", "from = 2028-01-01", "from = 2026-01-01", "indexation.cpi.values[1].from",
         "must be later than 2027-01-01."),
        ("stacking", '"Time to repair"]', '"Time to fly"]', "service_levels[2].not_with[1]",
         "there is no other service level Time to fly."),
        ("stacking", 'credit = "4 %"', 'credit = "4 %"\nnot_with = ["Round trip"]', "service_levels[1].not_with[0]",
         "service_levels[2].not_with names this one too: if both were missed, neither would be owed."),
        ("stacking", 'credit = "4 %"', 'weight = "4 %"', "service_levels[1].weight",
         "means nothing where credits.rule is fixed; it belongs to at-risk."),
        ("ramp-up", 'minimum = "1000.00"\n', "", "prices[0].ramp_up",
         "nothing here is committed; a ramp-up lowers a minimum, a baseline, an agreed quantity or a fixed amount."),
        ("ramp-up", 'quantity = "12.5"\n', "", "prices[1].quantity", "is missing."),
        ("outcomes", '["resolved"]\nrate', '["paid"]\nrate', "prices[0].dispositions[0]",
         "no process of its queues has a disposition paid."),
        ("repeated-misses", "{ months = 3,", "{ months = 2,", "credits.repeat[1].months",
         "must be more than 2, of the row before it."),
        ("earn-back", "misses = 2", "misses = 4", "termination[0].misses",
         "4 months do not fit into termination[0].within (3 months)."),
        ("earn-back", 'short_of = "expected"', 'short_of = "minimum"', "termination[0].of[0]",
         "Answered in 20 seconds has no minimum to be short of; see service_levels[0].minimum."),
        ("ratchet", 'expected = "95 %"\n', "", "service_levels[0].ratchet",
         "needs expected: there is no promise to move."),
        ("linear", 'per_point = "1 %"\n', "", "credits.per_point", "is missing."),
        ("targets", "from = 2026-05-15", "from = 2026-02-15", "service_levels[0].targets[1].from",
         "must be later than service_levels[0].targets[0].from."),
        ("targets", 'minimum = "75 %"', 'minimum = "85 %"', "service_levels[0].targets[0]",
         "the minimum (85 %) promises more than expected (80 %)."),
        ("targets", 'expected = "70 %"\n', "", "service_levels[0].targets",
         "needs service_levels[0].expected, which holds until the first of them."),
        ("exclusions", '[[forecasts]]\nof = ["calls"]\nfrom = 2026-01-01\n'
         "week = { mon = 20, tue = 20, wed = 20, thu = 20, fri = 20, sat = 0 }\n", "", "service_levels[0].exclude",
         "there is no forecast of calls: write it under [[forecasts]]."),
        ("exclusions", ', "volume-above-forecast(115 %)"', "", "forecasts[0]",
         'has no effect: no service level of its queues has exclude = ["volume-above-forecast(...)"].'),
        ("exclusions", "from = 2026-01-01", "from = 2026-01-01\nmonth = 9", "forecasts[0]",
         "needs either month or week."),
        ("exclusions", "[credits]", '[[forecasts]]\nof = ["calls"]\nfrom = 2025-12-31\nmonth = 5\n[credits]',
         "forecasts[1].from", "must be later than forecasts[0].from, of the same queues."),
        ("hours", 'hours = "office"', 'hours = "nights"', "service_levels[0].hours",
         "there is no calendar nights; there is office."),
        ("availability", '["maintenance"]', '["volume-above-forecast(115 %)"]', "service_levels[0].exclude",
         "volume-above-forecast leaves out items; availability counts time."),
        ("availability", 'measure = "availability"', 'measure = "backlog-older-than"\nthreshold = "2d"',
         "service_levels[0].exclude", "means nothing here. It looks at what is open, whenever it came in."),
        ("windows", 'window = "quarter"', 'window = "quarter"\nratchet = { after = "12 months" }',
         "service_levels[1].ratchet", "counts months; take it out, or make the window a month."),
        ("windows", 'cap = "50 %"', 'cap = "50 %"\nearn_back = { within = "2 months" }', "credits.earn_back.within",
         "is shorter than the quarter of service_levels[1].window: nothing ever comes back."),
        ("windows", "[credits]", '[[termination]]\ntitle = "Leave"\nof = ["In the quarter"]\nmisses = 2\n'
         'within = "3 months"\nshort_of = "expected"\n[credits]', "termination[0].of[0]",
         "In the quarter is judged by the quarter: 2 do not fit into termination[0].within."),
        ("currencies", 'currency = "USD"\nminimum', 'currency = "GBP"\nminimum', "prices[0].currency",
         "no rate is agreed for GBP: write [currencies.GBP], or take it out."),
        ("currencies", "[currencies.USD]", "[currencies.USX]", "currencies.USX", "USX is no currency of ISO 4217."),
        ("currencies", "[currencies.USD]", "[currencies.EUR]", "currencies.EUR",
         "EUR is the contract's own currency; take it out."),
        ("currencies", "from = 2026-01-01", "from = 2026-01-02", "currencies.USD.rates[0].from",
         "the contract starts on 2026-01-01, before the first rate holds."),
        ("currencies", "from = 2026-04-01", "from = 2026-01-01", "currencies.USD.rates[1].from",
         "must be later than 2026-01-01."),
        ("deliveries", 'mark_up = "5 %"', 'rate = "2.00"', "prices[1].rate",
         "means nothing here. Costs are charged as they are, with mark_up."),
        ("deliveries", 'rate = "24.50"\n', "", "prices[0]", "needs either a rate or tiers."),
        ("bonus-bank", 'bank = "3 %"\n', "", "credits.bank", "is missing: service_levels[0].bonus pays into it."),
        ("bonus-bank", 'better_than = "90 %"', 'better_than = "79 %"', "service_levels[0].bonus.better_than",
         "must promise no less than service_levels[0].expected; see there."),
    ],
)  # fmt: skip
def test_clauses_that_contradict_are_refused_with_both_places_named(name, old, new, place, says):
    text = changed(old, new, EXAMPLES.joinpath(f"{name}.toml").read_text("utf-8"))

    assert f"{place}: {says}" in [one.split(" ", 1)[1] for one in refused(text)]


def test_what_is_beyond_one_of_two_bands_is_beyond_the_lesser():
    text = EXAMPLES.joinpath("exclusions.toml").read_text("utf-8")
    (level,) = forms.read(changed('"client-outage", ', '"volume-above-forecast(120 %)", ', text)).service_levels

    assert (level.exclude, level.above_forecast) == (("force-majeure",), 115)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("baseline", 'dead_band = "10 %"', 'dead_band = "5 %"', "Price “Servers”: baseline: quantity 1000, additional "
         "1.80, reduced 1.50, dead band 10 %, reduced factor 0.8 becomes quantity 1000, additional 1.80, reduced 1.50, "
         "dead band 5 %, reduced factor 0.8"),
        ("taxes", 'rate = "23 %"', 'rate = "24 %"', "Tax standard: rate: 23 becomes 24"),
        ("earn-back", "misses = 2", "misses = 3", "Termination “Notice under clause 14”: misses: 2 becomes 3"),
        ("currencies", 'rate = "0.92"', 'rate = "0.93"', "Currency USD: rates: starts on 2026-01-01, rate 0.92, "
         "starts on 2026-04-01, rate 0.875 becomes starts on 2026-01-01, rate 0.93, starts on 2026-04-01, rate 0.875"),
        ("exclusions", "(115 %)", "(120 %)",
         "Service level “Answered in 20 seconds”: above forecast: 115 % becomes 120 %"),
        ("windows", '"quarter"', '"year"', "Service level “In the quarter”: window: quarter becomes year"),
        ("indexed", 'yearly = "3 %"', 'yearly = "2 %"', "Indexation cola: yearly: 3 % becomes 2 %"),
        ("ratchet-capped", 'max_step = "10 %"', 'max_step = "20 %"', "Service level “Answered in 20 seconds”: ratchet: "
         "after months 12, max step 10 % becomes after months 12, max step 20 %"),
        ("earn-back", 'within = "2 months", ', 'within = "3 months", ', "Credits: earn back: within months 2, "
         "except months 11, 12 becomes within months 3, except months 11, 12"),
    ],
)  # fmt: skip
def test_changes_of_the_wider_clauses_are_said_in_words_too(name, old, new, says):
    text = EXAMPLES.joinpath(f"{name}.toml").read_text("utf-8")

    assert says in [str(one) for one in forms.changes(forms.read(text), forms.read(changed(old, new, text)))]
