"""Reading a list and Python's search for garbage: what a process has left out of it stays left out."""

from __future__ import annotations

import gc

from campaigns.audience.audience import open_list, read_audience
from tests.support.seeding import definition


def test_a_process_that_has_left_out_what_it_imported_goes_on_to_do_so(tmp_path):
    (tmp_path / "contacts.csv").write_text("phone\n+14155550101\n+14155550102\n")
    written = definition()
    gc.freeze()
    before = gc.get_freeze_count()
    assert len(list(read_audience(written, open_list(written, tmp_path)).rows())) == 2
    assert gc.get_freeze_count() > before / 2  # some of it is gone by itself
