"""Fills a draft with contacts, in transactions of bounded size, while the next ones are checked or read."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition import Definition
from campaigns.launch.checking.staging import as_contact
from campaigns.ledger import bulk
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.lists.drafts import WrittenContact
from campaigns.ledger.store import Ledger

ADDED_AT_ONCE = 2500  # to SQLite, in 50 ms or so, during which nobody else writes to it; on a busy machine fewer
FIRST_AT_ONCE, FEWEST_AT_ONCE = 500, 100  # how busy the machine is, the first part shows
HELD_SECONDS, RESTS = 0.06, 0.2  # a longer rest, and a start of a million contacts would take longer
COPIED_AT_ONCE = 10_000  # to PostgreSQL, where nobody waits; each part costs the same round trips
SWITCH_INTERVAL = 0.0002  # seconds, while lists are written; Python's own are 0.005


class _SwitchInterval:
    """How long the threads of this process keep the interpreter while another one wants it.

    The thread that writes gives it away whenever the store works, dozens of times for each part. Without a short
    interval it gets it back after 5 ms each time, for the caller checks rows without a pause: then the two hardly work
    at once.
    """

    def __init__(self) -> None:
        self._lock, self._wanted, self._usual = threading.Lock(), 0, 0.0

    @contextmanager
    def short(self) -> Iterator[None]:
        """The interval is SWITCH_INTERVAL for as long as any block of this lasts."""
        with self._lock:
            self._wanted += 1
            if self._wanted == 1:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(SWITCH_INTERVAL)
        try:
            yield
        finally:
            with self._lock:
                self._wanted -= 1
                if not self._wanted:
                    sys.setswitchinterval(self._usual)


_switch_interval = _SwitchInterval()


class DraftWriter:
    """A draft that is filled while its list is read; where its `with` block raises, nothing is left of it.

    It is created with the first contacts that are written, so a short list is read to its end before. `create` does so
    and returns its id. One thread writes while the caller goes on, a part behind at the most.
    `now` is when the draft was created. Every method raises what a transaction did: DraftGone, LedgerUnavailable.
    """

    def __init__(
        self,
        ledger: Ledger,
        definition: Definition,
        now: datetime,
        create: Callable[[], str],
        batches: Batches | None = None,
    ) -> None:
        self._ledger, self._definition, self._now, self._create = ledger, definition, now, create
        self._batches = batches or _batches(ledger)
        self._began = time.monotonic()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="draft-writer")
        self._written: Future[None] | None = None
        self._values = drafts.values_of(ledger, definition, now)
        self._unwritten: list[drafts.ContactValues] = []
        self._campaign_id: str | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._connection = self._open.enter_context(self._ledger.drafting())
        self._open.enter_context(_switch_interval.short())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _exc: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        with self._open:
            self._thread.shutdown()
        if kind is not None and self._campaign_id is not None:
            drafts.discard(self._ledger, self._campaign_id, self._now)

    def begin(self) -> str:
        """Create the draft, if that has not been done; returns its id."""
        if self._campaign_id is None:
            self._campaign_id = self._create()
        return self._campaign_id

    def add(self, row: ContactRow) -> None:
        """Add a checked row; rows are written when there are enough of them, or at `finish`."""
        self.write(as_contact(row))

    def write(self, contact: WrittenContact) -> None:
        """Add a contact as the ledger takes it.

        What is kept of it is made at once: a tuple of texts and numbers, unlike a row that waits for its part, is
        nothing that Python's garbage collector looks through again and again.
        """
        self._unwritten.append(self._values(contact))
        if len(self._unwritten) >= self._batches.size:
            self._write_rows()

    def finish(self) -> str:
        """Write what has not been written, and wait until all is; returns the draft's id."""
        self._write_rows()
        self._wait()
        return self.begin()

    def _write_rows(self) -> None:
        """Write the rows in one transaction; returns while it goes on, once the one before is over."""
        rows, self._unwritten = self._unwritten, []
        if rows:
            campaign_id = self.begin()
            self._wait()
            written_at = self._now + timedelta(seconds=time.monotonic() - self._began)
            self._written = self._thread.submit(self._add_rows, campaign_id, rows, written_at)

    def _wait(self) -> None:
        written, self._written = self._written, None
        if written is not None:
            written.result()

    def _add_rows(self, campaign_id: str, rows: Sequence[drafts.ContactValues], written_at: datetime) -> None:
        facts = (campaign_id, rows, self._now, written_at)
        self._batches.write(self._connection, drafts.add_rows, *facts, rows=len(rows))


def _batches(ledger: Ledger) -> Batches:
    """On SQLite parts that hold no other writer for long, with a rest after each; on PostgreSQL others write beside."""
    if not ledger.has_one_writer:
        return Batches(size=COPIED_AT_ONCE, smallest=COPIED_AT_ONCE, largest=COPIED_AT_ONCE, rests=0)
    return Batches(
        size=min(FIRST_AT_ONCE, ADDED_AT_ONCE),
        smallest=min(FEWEST_AT_ONCE, ADDED_AT_ONCE),
        largest=ADDED_AT_ONCE,
        aim=HELD_SECONDS,
        rests=RESTS,
        even=bulk.even_size,
    )
