"""Progress: what passes rows or contacts on to whoever works on them, while a person sees how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Passes things on while it shows how many of about so many have come."""

    def __call__(self, things: Iterable[T], about: int, /) -> Iterable[T]: ...


def no_progress(things: Iterable[T], about: int) -> Iterable[T]:
    """Progress that nobody watches."""
    return things
