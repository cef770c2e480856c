"""Every page is in the index, every link of every page leads somewhere, and its pictures are small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.test_docs import DOCUMENTS, ROOT

INDEX = ROOT / "docs" / "index.md"
LINK = re.compile(r"\]\(([^)\s:]+)\)")
IMAGES = sorted(file for file in (ROOT / "docs" / "images").rglob("*") if file.is_file())
LARGEST = 150_000  # bytes of a picture


def prose(document: Path) -> str:
    """A document without its blocks of code, whose lines may look like headings."""
    return re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """What a link may name after its `#`: the headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> list[str]:
    return LINK.findall(prose(document))


def indexed() -> list[Path]:
    return [(INDEX.parent / link).resolve() for link in links(INDEX)]


def test_the_index_has_four_parts():
    assert re.findall(r"^## (.+)$", prose(INDEX), re.MULTILINE) == ["Start", "How to", "Reference", "Why"]


def test_every_page_is_in_the_index_once():
    pages = sorted(document for document in DOCUMENTS if document != INDEX)
    assert sorted(indexed()) == pages


def test_every_page_has_one_line_in_the_index():
    entries = [line for line in prose(INDEX).splitlines() if line.startswith("* ")]
    assert len(entries) == len(indexed())
    assert [line for line in entries if not re.fullmatch(r"\* \[[^]]+\]\(\S+\): .+\.", line)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_to_a_heading_that_is_there(document):
    lost = []
    for link in links(document):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


SHOWN = [document.read_text("utf-8") for document in DOCUMENTS]
PICTURE_OF_A_PAGE = 21_000  # bytes, on average: a checkout has four of each page


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_a_picture_is_small_shown_and_loads_nothing(image):
    assert image.stat().st_size <= LARGEST
    assert any(image.relative_to(ROOT / "docs").as_posix() in text for text in SHOWN)
    if image.suffix == ".svg":
        assert set(re.findall(r"https?://[^\"\s)]+", image.read_text("utf-8"))) <= {"http://www.w3.org/2000/svg"}


def test_the_pictures_of_pages_are_small_together_and_those_that_are_shown_are_there():
    pictures = ROOT / "docs" / "images" / "console"
    sizes = [file.stat().st_size for file in pictures.iterdir()]
    assert sum(sizes) < PICTURE_OF_A_PAGE * len(sizes)
    named = {name for text in SHOWN for name in re.findall(r"images/console/([\w.-]+)", text)}
    assert named == {file.name for file in pictures.iterdir()}
