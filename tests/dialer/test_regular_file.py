"""What people name as a file is read only if it is one, and nothing waits for a writer that never comes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dialer.regular_file import NotRegular, TooLong, check_regular, read_regular


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    return folder / "socket"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (_pipe, "a named pipe"),
        (_socket, "a socket"),
        (lambda _: Path("/dev/zero"), "a device"),
        (lambda _: Path("/dev/full"), "a device"),
        (lambda folder: folder, "a folder"),
        (lambda _: Path("/proc/self/environ"), "a view into the system"),
        (lambda _: Path("/proc/kmsg"), "a view into the system"),
    ],
)
def test_what_is_no_file_is_named(tmp_path, place, reason):
    path = place(tmp_path)
    with pytest.raises(NotRegular) as refused:
        check_regular(path)
    assert reason in refused.value.strerror
    if path.name != "socket" and path.name != "kmsg":
        with pytest.raises(NotRegular):
            read_regular(path, 100)


def test_a_file_is_read_to_its_bound(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert read_regular(tmp_path / "file", 100) == b"x" * 100
    with pytest.raises(TooLong, match="more than 99 bytes"):
        read_regular(tmp_path / "file", 99)
