"""An account: one contract with one provider, by the name campaigns call it. Each provider adds keys of its own."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from dialer.phone import BadPhoneNumber, parse
from dialer.prices import Prices

ADDRESS_PART = re.compile(r"[A-Za-z0-9._~-]*[A-Za-z0-9_~-]")  # as it stands in a URL, without being quoted


def _number(written: str) -> str:
    try:
        return parse(written).e164
    except BadPhoneNumber as exc:
        raise ValueError(f"{exc}; {exc.suggestion}" if exc.suggestion else str(exc)) from None


class AccountSettings(BaseModel):
    """How to reach one provider account, how fast it may be used, and how its calls are followed.

    These are the settings that every account has. `dialer.providers.registry` reads an account as its provider's model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_url: ClassVar[str] = ""
    receipts_path: ClassVar[str] = "receipts"
    """The first part of the path to which the provider posts what became of calls."""
    endings_setup_hint: ClassVar[str] = ""
    """What to set up so that the provider sends how calls ended, as a sentence's beginning; "" where it does anyway."""

    provider: str = Field(description="Whose API the account speaks.")
    base_url: AnyHttpUrl | None = Field(
        None, description="Where the API answers; each brand has its own host. Absent, the provider's usual address."
    )
    receipt_secret: SecretStr | None = Field(
        None, description="Secret part of the receipts' URL; made and kept by the installation when absent."
    )

    pace: Annotated[float, Field(ge=0.0001, le=5000)] = Field(5.0, description="Calls per second at the most.")
    concurrency: Annotated[int, Field(gt=0, le=1_000_000)] | None = Field(
        None, description="Calls in progress at the most."
    )
    minute_points: Annotated[int, Field(gt=0, le=1_000_000)] | None = Field(
        None, description="Points a minute; the provider's own word replaces it as soon as it is heard."
    )
    day_points: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = Field(
        None, description="Points a day, likewise."
    )
    call_points: Annotated[int, Field(gt=0, le=1000)] = Field(
        1, description="Points that placing one call takes; the provider's report of API requests shows them."
    )
    caller_ids: tuple[Annotated[str, AfterValidator(_number)], ...] = Field(
        (), description="Numbers that its calls may show; a campaign with another is refused. Absent, any may be tried."
    )
    caller_id_pace: Annotated[float, Field(ge=0.0001, le=1000)] | None = Field(
        None, description="Calls per second from one caller ID at the most; absent, only the account's pace counts."
    )

    prices: Prices | None = Field(None, description="What its calls cost; absent, reports and plans have no money.")

    timeout: Annotated[float, Field(gt=0, le=60)] = Field(10.0, description="Seconds to wait for an answer.")
    poll_seconds: Annotated[float, Field(ge=0.01, le=3600)] = Field(
        5.0, description="Seconds between two looks at the calls in progress, while there are any."
    )
    settle_seconds: Annotated[float, Field(ge=0.01, le=86_400)] = Field(
        180.0, description="Seconds of silence after which a call's outcome is reported as unknown."
    )
    sandbox: bool = Field(False, description="It leads to a sandbox: what is started on it is a rehearsal.")
    speed: Annotated[float, Field(ge=0.01, le=100_000)] = Field(
        1.0, description="How fast the provider's clock runs; only a sandbox's is not 1."
    )
    shows_every_answer: bool = Field(
        False, description="Its list keeps an answered call until two polls have shown it; only a fast sandbox's does."
    )

    @field_validator("*")
    @classmethod
    def _plain_url(cls, value: object, about: ValidationInfo) -> object:
        if isinstance(value, AnyHttpUrl) and (value.username or value.password):
            raise ValueError(f"{about.field_name} holds a user name or password: put keys into their own settings")
        if isinstance(value, AnyHttpUrl) and (value.query is not None or value.fragment is not None):
            raise ValueError(f"{about.field_name} holds a ? or #, behind which no path can follow: remove it")
        return value

    @field_validator("receipt_secret")
    @classmethod
    def _part_of_an_address(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not ADDRESS_PART.fullmatch(secret.get_secret_value()):
            raise ValueError("receipt_secret is a part of a URL: write letters, digits, - and _, or leave it out")
        return secret

    @property
    def url(self) -> str:
        """The base URL without a slash at its end."""
        return str(self.base_url or self.default_url).rstrip("/")

    @property
    def credentials_missing(self) -> str | None:
        """What must be added before this account can log in; None when nothing is."""
        return None

    @property
    def key(self) -> SecretStr | None:
        """The permanent key that opens the account, where it has one."""
        return None

    @property
    def user(self) -> str | None:
        """The name under which the account logs in or signs, where it has no permanent key."""
        return None

    @property
    def login_secret(self) -> SecretStr | None:
        """The secret that protects a login shared by the account's processes; None where nothing is shared."""
        return None

    @property
    def sends_endings(self) -> bool:
        """Whether the provider sends us, unasked, how a call ended."""
        return True

    @property
    def has_report(self) -> bool:
        """Whether the provider has a report of calls that are over, which can be asked how a call ended."""
        return False
