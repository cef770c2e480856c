"""The pages that are made from the code are those that are kept; every test they name is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "dialer" / "providers"


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pages", ROOT / "scripts" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["webex.md", "callgear-notifications.md"])
def test_a_page_made_from_the_code_is_the_one_that_is_kept(made, name):
    kept = (ROOT / "docs" / name).read_text("utf-8")
    assert kept == made.page(name, kept), "run: make docs"
    assert all(f"<!-- made: {part} -->" in kept for part in made.PAGES[name])


def test_every_test_that_the_page_names_is_there():
    named = set(re.findall(r"(test_\w+\.py)::(test_\w+)", (ROOT / "docs" / "webex.md").read_text("utf-8")))
    assert len(named) > 8
    missing = [name for file, name in named if f"def {name}(" not in (TESTS / file).read_text()]
    assert missing == []
