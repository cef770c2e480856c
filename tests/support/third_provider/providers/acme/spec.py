"""Acme as the registry knows it."""

from __future__ import annotations

from dialer.providers.spec import Clock, ProviderSpec

from .provider import Acme
from .settings import AcmeSettings


def _build(settings: AcmeSettings, _now: Clock) -> Acme:
    return Acme(settings)


ACME = ProviderSpec(name="acme", title="Acme", settings=AcmeSettings, build=_build, key_setting="api_key")
