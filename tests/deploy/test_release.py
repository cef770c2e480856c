"""A release: the same bytes from any folder, everything that the program needs inside, and checksums that fit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts import release, release_check
from tests.deploy.test_requirements import pins

ROOT = Path(__file__).parents[2]
EPOCH = 1_790_000_000
DATED = "# Changelog\n\n## 1.2.3 – 2026-11-30\n\n## 1.2.2 – 2026-10-01\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> list[Path]:
    """The wheel and the sdist of this checkout."""
    return release.build(["sdist", "wheel"], ROOT, tmp_path_factory.mktemp("built") / "dist", EPOCH)


def files_of_the_packages() -> set[str]:
    files = (file for name in release.PACKAGES for file in (ROOT / name).rglob("*") if file.is_file())
    return {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}


@pytest.mark.slow
def test_two_builds_from_two_folders_are_the_same_bytes(built, tmp_path):
    """Of a checkout with other times and modes, at another moment."""
    other = tmp_path / "elsewhere"
    for name in release.PACKAGES:
        shutil.copytree(ROOT / name, other / name, copy_function=shutil.copyfile)
    for name in release.FILES:
        shutil.copyfile(ROOT / name, other / name)
        (other / name).chmod(0o600)
        os.utime(other / name, (EPOCH + 99, EPOCH + 99))
    again = release.build(["sdist", "wheel"], other, tmp_path / "dist", EPOCH)
    assert [file.name for file in again] == [file.name for file in built]
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in built]


@pytest.mark.slow
def test_every_file_of_the_packages_is_in_the_wheel_and_in_the_sdist(built):
    """Templates, catalogues, examples, scripts of Redis, migrations."""
    wheel, sdist = built
    expected = files_of_the_packages()
    assert {"console/locale/ru/LC_MESSAGES/console.po", "campaigns/examples/first.csv"} <= expected
    assert expected - set(zipfile.ZipFile(wheel).namelist()) == set()
    with tarfile.open(sdist) as tar:
        members = tar.getmembers()
    assert expected - {member.name.partition("/")[2] for member in members} == set()
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(EPOCH, 0, 0, "")}


@pytest.mark.slow
def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    wheel, sdist = built
    with tarfile.open(sdist) as tar:
        tar.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    (again,) = release.build(["wheel"], unpacked, tmp_path / "dist", EPOCH)
    assert again.read_bytes() == wheel.read_bytes()


def test_what_cannot_be_built_is_said(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = 'no version'\n")
    monkeypatch.setattr(release, "FILES", ("pyproject.toml",))
    with pytest.raises(SystemExit, match=r"(?s)No wheel could be built.*project\.version` must be pep440"):
        release.build(["wheel"], tmp_path, tmp_path / "dist", EPOCH)


def test_the_constraints_are_the_versions_that_were_tested(tmp_path):
    """For programs that take no hashes."""
    lines = release.write_constraints(ROOT, tmp_path).read_text().splitlines()
    assert dict(line.split("==") for line in lines) == pins("run")


def test_the_checksums_are_read_by_sha256sum_and_tell_a_changed_file(tmp_path):
    files = [tmp_path / name for name in ("b.whl", "a.tar.gz")]
    for file in files:
        file.write_text(file.name)
    release.write_checksums(files, tmp_path)
    check = ["sha256sum", "--check", "--strict", release.CHECKSUMS]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    files[0].write_text("something else")
    ran = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, "b.whl: FAILED" in ran.stdout) == (1, True)


@pytest.fixture
def project(tmp_path) -> Path:
    """A commit that may be released."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(DATED)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "All"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: S607
    return tmp_path


def test_a_commit_whose_version_has_its_day_in_the_changelog_is_a_release(project):
    assert release.not_ready(project) == ""
    assert release.epoch_of(project) > EPOCH - 10**9


@pytest.mark.parametrize(
    "changelog",
    [DATED.replace("2026-11-30", "unreleased"), DATED.replace("## 1.2.3", "## 1.2.4"), "# Changelog\n", ""],
    ids=["no day", "another version", "no heading", "empty"],
)
def test_a_version_without_its_day_in_the_changelog_is_none(project, changelog):
    (project / "CHANGELOG.md").write_text(changelog)
    assert "the first heading is not `## 1.2.3 – YYYY-MM-DD`" in release.not_ready(project)


def test_what_is_not_committed_is_in_no_release(project):
    (project / "left.txt").touch()
    assert "not committed: left.txt" in release.not_ready(project)


def test_without_git_the_time_is_a_fixed_one(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert release.epoch_of(tmp_path) == release.WITHOUT_A_COMMIT


def test_the_table_of_installations_keeps_the_rows_of_pythons_that_were_not_tried():
    page = release_check.table(["| 3.11.7 | pip | well | 9 |", "| 3.12.1 | pip | well | 9 |"], ["3.13"])
    assert "not tested: Python 3.13." in page
    assert release_check.rows_of_others(page, ["3.12"]) == ["| 3.11.7 | pip | well | 9 |"]
    assert release_check.rows_of_others(page, ["3.11", "3.12"]) == []


def test_an_installation_that_fails_is_told_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(release_check, "PIPX", Path("/bin/false"))
    wheel = tmp_path / "no_wheel-1-py3-none-any.whl"
    wheel.write_text("no wheel")
    (tmp_path / release.CONSTRAINTS).touch()
    result = release_check.installed("pipx", Path(sys.executable), wheel)
    assert result.result.startswith("FAILED: ")


def test_the_python_that_runs_this_is_among_those_that_are_looked_for():
    assert set(release_check.interpreters()) == {"3.11", "3.12", "3.13"}
