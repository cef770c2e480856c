"""The settings, read from `dialer.toml` and from `DIALER_…__…` environment variables, which take precedence."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    Field,
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

from campaigns.retention_periods import InstallationRetention
from dialer.errors import DialerError
from dialer.field_errors import FIELD_ERROR
from dialer.providers.registry import PROVIDERS, AnyAccount, specs
from dialer.redis_address import RedisAddress
from dialer.regular_file import check_regular, read_regular
from dialer.short_text import is_short_text
from dialer.unicode_files import decoded
from workers.misspelt_variables import misspelt_variables
from workers.settings_sections import (
    ConsoleSettings,
    FlowerSettings,
    LedgerSettings,
    LoggingSettings,
    OidcSettings,
    RedisSettings,
    SandboxSettings,
    TestNumber,
    TracingSettings,
    WebhookSettings,
    WorkerSettings,
)
from workers.toml_lines import line_of

DEFAULT_FILE = "dialer.toml"
DEFAULT_REDIS = RedisAddress.parse("redis://127.0.0.1:6379/0")
MAX_BYTES = 128 << 10  # of a file of settings
MIN_PASSWORD = 12
MOST_OF_A_NAME = 64  # characters
IN_A_FILE = "__FILE"  # ends a variable that names a file with the value


class BadSettings(DialerError):
    """The settings cannot be used; the message names the file or variable and the key."""


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

    @field_validator("data_dir", mode="before")
    @classmethod
    def _some_folder(cls, given: object) -> object:
        if isinstance(given, str) and (not given.strip() or "\0" in given):
            raise ValueError("names no folder: write its path, or leave it out for .dialer")
        return given

    @field_validator("accounts")
    @classmethod
    def _names_that_fit(cls, accounts: dict[str, Any]) -> dict[str, Any]:
        for name in accounts:  # it is a part of the URL of receipts
            if not is_short_text(name, MOST_OF_A_NAME) or set(name) & set("/\\?#%") or name != name.strip(" ."):
                raise ValueError(f"{name[:MOST_OF_A_NAME]!r} is no name of an account: write letters, digits, - and _")
        return accounts

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
    def redis_address(self) -> RedisAddress:
        """Where the broker and the buckets are."""
        return self.redis.address or DEFAULT_REDIS

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
    if misspelt := misspelt_variables(os.environ, Settings):
        raise BadSettings("\n".join(misspelt), "correct or unset the variables named above")
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
    except RecursionError:
        raise BadSettings(f"{file}: brackets are nested too deep", "correct the file's TOML") from None
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise BadSettings(f"{file}:{line}: the file is not UTF-8 text", "save it as UTF-8") from None
    except ValueError as exc:
        raise BadSettings(f"{file}: {exc}", "correct the file's TOML") from None


def _error_lines(exc: ValidationError, file: Path) -> list[str]:
    lines = []
    text = decoded(read_regular(file, MAX_BYTES)) if file.exists() else ""
    for error in exc.errors(include_input=False, include_url=False):
        own = error.get("ctx", {}) if error["type"] == FIELD_ERROR else {}
        place = (*error["loc"], *own.get("key", ()))
        key = ".".join(str(part) for part in place)
        variable = "DIALER_" + "__".join(str(part) for part in place).upper()
        line = line_of(text, place)
        in_file = f"{file}:{line}" if line else str(file)
        where = next((name for name in os.environ if name == variable or name.startswith(f"{variable}__")), in_file)
        message = _unknown_key(place) if error["type"] == "extra_forbidden" else error["msg"]
        suggestion = f"; {own['suggestion']}" if own.get("suggestion") else ""
        lines.append(f"{where}: {key}: {message.removeprefix('Value error, ')}{suggestion}")
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
    """The keys of a section, which may stand in another; of an account those of every provider."""
    fields, parts = dict[str, Any](Settings.model_fields), iter(section)
    for part in parts:
        parts_of_it = list(_parts_of(fields[part].annotation)) if part in fields else []
        if any(get_origin(named) in {dict, Mapping} for named in parts_of_it) and next(parts, None) is None:
            return {}  # names that people choose
        if part == "accounts":
            fields = {key: field for spec in specs() for key, field in spec.settings.model_fields.items()}
        else:
            models = [model for model in parts_of_it if isinstance(model, type) and issubclass(model, BaseModel)]
            fields = dict(models[0].model_fields) if models else {}
    return fields


def _parts_of(annotation: Any) -> Iterator[Any]:
    """An annotation and all that it is put together of, as in Mapping[str, Section] | None."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts_of(part)
