"""Who may read and write what an installation keeps: its folder, ledger, keys and settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from workers.doctor.findings import Finding, fail, ok, warn
from workers.private_files import open_to_others, private_paths
from workers.settings import Settings

MayUse = Callable[[Path, int], bool]
SHOWN = 3


def files(settings: Settings, may_use: MayUse = os.access) -> Iterator[Finding]:
    """Whether they are ours to use and closed to others. Other commands close what they find open; this only tells."""
    folder = settings.data_dir
    if not folder.exists():
        yield ok("files", f"{folder} is made at the first start")
        return
    kept = sorted(path for path in folder.rglob("*") if path.is_dir() or path.parent == folder)
    unusable = [path for path in (folder, *kept) if not may_use(path, os.R_OK | os.W_OK)]
    if unusable:
        owner = f"chown -R {os.geteuid()} {folder}, or run everything as the user who owns it"
        yield fail("files", f"this user may not write {_listed(unusable)}", owner)
    if opened := [path for path in private_paths(settings) if open_to_others(path)]:
        modes = " ".join(f"chmod {'700' if path.is_dir() else '600'} {path}" for path in opened[:1])
        yield warn("files", f"others can read {_listed(opened)}", f"{modes}; any other command does so, where it may")
    if not unusable and not opened:
        yield ok("files", f"{folder}, the ledger and the settings are this user's alone")


def _listed(paths: list[Path]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(map(str, paths[:SHOWN])) + more
