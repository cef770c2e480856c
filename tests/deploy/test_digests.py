"""Images are pulled by digest: `make digests` asks their registry, and its check names those that have none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.test_compose import ROOT

FIRST, SECOND = ("sha256:" + digits * 16 for digits in ("0123", "89ab"))
ELSEWHERE = "\n  proxy:\n    image: registry.example:5000/some-team/proxy_2:v1.2-rc.1\n"
Digests = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    for name in ("Dockerfile", "docker-compose.yml", "scripts/digests"):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "docker-compose.yml").open("a") as compose:
        compose.write(ELSEWHERE)
    return tmp_path


@pytest.fixture
def digests(project: Path) -> Digests:
    """`scripts/digests`, with a `docker` that answers this for the registry."""

    def run(*arguments: str, answer: str = FIRST) -> subprocess.CompletedProcess[str]:
        docker = project / "bin" / "docker"
        docker.parent.mkdir(exist_ok=True)
        docker.write_text(f'#!/bin/sh\ntest "$3" = inspect && echo "{answer}"\n')
        docker.chmod(0o755)
        env = os.environ | {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
        command = [project / "scripts" / "digests", *arguments]
        return subprocess.run(command, env=env, check=False, capture_output=True, text=True)

    return run


def pulled(project: Path) -> list[str]:
    """All that is named in both files for pulling, as Docker reads it."""
    dockerfile = (project / "Dockerfile").read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(.*)$", dockerfile, re.M))
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.M)
    named = [re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], base) for base in bases]
    images = re.findall(r"^ *image: *(\S+)$", (project / "docker-compose.yml").read_text(), re.M)
    return [*named, *(image for image in images if image != "campaign-dialer:local")]


def test_every_image_that_is_pulled_is_pinned_by_the_digest_that_the_registry_names(project, digests):
    tags = pulled(project)
    for answer in (FIRST, SECOND):  # a second time it replaces what it has written
        assert digests(answer=answer).returncode == 0
        assert pulled(project) == [f"{tag.partition('@')[0]}@{answer}" for tag in tags]
    assert digests("--check").returncode == 0


def test_every_image_comes_with_its_digest():
    assert subprocess.run([ROOT / "scripts" / "digests", "--check"], check=False).returncode == 0


def test_an_image_that_is_pulled_by_its_tag_alone_is_named_by_the_check(project, digests):
    for name in ("Dockerfile", "docker-compose.yml"):
        (project / name).write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", (project / name).read_text()))
    before = digests("--check")
    assert (before.returncode, len(before.stderr.splitlines())) == (1, len(set(pulled(project))))
    for image in pulled(project):
        assert f"{image} (" in before.stderr
    digests()
    with (project / "docker-compose.yml").open("a") as compose:
        compose.write("  cache:\n    image: example/cache:7\n")
    after = digests("--check")
    assert (after.returncode, after.stderr.count("tag alone")) == (1, 1)
    assert "example/cache:7 (docker-compose.yml)" in after.stderr


@pytest.mark.parametrize("answer", ["", "sha256:0123", "manifest unknown"])
def test_what_is_no_digest_is_not_written(project, digests, answer):
    before = pulled(project)
    refused = digests(answer=answer)
    assert (refused.returncode, "names no digest" in refused.stderr) == (1, True)
    assert pulled(project) == before
