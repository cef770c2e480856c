"""A remedy that names a command names one that can be typed as it stands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

import campaigns
import console
import dialer
import workers
from console.cli.app import app
from dialer.errors import DialerError
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support.shell import Shell

COMMAND = typer.main.get_command(app)
NAMES = "|".join(sorted(COMMAND.commands, key=len, reverse=True))
PASTED = re.compile(rf"(?<![`\w-])dialer (?:{NAMES})\b.*?(?=[,;`\n)]|\. |\.?$)")  # up to where the sentence goes on
NAMED = re.compile(r"`dialer ([a-z -]+)`")
NAMES_US = re.compile(rf"dialer (?:{NAMES})\b|`dialer ")
FILLED_IN = "1"  # stands for what is known only when the words are said: an id, a file, a number


def said() -> Iterator[tuple[str, str]]:
    """Every text, no docstring, of the files that name `dialer`, with where it stands; what is filled in is filled in.

    The other files are not parsed: that takes a second, of each process that collects tests.
    """
    for package in (campaigns, console, workers, dialer):
        for file in sorted(Path(package.__file__).parent.rglob("*.py")):
            source = file.read_text("utf-8")
            if not NAMES_US.search(source):
                continue
            tree = ast.parse(source)
            passed_over = set()
            for node in ast.walk(tree):
                if isinstance(node, ast.Expr):
                    passed_over.add(id(node.value))  # a docstring
                if id(node) in passed_over:
                    continue
                if isinstance(node, ast.JoinedStr):
                    passed_over |= {id(part) for part in node.values}
                    parts = (part.value if isinstance(part, ast.Constant) else FILLED_IN for part in node.values)
                    yield f"{file.name}:{node.lineno}", "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield f"{file.name}:{node.lineno}", re.sub(r"\{\w+\}", FILLED_IN, node.value)


SAID = list(said())
TYPED = [(where, typed.strip()) for where, text in SAID for typed in PASTED.findall(text)]
MENTIONED = [(where, named) for where, text in SAID for named in NAMED.findall(text)]


def parse(typed: str) -> None:
    """Raises typer's own complaint unless this is a whole command line."""
    words = shlex.split(typed)[1:]
    command, context, name = COMMAND, None, "dialer"
    while isinstance(command, TyperGroup):
        context = command.make_context(name, words, parent=context)
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, words, parent=context)


@pytest.mark.parametrize(("where", "typed"), TYPED, ids=[f"{where} {typed}" for where, typed in TYPED])
def test_a_command_that_is_told_can_be_typed(where, typed):
    assert not re.search(r"\b[A-Z]{3,}\b|…", typed), "a placeholder is nothing that can be pasted"
    parse(typed)


def test_there_are_commands_that_are_told():
    assert len(TYPED) > 20


@pytest.mark.parametrize(("where", "named"), MENTIONED)
def test_a_command_that_is_mentioned_exists(where, named):
    command = COMMAND
    for word in named.split():
        command = command.commands[word]


def test_what_cannot_be_done_names_what_can_and_that_can_be_typed(tmp_path, monkeypatch):
    Shell.prepared(tmp_path)
    monkeypatch.chdir(tmp_path)
    with running(SandboxConfig()) as sandbox:
        monkeypatch.setenv("DIALER_ACCOUNTS__MAIN__BASE_URL", f"{sandbox.url}/v4.0")
        done("start first.yaml")
        assert remedy("start first.yaml") == ["cancel first-1", "start --again first.yaml"]
    done("pause first")
    (resume,) = remedy("pause first")
    assert resume == "resume first-1"
    done(resume)
    done("cancel first")
    assert remedy("pause first") == ["redial first-1 --outcome cancelled"]


def done(typed: str) -> None:
    assert CliRunner().invoke(app, typed.split(), catch_exceptions=False).exit_code == 0


def remedy(typed: str) -> list[str]:
    """The commands that are told when this one cannot be carried out."""
    with pytest.raises(DialerError) as refused:
        CliRunner().invoke(app, typed.split(), catch_exceptions=False)
    told = PASTED.findall(refused.value.remedy)
    for line in told:
        parse(line)
    return [line.removeprefix("dialer ") for line in told]
