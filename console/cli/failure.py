"""Errors that no command expects: a sentence for the terminal, and the traceback for a file."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from dialer.errors import DialerError
from dialer.log_setup import described, line

FILE = "errors.log"
NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _is_unwritten(exc: Exception) -> bool:
    """Whether a file or the output, which the error does not name, took no more."""
    return isinstance(exc, OSError) and exc.filename is None and exc.errno in NOT_WRITTEN


def explained(exc: Exception) -> DialerError:
    """The error for people. What the system refuses is named with its file; else the traceback is kept in a file."""
    if _is_unwritten(exc):
        return DialerError(
            f"the output could not be written to its end: {os.strerror(getattr(exc, 'errno', 0))}",
            "make room where it goes, and see what was done all the same: dialer status",
        )
    if isinstance(exc, FileNotFoundError) and exc.filename is None:
        return DialerError("the current folder is not there any more", "change into one that is there: cd …")
    if isinstance(exc, UnicodeEncodeError) and not _is_text(sys.argv):
        return DialerError("an argument holds bytes that are not UTF-8", "type it again, in a terminal that is UTF-8")
    if isinstance(exc, OSError) and exc.filename is not None:
        return DialerError(
            f"{exc.filename}: {exc.strerror}", "see that it is there, that this user may use it, and that there is room"
        )
    kept = _kept(exc)
    remedy = (
        f"report it with the end of {kept}" if kept else "choose a DIALER_DATA_DIR that can be written, for details"
    )
    return DialerError(f"an error of the dialer ({type(exc).__name__}); nothing more was done", remedy)


def _is_text(arguments: Iterable[str]) -> bool:
    """Whether the arguments are UTF-8: other bytes come as halves of pairs."""
    return not any("\udc80" <= character <= "\udcff" for argument in arguments for character in argument)


def _kept(exc: Exception) -> Path | None:
    """The file to which was added where it was raised, but no word of it; None when it cannot be written."""
    text = line("an error of the dialer", level="error", process="dialer", exception=described(exc))
    folder = Path(os.environ.get("DIALER_DATA_DIR", ".dialer")) / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(folder / FILE, flags, 0o600), "a", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
    except OSError:
        return None
    return folder / FILE
