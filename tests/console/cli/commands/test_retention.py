"""`dialer retention` and `export-person` as people run them."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from campaigns.ledger.lists.archives import note_archive
from campaigns.ledger.store import Ledger
from tests.support.seeding import numbers, seed
from tests.support.shell import Shell
from workers.clock import now_utc
from workers.ledger import open_ledger
from workers.settings import Settings

PERIODS = '\n[retention]\ncontacts = "90d"\ntexts = "30d"\n'


@pytest.fixture
def shell(tmp_path) -> Shell:
    return Shell.prepared(tmp_path)


def ledger_of(shell: Shell) -> closing[Ledger]:
    return closing(open_ledger(Settings(data_dir=shell.folder / ".dialer")))


def test_what_is_due_is_shown_and_emptied_and_a_line_says_so(shell):
    settings = shell.folder / "dialer.toml"
    settings.write_text(settings.read_text() + PERIODS)
    plan = shell.run("retention", "plan")
    assert (plan.code, "contacts 90d" in plan.out, "Nothing is due." in plan.out) == (0, True, True), plan.err
    ran = shell.run("retention", "run", "--yes", "--json")
    assert (ran.code, ran.json["contacts"], ran.json["finished"]) == (0, 0, True)
    listed = shell.run("audit", "list", "--event", "retention", "--json").json
    assert [line["detail"] for line in listed] == ["nothing was due"]


@pytest.mark.parametrize(
    ("period", "told"),
    [
        ('contacts = "7d"', 'retention.contacts: "7d" is too short: frequency caps count the calls of 31 days'),
        ('contacts = "7d"', "; write 31d or more"),
        ('texts = "soon"', 'retention.texts: "soon" is no time to keep something for; write a number and a unit: 90d'),
        ('texts = "1y"\ncontacts = "90d"', "; write 90d or less for texts"),
    ],
)
def test_a_period_that_is_none_is_named_by_its_key_with_what_to_write(shell, period, told):
    settings = shell.folder / "dialer.toml"
    settings.write_text(f"{settings.read_text()}\n[retention]\n{period}\n")
    ran = shell.run("retention", "plan")
    assert (ran.code, told in " ".join(ran.err.split())) == (1, True), ran.err


def test_a_person_is_given_what_is_held_to_a_file_of_its_own(shell):
    with ledger_of(shell) as ledger:
        ann, _bob = numbers(2)
        seed(ledger, [ann, _bob], now=now_utc())
    printed = shell.run("export-person", "-", "--json", given=f"{ann}\n").json
    assert [each["contacts"][0]["phone"] for each in printed] == [ann]
    ran = shell.run("export-person", ann, "--output", "ann.json", "--json")
    assert (ran.code, "hand it over safely" in ran.err) == (0, True)
    file = shell.folder / "ann.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["contacts"][0]["campaign"] == "reminders-1"
    assert _bob not in file.read_text()
    refused = shell.run("export-person", ann, "--output", "nowhere/ann.json")
    assert (refused.code, "No such file or directory" in refused.err) == (1, True)


def test_campaigns_whose_archive_is_elsewhere_are_named_beside_what_is_held(shell):
    with ledger_of(shell) as ledger:
        campaign_id = seed(ledger, numbers(1), now=now_utc())
        noted = {"folder": "/not/here", "manifest_hash": "0" * 64, "last_receipt": 0, "who": "ann", "now": now_utc()}
        ledger.write(note_archive, campaign_id, **noted)
    ran = shell.run("export-person", numbers(1)[0], "--json")
    assert (ran.code, ran.json["archives_elsewhere"]) == (0, [campaign_id])
    assert f"archives of {campaign_id}" in " ".join(ran.err.split())
