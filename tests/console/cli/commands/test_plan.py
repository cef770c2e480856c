"""`dialer plan` as people type it: nobody is called, nothing is written but what was asked for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.support.shell import CAMPAIGN, CONTACTS, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell.prepared(tmp_path)


def test_a_plan_fits_the_screen_and_says_when_it_ends(shell):
    told = shell.run("plan", "first.yaml", "--csv", "fates.csv")
    assert told.code == 0
    assert max(map(len, told.out.splitlines())) <= 80
    for said in ("will be dialed", "calls 3 ", "ends", "assumed: no calls to learn from", "fates.csv"):
        assert said in " ".join(told.out.split())
    assert "+14155550101" not in told.out
    with (shell.folder / "fates.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["fate"] for row in csv.DictReader(stream)] == ["dial"] * 3
    assert "No campaign yet" in shell.run("status").out


def test_rows_that_cannot_be_called_are_told_and_are_a_problem(shell):
    shell.write("first.csv", CONTACTS + "+1415555,Dan\n")
    assert shell.run("dnc", "add", "+14155550101", "--reason", "asked us").code == 0
    told = shell.run("plan", "first.yaml", "--json")
    assert told.code == 1
    facts = told.json
    assert (facts["will_dial"], facts["skipped"]) == (2, {"suppressed": 1, "rejected": 1})
    assert [row["fate"] for row in facts["first_rows"]] == ["suppressed", "dial", "dial", "rejected"]
    assert facts["begins"] < facts["ends"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["plan", "nothing.yaml"], ["nothing.yaml", "no such file"]),
        (["plan", "other.yaml"], ["other.yaml:2", "mian", "main"]),
        (["plan", "first.yaml", "--csv", "/no/such/folder/fates.csv"], ["/no/such/folder/fates.csv"]),
    ],
)
def test_what_cannot_be_planned_is_named_with_its_remedy(shell, arguments, named):
    shell.write("other.yaml", CAMPAIGN.replace("main", "mian"))
    told = shell.run(*arguments)
    assert told.code == 1
    assert all(word in told.out + told.err for word in named), told.out + told.err
    assert "Traceback" not in told.err


def test_a_list_of_which_nobody_is_called_has_no_end_and_says_so(shell):
    for number in ("+14155550101", "+12125550102", "+13125550103"):
        assert shell.run("dnc", "add", number, "--reason", "asked us").code == 0
    told = shell.run("plan", "first.yaml")
    assert "will be dialed  0" in told.out
    assert not any(line.startswith(("begins", "ends")) for line in told.out.splitlines())


def test_a_plan_from_a_later_moment_on_takes_the_account_as_unused(shell):
    zone = "schedule: {zone: America/New_York, windows: {mon-fri: '09:00-17:00'}}\n"
    shell.write("first.yaml", CAMPAIGN + zone)
    told = shell.run("plan", "first.yaml", "--at", "2035-03-09T17:30")
    lines = [" ".join(line.split()) for line in told.out.splitlines()]
    assert "begins 09 Mar 2035 17:30:00 EST" in lines
    assert any(line.startswith("3 ") and "12 Mar 2035 09:00:0" in line for line in lines), told.out
    assert "account now taken as unused and alone, for it begins later" in lines
    assert lines[-1] == "All rows: dialer plan first.yaml --at 2035-03-09T17:30 --csv fates.csv"
    refused = shell.run("plan", "first.yaml", "--at", "2026-03-08T09:00")
    assert (refused.code, "has passed" in refused.err) == (1, True)


def test_what_is_not_known_of_the_account_is_said(shell):
    """Nothing runs yet: the plan takes the account as unused."""
    nowhere = {"DIALER_REDIS__URL": "redis://127.0.0.1:1/0"}
    told = shell.run("plan", "first.yaml", **nowhere)
    assert "not known, as Redis does not answer: taken as unused" in told.out
    assert shell.run("plan", "first.yaml", "--json", **nowhere).json["account_now"]["known"] is False
