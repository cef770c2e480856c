"""A file is written whole or not at all, and nobody else's file is written instead."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dialer.whole_file import part_of, parts_of, whole_file


def mode(file) -> int:
    return file.stat().st_mode & 0o777


def test_only_its_owner_reads_it_whatever_stood_there_before(tmp_path):
    file = tmp_path / "list.csv"
    file.touch(mode=0o644)
    with whole_file(file) as stream:
        stream.write("new")
    assert (file.read_text(), mode(file)) == ("new", 0o600)


def test_after_an_error_the_old_file_stands_and_no_part_is_left(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole_file(file) as stream:
        stream.write("new \ud800")
    assert [each.name for each in tmp_path.iterdir()] == ["list.csv"]
    assert file.read_text() == "old"


def test_a_link_in_its_place_is_replaced_and_where_it_leads_stays(tmp_path):
    victim, file = tmp_path / "victim", tmp_path / "list.csv"
    victim.write_text("precious")
    file.symlink_to(victim)
    with whole_file(file) as stream:
        stream.write("new")
    assert (victim.read_text(), file.read_text(), file.is_symlink()) == ("precious", "new", False)


def test_no_two_parts_have_the_same_name(tmp_path):
    file = tmp_path / "list.csv"
    with part_of(file) as first, part_of(file) as second:
        assert first != second
        assert mode(first) == 0o600
        assert set(parts_of(file)) == {first, second}
    assert parts_of(file) == []


def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path):
    file, other = tmp_path / "a[1].csv", tmp_path / ".a1.csv.0.part"
    left, recent = tmp_path / ".a[1].csv.0.part", tmp_path / ".a[1].csv.1.part"
    for each in (left, recent, other):
        each.touch()
    for each in (left, other):
        os.utime(each, (0, time.time() - 7200))
    with part_of(file):
        assert not left.exists()
    assert recent.exists()
    assert other.exists(), "a part of another file"


def test_a_device_is_written_to_directly():
    with whole_file(Path("/dev/null")) as stream:
        stream.write("gone")
    assert Path("/dev/null").is_char_device()
