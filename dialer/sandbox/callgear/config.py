"""What can be chosen of the sandbox's CallGear: limits, components, keys, and its client area."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from dialer.sandbox.callgear.office import Office
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.world import World

BASIC_SET = "Call API Basic set"
CALL_MANAGEMENT = "Call API Call management"
INFORMER_CALLS = "Call API Informer calls"
CALL_SCENARIO = "Call API Call scenario"
NUMBER_MANAGEMENT = "Automatic number management"


class CallGearConfig(SharedConfig):
    """The config keys that only CallGear has."""

    points_per_minute: Annotated[int, Field(ge=0)] = Field(3000, description="CallGear points in a minute.")
    points_per_day: Annotated[int, Field(ge=0)] = Field(100_000, description="CallGear points in a day.")
    start_points: Annotated[int, Field(ge=0)] = Field(1, description="Points of a CallGear method that starts a call.")
    method_points: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="Points a CallGear method costs, where that is another number."
    )
    window_offset: Annotated[float, Field(ge=0, lt=60)] = Field(
        17.0, description="Seconds of its current minute that have passed when the sandbox starts."
    )
    tts_limit: Annotated[int, Field(gt=0)] = Field(1000, description="Longest text CallGear speaks, in characters.")
    components: frozenset[str] = Field(
        frozenset({BASIC_SET, CALL_MANAGEMENT, INFORMER_CALLS, CALL_SCENARIO, NUMBER_MANAGEMENT}),
        description="CallGear components that are switched on.",
    )
    expired_tokens: frozenset[str] = Field(frozenset({"expired-key"}), description="CallGear keys past their time.")
    forbidden_tokens: frozenset[str] = Field(
        frozenset({"forbidden-key"}), description="CallGear keys of users without the right to call through the API."
    )
    blocked_tokens: frozenset[str] = Field(frozenset({"blocked-key"}), description="CallGear keys that are blocked.")
    inactive_accounts: frozenset[str] = Field(frozenset(), description="CallGear accounts that are disabled, by name.")
    latest_version: str | None = Field(
        None, description="Newest CallGear version; given, the replies say that v4.0 is on its way out."
    )
    help_url: str | None = Field(
        None, description="Where CallGear has pages about its errors; given, `extended_helper` links to them."
    )
    office: Office = Field(Office(), description="The CallGear client area: employees, scenarios, tags, talk options.")
    notify_url: str | None = Field(None, description="Where CallGear's notifications go; absent, none are sent.")
    notify_templates: dict[str, str] = Field(
        default_factory=dict, description="CallGear's notification templates, by event; an event without one is silent."
    )
    shown_talking: Annotated[int, Field(ge=0)] = Field(
        2, description="How many of CallGear's lists show an answered call before it is gone, at a speed above 1."
    )
    report_seconds: Annotated[float, Field(ge=0)] = Field(
        3.0, description="Sandbox seconds until an ended call is in CallGear's Data API."
    )


CallGearWorld: TypeAlias = World[CallGearConfig]
