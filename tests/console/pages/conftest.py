"""Pages read and write by functions that are tested on both stores; the matrix of roles opens each page on both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.draws import in_chaos_only

ON_BOTH_STORES = {"test_roles", "test_people", "test_home", "test_contacts"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The other pages meet PostgreSQL in `make chaos`."""
    for item in items:
        own = item.path.parent == Path(__file__).parent and item.path.stem not in ON_BOTH_STORES
        if own and "[postgresql" in item.name:
            in_chaos_only(item)
