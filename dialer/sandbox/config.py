"""How a sandbox behaves: where it listens, how fast its clock runs, which limits and faults it has."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dialer.sandbox.callgear.office import Office

Probability = Annotated[float, Field(ge=0, le=1)]

BASIC_SET = "Call API Basic set"
CALL_MANAGEMENT = "Call API Call management"
INFORMER_CALLS = "Call API Informer calls"
CALL_SCENARIO = "Call API Call scenario"
NUMBER_MANAGEMENT = "Automatic number management"


class SandboxConfig(BaseModel):
    """Everything about a sandbox that can be chosen; all but `host`, `port` and `seed` can change while it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="Port to listen on; 0 takes a free one.")
    seed: int | None = Field(None, description="Makes chance repeatable; absent, every run differs.")
    speed: Annotated[float, Field(gt=0, le=100_000)] = Field(1.0, description="Sandbox seconds in a real second.")

    points_per_minute: Annotated[int, Field(ge=0)] = Field(3000, description="CallGear points in a minute.")
    points_per_day: Annotated[int, Field(ge=0)] = Field(100_000, description="CallGear points in a day.")
    method_points: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="Points a CallGear method costs, where that is not 1."
    )
    window_offset: Annotated[float, Field(ge=0, lt=60)] = Field(
        17.0, description="Seconds of its current minute that have passed when the sandbox starts."
    )
    tts_limit: Annotated[int, Field(gt=0)] = Field(1000, description="Longest text CallGear speaks, in characters.")
    webex_tps: Annotated[int, Field(ge=0)] = Field(50, description="Webex requests in a second.")

    shuffle: Probability = Field(0.0, description="Chance of a receipt to come late, after those that follow it.")
    duplicate: Probability = Field(0.0, description="Chance of a receipt to come twice.")
    loss: Probability = Field(0.0, description="Chance of a receipt never to come.")
    receipt_timeout: Annotated[float, Field(gt=0)] = Field(10.0, description="Real seconds to wait for a notify URL.")
    latency: Annotated[float, Field(ge=0)] = Field(0.0, description="Real seconds that every reply takes.")
    late_seconds: Annotated[float, Field(ge=0)] = Field(60.0, description="Real seconds that a late reply takes.")

    whitelist: tuple[IPv4Network | IPv6Network, ...] = Field(
        (IPv4Network("0.0.0.0/0"), IPv6Network("::/0")), description="Networks that may use the APIs."
    )
    components: frozenset[str] = Field(
        frozenset({BASIC_SET, CALL_MANAGEMENT, INFORMER_CALLS, CALL_SCENARIO, NUMBER_MANAGEMENT}),
        description="CallGear components that are switched on.",
    )
    account_active: bool = Field(True, description="Whether the accounts are in good standing.")
    expired_tokens: frozenset[str] = Field(frozenset({"expired-key"}), description="CallGear keys past their time.")
    forbidden_tokens: frozenset[str] = Field(
        frozenset({"forbidden-key"}), description="CallGear keys of users without the right to call through the API."
    )
    inactive_accounts: frozenset[str] = Field(frozenset(), description="CallGear accounts that are disabled, by name.")
    latest_version: str | None = Field(
        None, description="Newest CallGear version; given, the replies say that v4.0 is on its way out."
    )
    office: Office = Field(Office(), description="The CallGear client area: employees, scenarios, tags, talk options.")
    blocked_tokens: frozenset[str] = Field(frozenset({"blocked-key"}), description="CallGear keys that are blocked.")

    omit: Probability = Field(0.0, description="Chance of a Webex receipt to lack fields that may be missing.")
    hub_secret: str | None = Field(None, description="Secret under which Webex receipts are signed; absent, unsigned.")
    notify_url: str | None = Field(None, description="Where CallGear's notifications go; absent, none are sent.")
    notify_templates: dict[str, str] = Field(
        default_factory=dict, description="CallGear's notification templates, by event; an event without one is silent."
    )
    report_seconds: Annotated[float, Field(ge=0)] = Field(
        3.0, description="Sandbox seconds until an ended call is in CallGear's Data API."
    )

    log_size: Annotated[int, Field(gt=0)] = Field(100_000, description="Calls remembered; the oldest go first.")

    def admits(self, ip: str) -> bool:
        """Whether the whitelist lets this address in."""
        return any(ip_address(ip) in network for network in self.whitelist)


class BadConfig(ValueError):
    """A config file that cannot be used; the message says where and why."""


def load_config(file: Path | None, **chosen: object) -> SandboxConfig:
    """The config of a YAML file, if one is given, under what else was chosen. Raises BadConfig."""
    try:
        written = yaml.safe_load(file.read_text("utf-8")) if file else {}
    except OSError as exc:
        raise BadConfig(f"{file}: {exc.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise BadConfig(f"{file}: {' '.join(str(exc).split())}") from None
    if not isinstance(written, dict | None):
        raise BadConfig(f"{file}: keys and values are expected, as in tts_limit: 500")
    try:
        return SandboxConfig.model_validate({**(written or {}), **chosen})
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors())
        raise BadConfig(f"{file or 'options'}: {'; '.join(faults)}") from None
