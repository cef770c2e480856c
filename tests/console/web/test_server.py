"""The server of the console: it ends when it is told to, and does little until then."""

import asyncio
import signal
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import time_machine
import uvicorn
from starlette.applications import Starlette

from console.web import __main__ as program
from console.web.__main__ import Server
from tests.support.patience import PATIENCE


class Streams:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def server(streams: Streams) -> Server:
    app = Starlette()
    app.state.state = SimpleNamespace(streams=streams)
    return Server(uvicorn.Config(app, log_config=None))


async def until_date(server: Server, day: str) -> None:
    while not any(day.encode() in value for _name, value in server.server_state.default_headers):
        await asyncio.sleep(0.001)


def test_it_ends_as_soon_as_it_is_told_and_not_when_it_looks_next(server, streams, monkeypatch):
    monkeypatch.setattr(program, "DATE_SECONDS", 3600.0)

    async def serve() -> None:
        serving = asyncio.create_task(server.main_loop())
        await asyncio.wait_for(until_date(server, "GMT"), PATIENCE)
        server.handle_exit(signal.SIGTERM, None)
        await asyncio.wait_for(serving, PATIENCE)

    asyncio.run(serve())
    assert streams.closed


def test_it_does_not_begin_when_it_was_told_to_end_before(server):
    server.handle_exit(signal.SIGTERM, None)
    asyncio.run(asyncio.wait_for(server.main_loop(), PATIENCE))


def test_replies_have_the_date_of_their_day(server, monkeypatch):
    monkeypatch.setattr(program, "DATE_SECONDS", 0.001)

    async def serve() -> None:
        serving = asyncio.create_task(server.main_loop())
        with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC)):
            await asyncio.wait_for(until_date(server, "01 Dec 2026"), PATIENCE)
        with time_machine.travel(datetime(2026, 12, 2, tzinfo=UTC)):
            await asyncio.wait_for(until_date(server, "02 Dec 2026"), PATIENCE)
        server.handle_exit(signal.SIGTERM, None)
        await asyncio.wait_for(serving, PATIENCE)

    asyncio.run(serve())
