"""The command line as people run it: a process of its own, in a folder of its own, with a clean environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIALER = Path(sys.executable).with_name("dialer")
SETTINGS = """\
[accounts.main]
provider = "callgear"
access_token = "sandbox-key"
"""
CAMPAIGN = """\
campaign: first
account: main
contacts:
  file: first.csv
message:
  tts: "Hello {{ name }}, this is a reminder of your appointment. Goodbye."
caller_id: "+18005550100"
"""
CONTACTS = "phone,name\n+14155550101,Alice\n+12125550102,Bob\n+13125550103,Carol\n"


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A folder with a settings file, a campaign file and its list, and `dialer` to run in it."""

    folder: Path

    @classmethod
    def prepared(cls, folder: Path, *, settings: str = SETTINGS) -> Shell:
        shell = cls(folder)
        shell.write("dialer.toml", settings)
        shell.write("first.yaml", CAMPAIGN)
        shell.write("first.csv", CONTACTS)
        return shell

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def run(self, *arguments: str, timeout: float = 60, **environ: str) -> Ran:
        done = subprocess.run(
            [str(DIALER), *arguments],
            cwd=self.folder,
            env=self.environ(environ),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command and leave it running; stop it with `end`."""
        return subprocess.Popen(
            [str(DIALER), *arguments],
            cwd=self.folder,
            env=self.environ(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @staticmethod
    def end(running: subprocess.Popen[str]) -> str:
        """Ctrl-C, and what was printed until the end."""
        running.send_signal(signal.SIGINT)
        try:
            return running.communicate(timeout=60)[0]
        finally:
            running.kill()

    @staticmethod
    def environ(more: dict[str, str]) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.upper().startswith(("DIALER_", "FLOWER_"))}
        return clean | {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"} | more


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes whose data is in this folder (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
            cwd = entry.joinpath("cwd").readlink()
        except OSError:
            continue
        if str(folder).encode() in environ + command or str(cwd).startswith(str(folder)):
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
