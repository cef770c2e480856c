"""Goes through archives: does something with the files of each, and tells which could not be read or are elsewhere."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from campaigns.ledger.lists.archives import Archive
from campaigns.operations.archives.archive_files import ArchiveFiles
from campaigns.reporting.report import files_locked

T = TypeVar("T")


@dataclass(slots=True)
class Walked(Generic[T]):
    """What came of each archive on this machine; those whose files are damaged; and those that are not here."""

    done: list[tuple[ArchiveFiles, T]] = field(default_factory=list)
    damaged: list[ArchiveFiles] = field(default_factory=list)
    elsewhere: list[ArchiveFiles] = field(default_factory=list)


def walk(noted: Iterable[Archive], act: Callable[[ArchiveFiles], T]) -> Walked[T]:
    """Do this with the files of each archive in turn, while nobody else writes in their folder."""
    walked = Walked[T]()
    for files in map(ArchiveFiles.noted, noted):
        if not files.manifest.is_file():
            walked.elsewhere.append(files)
            continue
        try:
            with files_locked(files.folder):
                walked.done.append((files, act(files)))
        except (OSError, ValueError, LookupError, csv.Error):  # of files that cannot be read, or not be written
            walked.damaged.append(files)
    return walked
