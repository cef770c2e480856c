"""Progress: wraps an iteration over rows or contacts, so that a person can see how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class ProgressBar(Protocol):
    """Yields the same items, and shows how many of `estimate` have been yielded."""

    def __call__(self, items: Iterable[T], estimate: int, /) -> Iterable[T]: ...


def no_progress(items: Iterable[T], estimate: int) -> Iterable[T]:
    """Yields the items and shows nothing."""
    return items
