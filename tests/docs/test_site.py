"""The site of the docs: its navigation is the index, its pages keep their links, and its checker finds what is wrong.

`make docs-site` builds all of it and holds the same checker against what was built; so does a test, where the builder
is installed.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scripts.docs_site import TOOL, copy_pages, navigation, site_name
from scripts.site_links import faults
from tests.docs.test_docs import DOCUMENTS, ROOT
from tests.docs.test_index import INDEX, anchors, indexed, links


def test_the_navigation_is_the_index():
    parts = navigation()
    assert [title for part in parts for title in part] == ["Start", "How to", "Reference", "Why"]
    files = [file for part in parts for pages in part.values() for page in pages for file in page.values()]
    assert files == [site_name(page) for page in indexed()]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    copy_pages(folder, lambda _diagram: "<svg/>")
    return folder


def test_every_page_is_in_the_copy_and_every_link_of_it_leads_to_a_heading_or_a_picture(pages):
    assert {file.name for file in pages.glob("*.md")} == {site_name(page) for page in (*DOCUMENTS, INDEX)}
    lost = []
    for page in pages.glob("*.md"):
        for link in links(page):
            name, _, anchor = link.partition("#")
            target = pages / name if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                lost.append((page.name, link))
    assert lost == []


def test_diagrams_become_pictures_and_code_stays_as_it_is(pages):
    text = (pages / "operating.md").read_text("utf-8")
    assert "```mermaid" not in text
    assert "](images/operating-diagram-1.svg)" in text
    assert (pages / "images" / "operating-diagram-1.svg").read_text() == "<svg/>"
    assert (ROOT / "README.md").read_text("utf-8").split("```yaml")[1].split("```")[0] in (
        pages / "start.md"
    ).read_text("utf-8")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="other.html#there">x</a> <img src="p.png"> <a href="https://example.org">x</a>', None),
        ('<a href="#here">x</a><h2 id="here"></h2>', None),
        ('<a href="/other.html">from the root</a>', None),
        ('<a href="lost.html">x</a>', "lost.html leads to no file"),
        ('<a href="other.html#lost">x</a>', "other.html#lost leads to no heading"),
        ('<a href="#lost">x</a>', "#lost leads to no heading"),
        ('<img src="lost.png">', "lost.png leads to no file"),
        ('<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js is loaded from elsewhere"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "//cdn.example/x.css is loaded from elsewhere"),
        ('<link rel="canonical" href="https://example.org">', None),
    ],
)
def test_a_link_that_leads_nowhere_and_what_others_would_serve_are_faults(tmp_path, body, fault):
    (tmp_path / "index.html").write_text(f"<html>{body}</html>")
    (tmp_path / "other.html").write_text("<h2 id='there'>There</h2>")
    (tmp_path / "p.png").touch()
    assert faults(tmp_path) == ([f"index.html: {fault}"] if fault else [])


def test_the_site_is_built_and_every_link_of_it_leads_somewhere(tmp_path):
    if not TOOL.exists():
        assert not os.environ.get("CI"), "run: make .venv/.installed-site"
        pytest.skip("the builder of the site is not installed: make .venv/.installed-site")
    site = tmp_path / "site"
    command = [TOOL.with_name("python"), "-m", "scripts.docs_site", site]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert {file.stem for file in site.glob("*.html")} >= {Path(site_name(page)).stem for page in indexed()}
