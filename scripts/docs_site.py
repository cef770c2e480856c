"""`make docs-site`: the pages of docs/index.md as a site in build/site, for any web server or none.

The pages stay as they are, for whoever reads them in the repository; here they are copied, those of the root among
them, and their links changed to where they lie in the copy. The navigation is the index's own. Diagrams are drawn while
it is built, so the site loads nothing from elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from scripts.site_links import faults

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"
STYLE = Path(__file__).with_name("docs_site.css")
CONFIG = Path(__file__).with_name("docs_site.toml")
TOOL = ROOT / ".venv" / "site" / "bin" / "zensical"
OF_THE_ROOT = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^(```|~~~)")
LINK = re.compile(r"(\]\()([^)\s:#]+)(#[^)\s]*)?(\))")


def copy_pages(pages: Path, draw: Callable[[str], str]) -> None:
    """Copy every page and picture into one folder, with links that fit there, and what `draw` makes of diagrams."""
    shutil.copytree(ROOT / "docs" / "images", pages / "images")
    shutil.copy(STYLE, pages / "site.css")
    for source in [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in OF_THE_ROOT)]:
        text = "".join(_with_links(line, source, pages) for line in _prose_lines(source.read_text("utf-8")))
        name = site_name(source)
        (pages / name).write_text(_with_diagrams(text, pages / name, draw), "utf-8")


def site_name(source: Path) -> str:
    """The file of a page in the copy. README is no page's name in one: it would be taken for the index."""
    return source.name.lower().replace("readme", "start")


def _prose_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is prose: links in code are no links."""
    in_code = False
    for line in text.splitlines(keepends=True):
        if FENCE.match(line.lstrip()):
            in_code = not in_code
            yield line, False
        else:
            yield line, not in_code


def _with_links(line: tuple[str, bool], source: Path, pages: Path) -> str:
    text, prose = line
    return LINK.sub(lambda match: _moved(match, source, pages), text) if prose else text


def _moved(match: re.Match[str], source: Path, pages: Path) -> str:
    """A link as it is in the copy, to a page, a picture, or another file of the repository, which comes along."""
    opening, target, anchor, closing = match.groups()
    file = (source.parent / target).resolve()
    if file.suffix == ".md":
        target = site_name(file)
    elif file.is_relative_to(ROOT / "docs"):
        target = file.relative_to(ROOT / "docs").as_posix()
    elif file.is_file():
        target = f"files/{file.relative_to(ROOT).as_posix()}"
        (pages / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, pages / target)
    return f"{opening}{target}{anchor or ''}{closing}"


def _with_diagrams(text: str, page: Path, draw: Callable[[str], str]) -> str:
    """The text with a picture for each diagram, which leads to itself: a wide one is small in a column."""
    numbers = count(1)

    def picture(match: re.Match[str]) -> str:
        file = f"images/{page.stem}-diagram-{next(numbers)}.svg"
        (page.parent / file).write_text(draw(match[1]), "utf-8")
        return f"[![A diagram of what the text says]({file}){{ .diagram }}]({file})"

    return DIAGRAM.sub(picture, text)


def drawn(diagram: str) -> str:
    """The SVG of a diagram in Mermaid's language."""
    import mmdr  # beside the builder of the site, in .venv/site

    return str(mmdr.render(diagram).svg())


def navigation() -> list[dict[str, list[dict[str, str]]]]:
    """The parts of docs/index.md, each with the titles and files of its pages."""
    parts: list[dict[str, list[dict[str, str]]]] = []
    index = ROOT / "docs" / "index.md"
    for line in index.read_text("utf-8").splitlines():
        if heading := re.fullmatch(r"## (.+)", line):
            parts.append({heading[1]: []})
        elif entry := re.match(r"\* \[([^]]+)\]\((\S+)\): ", line):
            (pages,) = parts[-1].values()
            pages.append({entry[1]: site_name(index.parent / entry[2])})
    return parts


def build(site: Path) -> None:
    """Build the site anew. Raises SystemExit naming what is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pages").mkdir()
        copy_pages(folder / "pages", drawn)
        nav = json.dumps([{"Overview": "index.md"}, *navigation()], ensure_ascii=False).replace('": ', '" = ')
        (folder / "zensical.toml").write_text(CONFIG.read_text("utf-8").replace("NAV", nav), "utf-8")
        ran = subprocess.run(
            [TOOL, "build", "--clean", "--strict"], cwd=folder, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            sys.exit(f"The site could not be built.\n{ran.stdout}{ran.stderr}")
        if wrong := faults(folder / "site"):
            sys.exit("\n".join(["The site was built, and has faults:", *wrong]))
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(folder / "site", site)


def main() -> None:
    """Build it, in another folder if one is named, and say where it is."""
    site = Path(sys.argv[1]) if sys.argv[1:] else SITE
    build(site)
    place = site.relative_to(ROOT) if site.is_relative_to(ROOT) else site
    sys.stdout.write(f"{place}/index.html: {sum(1 for _ in site.rglob('*.html'))} pages\n")


if __name__ == "__main__":
    main()
