"""The code in docs/adding-a-provider.md: excerpts of the provider that the tests plug in."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

ACME = Path(__file__).parents[1] / "tests" / "support" / "third_provider"


def excerpt(file: str, *names: str) -> str:
    """The definitions of these names in a file, as they stand there; with no names, the whole file."""
    text = (ACME / file).read_text("utf-8")
    if names:
        text = "\n".join(_source(text, name) for name in names).replace("\n\ndef ", "\n\n\ndef ")
    return f"```python\n# dialer/{file}\n{text.strip(chr(10))}\n```"


def _source(text: str, name: str) -> str:
    """A definition at whatever depth, with its indentation and the comment above it."""
    (found,) = (node for node in ast.walk(ast.parse(text)) if _name(node) == name)
    lines = text.splitlines(keepends=True)
    first, last = found.lineno - 1, found.end_lineno  # type: ignore[attr-defined]
    while lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return "".join(lines[first:last])


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
    return next((target.id for target in targets if isinstance(target, ast.Name)), None)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": partial(excerpt, "providers/acme/settings.py"),
    "words": partial(excerpt, "providers/acme/words.py", "ERRORS", "UNKNOWN_ERROR", "EVENTS"),
    "placing": partial(excerpt, "providers/acme/provider.py", "placing", "read_placing", "_ruling"),
    "receipts": partial(excerpt, "providers/acme/provider.py", "genuine", "read_receipts"),
    "spec": partial(excerpt, "providers/acme/spec.py"),
    "service": partial(excerpt, "sandbox/acme/service.py", "REFUSED", "routes", "_place", "_placed"),
    "vendor": partial(excerpt, "sandbox/acme/vendor.py"),
}
