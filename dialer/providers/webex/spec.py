"""Webex Connect as the registry knows it."""

from __future__ import annotations

from dialer.providers.spec import ProviderSpec
from dialer.providers.webex.provider import Webex
from dialer.providers.webex.settings import WebexSettings

WEBEX = ProviderSpec(
    name="webex",
    title="Webex Connect",
    settings=WebexSettings,
    build=Webex,
    key_setting="service_key",
)
