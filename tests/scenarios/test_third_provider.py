"""A third provider is its folder, its folder in the sandbox, and an entry in two lists: then all of this works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from typer.testing import CliRunner

from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.tables import attempts, contacts
from console.cli.app import app
from console.cli.commands import demo
from console.cli.stack_session import environment_variables
from console.cli.views.sandbox_audit import compare, panel, placed_calls
from dialer.providers.registry import account_settings, lines_to_add
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.reserved_table import rows
from dialer.sandbox.running import SandboxHandle, running
from tests.support import third_provider
from tests.support.dialers import carry_out, door, working
from workers.settings import Settings, load
from workers.stack.environment import environment
from workers.stack.info import StackInfo

ROOT = Path(__file__).parents[2]
PACKAGES = ("dialer", "campaigns", "workers", "console")
SPEED = 20
TOML = """\
[accounts.third]
provider = "acme"
api_key = "a-real-key-of-acme"
pace = 50
"""
CAMPAIGN = """\
campaign: reminders
account: third
contacts: {file: list.csv, phone: phone}
message: {tts: "Your appointment is tomorrow at nine. Please bring your papers, and come a little early."}
caller_id: "+18005550100"
retry: {max_attempts: 2, busy: [1s], no_answer: [1s]}
"""
ENDS = {  # by the last two digits of the number: the outcome of each attempt
    "00": ["answered"],
    "11": ["busy", "busy"],
    "13": ["rejected"],
    "15": ["no_answer", "answered"],
    "16": [None],
    "17": [None, "answered"],
    "18": [None],
    "19": ["answered"],
    "22": [None, "answered"],
    "23": [None, "answered"],
    "96": ["failed"],
}


@pytest.fixture(autouse=True)
def plugged_in() -> Iterator[None]:
    with third_provider.plugged_in():
        yield


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=SPEED)) as handle:
        yield handle


@pytest.fixture
def rehearsal(sandbox, tmp_path, monkeypatch) -> Iterator[Settings]:
    """The settings of an account as a stack with a sandbox has them."""
    (tmp_path / "dialer.toml").touch(mode=0o600)
    (tmp_path / "dialer.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    places = {"console": "http://127.0.0.1:1", "redis": "redis://127.0.0.1:1/0", "sandbox": sandbox.url}
    info = StackInfo(
        pid=1,
        data_dir=tmp_path / "data",
        started_at="",
        sandbox=True,
        speed=SPEED,
        urls=places,
        ports={"console": 1, "flower": 1, "redis": 1, "sandbox": 1},
    )
    with environment_variables({}):
        os.environ |= environment(load(), info)
        yield load()


def test_a_campaign_is_rehearsed_to_its_end_and_the_sandboxs_log_agrees(
    ledger, redis_url, sandbox, rehearsal, tmp_path
):
    account = rehearsal.accounts["third"]
    assert (account.sandbox, account.url, account.key) == (True, sandbox.base_url("acme"), SecretStr("sandbox-key"))
    opened = {}
    with (
        door(ledger, lambda: opened) as notify_url,
        working(ledger, redis_url, rehearsal.accounts, notify_url=notify_url) as using,
    ):
        opened.update(using.accounts)
        checked = check(written(tmp_path), rehearsal.accounts)
        campaign = launch(ledger, checked, who="ann", now=using.clock())
        assert (checked.rehearsal, checked.rejects) == (True, ())
        carry_out(using, campaign.id)
    with ledger.reading() as db:
        query = select(contacts.c.phone, attempts.c.outcome).join(contacts, contacts.c.id == attempts.c.contact_id)
        tried = list(db.execute(query.order_by(attempts.c.dialing_at)))
    assert {ending: [row.outcome for row in tried if row.phone.endswith(ending)] for ending in ENDS} == ENDS
    calls = placed_calls(sandbox.url)
    findings = compare(ledger, calls)
    assert findings.agree, panel(findings)
    assert Counter(call["vendor"] for call in calls) == {"acme": findings.calls}


def test_its_policy_is_printed():
    printed = CliRunner().invoke(app, ["policy", "acme", "--json"])
    verdicts = {row["mnemonic"]: row["verdict"] for row in json.loads(printed.output)}
    assert (verdicts["blocked"], verdicts["too_fast"]) == ("suppress", "throttled")


def test_its_account_is_listed_with_its_key_masked_and_can_log_in(rehearsal):
    printed = CliRunner().invoke(app, ["accounts", "--json"])
    (line,) = json.loads(printed.output)
    assert printed.exit_code == 0, line
    assert (line["provider"], line["can_log_in"], line["credentials"]) == ("acme", True, "****")


def test_a_key_that_is_wrong_or_missing_is_named():
    assert account_settings(provider="acme").credentials_missing == "api_key"
    assert 'acme, with api_key = "…"' in lines_to_add("third")
    with pytest.raises(ValueError, match=r"api_kee\n +Extra inputs"):
        account_settings(provider="acme", api_kee="k")


def test_the_demo_has_an_account_of_it_and_the_table_of_numbers_its_replies(tmp_path):
    with environment_variables({}):
        assert demo._settings(tmp_path / "demo").accounts["acme"].provider == "acme"
    blacklisted = next(row for row in rows() if row.number.endswith("0116"))
    assert blacklisted.replies[-1] == "403, blocked"


def test_two_folders_and_two_entries_are_all_it_takes(tmp_path):
    """In a copy of the code, edited as the guide says: the import contracts hold, and the command line knows it."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.pyc.*"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for place in ("providers", "sandbox"):
        shutil.copytree(third_provider.FOLDER / place / "acme", tmp_path / "dialer" / place / "acme")
    _enter(tmp_path / "dialer/providers/registry.py", "from dialer.providers.acme.spec import ACME")
    _enter(tmp_path / "dialer/sandbox/vendors.py", "from dialer.sandbox.acme.vendor import ACME")
    contracts = _run(tmp_path, "from importlinter.cli import lint_imports_command as main")
    assert " 0 broken" in contracts
    assert "blocked" in _run(tmp_path, "from console.cli import main", "policy", "acme")
    assert "403, blocked" in _run(tmp_path, "from dialer.sandbox.reserved_table import rows as main")


def written(folder: Path) -> Path:
    """A campaign file whose list holds the numbers above."""
    (folder / "list.csv").write_text("phone\n" + "".join(f"+141555501{ending}\n" for ending in ENDS))
    file = folder / "reminders.yaml"
    file.write_text(CAMPAIGN)
    return file


def _enter(file: Path, line: str) -> None:
    """Enter Acme into a list: its import, and its line."""
    text = file.read_text().replace("\nfrom dialer", f"\n{line}\nfrom dialer", 1)
    file.write_text(text.replace('    "webex": WEBEX,\n', '    "webex": WEBEX,\n    "acme": ACME,\n'))


def _run(folder: Path, function: str, *words: str) -> str:
    """What the function of a copied tree prints or returns."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); sys.argv[0] = 'it'\n{function}\nprint(main())"
    ended = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True)
    return ended.stdout + ended.stderr
