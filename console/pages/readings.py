"""How the reading of a list stands, as every page that waits for one shows it."""

from __future__ import annotations

from typing import Any

from campaigns.launch.drafts.reading_notes import ReadingNote
from console.server.state import AppState

REFRESH_SECONDS = 1


def shown_reading(note: ReadingNote | None, state: AppState) -> dict[str, Any]:
    """What the template's macro `reading` and the page's refreshing need: how far it is, and what keeps it."""
    return {
        "note": note,
        "trouble": note.trouble(state.clock()) if note else "",
        "every": REFRESH_SECONDS if note is not None and not note.is_over else None,
    }
