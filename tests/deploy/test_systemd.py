"""The units for one machine: systemd itself reads them, and each service gives up the rights that it does not need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.test_compose import ROOT, is_setting

UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("dialer-worker@1.service", "dialer-beat.service", "dialer-console.service", "dialer-flower.service")
MOST_EXPOSED = 20  # tenths, of 100: systemd calls everything below 20 OK
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="there is no systemd-analyze (Debian: apt-get install systemd)"
)


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with the programs where they are here."""
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(UNITS, folder, dirs_exist_ok=True)
    for file in folder.glob("*.service"):
        file.write_text(file.read_text().replace("/opt/dialer/bin", str(BIN)))
    return folder


def analyze(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of them, with its own units after ours."""
    environ = os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:"}
    command = ["systemd-analyze", "--no-pager", *words]
    return subprocess.run(command, cwd=units, env=environ, capture_output=True, text=True, check=False)


def test_systemd_finds_no_fault_in_any_unit(units: Path) -> None:
    verified = analyze(units, "verify", "--man=no", "./dialer.target", *(f"./{name}" for name in SERVICES))
    assert (verified.returncode, verified.stderr) == (0, "")


def test_a_fault_in_a_unit_is_seen(units: Path) -> None:
    (units / "dialer-wrong.service").write_text("[Service]\nExecStart=/opt/dialer/bin/away\nRestarts=always\n")
    verified = analyze(units, "verify", "--man=no", "./dialer-wrong.service")
    assert verified.returncode == 1
    assert "Restarts" in verified.stderr
    assert "/opt/dialer/bin/away" in verified.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_exposed_to_little(units: Path, name: str) -> None:
    judged = analyze(units, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", f"./{name}")
    assert judged.returncode == 0, judged.stdout[-200:]


def test_the_target_wants_every_service() -> None:
    wanted = re.findall(r"dialer-[\w@]+\.service", (UNITS / "dialer.target").read_text())
    assert {re.sub(r"@\d+", "@", name) for name in wanted} == {file.name for file in UNITS.glob("*.service")}


def test_the_services_are_started_as_the_compose_file_starts_them() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for file in UNITS.glob("*.service"):
        for option in re.findall(r"(--[\w-]+)", file.read_text()):
            assert option in compose, (file.name, option)


def test_every_variable_is_a_setting() -> None:
    text = (UNITS / "dialer-.service.d" / "common.conf").read_text()
    assert {
        name for name in re.findall(r"DIALER_\w+", text) if name != "DIALER_CONFIG" and not is_setting(name)
    } == set()
