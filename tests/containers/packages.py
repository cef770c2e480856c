"""What a machine needs to run containers: Debian's packages, installed as root, or named."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

# A program, and Debian's package with it; where they come without a program on the PATH, a file.
NEEDED = {
    "podman": "podman",
    "buildah": "buildah",
    "runc": "runc",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "ip": "iproute2",
    "debootstrap": "debootstrap",
    "unshare": "util-linux",
    "git": "git",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}


class CannotRunHere(Exception):
    """Containers cannot be run on this machine; the message says why."""


def require() -> None:
    """Return when all is there that is needed, installed now if need be. Raises CannotRunHere."""
    if os.geteuid() != 0:
        raise CannotRunHere("only root may make the namespaces: sudo make containers")
    packages = missing()
    if packages and shutil.which("apt-get"):
        install(packages)
        packages = missing()
    if packages:
        raise CannotRunHere(f"not here: {', '.join(packages)} (Debian: apt-get install {' '.join(packages)})")


def missing() -> list[str]:
    """The packages whose programs are not here."""
    return [package for program, package in NEEDED.items() if not shutil.which(program)]


def install(packages: Sequence[str]) -> None:
    """Install from Debian; what cannot be installed stays missing."""
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *command], env=environ, check=False, stdout=subprocess.DEVNULL)  # noqa: S607
