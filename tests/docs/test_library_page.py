"""The page about the library: its snippet runs as it stands, and its table has every method."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import campaigns
from campaigns import Campaigns
from campaigns.ledger import queries
from campaigns.ledger.store import Ledger
from campaigns.reporting.status import summarize_campaign
from tests.docs.test_docs import ROOT
from tests.support.shell import SETTINGS

PAGE = (ROOT / "docs" / "library.md").read_text()
MOTION = (ROOT / "docs" / "contacts-in-motion.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the settings and the campaign file of the page."""
    for name, text in {
        "dialer.toml": SETTINGS,
        "reminders.yaml": re.findall(r"```yaml\n(.*?)```", MOTION, re.S)[0],
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_snippet_runs_as_it_stands(folder, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {}
    exec(compile(snippet, "docs/library.md", "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out
    assert ("2 are called at their hour" in printed, "3 contacts" in printed) == (True, True)
    ledger = Ledger(f"sqlite:///{folder / '.dialer' / 'ledger.sqlite3'}")
    with ledger.reading() as db:
        summary = summarize_campaign(db, queries.campaign(db, "reminders"), names["datetime"].now(names["UTC"]))
    ledger.close()
    assert {status.value: count for status, count in summary.contacts.items()} == {"pending": 2, "withdrawn": 1}


def test_the_table_has_every_method():
    methods = {name for name in vars(Campaigns) if not name.startswith("_")}
    rows = re.findall(r"^\| (`.*?`) \|", PAGE, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == methods


def test_each_name_of_the_face_can_be_imported():
    for name in campaigns.__all__:
        assert getattr(campaigns, name)
    with pytest.raises(AttributeError):
        _ = campaigns.nothing
