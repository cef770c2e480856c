"""The file in which a running stack tells other processes where its parts are. It holds no secret."""

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
        content = json.dumps(asdict(self) | {"data_dir": str(self.data_dir)}, indent=2)
        file, name = tempfile.mkstemp(prefix=FILE, dir=self.data_dir)  # with mode 0600
        try:
            with os.fdopen(file, "w") as stream:
                stream.write(content + "\n")
            Path(name).replace(self.data_dir / FILE)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def running_stack(data_dir: Path) -> StackInfo | None:
    """The stack that runs on this data folder; None when there is none, also when a dead one left its file."""
    if not lock.is_locked(data_dir):
        return None
    try:
        content = json.loads((data_dir / FILE).read_text())
    except FileNotFoundError:  # the stack is starting or stopping
        return None
    return StackInfo(**content | {"data_dir": Path(content["data_dir"])})


def remove_info(data_dir: Path) -> None:
    """Remove the file of a stack that has ended."""
    (data_dir / FILE).unlink(missing_ok=True)
