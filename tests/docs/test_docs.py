"""The documents say what the code does: their examples run, their tables are the code's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from campaigns.definition import Definition
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import metadata
from campaigns.lifecycle import EventKind
from campaigns.reporting.report import report
from console.cli.app import COMMANDS
from console.cli.views.report import report_facts
from dialer.sandbox.reserved_table import rows
from tests.support.examples import EXAMPLES
from tests.support.seeding import numbers, seed

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_campaign_of_the_readme_is_the_example_that_ships():
    (written,) = blocks("yaml")
    shipped = EXAMPLES / "first.yaml"
    assert yaml.safe_load(written) == yaml.safe_load(shipped.read_text())
    assert Definition.model_validate(yaml.safe_load(written)).campaign == "first"


def test_the_list_of_the_readme_is_the_example_that_ships():
    (written,) = blocks("csv")
    assert written == (EXAMPLES / "first.csv").read_text()


@pytest.mark.slow
def test_the_pages_name_every_key_of_their_json(tmp_path):
    """The report's keys: neither more nor fewer than are printed."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    upgrade(ledger)
    now = datetime(2026, 12, 1, 15, tzinfo=UTC)
    campaign = seed(ledger, numbers(1), now=now)
    printed = set(report_facts(report(ledger, campaign, tmp_path)))
    ledger.close()
    (described,) = re.findall(r"## For machines\n(.*)", page("report"), re.DOTALL)
    keys = [re.match(r"\| (`.*?) \|", line) for line in described.splitlines()]
    assert {key for row in keys if row for key in re.findall(r"`(\w+)`", row[1])} == printed


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


def test_the_page_of_the_sandbox_lists_its_numbers():
    for row in rows():
        assert f"| {' | '.join((row.number, row.happens, *row.replies))} |" in page("sandbox")


def test_the_page_says_of_every_column_what_erasing_does_to_it():
    for table in metadata.sorted_tables:
        (row,) = re.findall(rf"^\| `{table.name}` \| (.*) \|$", page("when-and-whether"), re.MULTILINE)
        told = [word for word in re.findall(r"`(\w+)`", row) if word in table.c]
        assert sorted(told) == sorted(table.c.keys())


def test_the_page_of_webhooks_names_every_event():
    named = {word for word in re.findall(r"`(\w+\.\w+)`", page("webhooks")) if word in set(EventKind)}
    assert named == set(EventKind)


def test_every_command_that_the_documents_name_exists():
    named = {word for document in DOCUMENTS for word in re.findall(r"`dialer ([a-z-]+)", document.read_text())}
    assert named
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_file_that_a_document_points_at_exists(document):
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_two_commands_of_the_readme_are_made_by_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in ("demo", "test", "check", "help"))
