"""`make` installs once, whatever was made first: with the real Makefile, and a setup that only says it was run."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from itertools import permutations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "requirements/dev.txt", "requirements/run.txt", "requirements/tools.txt")
RUN, DEV = "run", "dev"
MAKE = shutil.which("make") or ""

pytestmark = pytest.mark.skipif(not MAKE, reason="there is no make")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile among files that do nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in SOURCES:
        tmp_path.joinpath(name).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(name).touch()
    (tmp_path / "scripts").mkdir()
    programs = [
        "scripts/setup",
        *(f".venv/bin/{name}" for name in ("dialer", "pytest", "ruff", "mypy", "lint-imports")),
    ]
    for name in programs:
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text('#!/bin/sh\necho "${1:-run}" >> installed\n' if name == "scripts/setup" else "#!/bin/sh\n")
        program.chmod(0o755)
    return tmp_path


def installed_by(project: Path, *targets: str) -> list[str]:
    """What was installed while these were made, one after the other."""
    log = project / "installed"
    log.unlink(missing_ok=True)
    for target in targets:
        subprocess.run([MAKE, "--silent", target], cwd=project, check=True, env={**os.environ, "MAKEFLAGS": ""})
    return log.read_text().split() if log.exists() else []


def change_sources(project: Path) -> None:
    """As `git pull` does."""
    now = time.time()
    for name in SOURCES[:3]:
        os.utime(project / name, (now - 50, now - 50))
    for mark in (project / ".venv").glob(".installed*"):
        os.utime(mark, (now - 100, now - 100))


@pytest.mark.parametrize("first", ["test", "lint", "check", "test-fast"])
def test_what_the_tests_need_is_all_that_is_ever_installed(project, first):
    assert installed_by(project, first, "demo", "test", "lint", "check") == [DEV]


@pytest.mark.parametrize("order", list(permutations(["demo", "test", "lint"])), ids="-".join)
def test_after_a_change_all_is_installed_once(project, order):
    installed_by(project, "demo", "test")
    change_sources(project)
    assert installed_by(project, *order) == [DEV]
    assert installed_by(project, *order) == []


def test_the_demo_alone_never_installs_what_only_tests_need(project):
    assert installed_by(project, "demo", "demo") == [RUN]
    change_sources(project)
    assert installed_by(project, "demo", "demo") == [RUN]
    assert installed_by(project, "test", "demo") == [DEV]
