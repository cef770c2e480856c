"""The command line as people run it: a process of its own, in a folder of its own, with a clean environment.

It is forked from a process that has the imports done.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from tests.support import forking, preloaded
from tests.support.forking import SOCKET, Forked
from tests.support.ledger_copies import migrated
from tests.support.patience import PATIENCE

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # a colour, or a move of the cursor
DIALER = Path(sys.executable).with_name("dialer")
FORKED_BIN = Path(__file__).with_name("forked_bin")  # where a shell finds `dialer`
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
class Begun:
    """A command that goes on, and what it prints."""

    process: Forked
    stdout: TextIO

    @property
    def pid(self) -> int:
        return self.process.pid


@dataclass(frozen=True)
class Shell:
    """A folder with a settings file, a campaign file, its list and an empty ledger, and `dialer` to run in it."""

    folder: Path

    @classmethod
    def prepared(cls, folder: Path, *, settings: str = SETTINGS) -> Shell:
        shell = cls(folder)
        shell.write("dialer.toml", settings)
        shell.write("first.yaml", CAMPAIGN)
        shell.write("first.csv", CONTACTS)
        shell.ledger_file.parent.mkdir(mode=0o700, exist_ok=True)
        migrated(shell.ledger_file)
        return shell

    @property
    def ledger_file(self) -> Path:
        return self.folder / ".dialer" / "ledger.sqlite3"

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o600)  # else the first command closes what holds a secret, and says so
        return file

    def run(
        self, *arguments: str, timeout: float = PATIENCE, given: str = "", encoding: str = "utf-8", **environ: str
    ) -> Ran:
        """Run to the end; `given` is typed, and what is written is in this encoding."""
        options: dict[str, Any] = {"timeout": timeout, "given": given, "encoding": encoding}
        return Ran(*preloaded.run(arguments, cwd=self.folder, env=self.environ(environ), **options))

    def run_on_terminal(self, *arguments: str, columns: int = 80, typed: str = "") -> tuple[int, list[str]]:
        """Run to the end on a terminal of this width; its exit code, and the lines that stand on the terminal then."""
        code, written = self.shown_on_terminal(*arguments, columns=columns, typed=typed)
        return code, ESCAPE.sub("", written).splitlines()

    def shown_on_terminal(self, *arguments: str, columns: int = 80, typed: str = "", **environ: str) -> tuple[int, str]:
        """The same with all that was ever written to the terminal, moves of the cursor among it."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, columns))
        env = self.environ({"TERM": "xterm"} | environ)
        del env["COLUMNS"]  # it would win over the terminal's
        with os.fdopen(theirs, "r+b", buffering=0) as screen:
            files = (screen, screen, screen)
            running = Forked([preloaded.DIALER, *arguments], cwd=self.folder, env=env, files=files)
        os.write(ours, typed.encode())
        with os.fdopen(ours, "rb") as terminal:
            written = b"".join(_until_the_end(terminal))
        return running.wait(PATIENCE), written.decode()

    def answered_on_terminal(self, *arguments: str, answers: Mapping[str, str]) -> tuple[int, str]:
        """Run to the end on a terminal, and type each line when it is asked for; what was written to the terminal."""
        ours, theirs = pty.openpty()
        with os.fdopen(theirs, "r+b", buffering=0) as screen:
            env = self.environ({"TERM": "xterm"})
            running = Forked([preloaded.DIALER, *arguments], cwd=self.folder, env=env, files=(screen, screen, screen))
        written = ""
        with os.fdopen(ours, "rb") as terminal:
            for part in _until_the_end(terminal):
                written += part.decode()
                for question in [question for question in answers if question in written]:
                    os.write(ours, f"{answers[question]}\n".encode())
                    answers = {other: answer for other, answer in answers.items() if other != question}
        return running.wait(PATIENCE), ESCAPE.sub("", written)

    def typed(self, lines: str) -> subprocess.CompletedProcess[str]:
        """What a terminal in this folder shows for these lines; the first that fails is the last."""
        environ = self.environ({"PATH": f"{FORKED_BIN}:{DIALER.parent}:{os.environ['PATH']}", SOCKET: forking.server()})
        command = ["/bin/sh", "-ec", lines]
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)

    def begin(self, *arguments: str, **environ: str) -> Begun:
        """Start a command and leave it running; stop it with `end`."""
        ours, theirs = os.pipe()
        with Path(os.devnull).open("rb") as stdin, os.fdopen(theirs, "wb") as output:
            process = Forked(
                [preloaded.DIALER, *arguments],
                cwd=self.folder,
                env=self.environ(environ),
                files=(stdin, output, output),
            )
        return Begun(process, os.fdopen(ours))

    @staticmethod
    def end(begun: Begun) -> str:
        """Ctrl-C, and what was printed until the end."""
        begun.process.send_signal(signal.SIGINT)
        try:
            with ThreadPoolExecutor(1) as reading, begun.stdout:
                written = reading.submit(begun.stdout.read)
                begun.process.wait(PATIENCE)
                return written.result()
        finally:
            begun.process.kill()

    @staticmethod
    def environ(more: dict[str, str]) -> dict[str, str]:
        return forking.environ(more)


def _until_the_end(terminal: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            yield os.read(terminal.fileno(), 65_536)
        except OSError:  # nobody has it open any more
            return


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
