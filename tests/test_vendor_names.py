"""A vendor's name stands in its own folders and in the entries of two lists, and nowhere else in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = re.compile(r"callgear|webex|imiconnect|comagic|(?<![a-z])uis(?![a-z])|novofon", re.IGNORECASE)
ITS_OWN = re.compile(
    r"dialer/(providers|sandbox)/(callgear|webex)/|dialer/clients/(callgear|webex)\.py|scripts/vendor_pages/(callgear|webex)\.py"
)
DATA = "campaigns/examples/"  # files for people to copy, which name their accounts
LISTS = {
    "dialer/providers/registry.py": re.compile(r"from dialer\.providers\.\w+\.spec import [A-Z]+|    \"\w+\": [A-Z]+,"),
    "dialer/sandbox/vendors.py": re.compile(r"from dialer\.sandbox\.\w+\.vendor import [A-Z]+|    \"\w+\": [A-Z]+,"),
}
FILES = [
    path
    for folder in ("dialer", "campaigns", "workers", "console", "scripts")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and "__pycache__" not in path.parts
]


def named(path: Path) -> list[str]:
    """The places of a file that name a vendor although they are not that vendor's."""
    place = path.relative_to(ROOT).as_posix()
    if ITS_OWN.match(place) or place.startswith(DATA):
        return []
    entry = LISTS.get(place)
    lines = enumerate(path.read_text("utf-8").splitlines(), start=1)
    found = [(number, line) for number, line in lines if NAMES.search(line)]
    return [f"{place}:{number}: {line.strip()}" for number, line in found if not (entry and entry.fullmatch(line))]


@pytest.mark.slow
def test_no_vendors_name_stands_outside_its_folders_and_the_two_lists():
    assert len(FILES) > 300
    assert [place for path in FILES for place in named(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        'if account.provider == "callgear":',
        "    # as Webex Connect has it",
        "UIS = 1",
        "def at_novofon(): ...",
        "CoMagic",
    ],
)
def test_a_name_is_seen_in_strings_comments_and_identifiers(line):
    assert NAMES.search(line)


@pytest.mark.parametrize("line", ["squishy", "Louisiana", "class Build:", "genuis"])
def test_a_word_that_only_looks_like_one_is_not_taken_for_it(line):
    assert not NAMES.search(line)
