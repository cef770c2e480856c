"""docs/callgear.md says what the code does, and nothing of the document is missing in its tables."""

from __future__ import annotations

import json
import re

from tests.contract.callgear.extract import RECORDED
from tests.contract.callgear.tables import PAGE, TABLES, renewed

DOCUMENT = json.loads(RECORDED.read_text("utf-8"))
WRITTEN = PAGE.read_text("utf-8")


def rows(name: str) -> list[list[str]]:
    """The cells of a table of the page, without its head."""
    table = WRITTEN.split(f"<!-- {name}: made from the code -->", 1)[1].split("<!-- end -->", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.strip().splitlines()[2:]]


def test_the_page_is_what_the_code_says():
    assert renewed(WRITTEN) == WRITTEN, "write it anew with: make docs"
    assert all(rows(name) for name in TABLES)


def test_no_method_and_no_mnemonic_of_the_document_is_missing_on_the_page():
    assert sorted(row[0].strip("`") for row in rows("methods")) == DOCUMENT["method_list"]
    words = {row[0].strip("`") for row in rows("mnemonics")}
    listed = {word for word, _ in DOCUMENT["common_errors"]}
    listed |= {word for method in DOCUMENT["methods"].values() for word, _ in method["errors"]}
    assert listed <= words
    assert sorted(int(row[0]) for row in rows("groups")) == DOCUMENT["groups"]


def test_every_row_has_a_client_a_sandbox_a_verdict_and_a_test():
    for row in rows("methods") + rows("mnemonics"):
        assert all(row), row
        assert re.search(r"test_\w+\.py", row[-1]), row
