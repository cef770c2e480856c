"""The page of Flower that lists the tasks of one campaign."""

from __future__ import annotations

from urllib.parse import quote


def tasks_page(campaign_id: str) -> str:
    """Its address, below Flower's own.

    Flower searches for what follows `name=` as if somebody had typed `name:` and that; only `kwargs:` compares a whole
    value, so that the tasks of appointments-10 are not among those of appointments-1.
    """
    return f"tasks?name={quote(f'dial kwargs:campaign={campaign_id}', safe='')}"
