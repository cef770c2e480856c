"""`dialer schedule` as people type it."""

from __future__ import annotations

from tests.support.shell import CAMPAIGN, Shell

REPEAT = 'schedule: {zone: America/New_York, repeat: "0 9 * * 1-5"}\n'


def test_a_campaign_is_added_listed_and_removed(tmp_path):
    shell = Shell.prepared(tmp_path)
    refused = shell.run("schedule", "add", "first.yaml")
    assert (refused.code, "does not say when to repeat" in refused.err) == (1, True)
    shell.write("first.yaml", CAMPAIGN + REPEAT)
    assert "first is launched next at" in shell.run("schedule", "add", "first.yaml").out
    told = shell.run("schedule", "list")
    assert "not yet launched" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert shell.run("schedule", "list", "--json").json[0]["name"] == "first"
    assert shell.run("schedule", "remove", "first").code == 0
    assert "No campaign recurs" in shell.run("schedule", "list").out
    assert shell.run("schedule", "remove", "first").code == 1
