"""Servers of the roughest kind: what they do with a connection is a function, and they remember what they have read."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request, read whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Wire:
    """What a server has seen: requests read whole, connections accepted."""

    url: str
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0


@asynccontextmanager
async def serving(behave: Behaviour, certificate: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """A server on loopback that reads requests and does with each what `behave` says; `certificate` makes it TLS."""
    wire = Wire(url="")
    writers: list[asyncio.StreamWriter] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        writers.append(writer)
        try:
            while not writer.is_closing():
                request = await _read(reader)
                wire.heard.append(request)
                await behave(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=certificate)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0)


async def reply(writer: asyncio.StreamWriter, body: Any, *, status: int = 200, headers: str = "") -> None:
    """Answer with JSON (or bytes as they are) and leave the connection open."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    writer.write(head.encode() + content)
    await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Cut the connection with a RST instead of a polite end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def refused_url() -> str:
    """An address on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method=method, path=path, headers=headers, body=body)
