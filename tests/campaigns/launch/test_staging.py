"""What is kept on disk between the check of a list and its start, and what is said where there is no room for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from campaigns.audience.temp_space import NoTempSpace
from campaigns.launch.checking.checks import check
from tests.campaigns.launch.test_launch import ACCOUNTS, UNTIL, good, written
from tests.support import preloaded
from tests.support.patience import PATIENCE
from tests.support.seeding import numbers
from tests.support.shell import Ran, Shell

ROOT = Path(__file__).parents[3]
UNDER_A_LIMIT = """
import json, resource, sys
from pathlib import Path
from campaigns.launch.checking.checks import check
from dialer.errors import DialerError
from tests.campaigns.launch.test_launch import ACCOUNTS
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # a disk that is full after so many bytes
try:
    check(Path(sys.argv[1]), ACCOUNTS)
except DialerError as error:
    print(json.dumps([error.message, error.remedy]))
"""
WITHOUT_A_FOLDER = """
import sys, tempfile
tempfile.tempdir = "/no/such/folder"
from console.cli.app import main
main()
"""


def python(code: str, *arguments: str, cwd: Path, **environ: str) -> Ran:
    """What a program does that finds its folder for temporary files anew, and for which a warning is an error."""
    program = ("-c", f"import tempfile, warnings\ntempfile.tempdir = None\nwarnings.simplefilter('error')\n{code}")
    clean = Shell.environ({"PYTHONPATH": str(ROOT)} | environ)
    return Ran(*preloaded.run(arguments, program=program, cwd=cwd, env=clean, timeout=PATIENCE))


@pytest.mark.parametrize(
    ("rows", "what", "known"),
    [
        ([f"{phone},{'Ann' * 30},,{UNTIL}" for phone in numbers(3000)], "the contacts of the list", "needed in all"),
        (["+1," + "Ann" * 30 + ",,"] * 15_000, "the rejects of the list", "free"),
    ],
    ids=["contacts", "rejects"],
)
def test_a_full_folder_of_temporary_files_is_named_with_what_to_do(tmp_path, rows, what, known):
    (tmp_path / "room").mkdir()
    done = python(UNDER_A_LIMIT, str(written(tmp_path, *rows)), cwd=tmp_path, TMPDIR=str(tmp_path / "room"))
    assert (done.code, done.err) == (0, "")
    message, remedy = done.json
    assert f"{what} cannot be kept in {tmp_path / 'room'}, the folder for temporary files: " in message
    assert known in message
    assert "export TMPDIR=" in remedy


def test_a_folder_of_temporary_files_that_is_gone_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(NoTempSpace) as refused:
        check(written(tmp_path, *good(2)), ACCOUNTS)
    assert str(tmp_path / "gone") in refused.value.message
    assert check(written(tmp_path, *good(2)), ACCOUNTS, keep=False).summary.valid == 2, "a mere check keeps nothing"


def test_start_and_plan_do_without(tmp_path):
    """Contacts go into the ledger as they are read; without a provider the start ends at its login."""
    Shell.prepared(tmp_path)
    done = python(WITHOUT_A_FOLDER, "start", "first.yaml", cwd=tmp_path)
    assert (done.code, "/no/such/folder" in done.err, "cannot be used for account" in done.err) == (1, False, True)
    assert "Traceback" not in done.err
    assert python(WITHOUT_A_FOLDER, "plan", "first.yaml", cwd=tmp_path).code == 0


def test_a_rejects_file_that_cannot_be_written_is_named(tmp_path):
    one = check(written(tmp_path, *good(1), "+1,Ann,,"), ACCOUNTS)
    (tmp_path / "reports").write_text("no folder")
    with pytest.raises(Exception, match=r"cannot be written to .*reports/reminders-rejects\.csv") as refused:
        one.write_rejects(tmp_path / "reports")
    assert "DIALER_DATA_DIR" in refused.value.remedy
