"""Every file of a package that is no Python is in the wheel: templates, catalogues, examples, scripts of Redis."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]


@pytest.mark.parametrize("package", DATA)
def test_every_file_of_a_package_is_in_the_wheel(package: str) -> None:
    folder = ROOT / package
    taken = {file for pattern in DATA[package] for file in folder.glob(pattern)}
    files = {file for file in folder.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert files - taken == set()
