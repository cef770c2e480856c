"""The settings of a CallGear account."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AnyHttpUrl, Field, SecretStr

from dialer.account_settings import AccountSettings

VERSION = "v4.0"


class CallGearSettings(AccountSettings):
    """An account at CallGear or one of its brands, by a permanent key or by login and password."""

    default_url: ClassVar[str] = f"https://callapi.callgear.com/{VERSION}"
    receipts_path: ClassVar[str] = "notifications"
    endings_setup_hint: ClassVar[str] = (
        "Set up the account's notifications (`dialer notifications`) or its data_api_url, which tell how calls ended"
    )

    provider: Literal["callgear"]
    access_token: SecretStr | None = Field(None, description="A permanent access key.")
    login: str | None = Field(None, description="User login, instead of a key.")
    password: SecretStr | None = Field(None, description="Password of that login.")
    tts_limit: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Longest text that the tariff speaks, in characters; checked before any call."
    )
    data_api_url: AnyHttpUrl | None = Field(
        None, description="Where its Data API answers, which then tells how calls ended: https://…/v2.0"
    )
    notifications: bool = Field(
        False, description="Its notifications are set up, so a call that is over waits for its own a moment."
    )

    @property
    def url(self) -> str:
        """The base URL without a slash at its end, and with the API's version where it names none.

        Source: Call API v4.0, "Basic URL to access API": the version is the URL's path.
        """
        url = super().url
        named = self.base_url is None or (self.base_url.path or "/") != "/"
        return url if named else f"{url}/{VERSION}"

    @property
    def credentials_missing(self) -> str | None:
        if self.access_token or (self.login and self.password):
            return None
        return "access_token, or login and password"

    @property
    def key(self) -> SecretStr | None:
        return self.access_token

    @property
    def user(self) -> str | None:
        return self.login

    @property
    def login_secret(self) -> SecretStr | None:
        return None if self.access_token or self.login is None else self.password

    @property
    def sends_endings(self) -> bool:
        return self.notifications

    @property
    def has_report(self) -> bool:
        return self.data_api_url is not None
