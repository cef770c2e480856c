"""The lists of campaigns that programs have created and not started: each in its draft's folder."""

from __future__ import annotations

from pathlib import Path

DRAFTS = "drafts"  # in the data folder
LIST = "list"  # what the name of such a list begins with


def kept_lists(data_folder: Path) -> list[Path]:
    """Every list that is kept in this data folder."""
    return sorted((data_folder / DRAFTS).glob(f"*/{LIST}.*"))
