"""`make docs`: write the tables of docs/ that are made from the code, between their marks. A test compares the two."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from scripts import examples_page, glossary_page, guide_page, metrics_page, vendor_pages
from scripts.settings_page import tables

DOCS = Path(__file__).parents[1] / "docs"
VENDORS = [
    import_module(f"{vendor_pages.__name__}.{found.name}") for found in pkgutil.iter_modules(vendor_pages.__path__)
]
PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    **{name: parts for vendor in VENDORS for name, parts in vendor.PAGES.items()},
    "settings.md": {"settings": tables},
    "adding-a-provider.md": guide_page.PARTS,
    "glossary.md": glossary_page.PARTS,
    "metrics.md": metrics_page.PARTS,
    "examples.md": examples_page.PARTS,
}
SLOW: Mapping[str, Mapping[str, Callable[[], str]]] = {"examples.md": examples_page.SLOW_PARTS}  # seconds each


def page(name: str, text: str, parts: Mapping[str, Callable[[], str]] | None = None) -> str:
    """The page with its tables as the code makes them now; of all that it has, or of these parts."""
    for part, make in (PAGES[name] if parts is None else parts).items():
        marks = re.compile(rf"(<!-- made: {part} -->\n).*?(<!-- end of {part} -->)", re.DOTALL)
        text = marks.sub(lambda found, make=make: f"{found[1]}\n{make()}\n\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Write every page."""
    for name in PAGES:
        file = DOCS / name
        file.write_text(page(name, file.read_text("utf-8"), {**PAGES[name], **SLOW.get(name, {})}), "utf-8")


if __name__ == "__main__":
    main()
