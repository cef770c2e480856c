"""What is installed is pinned: each package by its version and the hashes of its files, what it needs included."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"([a-z0-9-]+)==(\S+)(?: ; ([^\\]+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")
LOCKS = {"run": 40, "dev": 40, "tools": 40, "site": 8}  # and how many packages each has at the least


def pins(lock: str) -> dict[str, str]:
    """The version of each package."""
    return {name: version for name, version, *_ in PIN.findall(text(lock))}


def text(lock: str) -> str:
    return (ROOT / "requirements" / f"{lock}.txt").read_text()


def named(*requirements: str) -> set[str]:
    """The packages that these requirements ask for, as a pin names them."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", line)[0]).lower() for line in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_version_with_the_hashes_of_its_files(lock):
    """No address of a registry, no option, no package that may be taken in any version."""
    assert len(pins(lock)) >= LOCKS[lock]
    assert PIN.sub("", text(lock)) == ""


def test_all_that_the_project_asks_for_is_pinned_and_what_the_tests_run_is_what_people_run():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert named(*project["project"]["dependencies"], "setuptools") <= set(pins("run"))
    assert named(*project["project"]["optional-dependencies"]["dev"]) <= set(pins("dev"))
    assert named(*project["dependency-groups"]["tools"]) <= set(pins("tools"))
    assert named(*project["dependency-groups"]["site"]) <= set(pins("site"))
    assert pins("run").items() <= pins("dev").items()


def test_what_is_needed_on_an_older_python_alone_is_pinned_too():
    """redis asks for it before Python 3.11.3."""
    assert re.search(r"^async-timeout==\S+ ; python_full_version < '3.11.3'", text("run"), re.MULTILINE)


def test_the_build_has_no_fault_that_is_known():
    """CVE-2022-40897, CVE-2024-6345 and CVE-2025-47273 are mended since setuptools 78.1.1."""
    assert int(pins("run")["setuptools"].split(".")[0]) >= 79


def test_set_up_and_image_hold_each_file_against_its_hash():
    installs = [
        line.strip()
        for file in ("scripts/setup", "Dockerfile")
        for line in (ROOT / file).read_text().splitlines()
        if re.search(r"pip install|^\s*pinned ", line) and "-m pip install" not in line
    ]
    assert len(installs) == 5
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)
