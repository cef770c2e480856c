"""The providers there are, by the names that settings give them, and accounts read as their provider's own settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias, Union

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError

from dialer.account_settings import AccountSettings
from dialer.deadline import utc_now
from dialer.providers.callgear.spec import CALLGEAR
from dialer.providers.provider import Provider
from dialer.providers.spec import Clock, ProviderSpec
from dialer.providers.webex.spec import WEBEX

SINGLE, DOUBLE = "'", '"'

PROVIDERS: dict[str, ProviderSpec] = {
    "callgear": CALLGEAR,
    "imiconnect": WEBEX,
    "webex": WEBEX,
}


def specs() -> list[ProviderSpec]:
    """Every provider once, however many names it has."""
    return list({id(spec): spec for spec in PROVIDERS.values()}.values())


def provider_for(settings: AccountSettings, now: Clock = utc_now) -> Provider:
    """The provider of an account, by this clock. It holds the account's session key: one per account and process."""
    return PROVIDERS[settings.provider].build(settings, now)


def account_settings(**given: Any) -> AccountSettings:
    """An account's settings, read as its provider's. Raises pydantic's ValidationError."""
    return _read(given)


def _by_provider(given: object, handler: ValidatorFunctionWrapHandler) -> AccountSettings:
    read: AccountSettings = _read(given) if isinstance(given, dict) else handler(given)
    return read


def _read(given: dict[str, Any]) -> AccountSettings:
    name = given.get("provider")
    if "provider" not in given:
        missing = f"provider is missing: write provider = {_names(DOUBLE)}"
        raise _wrong((), PydanticCustomError("provider_missing", missing))
    spec = PROVIDERS.get(name) if isinstance(name, str) else None
    if spec is None:
        raise _wrong(("provider",), PydanticCustomError("provider_unknown", f"Input should be {_names(SINGLE)}"))
    return spec.settings.model_validate(given)


# What a field of settings is annotated with. The union is for readers of environment variables, which look there for a
# key's type; the provider's name chooses the model, so that an error names the key alone.
AnyAccount: TypeAlias = Annotated[
    AccountSettings,
    WrapValidator(_by_provider),
    Union[tuple(spec.settings for spec in specs())],  # noqa: UP007
]


def titles(chosen: Iterable[ProviderSpec]) -> str:
    """Providers by the names that people know."""
    return " and ".join(spec.title for spec in chosen)


def offering(part: str) -> str:
    """The providers whose API has a word for this part of a call request."""
    return titles(spec for spec in specs() if part not in spec.without_account().cannot)


def lines_to_add(name: str) -> str:
    """What an account that is not there yet needs in `dialer.toml`, to be filled in."""
    first, *others = specs()
    ways = ", or ".join(f'{spec.name}, with {spec.key_setting} = "…"' for spec in others)
    lines = [f'provider = "{first.name}"', f'{first.key_setting} = "…"']
    width = max(map(len, lines))
    return f'[accounts.{name}]\n{lines[0]:{width}}   # or {ways}\n{lines[1]:{width}}   # a sandbox takes "sandbox-key"'


def _wrong(place: tuple[str, ...], wrong: PydanticCustomError) -> ValidationError:
    """An error that shows nothing of what was given."""
    details = InitErrorDetails(type=wrong, loc=place, input=None)
    return ValidationError.from_exception_data(AccountSettings.__name__, [details])


def _names(quote: str) -> str:
    """The names of all providers, as in 'one', 'two' or 'three'."""
    *most, last = (f"{quote}{name}{quote}" for name in PROVIDERS)
    return f"{', '.join(most)} or {last}" if most else last
