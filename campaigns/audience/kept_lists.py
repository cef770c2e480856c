"""The lists that the data folder keeps: of campaigns that were created and not started, and of uploaded numbers."""

from __future__ import annotations

from pathlib import Path

DRAFTS = "drafts"  # in the data folder
SUPPRESSION_UPLOADS = "suppression-uploads"
LIST = "list"  # what the name of such a list begins with


def kept_lists(data_folder: Path) -> list[Path]:
    """Every list that is kept in this data folder."""
    uploads = (data_folder / SUPPRESSION_UPLOADS).glob(f"*/{LIST}")
    return sorted([*(data_folder / DRAFTS).glob(f"*/{LIST}.*"), *uploads])
