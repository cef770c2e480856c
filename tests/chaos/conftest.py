"""Which storms are left to `make chaos`: those whose stores are no usual ones, and a bug that is seldom seen in one."""

from __future__ import annotations

import pytest

from tests.support.draws import in_chaos_only

IN_CHAOS_ONLY = ("pooler", "sentinel", "retry_on_time_out")
REMINDERS = "the_same_one_twice"  # a worker killed in every other campaign shows the same in less time
OF_THE_STORE = ("without_its_store", "full_disk")  # the other orders are obeyed alike on both: one shows it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of them takes a minute."""
    for item in items:
        if item.path.stem in {"test_storm", "test_planted"} and any(word in item.name for word in IN_CHAOS_ONLY):
            in_chaos_only(item)
        if item.path.stem == "test_killed_worker" and REMINDERS in item.name:
            in_chaos_only(item)
        obeyed_alike = item.path.stem == "test_orders" and not any(word in item.name for word in OF_THE_STORE)
        if obeyed_alike and "[postgresql" in item.name:
            in_chaos_only(item)
