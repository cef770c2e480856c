"""The bar as a person at a terminal of 80 columns sees it: a real pseudo-terminal, and the real command in it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from tests.support.shell import CAMPAIGN, DIALER, Shell

ROWS = 25_000


def seen(shell: Shell, *arguments: str, columns: int = 80) -> str:
    """Everything that a command writes to a terminal this wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environ = {name: value for name, value in shell.environ({}).items() if name not in {"COLUMNS", "NO_COLOR"}}
    with subprocess.Popen(
        [str(DIALER), *arguments],
        cwd=shell.folder,
        env=environ | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        said = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def test_a_long_list_shows_a_bar_that_counts_rows_fits_in_80_columns_and_goes(tmp_path):
    shell = Shell.prepared(tmp_path)
    shell.write("first.yaml", CAMPAIGN.replace("  file: first.csv", "  file: first.csv\n  duplicates: first"))
    shell.write("first.csv", "phone,name\n" + "+14155550101,Ann\n" * ROWS)
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen(shell, "check", "first.yaml"))
    frames = [line for line in re.split(r"[\r\n]+", said) if line.startswith("reading")]
    assert frames, said
    assert max(map(len, frames)) <= 80
    assert all(re.search(r" of about 25,000 rows +\S+ left", frame) for frame in frames)
    assert re.search(r"2[0-5],000 of about", frames[-1]), "rows that are left out count too"
    assert said.rstrip().splitlines()[-1].startswith("All of them:") or "rejects.csv" in said
    assert not any(line.startswith("reading") for line in said.rstrip().splitlines()[-5:]), "it goes when it is done"
