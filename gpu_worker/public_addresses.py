"""Which IP addresses belong to the public internet: images are fetched from these and no others.

What the standard library calls global is not enough: it lets multicast pass, the forms of IPv6
that carry an IPv4 address inside, behind which a private one can hide, and some more by its age.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

#: Global by the tables of some Python, yet nobody's web server: protocols of the IETF (at
#: 192.0.0.192 Oracle answers its own virtual machines), 6to4 relays, multicast, reserved, and where
#: Azure answers its own.
REFUSED_V4 = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
    )
)
#: All that is handed out for the internet so far. Not in it are NAT64 (64:ff9b::/96 and
#: 64:ff9b:1::/48), IPv4-mapped and -compatible addresses, and whatever is local or multicast.
GLOBAL_UNICAST_V6 = ip_network("2000::/3")
#: Within that: protocols of the IETF with Teredo among them, documentation, 6to4.
REFUSED_V6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def is_public(address: str) -> bool:
    """`address` is what a resolver answered; one that cannot be read is not public."""
    try:
        read = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(read) if isinstance(read, IPv4Address) else _is_public_v6(read)


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    return (
        address.is_global
        and address in GLOBAL_UNICAST_V6
        and not any(address in network for network in REFUSED_V6)
    )
