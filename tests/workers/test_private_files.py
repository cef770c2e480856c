"""What holds numbers or secrets and is open to others is closed, and that is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.private_files import close_to_others
from workers.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALER_CONFIG", raising=False)
    return Settings(data_dir=tmp_path / "data")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_data_folder_and_the_ledger_are_closed_and_named(settings):
    settings.data_dir.mkdir(mode=0o755)
    settings.data_dir.chmod(0o755)
    files = [settings.data_dir / f"ledger.sqlite3{ending}" for ending in ("", "-wal", "-shm")]
    for file in files:
        file.touch()
        file.chmod(0o644)
    sentences = close_to_others(settings)
    assert [path for path in (settings.data_dir, *files) if not any(f" {path}:" in text for text in sentences)] == []
    assert [mode(path) for path in (settings.data_dir, *files)] == [0o700, 0o600, 0o600, 0o600]
    assert close_to_others(settings) == []


@pytest.mark.parametrize(
    "line",
    [
        'access_token = "k"',
        'accounts.main.service_key = "k"',
        'password = "p"',
        'jwt_secret = "x"',
        'url = "postgresql://dialer:p@db/dialer"',
        'url = "redis://:p@host/0"',
    ],
)
def test_a_settings_file_with_a_secret_is_closed(settings, tmp_path, line):
    file = tmp_path / "dialer.toml"
    file.write_text(f"[some]\n{line}\n")
    file.chmod(0o644)
    (sentence,) = close_to_others(settings)
    assert str(file.name) in sentence
    assert mode(file) == 0o600


def test_a_settings_file_without_a_secret_may_be_shared(tmp_path, settings):
    file = tmp_path / "dialer.toml"
    file.write_text("[worker]\nthreads = 7\n")
    file.chmod(0o644)
    assert close_to_others(load()) == []
    assert mode(file) == 0o644


def test_a_folder_that_is_more_than_ours_is_named_only(tmp_path, monkeypatch):
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    (sentence,) = close_to_others(Settings(data_dir=tmp_path))
    assert sentence.endswith(f"chmod 700 {tmp_path}")
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("inside", ["HOME", "TMPDIR"])
def test_a_folder_in_which_others_have_theirs_is_named_only(settings, monkeypatch, inside):
    settings.data_dir.mkdir()
    place = settings.data_dir / "theirs"
    place.mkdir()
    settings.data_dir.chmod(0o755)
    monkeypatch.setenv(inside, str(place))
    monkeypatch.setattr("tempfile.tempdir", None)  # it is looked up again
    (sentence,) = close_to_others(settings)
    assert sentence.endswith(f"chmod 700 {settings.data_dir}")
    assert mode(settings.data_dir) == 0o755


def test_a_folder_that_everybody_may_write_into_stays_so(settings):
    settings.data_dir.mkdir()
    settings.data_dir.chmod(0o1777)
    assert len(close_to_others(settings)) == 1
    assert settings.data_dir.stat().st_mode & 0o7777 == 0o1777


def test_a_ledger_that_is_no_file_is_left_as_it_is(settings):
    """All the machine may need it: /dev/null, closed by a user who may, stops every other program."""
    settings.data_dir.mkdir(mode=0o700)
    pipe = settings.data_dir / "ledger.sqlite3"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    assert close_to_others(settings) == []
    assert mode(pipe) == 0o666
