"""Acme as the registry knows it."""

from __future__ import annotations

from dialer.providers.spec import ProviderSpec

from .provider import Acme
from .settings import AcmeSettings

ACME = ProviderSpec(name="acme", title="Acme", settings=AcmeSettings, build=Acme, key_setting="api_key")
