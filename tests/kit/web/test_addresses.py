"""Addresses as they are counted: one visitor is one address, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfloor.kit.web import addresses


@given(st.ip_addresses(v=4))
def test_an_address_that_came_through_a_door_for_both_kinds_is_the_same(address):
    assert addresses.plain(f"::ffff:{address}") == str(address)
    assert addresses.plain(str(address)) == str(address)


@given(st.ip_addresses(v=6).filter(lambda each: not each.ipv4_mapped), st.integers(0, 128))
def test_a_network_holds_its_address(address, bits):
    found = addresses.network(str(address), bits_of_4=32, bits_of_6=bits)

    assert found.endswith(f"/{bits}")
    assert addresses.network(found.partition("/")[0], bits_of_4=32, bits_of_6=bits) == found


@pytest.mark.parametrize("written", ["", "unknown", "198.51.100", "198.51.100.7:80", "[2001:db8::1]", "x" * 10_000])
def test_what_is_no_address_is_in_no_network_and_stays_as_it_is(written):
    assert addresses.network(written, bits_of_4=24, bits_of_6=48) == ""
    assert addresses.plain(written) == written


def test_what_names_no_network_is_told():
    right = ["10.0.0.5", "10.0.0.0/8", "::1", "2001:db8::/32"]

    assert addresses.no_networks([*right, "10.0.0.5/8", "proxy", "*", ""]) == ["10.0.0.5/8", "proxy", "*", ""]
