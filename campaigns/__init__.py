"""What we do with calls: definitions, contacts, calendar, the ledger, dialing, receipts, reports.

As a library: `from campaigns import Campaigns`, see `docs/library.md`. These names are imported when they are asked
for, so that a program, or a task, that needs one room does not import all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from campaigns.library import CallRequested, Campaigns, Change, ContactRef

__all__ = ["CallRequested", "Campaigns", "Change", "ContactRef"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from campaigns import library

    return getattr(library, name)
