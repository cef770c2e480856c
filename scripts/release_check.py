"""`make release-check`: install the wheel by pip and pipx on every Python here, and run the demo of what was installed.

Each installation has a folder of its own outside the checkout. What was seen is written into docs/releases.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scripts.release import CONSTRAINTS, ROOT, build, epoch_of, write_constraints

PYTHONS = ("3.11", "3.12", "3.13")
PAGE = ROOT / "docs" / "releases.md"
MARKS = re.compile(r"(<!-- made: release-check -->\n).*?(<!-- end of release-check -->)", re.DOTALL)
PIPX = ROOT / ".venv" / "tools" / "bin" / "pipx"
COMMANDS = (("--version",), ("schema",), ("ledger", "upgrade"), ("demo",))
MINUTES = 10 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A way to install on one Python, and what became of it there."""

    python: str
    way: str
    result: str
    seconds: float

    @property
    def row(self) -> str:
        """Its line in the table."""
        return f"| {self.python} | {self.way} | {self.result} | {self.seconds:.0f} |"


def interpreters() -> Mapping[str, Path | None]:
    """Where each Python is that the wheel is for; None for one that this machine does not have."""
    return {version: next(_candidates(version), None) for version in PYTHONS}


def _candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for place in (*sorted(pyenv.glob(f"versions/{version}.*/bin/python")), *([Path(on_path)] if on_path else [])):
        code = "import sys, ensurepip, venv; print('.'.join(map(str, sys.version_info[:2])))"
        asked = subprocess.run([place, "-c", code], capture_output=True, text=True, check=False)
        if asked.stdout.strip() == version:
            yield place


def by_pip(python: Path, wheel: Path, folder: Path) -> Path:
    """Install into a fresh environment; returns its `dialer`."""
    _run(folder, python, "-m", "venv", folder / "venv")
    constraints = wheel.with_name(CONSTRAINTS)
    _run(folder, folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--constraint", constraints, wheel)
    return folder / "venv" / "bin" / "dialer"


def by_pipx(python: Path, wheel: Path, folder: Path) -> Path:
    """Install as a program of its own, as the README says; returns its `dialer`."""
    homes = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    arguments = ("--quiet", "--python", python, f"--pip-args=--constraint {wheel.with_name(CONSTRAINTS)}")
    _run(folder, PIPX, "install", *arguments, wheel, environ=homes)
    return folder / "bin" / "dialer"


WAYS = {"pip": by_pip, "pipx": by_pipx}


def installed(way: str, python: Path, wheel: Path) -> Installation:
    """Install, run the commands, and take all away again."""
    began = time.monotonic()
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    with tempfile.TemporaryDirectory(prefix="release-check-") as name:
        folder = Path(name)
        try:
            dialer = WAYS[way](python, wheel, folder)
            for command in COMMANDS:
                _run(folder, dialer, *command)
            result = "the demo ran to its end"
        except (OSError, subprocess.SubprocessError) as exc:
            result = f"FAILED: {_reason(exc)}"
    return Installation(python=version, way=way, result=result, seconds=time.monotonic() - began)


def _run(folder: Path, *command: str | Path, environ: Mapping[str, str] | None = None) -> None:
    """Run a command there, with no variable of this checkout. Raises SubprocessError."""
    ours = ("DIALER_", "PYTHON", "VIRTUAL_ENV", "PYENV_VERSION", "MAKE")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=clean | dict(environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=MINUTES,
        check=True,
    )


def _reason(exc: Exception) -> str:
    lines = [line for text in (getattr(exc, "stderr", ""), str(exc)) for line in (text or "").splitlines() if line]
    return (lines[-1] if lines else type(exc).__name__).replace("|", "/")[:120]


def table(rows: Sequence[str], missing: Sequence[str]) -> str:
    """What is written into the page."""
    system = f"{os.uname().sysname} {os.uname().machine}"
    lines = [
        f"The last run: {datetime.now(UTC):%d %B %Y}, {system}.",
        "",
        "| Python | by | result | seconds |",
        "|---|---|---|---|",
        *sorted(rows),
    ]
    if missing:
        lines += ["", f"Not on that machine, so not tested: Python {', '.join(missing)}."]
    return "\n".join(lines)


def rows_of_others(page: str, tried: Sequence[str]) -> list[str]:
    """The rows of the page about Pythons that were not tried now."""
    return [row for row, python in re.findall(r"^(\| (3\.\d+)\.\d+ \|.*)$", page, re.MULTILINE) if python not in tried]


def main() -> None:
    """Try these Pythons, or all, in every way. Exit code 1 when one failed, or two builds differ."""
    tried = sys.argv[1:] or list(PYTHONS)
    pythons = {version: python for version, python in interpreters().items() if version in tried}
    with tempfile.TemporaryDirectory() as name:
        dist = Path(name)
        wheel, sdist = build(["sdist", "wheel"], ROOT, dist, epoch_of(ROOT))
        write_constraints(ROOT, dist)
        again = build(["sdist", "wheel"], ROOT, dist / "again", epoch_of(ROOT))
        if [file.read_bytes() for file in again] != [wheel.read_bytes(), sdist.read_bytes()]:
            sys.exit("two builds of the same commit differ")
        results = [installed(way, python, wheel) for python in filter(None, pythons.values()) for way in WAYS]
    page = PAGE.read_text("utf-8")
    rows = [*rows_of_others(page, tried), *(result.row for result in results)]
    text = table(rows, [version for version, python in pythons.items() if python is None])
    PAGE.write_text(MARKS.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page), "utf-8")
    sys.stdout.write(text + "\n")
    if any(result.result.startswith("FAILED") for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
