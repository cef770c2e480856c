"""Every key of a campaign file, in words: told from the models, so that none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from campaigns.definition.definition import Definition


def described_keys() -> list[tuple[str, str]]:
    """Every key of a campaign file as people write it (`contacts.phone`), with what it means, in the file's order."""
    return list(_described("", Definition))


def _described(above: str, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield f"{above}{name}", field.description or ""
        for kind in _sections(field.annotation):
            yield from _described(f"{above}{name}.", kind)


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that an annotation speaks of, however deep it wraps them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)
