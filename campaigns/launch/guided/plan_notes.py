"""The plan of a draft, kept beside it until the draft changes: making it takes a while for a long list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from campaigns.launch.guided.editing import DraftInWork
from dialer.whole_file import whole_file

PLAN = "plan.json"


def keep_plan(work: DraftInWork, facts: Mapping[str, Any]) -> None:
    """Keep the facts of a plan for this version of the draft."""
    with whole_file(work.draft.folder / PLAN) as stream:
        json.dump({"version": work.version, "facts": facts}, stream, default=str)


def kept_plan(work: DraftInWork) -> dict[str, Any] | None:
    """The facts as they were kept, moments as texts; None where there are none for this version."""
    try:
        kept = json.loads((work.draft.folder / PLAN).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    facts: dict[str, Any] | None = kept["facts"] if kept["version"] == work.version else None
    return facts
