"""The images: stand-ins for those that are pulled, ours of this tree, and ours of the version before."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.containers.engine import ROOT, Engine

STAND_INS = Path(__file__).parent / "stand_ins"
SUITE = "bookworm"
DEBIAN = "localhost/debian:stand-in"
PULLED = {
    "python": "docker.io/library/python:3.12-slim",
    "valkey": "docker.io/valkey/valkey:8.1-alpine",
    "postgres": "docker.io/library/postgres:17-alpine",
}
OURS, PREVIOUS = "localhost/campaign-dialer:local", "localhost/campaign-dialer:previous"


def make(engine: Engine, previous: str, say: Callable[[str], None]) -> None:
    """Make the images that are not there yet; ours of this tree where something that goes into it is another."""
    present = set(engine.podman("images", "--format", "{{.Repository}}:{{.Tag}}").split())
    if DEBIAN not in present:
        say(f"Debian {SUITE} by debootstrap")
        _debian(engine)
    for name, image in PULLED.items():
        if image not in present:
            say(f"a stand-in for {image}")
            engine.build(STAND_INS, image, file=STAND_INS / name)
    volumes = list(_pips_volumes(engine))
    if PREVIOUS not in present:
        say(f"our image of {previous}")
        engine.build(tree_of(engine, previous), PREVIOUS, volumes=volumes)
    digest, made_of = digest_of(ROOT), engine.folder / "made-of"
    if OURS not in present or not made_of.exists() or made_of.read_text() != digest:
        say("our image of this tree")
        engine.build(ROOT, OURS, volumes=volumes)
        engine.podman("image", "prune", "--force")  # the one before has lost its name
        made_of.write_text(digest)


def digest_of(tree: Path) -> str:
    """A digest of a tree's Dockerfile and of all that it copies from there, as these are now."""
    dockerfile, digest = tree / "Dockerfile", hashlib.sha256()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile.read_text(), re.MULTILINE)
    for path in [dockerfile, *(tree / word for sources in copied for word in sources.split())]:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(tree)} ".encode() + file.read_bytes())
    return digest.hexdigest()


def tree_of(engine: Engine, commit: str) -> Path:
    """A folder with the files of a commit."""
    folder = engine.folder / "previous"
    if not folder.exists():
        folder.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607
        subprocess.run(["tar", "--extract"], cwd=folder, check=True, input=archive)  # noqa: S607
    return folder


def _debian(engine: Engine) -> None:
    root = engine.scratch / "debian"
    engine.run("debootstrap", "--variant=minbase", SUITE, str(root))
    archive = engine.scratch / "debian.tar"
    engine.run("tar", "--directory", str(root), "--create", "--file", str(archive), ".")
    engine.podman("import", str(archive), DEBIAN)
    engine.run("rm", "-r", str(root), str(archive))


def _pips_volumes(engine: Engine) -> Iterator[str]:
    """What pip is configured with here, for the build's steps to see: its options, and the files that they name."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    options = dict(re.findall(r"^(?:global|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE))
    options.pop("constraint", None)
    file = engine.folder / "pip.conf"
    file.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
    yield f"{file}:/etc/pip.conf:ro"
    words = {word for value in options.values() for word in shlex.split(value)}
    paths = {_of_index(word) if word.startswith("file://") else word for word in words}
    for path in sorted(path for path in paths if path.startswith("/") and Path(path).exists()):
        yield f"{path}:{path}:ro"


def _of_index(url: str) -> str:
    """The folder of an index on this machine: the packages that its pages name lie beside it."""
    return str(Path(url.removeprefix("file://")).parent)
