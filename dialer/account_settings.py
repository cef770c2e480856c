"""An account: one contract with one provider, by the name campaigns call it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

DEFAULT_URLS = {
    "callgear": "https://callapi.callgear.com/v4.0",
    "imiconnect": "https://api.us.webexconnect.io",
    "webex": "https://api.us.webexconnect.io",
}

CALLGEAR_VERSION = "v4.0"


def lines_to_add(name: str) -> str:
    """What an account that is not there yet needs in `dialer.toml`, to be filled in."""
    return (
        f"[accounts.{name}]\n"
        'provider = "callgear"   # or webex, with service_key = "…"\n'
        'access_token = "…"      # a sandbox takes "sandbox-key"'
    )


class AccountSettings(BaseModel):
    """How to reach one provider account, how fast it may be used, and how its calls are followed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["callgear", "imiconnect", "webex"] = Field(description="Whose API the account speaks.")
    base_url: AnyHttpUrl | None = Field(
        None,
        description="Where the API answers; each brand has its own host. Absent: "
        + ", ".join(f"{provider} {url}" for provider, url in DEFAULT_URLS.items()),
    )

    access_token: SecretStr | None = Field(None, description="CallGear: a permanent access key.")
    login: str | None = Field(None, description="CallGear: user login, instead of a key.")
    password: SecretStr | None = Field(None, description="CallGear: password of that login.")
    service_key: SecretStr | None = Field(None, description="Webex Connect: the service's key.")
    jwt_issuer: str | None = Field(
        None, description="Webex Connect: the service's id, with jwt_secret instead of service_key."
    )
    jwt_secret: SecretStr | None = Field(None, description="Webex Connect: the secret that signs tokens, in base64.")
    hub_secret: SecretStr | None = Field(
        None, description="Webex Connect: secret that signs its receipts; absent, their URL's secret must do."
    )
    notify_auth_id: str | None = Field(
        None, description="Webex Connect: id of the auth profile that it uses to deliver receipts."
    )
    more_receipts: tuple[Literal["trombone_connected", "trombone_released", "message_expired"], ...] = Field(
        (), description="Webex Connect: receipts to ask for beside the usual seven, where the tenant knows them."
    )
    receipt_secret: SecretStr | None = Field(
        None, description="Secret part of the receipts' URL; made and kept by the installation when absent."
    )

    pace: Annotated[float, Field(gt=0, le=1000)] = Field(5.0, description="Calls per second at the most.")
    concurrency: Annotated[int, Field(gt=0)] | None = Field(None, description="Calls in progress at the most.")
    minute_points: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Points a minute; CallGear's own word replaces it as soon as it is heard."
    )
    day_points: Annotated[int, Field(gt=0)] | None = Field(None, description="Points a day, likewise.")
    call_points: Annotated[int, Field(gt=0)] = Field(
        1, description="Points that placing one call takes; CallGear's report of API requests shows them."
    )
    caller_id_pace: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None, description="Calls per second from one caller ID at the most; absent, only the account's pace counts."
    )

    tts_limit: Annotated[int, Field(gt=0)] | None = Field(
        None, description="CallGear: longest text that the tariff speaks, in characters; checked before any call."
    )

    timeout: Annotated[float, Field(gt=0, le=60)] = Field(10.0, description="Seconds to wait for an answer.")
    poll_seconds: Annotated[float, Field(gt=0)] = Field(
        5.0, description="Seconds between two looks at the calls in progress, while there are any."
    )
    data_api_url: AnyHttpUrl | None = Field(
        None, description="CallGear: where its Data API answers, which then tells how calls ended: https://…/v2.0"
    )
    notifications: bool = Field(
        False, description="CallGear: its notifications are set up, so a call that is over waits for its own a moment."
    )
    settle_seconds: Annotated[float, Field(gt=0)] = Field(
        180.0, description="Seconds of silence after which a call's outcome is reported as unknown."
    )
    sandbox: bool = Field(False, description="It leads to a sandbox: what is started on it is a rehearsal.")
    speed: Annotated[float, Field(gt=0)] = Field(
        1.0, description="How fast the provider's clock runs; only a sandbox's is not 1."
    )

    @field_validator("base_url", "data_api_url")
    @classmethod
    def _no_secret_in_the_url(cls, url: AnyHttpUrl | None, about: ValidationInfo) -> AnyHttpUrl | None:
        if url is not None and (url.username or url.password):
            raise ValueError(f"{about.field_name} holds a user name or password: put keys into their own settings")
        return url

    @model_validator(mode="before")
    @classmethod
    def _provider_named(cls, given: object) -> object:
        if isinstance(given, dict) and "provider" not in given:
            raise ValueError('provider is missing: write provider = "callgear", "imiconnect" or "webex"')
        return given

    @field_validator("jwt_secret")
    @classmethod
    def _secret_in_base64(cls, secret: SecretStr | None) -> SecretStr | None:
        try:
            base64.b64decode(secret.get_secret_value() if secret else "", validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("jwt_secret is not base64: copy it whole, as the service shows it") from None
        return secret

    @property
    def url(self) -> str:
        """The base URL without a slash at its end, and with CallGear's version where it names none.

        Source: Call API v4.0, "Basic URL to access API": the version is the URL's path.
        """
        url = str(self.base_url or DEFAULT_URLS[self.provider]).rstrip("/")
        named = self.base_url is None or (self.base_url.path or "/") != "/"
        return url if named or self.provider != "callgear" else f"{url}/{CALLGEAR_VERSION}"

    @property
    def door(self) -> str:
        """The first part of the path to which its provider posts what became of calls."""
        return "notifications" if self.provider == "callgear" else "receipts"

    @property
    def credentials_missing(self) -> str | None:
        """What must be added before this account can log in; None when nothing is."""
        if self.provider == "callgear":
            if self.access_token or (self.login and self.password):
                return None
            return "access_token, or login and password"
        by_token = self.jwt_issuer and self.jwt_secret
        return None if self.service_key or by_token else "service_key, or jwt_issuer and jwt_secret"
