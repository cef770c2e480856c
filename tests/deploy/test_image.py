"""The image's build steps, run in a virtual environment: what it will hold works without the source around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from tests.deploy.test_compose import ROOT, copied, steps


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs that the first stage of the Dockerfile installs."""
    source, target = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("opt") / "dialer"
    for name in copied():
        there = ROOT / name
        shutil.copytree(there, source / name) if there.is_dir() else shutil.copy(there, source / name)
    venv.create(target, with_pip=True)
    (install,) = [step for step in steps("RUN") if "pip install" in step]
    environ = os.environ | {"PATH": f"{target / 'bin'}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        ["/bin/sh", "-ec", install], cwd=source, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shutil.rmtree(source)
    return target / "bin"


def run(image: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{image}:/usr/bin:/bin", "DIALER_DATA_DIR": str(folder / "data"), "HOME": str(folder)}
    return subprocess.run([image / command[0], *command[1:]], cwd=folder, env=environ, capture_output=True, text=True)


@pytest.mark.timeout(300)
def test_the_ledger_is_made_by_what_the_image_holds(image, tmp_path):
    done = run(image, tmp_path, "dialer", "ledger", "upgrade")
    assert (done.returncode, "is current" in done.stdout) == (0, True), done.stderr
    assert (tmp_path / "data" / "ledger.sqlite3").is_file()


@pytest.mark.timeout(300)
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


@pytest.mark.timeout(300)
def test_the_image_has_no_way_to_install_anything(image):
    assert not list(image.glob("pip*"))
