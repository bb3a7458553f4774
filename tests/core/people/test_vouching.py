"""Who took a second person on cannot be both: until somebody else vouches, the two count as one where two are asked."""

import pytest

from tests import make
from workfloor.core.access import actors, permissions
from workfloor.core.people import actions as people
from workfloor.core.people.models import Person


@pytest.fixture
def olga(everyone) -> Person:
    """A manager who administers, too, and was taken on by the installation's root."""
    return make.person("administrator", "manager", name="Olga")


def taken_on(by: Person, name: str, *roles: str) -> Person:
    return people.hire(name=name, roles=list(roles) or ["manager"], by=by, now=make.NINE)


def approve(by: Person, *, proposed_by: Person) -> None:
    permissions.admit(by, "periods.approve", already=[proposed_by.id])


def test_nobody_approves_what_they_proposed_as_somebody_whom_they_took_on(olga):
    marta = taken_on(olga, "Marta")

    for by, proposed_by in ((marta, olga), (olga, marta)):
        with pytest.raises(permissions.Refused, match="took the other on"):
            approve(by, proposed_by=proposed_by)


def test_nor_by_way_of_a_third_whom_they_took_on(olga):
    between = taken_on(olga, "Between", "administrator", "manager")
    marta = taken_on(between, "Marta")

    with pytest.raises(permissions.Refused, match="took the other on"):
        approve(marta, proposed_by=olga)


def test_once_somebody_else_has_vouched_they_are_two(olga):
    marta, teresa = taken_on(olga, "Marta"), make.person("manager", name="Teresa")

    people.vouch(person=marta, by=teresa, now=make.NINE)

    approve(Person.objects.get(id=marta.id), proposed_by=olga)
    approve(olga, proposed_by=marta)


def test_the_root_of_the_installation_can_vouch(olga):
    marta = taken_on(olga, "Marta")

    people.vouch(person=marta, by=actors.ROOT, now=make.NINE)

    approve(olga, proposed_by=marta)


def test_nobody_vouches_for_themselves_or_for_whom_they_took_on_or_through_a_third(olga):
    marta, between = taken_on(olga, "Marta"), taken_on(olga, "Between", "administrator", "manager")

    for by in (marta, olga, between):
        with pytest.raises(permissions.Refused, match="Somebody else vouches"):
            people.vouch(person=marta, by=by, now=make.NINE)


def test_two_whom_the_same_administrator_took_on_are_two(olga):
    approve(taken_on(olga, "Marta"), proposed_by=taken_on(olga, "Teresa"))


def test_nobody_need_vouch_for_whom_the_root_took_on(olga):
    with pytest.raises(permissions.Refused, match="Nobody need vouch"):
        people.vouch(person=olga, by=make.person("manager", name="Teresa"), now=make.NINE)
