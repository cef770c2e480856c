"""The bar as a person at a terminal of 80 columns sees it: a real pseudo-terminal, and the real command in it."""

from __future__ import annotations

import re

from tests.support.shell import CAMPAIGN, ESCAPE, Shell

ROWS = 25_000


def test_a_long_list_shows_a_bar_that_counts_rows_fits_in_80_columns_and_goes(tmp_path):
    shell = Shell.prepared(tmp_path)
    shell.write("first.yaml", CAMPAIGN.replace("  file: first.csv", "  file: first.csv\n  duplicates: first"))
    shell.write("first.csv", "phone,name\n" + "+14155550101,Ann\n" * ROWS)
    _code, written = shell.shown_on_terminal("check", "first.yaml", TERM="xterm-256color")
    said = ESCAPE.sub("", written)
    frames = [line for line in re.split(r"[\r\n]+", said) if line.startswith("reading")]
    assert frames, said
    assert max(map(len, frames)) <= 80
    assert all(re.search(r" of about 25,000 rows +\S+ left", frame) for frame in frames)
    assert re.search(r"2[0-5],000 of about", frames[-1]), "rows that are left out count too"
    assert said.rstrip().splitlines()[-1].startswith("All of them:") or "rejects.csv" in said
    assert not any(line.startswith("reading") for line in said.rstrip().splitlines()[-5:]), "it goes when it is done"
