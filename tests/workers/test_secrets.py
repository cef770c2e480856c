"""Secrets that are kept in the data folder: made once, and never blank."""

from __future__ import annotations

import pytest

from dialer.errors import DialerError
from workers.secrets import read_or_create


def test_a_secret_is_made_once(tmp_path):
    first = read_or_create(tmp_path / "data" / "hash-key")
    assert len(first) >= 24
    assert read_or_create(tmp_path / "data" / "hash-key") == first


@pytest.mark.parametrize("kept", [b"", b" \n", b"\xff\xfe\x00"], ids=["empty", "blank", "no text"])
def test_a_file_without_a_secret_is_named_and_not_taken_for_one(tmp_path, kept):
    """A full disk or a slip leaves such a file; what is made with a blank key, anybody can make."""
    file = tmp_path / "receipt-key"
    file.write_bytes(kept)
    with pytest.raises(DialerError, match="receipt-key holds no secret"):
        read_or_create(file)
    assert file.read_bytes() == kept
