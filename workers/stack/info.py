"""What a running stack tells other processes about itself: where its parts are. It holds no secret."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workers.stack import lock

FILE = "stack.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackInfo:
    """A running stack: its process, its parts' URLs, ports and process ids, and whether the providers are a sandbox."""

    pid: int
    data_dir: Path
    started_at: str
    sandbox: bool
    speed: float
    urls: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)

    def write(self) -> None:
        """Replace the file in one step, readable by its owner only."""
        said = json.dumps(asdict(self) | {"data_dir": str(self.data_dir)}, indent=2)
        file, name = tempfile.mkstemp(prefix=FILE, dir=self.data_dir)  # made 0600
        with os.fdopen(file, "w") as opened:
            opened.write(said + "\n")
        Path(name).replace(self.data_dir / FILE)


def running_stack(data_dir: Path) -> StackInfo | None:
    """The stack that is up on this data folder; None when there is none, also when one died and left its file."""
    if not lock.is_locked(data_dir):
        return None
    try:
        said = json.loads((data_dir / FILE).read_text())
    except FileNotFoundError:  # it is starting, or stopping
        return None
    return StackInfo(**said | {"data_dir": Path(said["data_dir"])})


def remove_info(data_dir: Path) -> None:
    """Remove the file of a stack that is no more."""
    (data_dir / FILE).unlink(missing_ok=True)
