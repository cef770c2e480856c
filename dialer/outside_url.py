"""Addresses of programs of others, as people write them: checked before anything is sent there."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from dialer.errors import DialerError
from dialer.internal_networks import Network, is_internal

LONGEST = 2000
ENDS_IN_A_NUMBER = re.compile(r"(^|\.)(\d+|0x[\da-f]*)$")  # which systems read as an IPv4 address: 2130706433, 127.1
IN_BRACKETS = re.compile(r"([^@]*@)?\[")


class BadOutsideUrl(DialerError):
    """The text is no address to which messages can be sent."""


def check_outside_url(url: str, allowed: Collection[Network] = ()) -> None:
    """Raise BadOutsideUrl for what is no address, or leads into our own network by what it says itself.

    Where a name leads is seen when a message is sent.
    """
    host = check_form(url)
    if _leads_inside(host, allowed):
        remedy = f'if you trust it: webhooks.internal_networks = ["{host}"] in the settings'
        raise BadOutsideUrl(f"{host} is inside our own network", remedy)


def check_form(url: str) -> str:
    """The host of an address, in ASCII. Raises BadOutsideUrl for what is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = host.encode("idna").decode().lower().removesuffix(".")
    except ValueError:
        raise BadOutsideUrl("that is no address", "write one such as https://example.org/hooks/dialer") from None
    if parts.scheme not in ("https", "http") or not host or len(url) > LONGEST or not url.isprintable() or " " in url:
        raise BadOutsideUrl("that is no address", "write one such as https://example.org/hooks/dialer")
    if parts.username is not None or parts.password is not None:
        raise BadOutsideUrl("the address has a password in it", "leave it out: each message is signed")
    if parts.fragment:
        raise BadOutsideUrl("the address has a #fragment, which is never sent", "leave it out")
    is_number = IN_BRACKETS.match(parts.netloc) or ENDS_IN_A_NUMBER.search(name)
    if port == 0 or (is_number and not _is_ip_address(name)):
        raise BadOutsideUrl("that is no address", "write an IP address as 192.0.2.1 or [2001:db8::1], or a name")
    return name


def _leads_inside(host: str, allowed: Collection[Network]) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return all(is_internal(address, allowed) for address in ("127.0.0.1", "::1"))
    return _is_ip_address(host) and is_internal(host, allowed)


def _is_ip_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def origin_of(url: str) -> str:
    """The server of an address: scheme, host and port, in lower case."""
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc}"


def question_salt(url: str) -> str:
    """The salt of the secret by which questions to this server are signed."""
    return f"before_dial {origin_of(url)}"


def public_part(url: str) -> str:
    """The address without its query, which may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
