"""What holds people's numbers or secrets is its owner's alone: found open to others, it is closed, and that is said."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from workers.settings import Settings, settings_file

OTHERS = stat.S_IRWXG | stat.S_IRWXO
SECRETS = re.compile(r"(?im)^\s*[\w.]*(password|access_token|_key|secret)\s*=|://[^\s/:@]*:[^\s@]+@")


def close_to_others(settings: Settings) -> list[str]:
    """Take from others what they may do with the ledger, the settings file and the data folder.

    Returns a sentence for each that was open: that it is closed now, or what closes it. Never raises.
    """
    return [sentence for path in private_paths(settings) if (sentence := _close(path))]


def private_paths(settings: Settings) -> Iterator[Path]:
    """What is its owner's alone; some of it may not be there yet."""
    yield settings.data_dir
    kind, _, file = settings.ledger_url.partition(":///")
    if kind.startswith("sqlite") and file:
        yield from (Path(f"{file.partition('?')[0]}{ending}") for ending in ("", "-wal", "-shm"))
    if _holds_secrets(settings_file()):
        yield settings_file()


def _holds_secrets(file: Path) -> bool:
    try:
        return file.is_file() and bool(SECRETS.search(file.read_text("utf-8", "replace")))
    except OSError:
        return False


def open_to_others(path: Path) -> int:
    """The mode of a file or folder that others may use; 0 where they may not, or it is not there."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
    return mode if mode & OTHERS else 0


def _close(path: Path) -> str | None:
    if not (mode := open_to_others(path)):
        return None
    try:
        shared = path.is_dir() and Path.cwd().is_relative_to(path.absolute())  # it is more than our folder
        if not shared:
            path.chmod(mode & ~OTHERS)
            return f"others could read {path}: it is yours alone now (mode {mode & ~OTHERS:04o}, was {mode:04o})"
    except OSError:
        pass  # it is another user's
    return f"others can read {path} (mode {mode:04o}): chmod {'700' if path.is_dir() else '600'} {path}"
