"""What `make containers` can be held to without an engine: its stand-ins, its stages, its table, its refusals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.containers import packages
from tests.containers.engine import Engine
from tests.containers.images import OURS, PULLED, STAND_INS, digest_of
from tests.containers.record import record
from tests.containers.services import Services
from tests.deploy.test_compose import ROOT, steps

STEPS = [
    {"step": "scale", "asked": "three workers", "seconds": 20, "verdict": "3 workers"},
    {"step": "down", "asked": "nothing left", "seconds": 4, "verdict": "failed"},
]


def tag_of(image: str) -> str:
    """The image by its tag alone, as the stand-ins have it."""
    return image.partition("@")[0]


def test_there_is_a_stand_in_for_each_image_that_is_pulled() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    bases = {re.sub(r"\$\{PYTHON\}", "3.12", rest.split()[0]).partition("$")[0] for rest in steps("FROM")}
    pulled = {*bases, *(tag_of(service["image"]) for service in services)} - {OURS.rpartition("/")[2]}
    assert {re.sub(r"^docker\.io/(library/)?", "", image) for image in PULLED.values()} == pulled
    assert all((STAND_INS / name).is_file() for name in PULLED)


def test_the_compose_file_is_run_as_it_stands_but_for_the_order(tmp_path: Path) -> None:
    staged = Services(Engine(tmp_path), ROOT, OURS).folder / "staged.yml"
    written = yaml.safe_load(staged.read_text())["services"]
    for name, service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items():
        left_out = {key for key in service if key not in written[name]}
        assert left_out <= {"build", "depends_on"}
        assert {key: value for key, value in service.items() if key not in {*left_out, "image"}} == {
            key: value for key, value in written[name].items() if key != "image"
        }


def test_an_image_is_made_anew_where_what_it_is_made_of_has_changed(tmp_path: Path) -> None:
    (tmp_path / "dialer").mkdir()
    (tmp_path / "Dockerfile").write_text(
        "FROM x\nCOPY LICENSE README.md ./\nCOPY dialer dialer\nCOPY --from=build /a /b\n"
    )
    copied = [tmp_path / name for name in ("LICENSE", "README.md", "dialer/calls.py")]
    for file in copied:
        file.write_text("before")
    before = digest_of(tmp_path)
    (tmp_path / "Makefile").write_text("not copied")
    assert digest_of(tmp_path) == before
    copied[-1].write_text("after")
    assert digest_of(tmp_path) != before


def test_what_the_machine_lacks_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(packages.CannotRunHere, match=r"not here: .*podman.*apt-get install .*debootstrap"):
        packages.require()


def test_only_root_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(packages.CannotRunHere, match="sudo make containers"):
        packages.require()


def test_a_run_replaces_the_table_of_the_run_before(tmp_path: Path) -> None:
    page = tmp_path / "deploy.md"
    page.write_text("above\n<!-- drill -->\nold\n<!-- /drill -->\nbelow\n")
    record(STEPS, "18de8bf", page)
    record(STEPS, "18de8bf", page)
    text = page.read_text()
    assert (text.startswith("above\n"), text.endswith("below\n"), "old" in text) == (True, True, False)
    assert text.count("| scale ") == text.count("| down ") == 1
    assert "2 steps, 24 s" in text
