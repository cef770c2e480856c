"""Reads the rows of a long list in several processes, in the order of the list.

The process that asks reads too, whenever its helpers have enough to do. So a helper that has not started yet, is slow
or was killed costs time, and never a row.
"""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from types import MappingProxyType, TracebackType
from typing import Any

from campaigns.audience.row_reader import ContactRow, RowReader, RowRejected
from campaigns.audience.table import Row
from campaigns.definition.quantity import Quantity
from dialer.phone import PhoneNumber

HELPED_FROM = 50_000  # rows; a shorter list is read before a helper has started
MOST_HELPERS = 3  # one process makes the rows and takes the contacts, and keeps no more of them busy
BATCHES_EACH = 2  # one is read while the other is on its way
READ_AHEAD = 16  # batches at the most that wait for one before them

Outcome = ContactRow | RowRejected
REDUCED = copyreg.dispatch_table | {
    Quantity: lambda quantity: (Quantity, (str(quantity), quantity.number)),
    MappingProxyType: lambda proxy: (dict, (dict(proxy),)),
}


def read_in_order(
    reader: RowReader, batches: Iterable[Sequence[Row]], expected: int
) -> Iterator[tuple[Sequence[Row], Sequence[Outcome]]]:
    """Each batch of rows with what the reader makes of each row. `expected` is about how many rows there are."""
    with ExitStack() as stack:
        helpers = [stack.enter_context(Helper(reader)) for _ in range(helpers_for(expected))]
        waiting: deque[tuple[Sequence[Row], Helper | Sequence[Outcome]]] = deque()
        for rows in batches:
            helper = next((helper for helper in helpers if helper.take(rows)), None)
            waiting.append((rows, helper or read_each(reader, rows)))
            while waiting and (len(waiting) > READ_AHEAD or _is_read(waiting[0][1])):
                rows, read = waiting.popleft()
                yield rows, read.outcomes(rows) if isinstance(read, Helper) else read
        for rows, read in waiting:
            yield rows, read.outcomes(rows) if isinstance(read, Helper) else read


def helpers_for(expected: int) -> int:
    """How many helpers a list of about so many rows has: one for each further processor."""
    return min((os.cpu_count() or 1) - 1, MOST_HELPERS) if expected >= HELPED_FROM else 0


def read_each(reader: RowReader, rows: Iterable[Row]) -> list[Outcome]:
    """What the reader makes of each of these rows."""
    outcomes: list[Outcome] = []
    for row in rows:
        try:
            outcomes.append(reader.read(row))
        except RowRejected as rejection:
            outcomes.append(rejection)
    return outcomes


def _is_read(read: Helper | Sequence[Outcome]) -> bool:
    return not isinstance(read, Helper) or read.has_answered


class Helper:
    """A process that reads rows with a copy of this reader. It ends with the block, or with the process that began it.

    What it was given and has not answered when it dies is read here.
    """

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader
        self._unanswered = 0
        self._connection, theirs = Pipe()
        command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno())]
        with theirs:
            # Its errors are ours again when its rows are read here, and a traceback could show what is in them.
            self._process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        self._lives = self._send(reader)
        self._has_started = False

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._connection.close()
        self._process.kill()  # it keeps nothing that would be lost
        self._process.wait()

    @property
    def has_answered(self) -> bool:
        """Whether `outcomes` would return at once, or has to read the rows here."""
        return not self._lives or self._connection.poll()

    def take(self, rows: Sequence[Row]) -> bool:
        """Begin to read these rows; False if it has enough to do, has not started yet, or is dead."""
        if not self._has_started and self._lives and self._connection.poll():
            self._has_started = self._receive() is not None
        if not self._has_started or not self._lives or self._unanswered == BATCHES_EACH:
            return False
        self._lives = self._send([tuple(row) for row in rows])
        self._unanswered += self._lives
        return self._lives

    def outcomes(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """What it made of the rows that it took first of those that it has not answered."""
        answer = self._receive() if self._lives else None
        self._unanswered -= 1
        return read_each(self._reader, rows) if answer is None else [_outcome(values) for values in answer]

    def _send(self, content: object) -> bool:
        try:
            self._connection.send_bytes(_pickled(content))
        except OSError:
            return False
        return True

    def _receive(self) -> Any:
        try:
            return pickle.loads(self._connection.recv_bytes())  # noqa: S301  # from a process of ours
        except (EOFError, OSError):
            self._lives = False
        return None


def _pickled(content: object) -> memoryview:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = REDUCED
    pickler.dump(content)
    return buffer.getbuffer()


def _values(outcome: Outcome) -> tuple[Any, ...]:
    """An outcome as a plain tuple, which is sent in a third of the time."""
    if isinstance(outcome, RowRejected):
        return outcome.code, outcome.column, outcome.reason, outcome.suggestion
    line, number, *others = outcome
    return line, number.e164, *others


def _outcome(values: tuple[Any, ...]) -> Outcome:
    if len(values) < len(ContactRow._fields):
        return RowRejected(*values)
    line, e164, *others = values
    return ContactRow(line, PhoneNumber.of_valid(e164), *others)


def _help(connection: Connection) -> None:
    """Read the rows that come until nobody asks any more."""
    reader: RowReader = pickle.loads(connection.recv_bytes())  # noqa: S301  # from the process that started this one
    batches: SimpleQueue[bytes | None] = SimpleQueue()
    Thread(target=_take_all, args=(connection, batches), daemon=True).start()
    connection.send_bytes(_pickled("started"))
    while batch := batches.get():
        rows = [Row(*values) for values in pickle.loads(batch)]  # noqa: S301
        connection.send_bytes(_pickled([_values(outcome) for outcome in read_each(reader, rows)]))


def _take_all(connection: Connection, batches: SimpleQueue[bytes | None]) -> None:
    """Take what comes even while an answer is being sent, or both sides could wait for each other."""
    try:
        while True:
            batches.put(connection.recv_bytes())
    except (EOFError, OSError):
        batches.put(None)


if __name__ == "__main__":
    _help(Connection(int(sys.argv[1])))
