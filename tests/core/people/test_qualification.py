"""What a person may do and can: certificates, requirements, locations, and what may be listened to."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.people import qualification

DAY = date(2026, 3, 4)
days = st.dates(date(2020, 1, 1), date(2035, 1, 1))
names = st.sampled_from(["hebrew", "portuguese", "retail-banking"])
levels = st.integers(1, 5)


@st.composite
def certificates(draw):
    start = draw(days)
    length = draw(st.none() | st.integers(0, 1000))
    expires_on = None if length is None else start + timedelta(days=length)
    return qualification.Held(draw(names), draw(levels), start, expires_on, draw(st.booleans()))


def held(skill="hebrew", level=3, start=-10, end=None, revoked=False):
    """A certificate from so many days after DAY until so many days after it."""
    expires_on = None if end is None else DAY + timedelta(days=end)
    return qualification.Held(skill, level, DAY + timedelta(days=start), expires_on, revoked)


@pytest.mark.parametrize(
    ("certificate", "counts"),
    [
        (held(start=0), True),
        (held(start=1), False),
        (held(end=0), True),
        (held(end=-1), False),
        (held(start=0, end=0), True),
        (held(revoked=True), False),
    ],
    ids=["from today", "from tomorrow", "until today", "until yesterday", "for today alone", "revoked"],
)
def test_a_certificate_counts_from_its_first_day_to_its_last(certificate, counts):
    assert qualification.valid(certificate, DAY) is counts


def test_a_person_has_the_highest_level_that_counts_today():
    lapsed, present, lower = held(level=5, end=-1), held(level=4), held(level=2)

    assert qualification.skills([lapsed, present, lower], DAY) == {"hebrew": 4}


@given(st.lists(certificates()), days)
def test_skills_are_just_what_the_counting_certificates_say(owned, day):
    found = qualification.skills(owned, day)

    assert found.keys() == {each.skill for each in owned if qualification.valid(each, day)}
    for skill, level in found.items():
        assert level == max(each.level for each in owned if each.skill == skill and qualification.valid(each, day))


@given(st.lists(certificates()), certificates(), days)
def test_one_more_certificate_never_takes_a_skill_away(owned, another, day):
    before, after = qualification.skills(owned, day), qualification.skills([*owned, another], day)

    assert all(after[skill] >= level for skill, level in before.items())


@given(st.dictionaries(names, levels), st.dictionaries(names, levels))
def test_only_who_meets_every_requirement_qualifies(skills, requires):
    missing = [skill for skill, level in requires.items() if level not in range(1, skills.get(skill, 0) + 1)]

    assert qualification.qualifies(skills, requires) is (missing == [])


def test_work_that_requires_nothing_is_for_everybody():
    assert qualification.qualifies({}, {})


@pytest.mark.parametrize(
    ("topic", "roles", "may"),
    [
        ("person:5", ["agent"], True),
        ("person:6", ["agent", "leader"], False),
        ("client:1", ["client"], True),
        ("client:3", ["manager"], False),
        ("closing:1", ["leader"], True),
        ("closing:3", ["manager"], False),
        ("floor", ["agent"], False),
        ("floor", ["leader"], True),
        ("floor", ["client"], False),
        ("item:1", ["manager"], False),
        ("client:", ["manager"], False),
        ("client:1:2", ["manager"], False),
        ("", ["manager"], False),
        ("*", ["manager"], False),
    ],
)
def test_one_hears_of_oneself_of_ones_clients_and_of_the_floor_that_one_leads(topic, roles, may):
    assert qualification.may_hear(topic, 5, roles, [1, 2]) is may


@given(st.text(), st.sampled_from(qualification.ROLES))
def test_no_other_topic_is_heard(topic, role):
    own = {"person:5", "client:1", "closing:1"} | ({"floor"} if role in {"leader", "planner", "manager"} else set())

    assert topic in own or topic.startswith("floor:") or not qualification.may_hear(topic, 5, [role], [1])
