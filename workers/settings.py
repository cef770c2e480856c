"""The settings, read from `dialer.toml` and from `DIALER_…__…` environment variables, which take precedence."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from campaigns.retention_periods import InstallationRetention
from dialer.errors import DialerError
from dialer.internal_networks import networks
from dialer.phone import BadPhoneNumber, parse
from dialer.providers.registry import PROVIDERS, AnyAccount, specs
from dialer.redis_address import RedisAddress
from dialer.regular_file import check_regular, read_regular
from dialer.unicode_files import decoded
from workers.toml_lines import line_of

DEFAULT_FILE = "dialer.toml"
MAX_BYTES = 128 << 10  # of a file of settings
MIN_PASSWORD = 12
IN_A_FILE = "__FILE"  # ends a variable that names a file with the value
STORES = ("postgresql", "postgres", "postgresql+psycopg", "sqlite")


class BadSettings(DialerError):
    """The settings cannot be used; the message names the file or variable and the key."""


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
        try:
            known = url is None or make_url(url.get_secret_value()).drivername in STORES
        except (ArgumentError, ValueError):
            known = False
        if not known:
            raise ValueError("write postgresql://user:pass@host/name or sqlite:///file")
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

    threads: Annotated[int, Field(gt=0, le=500)] = Field(32, description="Slices in work at once, per worker.")
    tick_seconds: Annotated[float, Field(gt=0, le=10)] = Field(1.0, description="Time between two release ticks.")
    horizon_seconds: Annotated[float, Field(gt=0, le=10)] = Field(
        2.0, description="How far ahead contacts are released to the workers."
    )
    lease_seconds: Annotated[float, Field(ge=5)] = Field(
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
    public_url: str | None = Field(None, description="Where providers reach the console to deliver receipts.")
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
    public_url: str | None = Field(
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


class _TomlFile(TomlConfigSettingsSource):
    """The settings file, in UTF-8 or with a byte order mark, as some editors write it."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        return tomllib.loads(decoded(read_regular(Path(str(file_path)), MAX_BYTES)))


class Settings(BaseSettings):
    """All settings of an installation."""

    model_config = SettingsConfigDict(
        env_prefix="DIALER_", env_nested_delimiter="__", frozen=True, extra="forbid", toml_file=None
    )

    data_dir: Path = Field(Path(".dialer"), description="Ledger, logs, reports and keys of this installation.")
    test_numbers: tuple[TestNumber, ...] = Field((), description="Numbers that `dialer test-call` may call.")
    accounts: dict[str, AnyAccount] = Field(default_factory=dict, description="Provider accounts by name.")
    ledger: LedgerSettings = LedgerSettings()
    redis: RedisSettings = RedisSettings()
    worker: WorkerSettings = WorkerSettings()
    webhooks: WebhookSettings = WebhookSettings()
    console: ConsoleSettings = ConsoleSettings()
    oidc: OidcSettings = OidcSettings()
    flower: FlowerSettings = FlowerSettings()
    sandbox: SandboxSettings = SandboxSettings()
    retention: InstallationRetention = InstallationRetention()
    logging: LoggingSettings = LoggingSettings()
    tracing: TracingSettings = TracingSettings()

    @model_validator(mode="after")
    def _no_short_password_for_others(self) -> Self:
        password = self.console.password
        if password is None or len(password.get_secret_value()) >= MIN_PASSWORD:
            return self
        for section, host in (("console", self.console.host), ("flower", self.flower.host)):
            if not is_loopback(host):
                raise ValueError(
                    f"console.password has fewer than {MIN_PASSWORD} characters, and {section}.host is {host}: "
                    "other machines could guess it"
                )
        return self

    @model_validator(mode="after")
    def _some_log_in(self) -> Self:
        if not self.console.local_log_in and self.oidc.issuer is None:
            raise ValueError("console.local_log_in is off and oidc.issuer is not set: nobody could log in")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, first wins: arguments, environment variables, files that variables name, the settings file."""
        variables = EnvSettingsSource(settings_cls)
        given = {name: value for name, value in os.environ.items() if not name.upper().endswith(IN_A_FILE)}
        both = _from_named_files(os.environ) | given
        variables.env_vars = {name.lower(): value for name, value in both.items()}
        file = _TomlFile(settings_cls, toml_file=settings_file())
        return init_settings, variables, file

    @property
    def paces(self) -> dict[str, float]:
        """Calls a second that each account allows."""
        return {name: account.pace for name, account in self.accounts.items()}

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy URL of the ledger, its driver named."""
        if self.ledger.url is None:
            return f"sqlite:///{(self.data_dir / 'ledger.sqlite3').absolute()}"
        url = self.ledger.url.get_secret_value()
        for plain in ("postgresql://", "postgres://"):
            if url.startswith(plain):
                return "postgresql+psycopg://" + url.removeprefix(plain)
        return url


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _from_named_files(variables: Mapping[str, str]) -> dict[str, str]:
    """What stands in the files that variables such as `DIALER_CONSOLE__PASSWORD__FILE` name, as Docker's secrets do."""
    values = {}
    for name, file in variables.items():
        if name.upper().startswith("DIALER_") and name.upper().endswith(IN_A_FILE):
            try:
                values[name[: -len(IN_A_FILE)]] = decoded(read_regular(Path(file), MAX_BYTES)).rstrip("\r\n")
            except OSError as exc:
                raise BadSettings(f"{name}: {file}: {exc.strerror}", "name a file that this user may read") from None
            except UnicodeDecodeError:
                raise BadSettings(f"{name}: {file}: the file is not UTF-8 text", "save it as UTF-8") from None
    return values


def settings_file() -> Path:
    """The settings file: `DIALER_CONFIG`, else `dialer.toml` in the current folder."""
    return Path(os.environ.get("DIALER_CONFIG", DEFAULT_FILE))


def load() -> Settings:
    """Read the settings. Raises BadSettings naming each wrong key and where it stands."""
    file = settings_file()
    if "DIALER_CONFIG" in os.environ and not file.exists():
        raise BadSettings(f"{file}: no such file", "correct DIALER_CONFIG or unset it")
    try:
        if file.exists():
            check_regular(file)
        return Settings()
    except OSError as exc:
        raise BadSettings(f"{file}: {exc.strerror}", "name a settings file that this user may read") from None
    except ValidationError as exc:
        raise BadSettings("\n".join(_error_lines(exc, file)), "correct the keys named above") from None
    except SettingsError as exc:
        example = f"DIALER_ACCOUNTS__MAIN__PROVIDER={next(iter(PROVIDERS))}"
        remedy = f"write that DIALER_… variable as JSON, or one for each key: {example}"
        raise BadSettings(f"the environment: {exc}", remedy) from None
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise BadSettings(f"{file}:{line}: the file is not UTF-8 text", "save it as UTF-8") from None
    except ValueError as exc:
        raise BadSettings(f"{file}: {exc}", "correct the file's TOML") from None


def _error_lines(exc: ValidationError, file: Path) -> list[str]:
    lines = []
    text = decoded(read_regular(file, MAX_BYTES)) if file.exists() else ""
    for error in exc.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(str(part) for part in error["loc"])
        variable = "DIALER_" + "__".join(str(part) for part in error["loc"]).upper()
        line = line_of(text, error["loc"])
        in_file = f"{file}:{line}" if line else str(file)
        where = next((name for name in (variable, variable + IN_A_FILE) if name in os.environ), in_file)
        message = _unknown_key(error["loc"]) if error["type"] == "extra_forbidden" else error["msg"]
        lines.append(f"{where}: {key}: {message.removeprefix('Value error, ')}")
    return lines


def _unknown_key(place: tuple[int | str, ...]) -> str:
    """What to write instead of a key that does not exist."""
    *section, key = map(str, place)
    keys = list(_keys_of(section))
    if key in keys:
        return f"{key} is a key of another provider"
    near = difflib.get_close_matches(key.casefold().replace("-", "_"), keys, n=1, cutoff=0.6)
    if near:
        return f"there is no such key; did you mean {near[0]}?"
    elsewhere = [f"[{name}]" for name in Settings.model_fields if key in _keys_of([name])]
    if elsewhere:
        return f"there is no such key here; it belongs into {' or '.join(elsewhere)}"
    return f"there is no such key; the keys here are {', '.join(keys)}"


def _keys_of(section: Sequence[str]) -> dict[str, Any]:
    """The keys of a section; of an account those of every provider."""
    if not section:
        return dict(Settings.model_fields)
    if section[0] == "accounts":
        accounts = section[1:]
        return {key: field for spec in specs() for key, field in spec.settings.model_fields.items()} if accounts else {}
    model = Settings.model_fields[section[0]].annotation
    return dict(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else {}
