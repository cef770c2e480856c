"""The hosts that our web servers answer to; another one may be a name that a stranger's page makes lead here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from workers.settings import Settings

A_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s/?#@:\[\]\\]+)(:[0-9]{1,5})?")  # and a port
THIS_MACHINE = ("localhost", "localhost.localdomain", "ip6-localhost")


def answers_to(host_header: str, settings: Settings) -> bool:
    """Whether a request with this Host header is ours: for an IP address, this machine, or a host of the settings."""
    host = _name(f"//{host_header}") if A_HOST.fullmatch(host_header) else None
    return host is not None and (_is_address(host) or host in _own_hosts(settings))


def _own_hosts(settings: Settings) -> Collection[str | None]:
    console = settings.console
    named = (console.host, settings.flower.host, *console.hosts)
    return {*THIS_MACHINE, *(name.lower() for name in named), _name(console.public_url or "")}


def _name(url: str) -> str | None:
    """The host of a URL in lower case, without a port and a final point."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host.rstrip(".") if host else None


def _is_address(host: str) -> bool:
    """Whether it is written as an IP address, which no name server can make lead elsewhere."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
