"""`make wheel` and `make release`: build dist/ from a copy of the sources in a folder of its own.

The same commit gives the same bytes, wherever and whenever it is built: every file's time is that of the commit, its
mode and owner are fixed, and nothing is taken from an earlier build.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("pyproject.toml", "README.md", "LICENSE")
PACKAGES = ("dialer", "campaigns", "workers", "console")
CHECKSUMS = "SHA256SUMS"
CONSTRAINTS = "constraints.txt"
WITHOUT_A_COMMIT = 315_532_800  # the first moment that a zip can name
BUILD = "from setuptools import build_meta; build_meta.build_{kind}({folder!r})"


def build(kinds: Sequence[str], root: Path, dist: Path, epoch: int) -> list[Path]:
    """Build these kinds (wheel, sdist) of the sources in `root` into `dist`; returns their files, by name."""
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "source"), Path(folder, "built")
        _copy_sources(root, source)
        built.mkdir()
        environ = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
        for kind in kinds:
            code = BUILD.format(kind=kind, folder=str(built))
            ran = subprocess.run(
                [sys.executable, "-c", code], cwd=source, env=environ, capture_output=True, check=False
            )
            if ran.returncode:
                sys.exit(f"No {kind} could be built.\n{ran.stderr.decode()}")
        for sdist in built.glob("*.tar.gz"):
            _repack(sdist, epoch)
        dist.mkdir(exist_ok=True)
        return [Path(shutil.copy(file, dist)) for file in sorted(built.iterdir())]


def _copy_sources(root: Path, source: Path) -> None:
    """Copy what a release is made of. Modes are fixed: those of a checkout depend on the umask."""
    files = [root / name for name in FILES]
    files += [file for name in PACKAGES for file in (root / name).rglob("*") if file.is_file()]
    for file in files:
        if "__pycache__" not in file.parts:
            copy = source / file.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            copy.chmod(0o644)


def _repack(sdist: Path, epoch: int) -> None:
    """Write an sdist again without times, owners and an order of this machine; setuptools leaves them in."""
    with tarfile.open(sdist) as packed:
        members = sorted(packed.getmembers(), key=lambda member: member.name)
        contents = {member.name: packed.extractfile(member) for member in members if member.isfile()}
        again = sdist.with_suffix(".new")
        with (
            again.open("wb") as file,
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=epoch) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for member in members:
                fresh = tarfile.TarInfo(member.name)
                fresh.type, fresh.size, fresh.mtime = member.type, member.size, epoch
                fresh.mode = 0o755 if member.isdir() else 0o644
                tar.addfile(fresh, contents.get(member.name))
    again.replace(sdist)


def write_constraints(root: Path, dist: Path) -> Path:
    """Write the versions that were tested, without hashes: programs such as pipx take none."""
    pins = re.findall(r"^[^ \n]*==[^ \n]*", (root / "requirements" / "run.txt").read_text("utf-8"), re.MULTILINE)
    file = dist / CONSTRAINTS
    file.write_text("".join(f"{pin}\n" for pin in pins), "utf-8")
    return file


def write_checksums(files: Sequence[Path], dist: Path) -> Path:
    """Write the digest of each file, as `sha256sum --check` reads it."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(files)]
    file = dist / CHECKSUMS
    file.write_text("".join(lines), "utf-8")
    return file


def not_ready(root: Path) -> str:
    """Why what lies in `root` is no release; blank when it is one."""
    version = version_of(root)
    headings = re.findall(r"^## (.+)$", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    if not re.fullmatch(rf"{re.escape(version)} – \d{{4}}-\d\d-\d\d", headings[0] if headings else ""):
        return f"CHANGELOG.md: the first heading is not `## {version} – YYYY-MM-DD`: name the version and its day"
    if changed := _git(root, "status", "--porcelain"):
        return f"not committed: {', '.join(line[3:] for line in changed.splitlines()[:5])}: commit it, or put it away"
    return ""


def version_of(root: Path) -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def epoch_of(root: Path) -> int:
    """The time of the commit; a fixed one where there is no git."""
    try:
        return int(_git(root, "log", "-1", "--format=%ct"))
    except (OSError, subprocess.CalledProcessError):
        return WITHOUT_A_COMMIT


def _git(root: Path, *arguments: str) -> str:
    command = [shutil.which("git") or "git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()


def _write_sbom(root: Path, dist: Path) -> Path:
    file = dist / f"campaign-dialer-{version_of(root)}.cdx.json"
    make = ["make", "--silent", "sbom", f"SBOM={file}"]
    subprocess.run(make, cwd=root, check=True)
    return file


def main() -> None:
    """Build a wheel, or a whole release into an empty dist/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--wheel", action="store_true", help="only a wheel and its constraints, of the files as they are"
    )
    only_wheel = parser.parse_args().wheel
    dist, epoch = ROOT / "dist", epoch_of(ROOT)
    if not only_wheel and (why := not_ready(ROOT)):
        sys.exit(f"No release was made. {why}")
    shutil.rmtree(dist, ignore_errors=True)
    files = build(["wheel"] if only_wheel else ["sdist", "wheel"], ROOT, dist, epoch)
    files.append(write_constraints(ROOT, dist))
    if not only_wheel:
        files.append(_write_sbom(ROOT, dist))
        files.append(write_checksums(files, dist))
    sys.stdout.writelines(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes\n" for file in files)


if __name__ == "__main__":
    main()
