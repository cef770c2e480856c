"""The pages that are made from the code are those that are kept; every test they name is there."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from dialer.providers.registry import specs
from tests.support.draws import TIMES
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
TESTS = {file.name: file.read_text() for file in (ROOT / "tests" / "dialer").rglob("test_*.py")}


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pages", ROOT / "scripts" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    [
        "webex.md",
        "callgear-notifications.md",
        "settings.md",
        "adding-a-provider.md",
        "glossary.md",
        pytest.param("metrics.md", marks=pytest.mark.slow),
        pytest.param("examples.md", marks=pytest.mark.slow),
    ],
)
def test_a_page_made_from_the_code_is_the_one_that_is_kept(made, name):
    kept = (ROOT / "docs" / name).read_text("utf-8")
    assert kept == made.page(name, kept), "run: make docs"
    assert all(f"<!-- made: {part} -->" in kept for part in made.PAGES[name])


@pytest.mark.drawn
@pytest.mark.skipif(TIMES == 1, reason="it runs in make chaos")
def test_the_plan_of_a_large_list_is_the_one_that_is_kept(made):
    kept = (ROOT / "docs" / "examples.md").read_text("utf-8")
    assert kept == made.page("examples.md", kept, made.SLOW["examples.md"]), "run: make docs"


def test_every_test_that_the_page_names_is_there():
    named = set(re.findall(r"(test_\w+\.py)::(test_\w+)", (ROOT / "docs" / "webex.md").read_text("utf-8")))
    assert len(named) > 8
    missing = [name for file, name in named if f"def {name}(" not in TESTS[file]]
    assert missing == []


def test_every_setting_is_on_the_page():
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    models = [*(spec.settings for spec in specs()), *(field.annotation for field in Settings.model_fields.values())]
    keys = {key for model in models for key in getattr(model, "model_fields", ())}
    assert len(keys) > 30
    assert [key for key in keys if f"| `{key}` |" not in page] == []


def test_the_settings_that_the_page_shows_can_be_used():
    (shown,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.DOTALL)
    settings = Settings(**tomllib.loads(shown))
    assert (settings.accounts["main"].pace, settings.test_numbers) == (5, ("+12125550199",))
