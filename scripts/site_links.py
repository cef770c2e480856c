"""Links of a built site: each leads to a file and an anchor that are there, and nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("source", "src"), ("iframe", "src")}
NOT_LOADED = {"canonical", "next", "prev", "alternate"}  # relations of a link that fetches nothing


@dataclass(slots=True)
class Page:
    """What a page names: its anchors, what it links to, what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.page.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        if given.get("rel") not in NOT_LOADED:
            self.page.loaded += [given[name] for element, name in LOADED if element == tag and name in given]


def faults(site: Path) -> list[str]:
    """A sentence for each link that leads nowhere and each thing that another server would have to give."""
    pages = {file.resolve(): _read(file) for file in sorted(site.rglob("*.html"))}
    root = site.resolve()
    return [
        f"{file.relative_to(root)}: {fault}" for file, page in pages.items() for fault in _of(file, page, pages, root)
    ]


def _read(file: Path) -> Page:
    reader = _Reader()
    reader.feed(file.read_text("utf-8"))
    return reader.page


def _of(file: Path, page: Page, pages: dict[Path, Page], root: Path) -> Iterator[str]:
    for address in page.loaded:
        if urlsplit(address).netloc:
            yield f"{address} is loaded from elsewhere"
    for address in (*page.links, *page.loaded):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        folder = root if parts.path.startswith("/") else file.parent
        target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else file
        target = target / "index.html" if target.is_dir() else target
        if not target.exists():
            yield f"{address} leads to no file"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"{address} leads to no heading"
