"""What the machine offers: each measure is judged, and what is wrong comes with what to do."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.dialers import callgear
from workers.doctor import machine, private
from workers.doctor.findings import ClockReading, Level
from workers.settings import Settings

GB = 1 << 30


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return Settings(data_dir=tmp_path / "data")


def room(free: int, inodes: int = 10**6) -> SimpleNamespace:
    return SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_files=10**7, f_favail=inodes)


@pytest.mark.parametrize(
    ("disks", "levels", "says"),
    [
        ([("/a", 1, room(30 * GB)), ("/tmp", 1, room(30 * GB))], ["ok"], "/a: 30.0 GB free"),  # noqa: S108
        ([("/a", 1, room(30 * GB)), ("/tmp", 2, room(GB))], ["warn", "ok"], "/tmp: 1.0 GB free"),  # noqa: S108
        ([("/a", 1, room(100 << 20))], ["fail"], "/a: 0.1 GB free"),
        ([("/a", 1, room(0))], ["fail"], "/a: 0.0 GB free"),
        ([("/a", 1, room(30 * GB, inodes=10))], ["fail"], "/a: 10 more files fit there"),
    ],
)
def test_a_disk_is_judged_by_what_still_fits(disks, levels, says):
    findings = list(machine.judged_disks(disks))
    assert [finding.level for finding in findings] == levels
    assert findings[0].says == says
    assert bool(findings[0].remedy) == (levels[0] != "ok")


def test_the_room_is_that_of_the_folder_that_will_hold_the_data(settings):
    (finding, *_) = machine.disk(settings)
    assert str(settings.data_dir.parent) in finding.says


@pytest.mark.parametrize(
    ("limit", "accounts", "level"), [(1024, 1, "ok"), (1024, 9, "fail"), (256, 1, "fail"), (-1, 99, "ok")]
)
def test_open_files_are_judged_by_what_a_worker_needs(settings, limit, accounts, level):
    settings = settings.model_copy(update={"accounts": {str(n): callgear() for n in range(accounts)}})
    finding = machine.judged_open_files(limit, settings)
    assert (finding.level, bool(finding.remedy)) == (level, level == "fail")


def test_the_limit_of_open_files_is_this_process_own(settings):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    try:
        (finding,) = machine.open_files(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (finding.level, finding.says) == ("fail", "300 may be open; a worker with these settings may need 400")


@pytest.mark.parametrize(
    ("python", "packages", "level", "says"),
    [
        ((3, 11), {"celery": "5"}, "ok", "celery 5"),
        ((3, 13), {"celery": "5"}, "ok", "celery 5"),
        ((3, 10), {"celery": "5"}, "fail", "too old"),
        ((3, 15), {"celery": "5"}, "warn", "not tried"),
        ((3, 12), {"celery": None}, "fail", "not installed: celery"),
    ],
)
def test_versions_are_those_that_were_tried(python, packages, level, says):
    finding = machine.judged_versions(python, packages)
    assert (finding.level, says in finding.says, bool(finding.remedy)) == (level, True, level != "ok")


def zones(folder: Path, release: str) -> Path:
    """A folder of time zones as old as that, without any zone that a file of Python's is not taken for."""
    (folder / "UTC").parent.mkdir(parents=True)
    (folder / "UTC").write_bytes(b"")
    (folder / "tzdata.zi").write_text(f"# version {release}\n")
    return folder


def test_time_zones_that_are_years_old_are_told(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(machine.zoneinfo, "TZPATH", (str(zones(tmp_path / "zones", "2015a")),))
    (finding,) = machine.time_zones(settings)
    assert (finding.level, "2015a" in finding.says) == ("warn", True)


def test_a_time_zone_that_cannot_be_read_is_told(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ZONES_NEEDED", ("America/Nowhere",))
    (finding,) = machine.time_zones(settings)
    assert (finding.level, finding.says) == ("fail", "America/Nowhere cannot be read")


def test_the_zones_of_this_machine_can_be_read(settings):
    (finding,) = machine.time_zones(settings)
    assert finding.level != "fail"


@pytest.mark.parametrize(
    ("ahead", "uncertain", "level"),
    [
        ([0.1, -0.3], 0.1, "ok"),
        ([2.4], 0.6, "ok"),  # the header Date has whole seconds
        ([3.0], 0.6, "warn"),
        ([-31.0], 0.6, "fail"),
        ([0.0, 3600.0], 0.6, "fail"),
    ],
)
def test_clocks_are_judged_beyond_what_the_look_cannot_know(ahead, uncertain, level):
    readings = [ClockReading(clock=f"server {n}", ahead=by, uncertain=uncertain) for n, by in enumerate(ahead)]
    finding = machine.clocks(readings)
    assert (finding.level, bool(finding.remedy)) == (level, level != "ok")
    assert "server 0" in finding.says


def test_no_clock_at_all_is_said():
    assert machine.clocks([]).level is Level.WARN


# Files


def test_a_folder_that_is_not_there_yet_is_no_fault(settings):
    assert [finding.level for finding in private.files(settings)] == ["ok"]


def test_what_is_closed_to_others_is_well(settings):
    settings.data_dir.mkdir(mode=0o700)
    assert [finding.level for finding in private.files(settings)] == ["ok"]


def test_what_others_can_read_is_told_and_left_as_it_is(settings):
    settings.data_dir.mkdir()
    settings.data_dir.chmod(0o755)
    (finding,) = private.files(settings)
    assert (finding.level, finding.says) == ("warn", f"others can read {settings.data_dir}")
    assert f"chmod 700 {settings.data_dir}" in finding.remedy
    assert settings.data_dir.stat().st_mode & 0o777 == 0o755


def test_what_this_user_may_not_write_is_told(settings):
    """As after a first start by root."""
    settings.data_dir.mkdir(mode=0o700)
    key = settings.data_dir / "hash-key"
    key.touch(mode=0o600)
    (finding,) = private.files(settings, lambda path, mode: path != key)
    assert (finding.level, finding.says) == ("fail", f"this user may not write {key}")
    assert f"chown -R {os.geteuid()}" in finding.remedy
