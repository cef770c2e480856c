"""`dialer contact`: contacts of a campaign that goes on, by number, key or file, for people and for machines."""

from __future__ import annotations

import pytest

from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.shell import Shell

CAMPAIGN = """\
campaign: visits
account: main
contacts: {standing: true, key: id}
message: {tts: "Hello {{ name }}, this is a reminder of your appointment. Goodbye."}
caller_id: "+18005550100"
"""
ROWS = "id,phone,name\nA-1,+14155550101,Ann\nA-2,+14155550102,Bob\nA-3,+14155550103,Cid\n"


@pytest.fixture(scope="module")
def shell(tmp_path_factory) -> Shell:
    """A standing campaign, and nothing that could dial it."""
    shell = Shell.prepared(tmp_path_factory.mktemp("contact"))
    shell.write("visits.yaml", CAMPAIGN)
    shell.write("rows.csv", ROWS)
    with running(SandboxConfig()) as sandbox:
        started = shell.run("start", "visits.yaml", DIALER_ACCOUNTS__MAIN__BASE_URL=f"{sandbox.url}/v4.0")
    assert (started.code, "it stands by" in started.out) == (0, True)
    return shell


def contact(shell: Shell, *words: str, **named: str):
    return shell.run("contact", *words, **named)


def test_a_campaign_without_a_list_is_said_to_stand_by(shell):
    checked = shell.run("check", "visits.yaml")
    assert (checked.code, "a standing campaign" in checked.err) == (0, True)
    for command in ("preview", "plan"):
        told = shell.run(command, "visits.yaml")
        assert (told.code, "is a standing campaign: it has no list" in told.err) == (1, True)


def test_rows_are_appended_changed_shown_and_withdrawn(shell):
    assert contact(shell, "append", "visits", "rows.csv", "--json").json["added"] == 3
    again = contact(shell, "append", "visits", "-", given=ROWS.replace("Cid", "Cal"))
    assert (again.code, again.out.strip()) == (0, "visits-1: 0 added, 1 changed, 2 there already.")
    changed = contact(shell, "change", "visits", "--key", "A-1", "--set", "name=Bea")
    assert (changed.code, changed.out.strip()) == (0, "+1415*****01 (key A-1) is changed.")
    assert "stays as it is" in contact(shell, "change", "visits", "--key", "A-1", "--set", "name=Bea").out
    shown = contact(shell, "show", "visits", "+14155550101")
    assert (shown.code, "key A-1" in shown.out, "+14155550101" in shown.out) == (0, True, False)
    gone = contact(shell, "withdraw", "visits", "--key", "A-1", "--reason", "moved away")
    assert gone.out.strip() == "+1415*****01 (key A-1) is withdrawn, and will not be called."
    assert "was withdrawn before" in contact(shell, "withdraw", "visits", "+14155550101").out
    story = contact(shell, "show", "visits", "--key", "A-1", "--json").json
    assert (story["status"], story["why"]) == ("withdrawn", "it is withdrawn: moved away")
    refused = contact(shell, "change", "visits", "--key", "A-1", "--set", "name=Ann")
    assert (refused.code, "it is withdrawn: moved away" in refused.out) == (1, True)


def test_many_are_withdrawn_from_a_file_and_the_unknown_are_named(shell):
    shell.write("keys.txt", "A-2\nA-9\n")
    result = contact(shell, "withdraw", "visits", "--key", "@keys.txt", "--json")
    assert (result.code, [one["key"] for one in result.json["contacts"]]) == (1, ["A-2"])
    assert result.json["unknown"] == ["key 'A-9'"]
    assert contact(shell, "withdraw", "visits", "-", given="+14155550102\n").code == 0


def test_bad_rows_keep_the_good_ones_out_unless_they_are_skipped(shell):
    rows = "id,phone,name\nB-1,+14155550104,Dan\nB-2,12,Eve\n"
    refused = contact(shell, "append", "visits", "-", given=rows)
    assert (refused.code, "nothing was" in refused.err, "--skip-rejects" in refused.err) == (1, True, True)
    assert contact(shell, "append", "visits", "-", "--skip-rejects", "--json", given=rows).json["added"] == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["withdraw", "visits"], "by its number, or by --key"),
        (["withdraw", "visits", "+14155550101", "--key", "A-1"], "by its number, or by --key"),
        (["withdraw", "visits", "--key", "A-3", "--reason", "x" * 201], "200 characters"),
        (["show", "visits", "--key", "A-77"], "is not among the"),
        (["change", "visits", "--key", "A-3"], "nothing is to be changed"),
        (["change", "visits", "--key", "A-3", "--set", "name"], "has no ="),
        (["change", "visits", "--key", "A-3", "--not-after", "2027-01-31"], "--not-after"),
        (["change", "visits", "--key", "A-3", "--phone", "12"], "phone"),
        (["append", "visits", "nothing.csv"], "no such file"),
        (["append", "nobody", "rows.csv"], "no campaign 'nobody'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_named(words, named, shell):
    ran = contact(shell, *words)
    assert (ran.code, named in ran.err) == (1, True), ran.err


def test_a_closed_campaign_takes_nobody(shell):
    assert "is closed" in shell.run("close", "visits").out
    assert shell.run("close", "visits", "--json").json["status"] == "running"
    refused = contact(shell, "append", "visits", "rows.csv")
    assert (refused.code, "was closed" in refused.err) == (1, True)
