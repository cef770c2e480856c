"""The sections of the settings, each with its keys, what they mean, and what is no value for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from dialer.internal_networks import networks
from dialer.phone import BadPhoneNumber, parse
from dialer.redis_address import RedisAddress

STORES = ("postgresql", "postgres", "postgresql+psycopg", "sqlite")


def _public_url(written: str) -> str:
    """The address, if paths can be added to it. Raises ValueError."""
    address = urlsplit(written)
    is_plain = not (address.username or address.password or address.query or address.fragment)
    if address.scheme not in ("http", "https") or not address.hostname or not is_plain or not written.isprintable():
        raise ValueError("an address without a ? and without a password: https://dialer.example.com")
    return written


PublicUrl = Annotated[str, AfterValidator(_public_url)]


class Section(BaseModel):
    """A part of the settings; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LedgerSettings(Section):
    """Where the ledger is, and the key of its hashes."""

    url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL; absent, a SQLite file in data_dir. postgresql://user:pass@host/name",
    )

    hash_key: SecretStr | None = Field(
        None,
        description="Key of the hashes of erased numbers; absent, one is made and kept in data_dir. The same on every "
        "machine that starts campaigns, erases numbers, or runs workers.",
    )

    @field_validator("url")
    @classmethod
    def _store_known(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        from sqlalchemy import make_url  # beat and Flower need nothing else of it
        from sqlalchemy.exc import ArgumentError

        try:
            address = make_url(url.get_secret_value())
        except (ArgumentError, ValueError):
            address = None
        if address is None or address.drivername not in STORES:
            raise ValueError("write postgresql://user:pass@host/name or sqlite:///file")
        if address.drivername.startswith("sqlite") and address.database in {None, "", ":memory:"}:
            raise ValueError("a ledger in memory would be another one in each process: write sqlite:///file")
        return url


class RedisSettings(Section):
    """Where Redis is, and how its server is checked."""

    url: SecretStr | None = Field(
        None,
        description="Broker and token buckets; absent, `dialer up` brings its own. redis://:pass@host:6379/0, "
        "rediss:// for TLS, unix:///socket, sentinel://host:26379,other:26379/0.",
    )
    master: str | None = Field(None, description="With sentinel://, the name that the Sentinels have for the server.")
    verify: bool = Field(True, description="With TLS: the server must show a certificate for its name.")
    ca_file: str | None = Field(None, description="The authority to trust with TLS; absent, those of the system.")
    cert_file: str | None = Field(None, description="The certificate that we show, where the server asks for one.")
    key_file: str | None = Field(None, description="The key of that certificate.")

    @field_validator("ca_file", "cert_file", "key_file")
    @classmethod
    def _file_there(cls, file: str | None) -> str | None:
        if file is not None and not Path(file).is_file():
            raise ValueError(f"{file}: no such file")
        return file

    @model_validator(mode="after")
    def _url_readable(self) -> Self:
        _ = self.address  # raises ValueError
        return self

    @property
    def address(self) -> RedisAddress | None:
        """Where it is; None when no URL is given."""
        if self.url is None:
            return None
        files = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        return RedisAddress.parse(self.url.get_secret_value(), master=self.master, verify=self.verify, **files)


class WorkerSettings(Section):
    """How a worker claims and dials contacts."""

    threads: Annotated[int, Field(gt=0, le=500)] = Field(100, description="Slices in work at once, per worker.")
    tick_seconds: Annotated[float, Field(ge=0.01, le=10)] = Field(1.0, description="Time between two release ticks.")
    horizon_seconds: Annotated[float, Field(ge=0.01, le=10)] = Field(
        2.0, description="How far ahead contacts are released to the workers."
    )
    lease_seconds: Annotated[float, Field(ge=5, le=3600)] = Field(
        30.0, description="After which a claim that did not become a call is due again."
    )
    events: bool = Field(True, description="Send task events, which Flower shows.")


class WebhookSettings(Section):
    """How programs of others are told what happens, and asked before dialing."""

    key: SecretStr | None = Field(
        None,
        description="Of which their secrets are made; absent, one is made and kept in data_dir. The same on every "
        "machine that adds webhooks or runs workers.",
    )
    internal_networks: tuple[str, ...] = Field(
        (),
        description="Addresses inside our own network that messages may be sent to all the same, as networks: "
        '["10.1.0.0/16", "127.0.0.1"].',
    )
    timeout: Annotated[float, Field(gt=0, le=25)] = Field(10.0, description="For a webhook's answer.")
    keep_days: Annotated[float, Field(gt=0, le=30)] = Field(
        3.0, description="For how long delivered events can be replayed; what waits is kept for 30 days."
    )

    @field_validator("internal_networks")
    @classmethod
    def _networks(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        networks(written)  # raises ValueError
        return written


class ConsoleSettings(Section):
    """Where the console listens, and its first user."""

    host: str = Field("127.0.0.1", description="Address the console listens on.")
    port: int = Field(8080, description="Its port; `dialer up` takes the next free one when it is taken.")
    public_url: PublicUrl | None = Field(None, description="Where providers reach the console to deliver receipts.")
    hosts: tuple[str, ...] = Field(
        (),
        description="Names under which browsers and scrapers reach the console and Flower, beside IP addresses, "
        "localhost and that of public_url; requests for another name are refused.",
    )
    user: str = Field("operator", description="Name of the first admin, who is made at the first start.")
    password: SecretStr | None = Field(
        None,
        description="Of the first admin, at the first start; absent, one is made and kept in data_dir. At least 12 "
        "characters where the console or Flower listens to other machines.",
    )
    local_log_in: bool = Field(True, description="Whether passwords open anything; without, people log in by [oidc].")
    second_person_above: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="A start with more contacts waits until another person resumes it; absent, none does.",
    )
    session_idle_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] = Field(
        8 * 60, description="After which a person who does nothing has to log in again."
    )
    session_hours: Annotated[float, Field(gt=0, le=90 * 24)] = Field(
        7 * 24, description="After which a person has to log in again, whatever they do."
    )


RoleName = Literal["viewer", "editor", "sender", "admin"]


class OidcSettings(Section):
    """The OpenID Connect provider at which people log in, if there is one."""

    issuer: str | None = Field(None, description="Its address, as it calls itself; absent, nobody logs in elsewhere.")
    client_id: str | None = Field(None, description="What it calls this console.")
    client_secret: SecretStr | None = Field(None, description="What this console shows it; absent for a public client.")
    roles_claim: str = Field("roles", description="Claim of the ID token with somebody's groups; `a.b` is b in a.")
    roles: dict[str, RoleName] = Field(
        default_factory=dict, description='Role of each group: {"dialer-admins": "admin", "staff": "viewer"}.'
    )
    name_claim: str = Field("preferred_username", description="Claim with the name for the audit.")
    scopes: tuple[str, ...] = Field(("openid", "profile", "email"), description="What is asked for.")
    label: str = Field("your organisation", description="Whose log-in it is, on the button.")
    session_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] = Field(
        60, description="After which the provider is asked anew who somebody is, and with which roles."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer is not None and not (self.client_id and self.roles):
            raise ValueError("with an issuer, client_id and roles are needed")
        if self.issuer is not None and urlsplit(self.issuer).scheme not in ("https", "http"):
            raise ValueError("issuer is an address: https://id.example.com")
        return self


class FlowerSettings(Section):
    """Where Flower listens."""

    host: str = Field("127.0.0.1", description="Address Flower listens on.")
    port: int = Field(5555, description="Its port; `dialer up` takes the next free one when it is taken.")
    public_url: PublicUrl | None = Field(
        None, description="Where browsers reach Flower through a proxy: under the console's host name, on another port."
    )
    control: bool = Field(
        False, description="Let Flower's buttons and API stop workers, change their queues, and send or revoke tasks."
    )


class LoggingSettings(Section):
    """What every process of this installation writes to its log."""

    format: Literal["json", "text"] = Field("json", description="One JSON object a line, or a line for people.")
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least that is written.")


class TracingSettings(Section):
    """Where traces are delivered, by OpenTelemetry."""

    endpoint: str | None = Field(
        None,
        description="Of a collector (OTLP over HTTP): http://127.0.0.1:4318; absent, that of "
        "OTEL_EXPORTER_OTLP_ENDPOINT, or nowhere.",
    )

    @field_validator("endpoint")
    @classmethod
    def _address(cls, written: str | None) -> str | None:
        if written is not None and urlsplit(written).scheme not in ("http", "https"):
            raise ValueError("an address: http://127.0.0.1:4318")
        return written


class SandboxSettings(Section):
    """Where the sandbox of `dialer up --sandbox` listens."""

    port: int = Field(8900, description="The sandbox's port; `dialer up` takes the next free one when it is taken.")


def _test_number(text: str) -> str:
    try:
        return parse(text).e164
    except BadPhoneNumber as exc:
        raise ValueError(f"{exc}: {exc.suggestion}") from None


TestNumber = Annotated[str, AfterValidator(_test_number)]
