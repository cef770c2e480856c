"""Which IP addresses are inside somebody's own network: private, loopback, link-local, all that are not public."""

from __future__ import annotations

import errno
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
NAT64 = IPv6Network("64:ff9b::/96")
GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that is given out; beyond it are forms of old, and of local use


class InternalAddress(OSError):
    """A name leads to an internal address, so no connection is made."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "it leads to an address inside our own network")


def is_internal(address: str, allowed: Collection[Network] = ()) -> bool:
    """Whether an address is inside somebody's own network, and in none of these.

    An IPv4 address that is written as one of IPv6 is taken for what it is. True for what is no address.
    """
    try:
        plain = _plain(ip_address(address.partition("%")[0]))
    except ValueError:
        return True
    is_public = plain.is_global and not plain.is_multicast and (plain.version == 4 or plain in GLOBAL_UNICAST)
    return not is_public and not any(plain in network for network in allowed)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def networks(written: Collection[str]) -> tuple[Network, ...]:
    """Networks from their text, such as 10.1.0.0/16 or one address. ValueError names the one that is none."""
    return tuple(ip_network(text.strip(), strict=False) for text in written)
