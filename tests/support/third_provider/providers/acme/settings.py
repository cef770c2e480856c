"""The settings of an Acme account."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from dialer.account_settings import AccountSettings


class AcmeSettings(AccountSettings):
    """An account at Acme, by its key."""

    default_url: ClassVar[str] = "https://api.acme.example/v1"

    provider: Literal["acme"]
    api_key: SecretStr | None = Field(None, description="The account's key.")

    @property
    def credentials_missing(self) -> str | None:
        return None if self.api_key else "api_key"

    @property
    def key(self) -> SecretStr | None:
        return self.api_key
