"""The image's build steps, run in a virtual environment: what it will hold works without the source around it.

What the project requires is linked there beforehand, as it is installed here, so that pip only fetches what it lacks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.deploy.test_compose import ROOT, copied, steps


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs that the first stage of the Dockerfile installs."""
    source, target = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("opt") / "dialer"
    for name in copied():
        there = ROOT / name
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copytree(there, source / name) if there.is_dir() else shutil.copy(there, source / name)
    venv.create(target)
    (site,) = target.glob("lib/python*/site-packages")
    copy_pip(site, target / "bin" / "pip")
    for name in required():
        link(name, site)
    installs = [step for step in steps("RUN") if "pip install" in step]
    environ = os.environ | {"PATH": f"{target / 'bin'}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for install in installs:
        done = subprocess.run(
            ["/bin/sh", "-ec", install], cwd=source, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    shutil.rmtree(source)
    return target / "bin"


def copy_pip(site: Path, program: Path) -> None:
    """The pip that is installed here, with its program: to unpack the one that `venv` brings takes longer."""
    for folder in {file.parts[0] for file in distribution("pip").files or ()} - {".."}:
        shutil.copytree(str(distribution("pip").locate_file(folder)), site / folder)
    program.write_text(f"#!{program.with_name('python')}\nfrom pip import main\nraise SystemExit(main())\n")
    program.chmod(0o755)


def required() -> set[str]:
    """The names of all that an installation brings, as far as it is installed here: nothing that only tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: dict[str, set[str]] = {}
    waiting = [Requirement(one) for one in project["dependencies"]]
    while waiting:
        one = waiting.pop()
        if (one.name in found and one.extras <= found[one.name]) or (one.marker and not one.marker.evaluate()):
            continue
        extras = found.setdefault(one.name, set())
        extras |= one.extras
        for more in map(Requirement, distribution(one.name).requires or ()):
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                more.marker = None
                waiting.append(more)
    return set(found)


def link(name: str, site: Path) -> None:
    """Put a distribution into this folder of packages; its programs, which name their Python, stay away."""
    made = distribution(name)
    for part in {file.parts[0] for file in made.files or ()} - {"..", "__pycache__"}:
        if not (site / part).exists():
            (site / part).symlink_to(Path(str(made.locate_file(part))))


def run(image: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{image}:/usr/bin:/bin", "DIALER_DATA_DIR": str(folder / "data"), "HOME": str(folder)}
    return subprocess.run([image / command[0], *command[1:]], cwd=folder, env=environ, capture_output=True, text=True)


def test_the_ledger_is_made_by_what_the_image_holds(image, tmp_path):
    done = run(image, tmp_path, "dialer", "ledger", "upgrade")
    assert (done.returncode, "is current" in done.stdout) == (0, True), done.stderr
    assert (tmp_path / "data" / "ledger.sqlite3").is_file()


def test_everything_that_is_not_python_is_in_the_image(image, tmp_path):
    ask = (
        "from importlib.resources import files as f; import console.web, workers.app;"
        "print(len(list((f('dialer') / 'bucket' / 'lua').iterdir())),"
        " len(list((f('campaigns') / 'examples').iterdir())), len(list((f('console') / 'templates').iterdir())))"
    )
    done = run(image, tmp_path, "python", "-c", ask)
    assert done.returncode == 0, done.stderr
    counts = [int(word) for word in done.stdout.split()]
    folders = ("dialer/bucket/lua", "campaigns/examples", "console/templates")
    expected = [len(list((ROOT / folder).iterdir())) for folder in folders]
    assert counts == expected


def test_the_image_has_no_way_to_install_anything(image):
    assert not list(image.glob("pip*"))
