"""Reading a list and Python's search for garbage: what was there before is left out of it, and goes on to be."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.audience.audience import ContactRow, open_list, read_audience
from campaigns.audience.rejects import Reject
from tests.support.seeding import definition


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[ContactRow | Reject]:
    (tmp_path / "contacts.csv").write_text("phone\n+14155550101\n+14155550102\n")
    written = definition()
    return read_audience(written, open_list(written, tmp_path)).rows()


@pytest.fixture
def searches_all() -> Iterator[None]:
    """A process that has left nothing out: tests run in one that has left out all that they import."""
    gc.unfreeze()
    yield
    gc.freeze()


def test_while_a_list_is_read_what_was_there_before_is_left_out(rows, searches_all):
    next(rows)
    assert gc.get_freeze_count() > 0
    assert len(list(rows)) == 1
    assert gc.get_freeze_count() == 0


def test_a_process_that_has_left_out_what_it_imported_goes_on_to_do_so(rows):
    gc.freeze()
    before = gc.get_freeze_count()
    assert len(list(rows)) == 2
    assert gc.get_freeze_count() > before / 2  # some of it is gone by itself
