"""`dialer rehearse` as people type it: a report beside the plan, and what is wrong with a file or a beginning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shell import CAMPAIGN, CONTACTS, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell.prepared(tmp_path)


def test_a_rehearsal_fits_the_screen_beside_its_plan_and_leaves_nothing_behind(shell):
    shell.write("first.csv", CONTACTS + "+1415555,Dan\n")
    rehearsed = shell.run("rehearse", "first.yaml", "--at", "2035-03-12T09:00+00:00")
    assert rehearsed.code == 1, "a row of the list cannot be called"
    assert max(map(len, rehearsed.out.splitlines())) <= 80
    words = " ".join(rehearsed.out.split())
    for part in (
        "would have begun Mon 12 Mar",
        "first call Mon 12 Mar",
        "finished",
        "Beside the plan",
        "calls",
        "reached",
    ):
        assert part in words
    assert "1 row cannot be called, and was left out" in words
    assert "nothing real was written" in words
    assert "+14155550101" not in rehearsed.out
    assert rehearsed.err == ""
    assert "No campaign yet" in shell.run("status").out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nothing.yaml"], ["nothing.yaml", "no such file"]),
        (["other.yaml"], ["other.yaml:2", "mian", "main"]),
        (["first.yaml", "--at", "2035-03-12T09:00"], ["has no zone", "write the offset: 2035-03-12T09:00+00:00"]),
        (["first.yaml", "--at", "2020-03-12T09:00Z"], ["has passed"]),
        (["first.yaml", "--at", "soon"], ["not a date and time", "write 2026-12-05T15:00"]),
        (["standing.yaml"], ["a standing campaign", "dialer up --sandbox"]),
        (["empty.yaml"], ["empty.csv", "no rows"]),
    ],
)
def test_what_cannot_be_rehearsed_is_named_with_its_remedy(shell, arguments, named):
    shell.write("other.yaml", CAMPAIGN.replace("main", "mian"))
    shell.write("standing.yaml", CAMPAIGN.replace("file: first.csv", "standing: true"))
    shell.write("empty.yaml", CAMPAIGN.replace("first.csv", "empty.csv"))
    shell.write("empty.csv", "phone,name\n")
    refused = shell.run("rehearse", *arguments)
    assert refused.code == 1
    assert all(word in " ".join((refused.out + refused.err).split()) for word in named), refused.out + refused.err
    assert "Traceback" not in refused.err
