"""The sandbox on the wire: all vendors and the control endpoints on one port."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web
from multidict import CIMultiDict

from dialer.sandbox.control import Control
from dialer.sandbox.replies import Manner, Reply
from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.vendor import Incoming
from dialer.sandbox.vendors import VENDORS
from dialer.sandbox.world import World

BACKLOG = 1024
SHUTDOWN_SECONDS = 0.5
"""How long replies under way may take once the sandbox is stopped; a late reply takes longer and is cut."""


class VendorServer:
    """Hands requests to the vendors they are for, and their replies back to the wire."""

    def __init__(self, world: World[SharedConfig]) -> None:
        self._world = world
        self._services = {name: vendor.open(world) for name, vendor in VENDORS.items()}

    def routes(self) -> list[web.RouteDef]:
        """Where the vendors are."""
        return [
            web.route(route.method, route.path, partial(self._answer, vendor, route.answer))
            for vendor, service in self._services.items()
            for route in service.routes()
        ]

    async def close(self) -> None:
        """Send nothing more."""
        for service in self._services.values():
            await service.close()

    async def _answer(self, vendor: str, answer: Callable[[Incoming], Reply], request: web.Request) -> web.Response:
        incoming = Incoming(
            body=await request.read(),
            headers=request.headers,
            charset=request.charset,
            ip=request.remote or "127.0.0.1",
            path=request.match_info,
        )
        reply = await self._give(vendor, answer(incoming))
        if reply is None:
            return _cut(request)
        if reply.body is None:
            return web.Response(status=reply.status)
        document = _written(reply)
        return web.Response(status=reply.status, body=document, content_type="application/json", charset="utf-8")

    async def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes] | None:
        """Answer a request of this process: status and body as they would go over the wire, None for a cut connection.

        `headers` are in lower case.
        """
        for vendor, service in self._services.items():
            for route in service.routes():
                parts = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", route.path), path)
                if parts and route.method == method:
                    incoming = Incoming(
                        body=body,
                        headers=CIMultiDict(headers),
                        charset=headers.get("content-type", "").partition("charset=")[2] or None,
                        ip="127.0.0.1",
                        path=parts.groupdict(),
                    )
                    reply = await self._give(vendor, route.answer(incoming))
                    return None if reply is None else (reply.status, b"" if reply.body is None else _written(reply))
        return 404, b""

    async def _give(self, vendor: str, reply: Reply) -> Reply | None:
        """Count the reply and return it when it is to go out; None where the connection is cut instead."""
        self._world.requests[vendor, reply.method, reply.result] += 1
        config = self._world.config
        if seconds := config.late_seconds if reply.manner is Manner.LATE else config.latency:
            await asyncio.sleep(seconds)
        return None if reply.manner is Manner.CUT else reply


def _written(reply: Reply) -> bytes:
    return json.dumps(reply.body, ensure_ascii=False).encode("utf-8", "replace")  # half a character comes back as ?


def _cut(request: web.Request) -> web.Response:
    """Close the connection without a byte; the response returned has nowhere to go."""
    if request.transport:
        request.transport.abort()
    return web.Response()


def create_app(config: SharedConfig) -> web.Application:
    """A sandbox with a world of its own, as an aiohttp application."""
    world = World(config)
    vendors = VendorServer(world)
    app = web.Application()
    app.add_routes(vendors.routes())
    app.add_routes(Control(world).routes())
    app.on_cleanup.append(lambda _: vendors.close())
    return app


@asynccontextmanager
async def listening(config: SharedConfig) -> AsyncIterator[str]:
    """Serve a sandbox while the block runs, and yield its URL. Raises OSError where the port is taken."""
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.host, config.port, backlog=BACKLOG).start()
        host, port = runner.addresses[0][:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def serve(config: SharedConfig, ready: Callable[[str], None] = lambda url: None) -> None:
    """Serve a sandbox until SIGTERM or SIGINT; `ready` is told its URL once it listens."""
    asyncio.run(_serve(config, ready))


async def _serve(config: SharedConfig, ready: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(config) as url:
        ready(url)
        await stopped.wait()
