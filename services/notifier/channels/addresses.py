"""Which addresses of the network webhooks may go to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self, TypeAlias
from urllib.parse import urlsplit

from libs.problems import CannotStart

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Written out, because `ipaddress` cannot be asked: in Python 3.11 `is_private` is
# False for 100.64.0.1, and `is_global` is True for 224.0.0.1 and 64:ff9b::7f00:1.
DENIED: Sequence[Network] = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
        "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
"""IANA's special purposes, and what hides an IPv4 address inside an IPv6 one."""


def is_public(address: Address) -> bool:
    """Says whether an address belongs to the public internet."""
    return not any(address in network for network in DENIED)


def literal(host: str) -> Address | None:
    """Reads an address that is spelled properly; None for a name or an odd spelling."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_name(host: str) -> bool:
    """Says whether a host is written as a name may be."""
    return _NAME.fullmatch(host) is not None


class AllowanceMalformed(CannotStart):
    """An entry of the allowed addresses cannot be read."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the operator allowed: a network or a name, on one port or on all."""

    place: Network | str
    port: int | None

    @classmethod
    def read(cls, entry: str) -> Self:
        """Reads `network`, `host` or `host:port`."""
        try:
            return cls(ip_network(entry), None)
        except ValueError:
            pass
        host, port = _host_and_port(entry)
        address = literal(host)
        if address is None and not is_name(host):
            raise AllowanceMalformed(
                f"NOTIFIER_EGRESS_ALLOW: {entry!r} is neither host:port, nor a host, nor a "
                "network like 10.20.0.0/16."
            )
        return cls(host if address is None else ip_network(address), port)

    def covers(self, host: str | Address, port: int) -> bool:
        """Says whether a name, or an address, on a port is meant."""
        if self.port not in (None, port):
            return False
        if isinstance(self.place, str) or isinstance(host, str):
            return self.place == host
        return host in self.place


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """Takes an entry apart; what cannot be taken apart has no host."""
    try:
        parts = urlsplit(f"//{entry}")
        port = parts.port
    except ValueError:
        return "", None
    alone = parts.netloc == entry and parts.username is None
    return (parts.hostname or "" if alone else ""), port
