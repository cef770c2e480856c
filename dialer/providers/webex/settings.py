"""The settings of a Webex Connect account."""

from __future__ import annotations

import base64
import binascii
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from dialer.account_settings import AccountSettings


class WebexSettings(AccountSettings):
    """One service of a tenant of Webex Connect (imiconnect before), by its key or by tokens signed with its secret."""

    default_url: ClassVar[str] = "https://api.us.webexconnect.io"

    provider: Literal["imiconnect", "webex"]
    service_key: SecretStr | None = Field(None, description="The service's key.")
    jwt_issuer: str | None = Field(None, description="The service's id, with jwt_secret instead of service_key.")
    jwt_secret: SecretStr | None = Field(None, description="The secret that signs tokens, in base64.")
    hub_secret: SecretStr | None = Field(
        None, description="Secret that signs its receipts; absent, their URL's secret must do."
    )
    notify_auth_id: str | None = Field(None, description="Id of the auth profile that it uses to deliver receipts.")
    more_receipts: tuple[Literal["trombone_connected", "trombone_released", "message_expired"], ...] = Field(
        (), description="Receipts to ask for beside the usual seven, where the tenant knows them."
    )

    @field_validator("jwt_secret")
    @classmethod
    def _secret_in_base64(cls, secret: SecretStr | None) -> SecretStr | None:
        try:
            base64.b64decode(secret.get_secret_value() if secret else "", validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("jwt_secret is not base64: copy it whole, as the service shows it") from None
        return secret

    @property
    def credentials_missing(self) -> str | None:
        by_token = self.jwt_issuer and self.jwt_secret
        return None if self.service_key or by_token else "service_key, or jwt_issuer and jwt_secret"

    @property
    def key(self) -> SecretStr | None:
        return self.service_key

    @property
    def user(self) -> str | None:
        return self.jwt_issuer
