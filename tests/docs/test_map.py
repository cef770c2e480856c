"""CONTRIBUTING's map against the tree: every package and room is on it, and every path it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.test_docs import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PACKAGES = ("console", "workers", "campaigns", "dialer")
ONE_SCREEN = 45
NOT_ROOMS = {
    "__pycache__",
    "migrations",
    "sections",
    "examples",
    "locale",
    "templates",
}  # data, or part of the room around them


def drawn() -> list[tuple[str, str]]:
    """Every entry of the map and what is said of it; entries of a package carry its name."""
    (block,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert len(block.splitlines()) <= ONE_SCREEN
    entries, package = [], ""
    for line in block.splitlines():
        cells = re.findall(r"([\w.]+/|\w+\.py)  +(\S.*?)(?=   |$)", line)
        if cells and not line.startswith(" "):
            package = cells[0][0]
            entries.append(cells[0])
        else:
            entries += [(package + name, meaning) for name, meaning in cells]
    return entries


def rooms(package: str) -> set[str]:
    folders = (path for path in (ROOT / package).iterdir() if path.name not in NOT_ROOMS and any(path.glob("*.py")))
    return {f"{package}/{path.name}/" for path in folders}


def paths() -> list[Path]:
    """Every path that the page names; one without a folder lies where the one before it does."""
    named, folder = [], ROOT
    for row in TEXT.splitlines():
        for path in re.findall(r"`([\w/.-]+\.py)`", row):
            folder = (ROOT / path).parent if "/" in path else folder
            named.append(folder / Path(path).name)
    return named


def test_every_room_is_on_the_map_with_a_sentence():
    entries = dict(drawn())
    expected = {f"{package}/" for package in PACKAGES} | {room for package in PACKAGES for room in rooms(package)}
    assert expected - set(entries) == set()
    assert all(len(meaning.split()) > 2 for meaning in entries.values())


def test_no_room_of_campaigns_has_more_modules_than_a_reader_keeps_in_mind():
    modules = {room: len(list((ROOT / room).glob("*.py"))) - 1 for room in rooms("campaigns")}
    assert {room: count for room, count in modules.items() if not 5 <= count <= 14} == {}


def test_every_entry_of_the_map_is_there():
    assert [name for name, _ in drawn() if not (ROOT / name).exists()] == []


def test_every_path_of_the_walks_is_there():
    assert len(paths()) > 25
    assert [path for path in paths() if "NAME" not in path.parts and not path.exists()] == []


def test_the_map_draws_the_rooms_on_their_floors_as_the_contract_has_them():
    """From the top down, as the import contract of campaigns lists them."""
    contract = re.findall(
        r'containers = \["campaigns"\]\nexhaustive = true\nlayers = \[(.*?)\n\]',
        (ROOT / "pyproject.toml").read_text("utf-8"),
        re.DOTALL,
    )
    floors = {
        room: height
        for height, floor in enumerate(re.findall(r'"(.*?)"', contract[0]))
        for room in re.findall(r"\w+", floor)
    }
    names = [name.removeprefix("campaigns/").rstrip("/").removesuffix(".py") for name, _ in drawn()]
    heights = [floors[name] for name in names if name in floors]
    assert heights == sorted(heights)
    assert {name for name in names if name in floors} == set(floors)
