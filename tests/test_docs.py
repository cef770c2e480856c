"""The documents say what the code does: their examples run, their tables are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import campaigns
from campaigns.definition import Definition
from console.cli.app import app
from dialer.sandbox.numbers import rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_campaign_of_the_readme_is_the_example_that_ships():
    (written,) = blocks("yaml")
    shipped = Path(campaigns.__file__).parent / "examples" / "first.yaml"
    assert yaml.safe_load(written) == yaml.safe_load(shipped.read_text())
    assert Definition.model_validate(yaml.safe_load(written)).campaign == "first"


def test_the_readme_lists_the_sandboxs_numbers():
    for row in rows():
        assert f"| {row.number} | {row.happens} | {row.callgear} | {row.webex} |" in README


def test_every_command_that_the_documents_name_exists():
    known = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    named = {word for document in DOCUMENTS for word in re.findall(r"`dialer ([a-z-]+)", document.read_text())}
    assert named
    assert named <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_file_that_a_document_points_at_exists(document):
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_two_commands_of_the_readme_are_made_by_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in ("demo", "test", "check", "help"))


def test_the_constraints_name_versions_only():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line) for line in lines)
