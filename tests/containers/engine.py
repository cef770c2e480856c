"""Podman, Buildah and podman-compose, kept to one folder: images, containers, volumes, networks and their settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv" / "tools" / "bin"
LOG_LINES = 40

# crun refuses where version 1 of cgroups is mounted beside version 2; what may be raised there is little.
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE = """\
[storage]
driver = "{driver}"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
REGISTRIES = 'unqualified-search-registries = ["docker.io"]\n'  # whose name the stand-ins bear; nothing is pulled


class CommandFailed(Exception):
    """A command ended in an error; the message has its last lines."""


class Engine:
    """Runs commands that keep everything in this folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self._state = f"--tmpdir={folder}/state"
        self.environ = os.environ | {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
            "TMPDIR": str(self.scratch),
        }

    def prepare(self) -> None:
        """Write the settings of the programs."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        names = {"folder": self.folder, "driver": "overlay" if self._overlays() else "vfs"}
        (self.folder / "containers.conf").write_text(CONTAINERS.format(**names))
        (self.folder / "storage.conf").write_text(STORAGE.format(**names))
        (self.folder / "registries.conf").write_text(REGISTRIES)

    def _overlays(self) -> bool:
        """Whether the file system can carry overlays; without them each layer is a copy."""
        parts = {name: self.scratch / "overlay" / name for name in ("lower", "upper", "work", "merged")}
        for part in parts.values():
            part.mkdir(parents=True, exist_ok=True)
        layers = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
        mount = ["mount", "-t", "overlay", "overlay", "-o", layers, str(parts["merged"])]
        quiet = {"check": False, "capture_output": True}
        return subprocess.run(["unshare", "--mount", *mount], **quiet).returncode == 0  # type: ignore[call-overload]  # noqa: S607

    def podman(self, *words: str, check: bool = True) -> str:
        """What Podman prints."""
        return self.run("podman", self._state, *words, check=check)

    def log(self, container: str) -> str:
        """The last lines that a container has written."""
        command = ["podman", self._state, "logs", "--tail", str(LOG_LINES), container]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, env=self.environ, check=False, text=True, **streams).stdout

    def podman_succeeds(self, *words: str) -> bool:
        """Whether Podman ends without an error."""
        command = ["podman", self._state, *words]
        return subprocess.run(command, env=self.environ, check=False, capture_output=True).returncode == 0

    def build(self, context: Path, name: str, *, file: Path | None = None, volumes: Iterable[str] = ()) -> None:
        """Build an image of a folder. Nothing is pulled; what its steps fetch comes over this machine's network."""
        given = ["--file", str(file)] if file else []
        mounts = [word for volume in volumes for word in ("--volume", volume)]
        isolated = ["--pull-never", "--isolation", "chroot", "--network", "host", "--layers=false"]
        isolated += ["--build-arg", "PYTHON_DIGEST="]  # what stands in for the image that is pulled has its tag
        self.run("buildah", "build", *isolated, *mounts, *given, "--tag", name, str(context))

    def compose(self, folder: Path, *words: str, check: bool = True) -> str:
        """What podman-compose prints about this folder's files."""
        files = [word for name in ("staged.yml", "rehearsal.yml") for word in ("--file", str(folder / name))]
        return self.run(
            str(TOOLS / "podman-compose"), f"--podman-args={self._state}", *files, *words, folder=folder, check=check
        )

    def run(self, *command: str, folder: Path | None = None, check: bool = True) -> str:
        """What a command prints. Raises CommandFailed with its last lines."""
        ran = subprocess.run(
            command, cwd=folder or self.folder, env=self.environ, check=False, capture_output=True, text=True
        )
        if check and ran.returncode:
            last = (ran.stdout + ran.stderr).strip().splitlines()[-LOG_LINES:]
            raise CommandFailed("\n".join([f"{' '.join(command)}: exit code {ran.returncode}", *last]))
        return ran.stdout

    def alone(self, module: str, *arguments: str) -> int:
        """The exit code of a module of ours that has networks, mounts and processes of its own.

        All that it starts and mounts ends with it, also when it is killed.
        """
        spaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "catatonit", "--"]
        command = [*spaces, sys.executable, "-m", module, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environ, check=False).returncode


def dotenv(values: Mapping[str, str]) -> str:
    """The text of a `.env` file."""
    return "".join(f"{name}={value}\n" for name, value in values.items())
