"""Events for a program that reads them: what webhooks are told, from the moment on at which it began to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from campaigns.ledger import event_stream, queries
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import EventKind, Included
from campaigns.operations.webhooks.bodies import body_of
from dialer.errors import DialerError

READ_AT_ONCE = 200


class EventsNotKept(DialerError):
    """The event after which a reader wants to go on is not kept any more, or never was: some may be lost."""


class StreamedEvent(NamedTuple):
    """One event, with the body that a webhook would be sent."""

    event_id: str
    kind: EventKind
    body: bytes


class EventReader:
    """Reads events of these kinds, of one campaign or of all; `shown` says how a number is written.

    After `last_event_id` nothing is left out, and some may come again, under the same ids. Without it, it begins with
    what happens now. Raises EventsNotKept, NoSuchCampaign.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        kinds: Sequence[EventKind] = tuple(EventKind),
        campaign: str | None = None,
        last_event_id: str | None = None,
        shown: Callable[[str], str],
        now: datetime,
    ) -> None:
        self._ledger, self._kinds, self._shown = ledger, kinds, shown
        self._keep(now)
        with ledger.reading() as db:
            self._campaign_id = None if campaign is None else queries.campaign(db, campaign).id
            cursor = event_stream.from_event(db, last_event_id) if last_event_id else event_stream.from_now(db)
        if cursor is None:
            raise EventsNotKept(
                "the event of Last-Event-ID is not kept: others may be lost", "ask without it, and look at what matters"
            )
        self._cursor = cursor

    def read(self, now: datetime) -> list[StreamedEvent]:
        """The next events; none where nothing has happened. Raises LedgerUnavailable: nothing is lost by it."""
        self._keep(now)
        with self._ledger.reading() as db:
            events, self._cursor = event_stream.next_events(
                db, self._cursor, kinds=self._kinds, campaign_id=self._campaign_id, limit=READ_AT_ONCE
            )
        include = {Included.PHONE}
        return [StreamedEvent(one.event_id, one.kind, body_of(one, include, shown=self._shown)) for one in events]

    def _keep(self, now: datetime) -> None:
        with self._ledger.reading() as db:
            if not event_stream.stream_needs_note(db, now):
                return
        self._ledger.write(event_stream.keep_stream, now)
