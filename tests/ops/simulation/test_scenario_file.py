"""Scenario files: what they say, and every fault of a wrong one at its line."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.make import CONTRACT
from workfloor.core.contracts import parsing as contracts_parsing
from workfloor.kit.text import toml
from workfloor.ops.simulation import scenario_file, twin
from workfloor.ops.simulation.scenarios import Past

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SOUND = """\
[scenario]
title = "Two hours"
starts_on = 2026-03-29
zone = "Europe/Lisbon"
lasts = "1d"
warm_up = "1h"

[[queues]]
name = "calls"
requires = { german = 3 }
relax = [{ after = "45s", german = 1 }]
priority = 2
answer_within = "30s"
arrivals = { every = "12h", expected = [12, 24] }
handling = { mean = "1.5 min", deviation = "30s" }
wrap_up = { seconds = [5, 10] }
patience = { mean = "2min" }
retry = { share = "25 %", after = "10min" }

[[groups]]
name = "germans"
agents = 3
skills = { german = 4 }
hours = { sat = ["22:00-06:00"], sun = ["06:00-08:00", "10:00-24:00"] }
cost_per_hour = "21.50"
"""


def read(text: str, **refers):
    return scenario_file.scenario(scenario_file.draft(text), **refers)


def faults(text: str, **refers) -> list[tuple[int, str]]:
    with pytest.raises(toml.Refused) as refused:
        read(text, **refers)
    return [(fault.line, fault.place) for fault in refused.value.faults]


def replaced(old: str, new: str) -> str:
    assert old in SOUND
    return SOUND.replace(old, new)


def test_a_scenario_says_what_arrives_who_is_there_and_how_long():
    scenario = read(SOUND)
    calls, germans = scenario.works[0], scenario.groups[0]

    assert (scenario.horizon, scenario.warm_up, scenario.every) == (86400, 3600, 1800)
    assert calls.rates == (12 / 43200, 24 / 43200)
    assert calls.queue.relax == ((45.0, {"german": 1}),)
    assert calls.target == 30
    assert calls.handling.kind == twin.LOG_NORMAL
    assert calls.wrap_up.values == (5, 10)
    assert (calls.patience.first, calls.retry_share, calls.retry_after) == (120, 0.25, 600)
    assert len(germans.agents) == 3
    assert str(germans.cost_per_hour) == "21.50"


def test_hours_are_local_and_the_night_before_reaches_in():
    # On that Sunday the clocks of Lisbon go forward at one: midnight to six is five hours.
    sessions = read(SOUND).groups[0].agents[0]

    assert sessions == ((0, 7 * 3600), (9 * 3600, 23 * 3600))


def test_who_has_no_hours_is_always_there():
    scenario = read(replaced('hours = { sat = ["22:00-06:00"], sun = ["06:00-08:00", "10:00-24:00"] }\n', ""))

    assert scenario.groups[0].agents[0] == ((0.0, math.inf),)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("german = 4", "germn = 4", "groups[0].skills.germn"),
        ("german = 4", "german = 6", "groups[0].skills.german"),
        ("expected = [12, 24]", "expected = [12, -24]", "queues[0].arrivals.expected[1]"),
        ('every = "12h", expected = [12, 24]', "per_hour = -3", "queues[0].arrivals.per_hour"),
        ('every = "12h", expected = [12, 24]', "", "queues[0].arrivals"),
        ('{ every = "12h"', '{ per_hour = 3, every = "12h"', "queues[0].arrivals"),
        ('every = "12h", ', "", "queues[0].arrivals.every"),
        ("06:00-08:00", "06:00-25:00", "groups[0].hours.sun[0]"),
        ("sat = [", "saturday = [", "groups[0].hours.saturday"),
        ("agents = 3", "agents = 0", "groups[0].agents"),
        ('mean = "2min"', 'mean = "-2min"', "queues[0].patience.mean"),
        ('{ mean = "2min" }', '{ mean = "2min", seconds = [3] }', "queues[0].patience"),
        ("[5, 10]", "[5, -10]", "queues[0].wrap_up.seconds[1]"),
        ('"25 %"', '"125 %"', "queues[0].retry.share"),
        ('after = "10min"', 'after = "0s"', "queues[0].retry.after"),
        ("german = 1 }]", "german = 3 }]", "queues[0].relax[0].german"),
        ("german = 1 }]", "dutch = 0 }]", "queues[0].relax[0].dutch"),
        ('lasts = "1d"', 'lasts = "0s"', "scenario.lasts"),
        ('lasts = "1d"', 'lasts = "400d"', "scenario.lasts"),
        ('warm_up = "1h"', 'warm_up = "24h"', "scenario.warm_up"),
        ('warm_up = "1h"', 'every = "0s"', "scenario.every"),
        ('warm_up = "1h"', 'currency = "EUX"', "scenario.currency"),
        ('warm_up = "1h"', "replications = 1", "scenario.replications"),
        ("Europe/Lisbon", "Europe/Lisboa", "scenario.zone"),
        ("starts_on = 2026-03-29", "starts_on = 0026-03-29", "scenario.starts_on"),
        ("priority = 2", "max_concurrency = 7", "queues[0].max_concurrency"),
        ('"21.50"', '"-1"', "groups[0].cost_per_hour"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(old, new, place):
    text = replaced(old, new)
    line = text[: text.index(new) if new else text.index("arrivals")].count("\n") + 1

    found = faults(text)

    assert place in [where for _, where in found]
    assert len(found) == 1, found
    assert found[0][0] in (line, line + 1)


def test_every_fault_is_listed_at_once():
    text = replaced("german = 4", "dutch = 4").replace("12, 24", "-12, 24").replace("06:00-08:00", "06:00-24:30")

    assert {place for _, place in faults(text)} >= {
        "queues[0].arrivals.expected[0]",
        "groups[0].skills.dutch",
        "groups[0].hours.sun[0]",
    }


def test_work_that_nobody_can_ever_take_is_refused():
    text = replaced('relax = [{ after = "45s", german = 1 }]\n', "").replace("german = 4", "german = 2")

    assert faults(text) == [(9, "queues[0].name")]


def test_what_would_never_end_is_refused():
    text = replaced("expected = [12, 24]", "expected = [9999999, 9999999]").replace('"12h"', '"1s"')
    crowd = replaced("agents = 3", "agents = 100000")

    assert faults(text) == [(5, "scenario.lasts")]
    assert faults(crowd + crowd[crowd.index("[[groups]]") :].replace("germans", "others"))[0][1] == "groups"


def test_without_work_or_people_there_is_nothing_to_simulate():
    head = '[scenario]\ntitle = "Nothing"\nlasts = "1d"\n'

    assert [place for _, place in faults(head)] == ["groups", "queues"]


@pytest.mark.parametrize("text", ["[scenario", "", "x = 1"])
def test_what_is_no_scenario_is_refused(text):
    assert faults(text)


# --- with a contract ---------------------------------------------------------------------------------------------

AGREED_TEXT = CONTRACT.format(slug="lisbon-light")
AGREED = contracts_parsing.read(AGREED_TEXT)
QUEUE = next(iter(AGREED.queues().values()))


def agreed(queues: str = "", more: str = "") -> str:
    skills = ", ".join(f"{skill} = {level}" for skill, level in QUEUE.requires.items())
    head = f'[scenario]\ntitle = "x"\nlasts = "1d"\ncontract = "contract.toml"\n{more}'
    groups = f'\n[[groups]]\nname = "all"\nagents = 2\nskills = {{ {skills} }}\n'
    return head + (queues or f'\n[[queues]]\nname = "{QUEUE.name}"\n') + DEMAND + groups


DEMAND = 'arrivals = { per_hour = 6 }\nhandling = { mean = "1min" }\n'


def test_the_contract_says_who_may_take_the_work():
    scenario = read(agreed(), contract=AGREED)

    assert scenario.works[0].queue.requires == QUEUE.requires
    assert scenario.works[0].target == QUEUE.answer_within_seconds
    assert (scenario.zone, scenario.currency) == (AGREED.zone, AGREED.currency)


def test_what_the_contract_says_is_not_said_again():
    text = agreed(f'\n[[queues]]\nname = "{QUEUE.name}"\npriority = 3\nrequires = {{ x = 1 }}\n', 'currency = "EUR"\n')

    assert {place for _, place in faults(text, contract=AGREED)} == {
        "queues[0].priority",
        "queues[0].requires",
        "scenario.currency",
    }


def test_queues_that_the_contract_lacks_and_longer_than_a_month_are_refused():
    text = agreed('\n[[queues]]\nname = "unheard-of"\n').replace('"1d"', '"40d"')

    assert {place for _, place in faults(text, contract=AGREED)} == {"queues[0].name", "scenario.lasts"}


@pytest.mark.parametrize(
    ("agreed_by", "instead", "word"),
    [
        (
            'measure = "answered-within"\nof = ["calls"]\nthreshold = "20s"\nper = "answered"',
            'measure = "resolved-within"\nof = ["calls"]\nthreshold = "20s"',
            "resolved-within",
        ),
        ('window = "month"', 'window = "quarter"', "window"),
    ],
)
def test_what_a_promise_counts_and_no_simulation_does_is_refused_with_its_word(agreed_by, instead, word):
    assert AGREED_TEXT.count(agreed_by)
    other = contracts_parsing.read(AGREED_TEXT.replace(agreed_by, instead))
    with pytest.raises(toml.Refused) as refused:
        read(agreed(), contract=other)

    [fault] = [each for each in refused.value.faults if each.place == "scenario.contract"]
    assert word in fault.message


def test_what_is_charged_by_disposition_is_refused_not_simulated_as_nothing():
    by_outcome = AGREED_TEXT.replace('unit = "contact"', 'unit = "outcome"\ndispositions = ["resolved"]')

    assert (
        "scenario.contract" in {place for _, place in faults(agreed(), contract=contracts_parsing.read(by_outcome))}
    ) is True
    assert "scenario.contract" not in {place for _, place in faults(agreed("colour = 1"), contract=AGREED)}


def test_a_contract_that_cannot_be_read_is_one_fault():
    draft = scenario_file.draft(agreed())
    draft.refuse("scenario.contract", "is not there")

    with pytest.raises(toml.Refused) as refused:
        scenario_file.scenario(draft)
    assert [fault.place for fault in refused.value.faults] == ["scenario.contract"]


# --- replay --------------------------------------------------------------------------------------------------------

REPLAY = (
    '[scenario]\ntitle = "x"\nlasts = "1d"\nstarts_on = 2026-03-02\ncontract = "c.toml"\n\n[replay]\nevent_log = true\n'
)


def test_what_yields_and_interrupts_comes_from_the_contract_or_from_the_scenario():
    preempts = AGREED_TEXT.replace('answer_within = "20s"', 'answer_within = "20s"\npreempts = true', 1)
    assert any(each.queue.preempts for each in read(agreed(), contract=contracts_parsing.read(preempts)).works)
    assert read(replaced("priority = 2", "priority = 2\npreemptible = true")).works[0].queue.preemptible

    both = replaced("priority = 2", "preemptible = true\npreempts = true")
    assert [place for _, place in faults(both)] == ["queues[0].preemptible"]
    again = agreed(f'\n[[queues]]\nname = "{QUEUE.name}"\npreemptible = true\n')
    assert "queues[0].preemptible" in {place for _, place in faults(again, contract=AGREED)}


def past(hour: int, outcome="answered", agent="A1", queue=QUEUE.name, waited=0.0, handling=60.0) -> Past:
    return Past(queue, datetime(2026, 3, 2, hour, tzinfo=UTC), waited, outcome, handling, 0.0, agent)


def test_past_work_brings_its_arrivals_times_patience_and_people():
    told = [past(9), past(9, agent="A2"), past(10, waited=30.0, handling=90.0), past(11, "abandoned", "", waited=50.0)]

    scenario = read(REPLAY, contract=AGREED, past=told)
    work, group = scenario.works[0], scenario.groups[0]

    assert len(scenario.came) == 4
    assert work.handling.values == (60, 60, 90)
    assert work.patience.first == 80  # 80 seconds waited in all, one who gave up
    assert len(group.agents) == 2
    assert dict(group.skills) == dict(QUEUE.requires)


def test_what_was_not_recorded_in_that_time_is_no_replay():
    late = Past(QUEUE.name, datetime(2026, 4, 2, tzinfo=UTC), 0.0, "answered", 60.0)

    assert [place for _, place in faults(REPLAY, contract=AGREED, past=[late])] == ["replay"]


def test_a_replay_needs_a_contract_and_one_source():
    alone = REPLAY.replace('contract = "c.toml"\n', "")
    half = REPLAY.replace("event_log = true", 'file = "a.csv"')
    none = REPLAY.replace("event_log = true", "event_log = false")
    both = REPLAY.replace("event_log = true", 'event_log = true\nfile = "a.csv"\nmap = "a.toml"')

    assert [place for _, place in faults(alone)] == ["replay"]
    assert [place for _, place in faults(half, contract=AGREED)] == ["replay.map"]
    assert [place for _, place in faults(none, contract=AGREED)] == ["replay"]
    assert [place for _, place in faults(both, contract=AGREED)] == ["replay"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("scenarios/*.toml")), ids=lambda path: path.stem)
def test_every_example_is_sound(path):
    assert read(path.read_text()).works
