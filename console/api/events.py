"""Events as they happen, for programs that cannot be called: server-sent events of what webhooks are told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated

from anyio import sleep, to_thread
from fastapi import Header, HTTPException, Query, Request, Response

from campaigns.lifecycle import EventKind
from campaigns.operations.api_tokens import Scope
from campaigns.operations.webhooks.streams import EventReader, StreamedEvent
from campaigns.operations.webhooks.subscriptions import kinds_named
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.auth import identify
from console.server.open_streams import EventStream
from console.server.request_checks import HEAD
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError

router = api_router("events")

LOOK_SECONDS = 0.5  # between two looks for new events
HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000  # after which a client that lost its connection asks again
SCHEMA = {"type": "string", "description": "`id`, `event` and `data` of each event; comments while nothing happens."}


@router.get(
    "/events",
    response_class=EventStream,
    **needs(Scope.READ, ok={"content": {"text/event-stream": {"schema": SCHEMA}}}),
)
async def stream_events(
    request: Request,
    state: InjectedState,
    caller: InjectedCaller,
    campaign: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="Its id or name.")] = None,
    type: Annotated[
        str | None, Query(max_length=400, description="Kinds with commas between them: contact.finished,campaign.*")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="Go on after this event: 410 where it is not kept any more.")
    ] = None,
) -> Response:
    """What webhooks are told, as server-sent events: from now on, or after `Last-Event-ID`."""

    def reader() -> EventReader:
        return EventReader(
            state.ledger,
            kinds=tuple(EventKind) if type is None else kinds_named(type.split(",")),
            campaign=campaign,
            last_event_id=last_event_id,
            shown=caller.shown,
            now=state.clock(),
        )

    events = await to_thread.run_sync(reader)
    if request.scope.get(HEAD):
        return Response(media_type=EventStream.media_type)
    state.streams.take()
    return EventStream(_lines(events, request, state), state.streams)


async def _lines(events: EventReader, request: Request, state: AppState) -> AsyncIterator[str]:
    """The lines of a stream, until it has lasted long enough, the console stops, or the caller may not read it."""
    began = said_at = time.monotonic()
    happened: list[StreamedEvent] = []
    yield f"retry: {RETRY_MS}\n\n"
    while time.monotonic() - began < state.streams.longest and not state.streams.closing:
        try:
            happened = happened or await to_thread.run_sync(events.read, state.clock())
            (await identify(request)).require(Scope.READ)
        except HTTPException:  # its token was revoked, or has ended: what was read meanwhile is not told
            return
        except DialerError as exc:  # what was read by then is told once it is known again who asks
            yield f": {exc.message}\n\n"
            await sleep(LOOK_SECONDS)
            continue
        if happened:
            for event in happened:
                yield _message(event)
            happened, said_at = [], time.monotonic()
            continue
        if time.monotonic() - said_at >= HEARTBEAT_SECONDS:
            said_at = time.monotonic()
            yield ": nothing has happened\n\n"
        await sleep(LOOK_SECONDS)


def _message(event: StreamedEvent) -> str:
    return f"id: {event.event_id}\nevent: {event.kind}\ndata: {event.body.decode()}\n\n"
