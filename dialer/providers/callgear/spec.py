"""CallGear as the registry knows it. Its client is imported when an account is opened: settings need none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dialer.providers.call_management import CallManagement, CallManager
from dialer.providers.callgear.notifications import EVENTS, template
from dialer.providers.callgear.settings import CallGearSettings
from dialer.providers.callgear.words import leg_state
from dialer.providers.provider import Provider
from dialer.providers.spec import Clock, ProviderSpec

REMEDIES: Mapping[str, str] = {
    "invalid_state": "see where the call stands: dialer call list",
    "call_session_not_found": "see the calls in progress: dialer call list",
    "forbidden": "what the client area records always cannot be stopped from here",
    "leg_not_found": "see the legs: dialer call list",
    "talk_option_not_found": "see the keys: dialer call talk-options",
    "tag_not_found": "the ids of tags stand in the provider's client area",
}


def _build(settings: CallGearSettings, now: Clock) -> Provider:
    from dialer.providers.callgear.provider import CallGear

    return CallGear(settings, now)


def _live_calls(carry: Callable[[Any], Any]) -> CallManager:
    from dialer.providers.callgear.face import CarriedMethods

    return CarriedMethods(carry)


CALLGEAR = ProviderSpec(
    name="callgear",
    title="CallGear",
    settings=CallGearSettings,
    build=_build,
    key_setting="access_token",
    metered=True,
    management=CallManagement(
        live_calls=_live_calls, remedies=REMEDIES, already_blocked="duplicate_contact", leg_state=leg_state
    ),
    notification_templates={event: (title, template(event)) for event, (title, _) in EVENTS.items()},
)
