"""The drawing in the docs and the tables in the code are the same machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from campaigns.lifecycle import (
    ATTEMPT_MOVES,
    CAMPAIGN_MOVES,
    CONTACT_MOVES,
    FINAL_CONTACTS,
    ContactStatus,
    attempts_before,
    contacts_before,
)

DRAWINGS = (Path(__file__).parents[2] / "docs" / "call-lifecycle.md").read_text()


def drawn(heading: str) -> set[tuple[str, str]]:
    section = DRAWINGS.split(f"## {heading}\n")[1]
    drawing = section.split("```mermaid")[1].split("```")[0]
    return set(re.findall(r"^\s+(\w+) --> (\w+)$", drawing, re.MULTILINE))


@pytest.mark.parametrize(
    ("heading", "moves"),
    [("Attempt", ATTEMPT_MOVES), ("Contact", CONTACT_MOVES), ("Campaign", CAMPAIGN_MOVES)],
    ids=["attempt", "contact", "campaign"],
)
def test_the_drawing_shows_the_moves_of_the_code(heading, moves):
    coded = {(before.value, after.value) for before, afters in moves.items() for after in afters}
    assert drawn(heading) == coded


def test_a_final_contact_moves_nowhere_but_to_what_it_was_after_all():
    final = set(FINAL_CONTACTS)
    assert {status for status in ContactStatus if CONTACT_MOVES[status] <= final} == final
    assert {status.value: {*map(str, CONTACT_MOVES[status])} for status in final if CONTACT_MOVES[status]} == {
        "unknown": {"reached", "unreached", "expired"},
        "unreached": {"reached"},
        "expired": {"reached"},
        "cancelled": {"reached"},
        "withdrawn": {"reached"},
    }
    assert all(not set(contacts_before(status)) & final for status in ContactStatus if status not in final)


def test_only_an_unconfirmed_or_placed_attempt_becomes_unknown():
    assert {status.value for status in attempts_before("unknown")} == {"unconfirmed", "placed"}
