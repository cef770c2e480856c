"""The reference of all keys of a campaign file, taken from the models, so that none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from campaigns.definition.definition import Definition


def described_keys() -> list[tuple[str, str]]:
    """Every key of a campaign file (`contacts.phone`) with its description, in the order of the models."""
    return list(_described("", Definition))


def _described(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field.description or ""
        for section in _sections(field.annotation):
            yield from _described(f"{prefix}{name}.", section)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The section models that an annotation contains, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)
