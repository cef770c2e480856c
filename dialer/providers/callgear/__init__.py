"""CallGear, also sold as UIS, CoMagic and Novofon: the Call API v4.0.

`Client` and `AsyncClient` are the API as a library; campaigns use the provider under them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dialer.providers.callgear.params import BadParameter
from dialer.providers.callgear.starting import Employee

if TYPE_CHECKING:
    from dialer.providers.callgear.client import AsyncClient, Client

__all__ = ["AsyncClient", "BadParameter", "Client", "Employee"]


def __getattr__(name: str) -> Any:
    """The clients, when asked for: they stand on `dialer.session`, which itself stands on the providers."""
    if name in {"AsyncClient", "Client"}:
        from dialer.providers.callgear import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
