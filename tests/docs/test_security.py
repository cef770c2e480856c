"""Every promise and every attack that a page names is shown by a test that exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_docs import ROOT

NAMED = re.compile(r"`(test_\w+)`")
DIGEST = "sha256:" + "0123456789abcdef" * 4


def table_rows(page: str, heading: str) -> list[str]:
    """The lines of the table below a heading."""
    section = (ROOT / "docs" / page).read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


@pytest.fixture(scope="module")
def tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text("utf-8"), re.M)}


@pytest.mark.parametrize(
    ("page", "heading"), [("security.md", "Promised"), ("under-fire.md", "Attacks, and their bounds")]
)
def test_each_line_names_tests_that_exist(tests, page, heading):
    rows = table_rows(page, heading)
    assert len(rows) > 10
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        assert set(named) <= tests, row


def test_images_are_pinned_by_the_digests_that_the_registry_names(tmp_path: Path):
    """`make digests`, with a `docker` that answers for the registry."""
    (tmp_path / "scripts").mkdir()
    for name in ("Dockerfile", "docker-compose.yml", "scripts/digests"):
        shutil.copy(ROOT / name, tmp_path / name)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\ntest "$3" = inspect && echo {DIGEST}\n')
    docker.chmod(0o755)
    env = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
    for _ in range(2):  # a second time it replaces what it has written
        subprocess.run([tmp_path / "scripts" / "digests"], env=env, check=True, capture_output=True)
    compose, dockerfile = (tmp_path / "docker-compose.yml").read_text(), (tmp_path / "Dockerfile").read_text()
    assert re.findall(r"image: (?:valkey|postgres)\S*@(\S+)$", compose, re.M) == [DIGEST] * 2
    assert f"ARG PYTHON_DIGEST=@{DIGEST}\n" in dockerfile
    assert dockerfile.count("-slim${PYTHON_DIGEST}") == dockerfile.count("\nFROM ")
