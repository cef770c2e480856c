"""The tables of docs/settings.md, from the models that read the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from pydantic import AnyHttpUrl, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dialer.account_settings import AccountSettings
from dialer.prices import Prices
from dialer.providers.registry import PROVIDERS, specs
from workers.settings import Settings

UNITS: Mapping[str, str] = {  # by how a setting's name ends
    "_seconds": "seconds",
    "timeout": "seconds",
    "pace": "calls a second",
    "_points": "points",
    "concurrency": "calls",
    "threads": "slices",
    "tts_limit": "characters",
    "speed": "times",
}
WRITTEN: Mapping[type, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    SecretStr: "text, secret",
    Decimal: "amount",
    Prices: "section",
}
BOUNDS: Mapping[str, str] = {"gt": "more than {}", "ge": "at least {}", "lt": "less than {}", "le": "at most {}"}
ACCOUNT = ("accounts", "NAME")
HEAD = ("key", "variable", "default", "is", "means")
Line = tuple[str, str, str, str, str]


def tables() -> str:
    """A heading and a table for each section of `dialer.toml`."""
    above = [name for name, field in Settings.model_fields.items() if _section(field) is None and name != "accounts"]
    parts = [("Above every section", list(_lines(Settings, (), only=above)))]
    parts.append(("`[accounts.NAME]`", list(_lines(AccountSettings, ACCOUNT))))
    parts.append(("`[accounts.NAME.prices]`", list(_lines(Prices, (*ACCOUNT, "prices")))))
    for spec in specs():
        names = " or ".join(f"`{name}`" for name, named in PROVIDERS.items() if named is spec)
        own = [name for name in spec.settings.model_fields if name not in AccountSettings.model_fields]
        parts.append((f"`[accounts.NAME]` with the provider {names}", list(_lines(spec.settings, ACCOUNT, only=own))))
    for name, field in Settings.model_fields.items():
        if (section := _section(field)) is not None:
            parts.append((f"`[{name}]`", list(_lines(section, (name,)))))
    return "\n\n".join(f"## {title}\n\n{_table(lines)}" for title, lines in parts)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _lines(model: type[BaseModel], place: tuple[str, ...], only: list[str] | None = None) -> Iterator[Line]:
    for name, field in model.model_fields.items():
        if only is None or name in only:
            variable = "DIALER_" + "__".join((*place, name)).upper()
            yield f"`{name}`", f"`{variable}`", _default(field), _kind(name, field), _meaning(name, field)


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be given" if field.is_required() else "none"
    default = field.default
    if default in (None, ()):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _meaning(name: str, field: FieldInfo) -> str:
    if name != "base_url":
        return field.description or ""
    usual = ", ".join(f"{name} {spec.settings.default_url}" for name, spec in PROVIDERS.items())
    return f"{field.description} These are: {usual}"


def _kind(name: str, field: FieldInfo) -> str:
    """What may be written there: type, unit, bounds."""
    if name == "provider":
        return " or ".join(f"`{name}`" for name in PROVIDERS)
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), "")
    bounds = [
        words.format(f"{bound:,}")
        for rule in _rules(field)
        for key, words in BOUNDS.items()
        if (bound := getattr(rule, key, None)) is not None
    ]
    return ", ".join(part for part in (_type(field.annotation), unit, *bounds) if part)


def _rules(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    for part in get_args(field.annotation):  # of a setting that may be absent
        for rule in getattr(part, "__metadata__", ()):
            yield from getattr(rule, "metadata", [rule])


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(annotation))
    if get_origin(annotation) is Mapping:
        return "a section for each"
    parts = [part for part in get_args(annotation) if part not in (type(None), ...)]
    if get_origin(annotation) is tuple:
        return f"list of {_type(parts[0])}"
    if parts:
        return _type(parts[0])
    return "address" if annotation is AnyHttpUrl else WRITTEN.get(annotation, "text")


def _table(lines: list[Line]) -> str:
    made = [HEAD, ("---",) * len(HEAD), *lines]
    return "\n".join("| " + " | ".join(re.sub(r"\|", r"\\|", cell) for cell in line) + " |" for line in made)
