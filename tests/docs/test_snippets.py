"""What the documents show to copy can be copied: campaign files load, commands take their arguments."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from campaigns.definition import Definition, load_definition
from campaigns.definition.key_reference import described_keys
from campaigns.definition.yaml_source import read_source
from console.cli.app import app
from tests.docs.test_docs import DOCUMENTS
from tests.support.campaign_files import SMALL

KEYS = {key.split(".")[0] for key, _ in described_keys()}


def blocks(language: str) -> list[Any]:
    """Every block of this language, told by its document and its place there."""
    found = []
    for document in DOCUMENTS:
        for place, text in enumerate(re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL), start=1):
            found.append(pytest.param(text, id=f"{document.name}-{place}"))
    return found


def about_campaigns(text: str) -> bool:
    data = yaml.safe_load(text)
    return isinstance(data, dict) and set(data) <= KEYS


def said(file: Path, text: str) -> dict[str, Any]:
    """What a campaign file of this text says, as it is written."""
    file.write_text(text, encoding="utf-8")
    return read_source(file).data


def completed(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """The part, and around it what a campaign cannot do without."""
    for name, value in part.items():
        both = isinstance(value, dict) and isinstance(whole.get(name), dict)
        whole[name] = completed(value, whole[name]) if both else value
    return whole


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_campaign_file_in_a_document_is_one(text, tmp_path: Path):
    """Whole, or a part that fits into the smallest one there is."""
    if not about_campaigns(text):
        pytest.skip("it is of something else")
    file = tmp_path / "snippet.yaml"
    part = said(file, text)
    whole = part if "campaign" in part else completed(part, said(file, SMALL))
    file.write_text(yaml.safe_dump(whole, allow_unicode=True, default_style='"'), encoding="utf-8")
    assert isinstance(load_definition(file), Definition)


@pytest.mark.parametrize("text", blocks("console"))
def test_a_command_in_a_document_takes_what_it_is_given(text):
    """Parsed as the command line parses it; `tests/console/cli/test_documented.py` runs it."""
    root = typer.main.get_command(app)
    for line in re.findall(r"^\$ dialer (.*)$", text, re.MULTILINE):
        words = shlex.split(line, comments=True)
        command, context = root, root.make_context("dialer", [], resilient_parsing=True)
        while hasattr(command, "get_command") and words:
            name = words.pop(0)
            command = command.get_command(context, name)
            assert command is not None, name
        command.make_context("dialer", words)
