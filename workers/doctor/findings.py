"""What a check finds: a line for people, a level for programs, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

LONGEST = 300  # characters of a sentence; what servers say of themselves may be longer


class Level(StrEnum):
    """How much it matters."""

    OK = "ok"
    WARN = "warn"  # calls are placed; something is missing, or will be soon
    FAIL = "fail"  # calls are not placed, or not as they should be


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do where it is not as it should be."""

    subject: str
    level: Level
    says: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """How far another clock is ahead of this machine's, and by how much that may be wrong, in seconds."""

    clock: str
    ahead: float
    uncertain: float


def ok(subject: str, says: str) -> Finding:
    """As it should be."""
    return Finding(subject, Level.OK, says)


def warn(subject: str, says: str, remedy: str) -> Finding:
    """It works, and should be mended."""
    return Finding(subject, Level.WARN, says, remedy)


def fail(subject: str, says: str, remedy: str) -> Finding:
    """It keeps calls from being placed as they should be."""
    return Finding(subject, Level.FAIL, says, remedy)


def without_secrets(finding: Finding, secrets: frozenset[str]) -> Finding:
    """The finding, short enough for a screen, with asterisks for each secret that a server's words may repeat."""
    return replace(finding, says=_shown(finding.says, secrets), remedy=_shown(finding.remedy, secrets))


def _shown(text: str, secrets: frozenset[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "****")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def secrets_of(settings: BaseModel) -> frozenset[str]:
    """Every secret of the settings that is long enough to be told from a word, and the passwords in their URLs."""
    return frozenset(text for text in _secret_texts(settings) if len(text) >= 4)


def _secret_texts(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        yield text
        if "://" in text:
            yield from filter(None, (urlsplit(text).password,))
    elif isinstance(value, BaseModel):
        for _, part in value:
            yield from _secret_texts(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _secret_texts(part)
