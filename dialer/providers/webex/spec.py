"""Webex Connect as the registry knows it. Its client is imported when an account is opened: settings need none."""

from __future__ import annotations

from dialer.providers.provider import Provider
from dialer.providers.spec import Clock, ProviderSpec
from dialer.providers.webex.settings import WebexSettings


def _build(settings: WebexSettings, now: Clock) -> Provider:
    from dialer.providers.webex.provider import Webex

    return Webex(settings, now)


WEBEX = ProviderSpec(
    name="webex",
    title="Webex Connect",
    settings=WebexSettings,
    build=_build,
    key_setting="service_key",
)
