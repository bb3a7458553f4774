"""Network addresses of whoever asks, and what of one counts as a network."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def plain(written: str) -> str:
    """An address as it is; in IPv4's own form where a door for both kinds has it in IPv6's (::ffff:192.0.2.1)."""
    found = _address(written)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped) if mapped else written


def network(written: str, *, bits_of_4: int, bits_of_6: int) -> str:
    """The network around an address, by how many leading bits of either kind; empty for what is no address."""
    found = _address(plain(written))
    if found is None:
        return ""
    return str(ip_network((found, bits_of_4 if found.version == 4 else bits_of_6), strict=False))


def no_networks(written: Iterable[str]) -> list[str]:
    """Those that name neither an address nor a network; one with bits set beyond its mask names none."""
    return [each for each in written if not _is_network(each)]


def is_public(written: str) -> bool:
    """Whether an address lies in the public internet, by itself: no address of one's own, and none that hides another.

    What carries an address of the other kind (6to4, NAT64) may lead anywhere, so it is none.
    """
    found = _address(plain(written))
    if found is None or found.is_multicast or found.is_reserved or not found.is_global:
        return False
    return not isinstance(found, IPv6Address) or not (found.is_site_local or found.sixtofour or found.teredo)


def is_in(written: str, networks: Iterable[str]) -> bool:
    """Whether an address lies in one of these networks."""
    found = _address(plain(written))
    return found is not None and any(found in ip_network(each) for each in networks)


def _address(written: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(written)
    except ValueError:
        return None


def _is_network(written: str) -> bool:
    try:
        ip_network(written)
    except ValueError:
        return False
    return True
