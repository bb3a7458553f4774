"""Who may do what: every permission with every role, and what one person may not do twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.core.access import actors, permissions

CLIENT, OTHER_CLIENT, TEAM, OTHER_TEAM = 1, 2, 10, 11


class Somebody:
    """A person as permissions see one: cleared for CLIENT, leading TEAM."""

    acts_as = ""

    def __init__(self, *roles, number=7):
        self.name, self.roles, self.person_id, self.client_id = "Ana", roles, number, None

    def may_enter(self, client_id):
        return client_id == CLIENT

    def is_made_up_with(self, others):
        return False

    def leads(self, team_id):
        return team_id == TEAM


def refusal(by, permission, **more):
    try:
        permissions.admit(by, permission, **more)
    except permissions.Refused as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("role", permissions.ROLES)
@pytest.mark.parametrize("name", permissions.PERMISSIONS)
def test_a_role_opens_what_the_table_says_and_nothing_else(name, role):
    wanted = permissions.PERMISSIONS[name]

    said = refusal(Somebody(role), name, client_id=CLIENT, team=TEAM)

    assert (said is None) == (role in wanted.roles)
    takes = "that takes the role" if wanted.roles else "the root of the installation at the machine"
    assert said is None or takes in said


@given(st.sampled_from(list(permissions.PERMISSIONS)), st.sets(st.sampled_from(list(permissions.ROLES))))
def test_more_roles_never_open_less(name, roles):
    every = Somebody(*permissions.ROLES)

    assert permissions.may(every, name) or not permissions.may(Somebody(*roles), name)


def test_no_role_passes_a_clients_wall():
    every = Somebody(*permissions.ROLES, *permissions.OUTSIDE)

    for name, wanted in permissions.PERMISSIONS.items():
        if wanted.scope == "client":
            assert "not cleared" in refusal(every, name, client_id=OTHER_CLIENT)


def test_a_leader_certifies_their_own_team_and_a_manager_everybody():
    leader = Somebody("leader")

    assert refusal(leader, "people.certify", team=TEAM) is None
    assert "leaders only of their own team" in refusal(leader, "people.certify", team=OTHER_TEAM)
    assert "leaders only of their own team" in refusal(leader, "people.certify", team=None)
    assert refusal(Somebody("manager"), "people.certify", team=None) is None
    assert permissions.may(leader, "people.certify")


def test_whoever_did_the_other_part_does_not_do_this_one():
    manager = Somebody("manager", number=7)

    assert "somebody else does this one" in refusal(manager, "periods.approve", client_id=CLIENT, already=[7])
    assert "somebody else does this one" in refusal(manager, "periods.approve", client_id=CLIENT, already=[manager])
    assert refusal(manager, "periods.approve", client_id=CLIENT, already=[8, None]) is None


def test_the_root_of_the_installation_does_all_but_what_somebody_answers_for_by_name():
    for name, wanted in permissions.PERMISSIONS.items():
        said = refusal(actors.ROOT, name, client_id=CLIENT, team=TEAM)
        assert (said is None) == (not wanted.takes_a_person)


def test_each_duty_that_is_kept_apart_names_another_duty_and_is_somebodys_by_name():
    for wanted in permissions.PERMISSIONS.values():
        if wanted.apart_from:
            assert wanted.apart_from in permissions.PERMISSIONS
            assert wanted.takes_a_person


def test_what_is_somebodys_own_is_theirs_alone_and_those_who_lead_need_not_have_it_in_hand():
    agent, leader = Somebody("agent"), Somebody("leader")

    for name in ("work.handle", "conversations.reply", "conversations.note"):
        assert refusal(agent, name, own=True) is None
        assert refusal(agent, name, own=False) == "This is not with you any more."
    assert refusal(leader, "conversations.note", own=False, client_id=CLIENT) is None
    assert "that takes the role agent" in refusal(leader, "work.handle", own=True)


def test_a_clients_system_and_a_customer_do_what_the_table_names_them_for_and_nothing_else():
    for by, role in ((actors.CUSTOMER, "customer"), (actors.system("the shop", CLIENT), "system")):
        opened = {name for name in permissions.PERMISSIONS if refusal(by, name, client_id=CLIENT) is None}
        assert opened == {each.name for each in permissions.PERMISSIONS.values() if role in each.roles}
        assert "work.send-in" in opened
    assert "not cleared" in refusal(actors.system("the shop", CLIENT), "work.send-in", client_id=OTHER_CLIENT)
