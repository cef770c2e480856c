"""Counts as people say them."""

from __future__ import annotations


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 call`, `2 calls`; `many` is for what takes more than an s."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
