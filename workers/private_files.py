"""What holds people's numbers or secrets is its owner's alone: found open to others, it is closed, and that is said."""

from __future__ import annotations

import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from workers.settings import Settings, settings_file

SYSTEM_FOLDERS = ("/bin", "/dev", "/etc", "/lib", "/proc", "/usr/bin", "/var/lib", "/var/log", "/var/tmp")  # noqa: S108
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
    """The mode of a file or folder that others may use; 0 where they may not, or it is neither, or not there."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return 0
    holds_something = stat.S_ISREG(mode) or stat.S_ISDIR(mode)  # a device is not closed: all the machine may need it
    return stat.S_IMODE(mode) if holds_something and mode & OTHERS else 0


def _is_ours(path: Path) -> bool:
    """Whether it may be closed: a file, or a folder in which there is nothing that others have to reach."""
    found, whole = path.stat(), path.resolve()
    if not stat.S_ISDIR(found.st_mode):
        return True
    others = (Path.cwd(), Path.home(), Path(sys.prefix), Path(tempfile.gettempdir()), *map(Path, SYSTEM_FOLDERS))
    return not found.st_mode & stat.S_ISVTX and not any(place.resolve().is_relative_to(whole) for place in others)


def _close(path: Path) -> str | None:
    if not (mode := open_to_others(path)):
        return None
    try:
        if _is_ours(path):
            path.chmod(mode & ~OTHERS)
            return f"others could read {path}: it is yours alone now (mode {mode & ~OTHERS:04o}, was {mode:04o})"
    except OSError:
        pass  # it is another user's
    return f"others can read {path} (mode {mode:04o}): chmod {'700' if path.is_dir() else '600'} {path}"
